"""A large library: what the page and its API take in one of BENCH_ITEMS (default 100000) files, and the catalogue's own questions at
BENCH_ROWS (default 10000,1000000,10000000; the last needs 15 GB of disk). `make bench-library`; needs the release build.

The files are flown, uploaded and reported by simulated docks with small photos, a day of flights a call, and read by the server as any other.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from bisect import bisect_right
from pathlib import Path

import requests
from conftest import ROOT, Server
from page import DESK, PASSWORD, Person
from playwright.sync_api import sync_playwright

RELEASE = ROOT / "target/release"
ITEMS = int(os.environ.get("BENCH_ITEMS", "100000"))
ROWS = [int(rows) for rows in os.environ.get("BENCH_ROWS", "10000,1000000,10000000").split(",") if rows]
DOCKS, PHOTOS = 10, 500
ASKED = 200
SCROLL_S = 10


def fly(server, folder, items):
    docks = folder / "docks.json"
    docks.write_text(json.dumps([server.cli("dock", "add", "--workspace", "default", "--sn", f"BENCH{n}") for n in range(DOCKS)]))
    began = time.monotonic()
    for day in range(-(-items // (DOCKS * PHOTOS))):
        command = [
            RELEASE / "eyrie-sim", "fleet", docks, "--json", "--photos", PHOTOS, "--video-s", 0, "--no-ppk", "--width", 160, "--height", 120,
            "--days-ago", day, "--concurrency", 8,
        ]  # fmt: skip
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=3600)
        if done.returncode != 0:
            raise SystemExit(f"bench: the docks were not answered as they should be: {done.stderr}")
        print(f"\rday {day + 1}, {(day + 1) * DOCKS * PHOTOS} files, {time.monotonic() - began:.0f} s", end="", file=sys.stderr)
    return time.monotonic() - began


def wait_read(get):
    """Until every file was read and has its thumbnail."""
    began = time.monotonic()
    while left := sum(len(get(f"jobs?state={state}&limit=100").json()["items"]) for state in ("queued", "running")):
        print(f"\rjobs left: {left}{'+' if left >= 100 else ''}   ", end="", file=sys.stderr)
        time.sleep(1)
    return time.monotonic() - began


def api_rows(get, count):
    one = get("media?kind=photo&limit=1").json()["items"][0]
    lat, lng = one["position"]["lat"], one["position"]["lng"]
    day = one["captured_at"][:10]
    box = f"{lng - 0.0005},{lat - 0.0005},{lng + 0.0005},{lat + 0.0005}"

    def tile(z):
        from math import asinh, pi, radians, tan

        x = int((lng + 180) / 360 * 2**z)
        return f"tiles/{z}/{x}/{int((1 - asinh(tan(radians(lat))) / pi) / 2 * 2**z)}.mvt"

    pictures = "kind=photo,video,panorama,thermal"
    asked = {
        "media, newest 100": lambda n: f"media?{pictures}&limit=100",
        "media, one dock": lambda n: f"media?{pictures}&gateway_sn=BENCH{n % DOCKS}&limit=100",
        "media, one day": lambda n: f"media?{pictures}&from={day}T00:00:00Z&to={day}T23:59:59Z&limit=100",
        "media, 100 m square": lambda n: f"media?{pictures}&bbox={box}&limit=100",
        "media, text in names": lambda n: f"media?{pictures}&q=_{n:04}_&limit=100",
        "media/counts, everything": lambda n: f"media/counts?{pictures}&step_s=3600",
        "media/counts, one dock": lambda n: f"media/counts?{pictures}&gateway_sn=BENCH{n % DOCKS}&step_s=3600",
        "flights": lambda n: "flights?limit=50",
        "docks": lambda n: "docks",
        "jobs": lambda n: "jobs?limit=100",
        "seen-at": lambda n: f"seen-at?lat={lat}&lng={lng}&limit=50",
        **{f"tile, zoom {z}": lambda n, z=z: tile(z) for z in (0, 6, 12, 16, 18)},
    }
    rows = []
    for name, address in asked.items():
        times = []
        for n in range(ASKED):
            began = time.perf_counter()
            answer = get(address(n))
            times.append((time.perf_counter() - began) * 1000)
            assert answer.status_code == 200, (name, answer.status_code, answer.text[:300])
        times.sort()
        rows.append((f"{name}, {count} files", times[len(times) // 2], times[int((len(times) - 1) * 0.99)]))
    return rows


def frames(events):
    """From the browser's trace: times between drawn frames, ms; frames drawn and dropped; what each frame cost the page's own thread, ms."""
    drawn = sorted(event["ts"] for event in events if event.get("name") == "DrawFrame")
    dropped = sum(event.get("name") == "DroppedFrame" for event in events)
    main = {(event["pid"], event["tid"]) for event in events if event.get("name") == "thread_name" and event["args"]["name"] == "CrRendererMain"}
    own = [event for event in events if (event["pid"], event["tid"]) in main]
    begun = sorted(event["ts"] for event in own if event["name"] == "BeginMainThreadFrame")
    cost = [0.0] * len(begun)
    for event in own:
        frame = bisect_right(begun, event["ts"]) - 1
        if event["name"] == "ThreadControllerImpl::RunTask" and frame >= 0:
            cost[frame] += event.get("dur", 0) / 1000
    return sorted((after - before) / 1000 for before, after in zip(drawn, drawn[1:])), len(drawn), dropped, sorted(cost)


def page_rows(server, count, folder):
    rows = []
    with sync_playwright() as playwright:
        # no GPU here: frames are drawn in software, which a machine with one does not pay
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--disable-gpu", "--no-sandbox"])
        person = Person(browser, server, size=DESK).log_in()
        began = time.perf_counter()
        page = person.open("/w/default/gallery")
        page.locator(".cell img").first.wait_for()
        rows.append((f"gallery, opened to the first picture, {count} files", f"{(time.perf_counter() - began) * 1000:.0f} ms", "<= 1 s"))
        painted = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        rows.append(("gallery, first paint with something on it", f"{painted:.0f} ms", "<= 1 s"))
        total = int(page.locator(".grid-root").get_attribute("data-total"))
        assert total >= count, f"{total} of {count} files in the gallery"
        page.mouse.move(640, 500)
        path = folder / "trace.json"
        browser.start_tracing(page=page, path=path, categories=["toplevel", "disabled-by-default-devtools.timeline.frame", "devtools.timeline", "__metadata"])
        ends = time.monotonic() + SCROLL_S
        while time.monotonic() < ends:
            page.mouse.wheel(0, 120)
        browser.stop_tracing()
        between, drawn, dropped, cost = frames(json.loads(path.read_text())["traceEvents"])
        assert drawn > 20 and cost, "the trace has frames and tasks"
        at = lambda times, part: times[int((len(times) - 1) * part)]
        top = page.evaluate("document.querySelector('.main').scrollTop")
        assert top > 2000, f"it was scrolled, to {top}"
        rows.append(("scrolling, between frames, median / p99", f"{at(between, 0.5):.1f} / {at(between, 0.99):.1f} ms", "<= 16.7 ms"))
        rows.append((f"scrolling {top:.0f} px in {SCROLL_S} s, frames drawn / dropped", f"{drawn} / {dropped}", "60 a second"))
        rows.append(("scrolling, the page's own thread a frame, median / p99", f"{at(cost, 0.5):.1f} / {at(cost, 0.99):.1f} ms", "<= 16.7 ms"))
        for name, address in (("dock", "gateway_sn=BENCH3"), ("text", "q=_0042_"), ("area", None)):
            if address is None:
                one = requests.get(f"{server.http_url}/api/v1/workspaces/default/media?kind=photo&limit=1", cookies={c["name"]: c["value"] for c in person.context.cookies()}, timeout=10)
                at_ = one.json()["items"][0]["position"]
                address = f"bbox={at_['lng'] - 0.001},{at_['lat'] - 0.001},{at_['lng'] + 0.001},{at_['lat'] + 0.001}"
            page.locator(".grid-root").wait_for()
            page.evaluate("address => { window.before = document.querySelector('.grid-root').dataset.total; history.pushState(null, '', address) }", f"?{address}")
            began = time.perf_counter()
            page.wait_for_function("() => { const g = document.querySelector('.grid-root'); return g && g.dataset.total !== window.before && g.querySelector('.cell img') }")
            rows.append((f"filter by {name}, to the first picture", f"{(time.perf_counter() - began) * 1000:.0f} ms", "<= 0.5 s"))
            page.evaluate("history.pushState(null, '', '?')")
            page.wait_for_function("n => document.querySelector('.grid-root')?.dataset.total === n", arg=str(total))
        person.close()
        browser.close()
    return rows


def catalogue_rows():
    for rows in ROWS:
        done = subprocess.run([RELEASE / "examples/library_queries", str(rows)], cwd=ROOT, stdout=subprocess.PIPE, text=True, timeout=7200)
        if done.returncode != 0:
            raise SystemExit(f"bench: library_queries {rows} failed with {done.returncode}")
        print(done.stdout, flush=True)


def main():
    os.environ["EYRIE_BIN"] = str(RELEASE / "eyrie")
    if ITEMS:
        with tempfile.TemporaryDirectory(prefix="eyrie-bench-", dir=os.environ.get("BENCH_DIR")) as folder:
            folder = Path(folder)
            server = Server(folder / "data", env={"EYRIE_LOG_FILTER": "warn", "EYRIE_ADMIN_PASSWORD": PASSWORD}).start()
            try:
                token = server.cli("token", "create", "--workspace", "default", "--role", "viewer")["token"]
                http = requests.Session()
                http.headers["Authorization"] = f"Bearer {token}"
                get = lambda rest: http.get(f"{server.http_url}/api/v1/workspaces/default/{rest}", timeout=60)
                flown_s = fly(server, folder, ITEMS)
                read_s = wait_read(get)
                total = get("media/counts?step_s=3600").json()["total"]
                print(f"\r{total} files flown, uploaded and answered in {flown_s:.0f} s; read {read_s:.0f} s after the last")
                for name, median, p99 in api_rows(get, total):
                    print(f"{name:48} median {median:7.2f} ms  p99 {p99:7.2f} ms")
                for name, measured, aim in page_rows(server, total, folder):
                    print(f"{name:60} {measured:20} {aim}")
            finally:
                server.stop()
    catalogue_rows()


if __name__ == "__main__":
    sys.exit(main())
