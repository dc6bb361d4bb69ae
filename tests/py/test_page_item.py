"""The page of one item in a real browser: sphere, comparison by camera and by day, PPK report, video and its track, keys."""

import json
import re
import subprocess

import pytest
import requests
from conftest import ROOT, binary
from foreign_dock import wait_for
from page import DESK, PASSWORD, PHONE
from playwright.sync_api import expect

pytestmark = pytest.mark.skipif(
    not (ROOT / "web/dist/page/index.html").exists(), reason="the page is not built: make page (needs npm), then build the server again"
)
expect.set_options(timeout=20_000)
PHOTOS = 5
VIDEO_S = 6
DAYS = (9, 4, 0)


@pytest.fixture(scope="module")
def server(new_server):
    return new_server(EYRIE_ADMIN_PASSWORD=PASSWORD)


class Api:
    def __init__(self, server):
        token = server.cli("token", "create", "--workspace", "default", "--role", "operator")["token"]
        self.url = f"{server.http_url}/api/v1/workspaces/default"
        self.session = requests.Session()
        self.session.headers["authorization"] = f"Bearer {token}"

    def get(self, path, **params):
        answer = self.session.get(f"{self.url}/{path}", params=params, timeout=30)
        assert answer.ok, answer.text
        return answer.json()

    def media(self, **params):
        return self.get("media", limit=1000, **params)["items"]


@pytest.fixture(scope="module")
def api(server):
    return Api(server)


@pytest.fixture(scope="module")
def flights(server, api, tmp_path_factory):
    """One dock that flew the same route on three days, the last time with all there is; ids, the oldest first."""
    access = server.cli("dock", "add", "--workspace", "default", "--sn", "7CTDM01ITEM", "--callsign", "Dock Nord")
    path = tmp_path_factory.mktemp("item") / "dock.json"
    path.write_text(json.dumps(access))
    ids = []
    for days in DAYS:
        last = days == DAYS[-1]
        more = ["--panorama", "--video-s", str(VIDEO_S)] if last else ["--no-ppk", "--video-s", "0"]
        command = [binary("eyrie-sim"), "dock", path, "--json", "--photos", str(PHOTOS), "--thermal", "--width", "640", "--height", "480"]
        done = subprocess.run([*command, "--days-ago", str(days), *more], capture_output=True, text=True, timeout=240)
        assert done.returncode == 0, done.stderr
        ids.append(json.loads(done.stdout)["docks"][0]["flights"][0]["flight_id"])
    read = {"photo", "thermal", "panorama", "video"}

    def all_read():
        items = api.media()
        return all(item["processing"] == "done" and (item["kind"] not in read or item["width_px"] or item["kind"] == "video") for item in items)

    wait_for(all_read, "every file was read", timeout_s=120)
    return ids


def first_wide(api, flight_id):
    return min(api.media(flight_id=flight_id, camera="wide", kind="photo"), key=lambda item: item["name"])


def test_the_same_place_on_other_days(admin, api, flights):
    wide = first_wide(api, flights[-1])
    found = api.get(f"media/{wide['id']}/same-place")
    others = [first_wide(api, flight) for flight in flights[-2::-1]]
    assert [item["media"]["id"] for item in found["items"]] == [other["id"] for other in others], "the newest first"
    assert all(item["distance_m"] < 0.1 and item["yaw_difference_deg"] == 0 and item["media"]["camera"] == "wide" for item in found["items"])
    assert not found["partial"]

    page = admin.open(f"/w/default/media/{wide['id']}")
    strip = page.get_by_role("group", name="This place on other days")
    dates = strip.get_by_role("button")
    expect(dates).to_have_count(len(DAYS) - 1)
    dates.nth(1).click()
    expect(page).to_have_url(re.compile(f"with={others[1]['id']}"))
    expect(dates.nth(1)).to_have_attribute("aria-pressed", "true")
    compare = page.locator(".compare")
    for image in compare.get_by_role("img").all():
        wait_for(lambda image=image: image.evaluate("image => image.naturalWidth") == 640, "both are shown")

    # the edge by keys and by pointer; the address opens the same again
    edge = page.get_by_role("slider", name="Edge between the two pictures")
    edge.focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(edge).to_have_attribute("aria-valuenow", "40")
    box = compare.bounding_box()
    edge.hover()
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + box["height"] / 2, steps=4)
    page.mouse.up()
    expect(edge).to_have_attribute("aria-valuenow", re.compile("^7[45]$|^76$"))
    assert compare.locator(".over").evaluate("over => getComputedStyle(over).clipPath").startswith("inset(0px 0px 0px 7")
    page.reload()
    expect(page.locator(f'.compare[data-other="{others[1]["id"]}"]')).to_be_visible()
    page.keyboard.press("c")
    expect(compare).to_have_count(0)
    expect(page).to_have_url(re.compile(rf"/media/{wide['id']}$"))


def test_wide_and_thermal_fold_and_are_compared(admin, api, flights):
    items = api.media(flight_id=flights[-1], kind="photo,thermal")
    assert len(items) == 2 * PHOTOS and len({item["capture_uuid"] for item in items}) == PHOTOS
    page = admin.open(f"/w/default/gallery?flight_id={flights[-1]}&kind=photo,thermal")
    tiles = page.locator(".cell .open")
    expect(tiles).to_have_count(PHOTOS)
    expect(page.locator(".stack-badge")).to_have_count(PHOTOS)
    expect(page.locator(".stack-badge").first).to_have_text("2")
    # the widest stands for all
    expect(tiles.first).to_have_attribute("aria-label", re.compile(r"_W\.JPG"))
    tiles.first.click()
    cameras = page.get_by_role("group", name="Pictures of the same moment").get_by_role("button")
    expect(cameras).to_have_text(["Wide", "Thermal"])
    expect(cameras.first).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("s")
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile(r"_T\.JPG$"))
    page.keyboard.press("s")
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile(r"_W\.JPG$"))
    page.keyboard.press("c")
    compare = page.locator(".compare")
    expect(compare).to_contain_text("Wide")
    expect(compare).to_contain_text("Thermal")
    sizes = compare.locator(".sized").evaluate_all("all => all.map(one => one.getBoundingClientRect().width)")
    assert sizes[0] == pytest.approx(sizes[1], abs=1), "one focal length, one size"
    page.get_by_role("button", name="End comparison").click()
    expect(cameras.first).to_be_visible()


def test_a_panorama_is_a_sphere(admin, api, flights):
    (panorama,) = api.media(flight_id=flights[-1], kind="panorama")
    page = admin.open(f"/w/default/media/{panorama['id']}")
    sphere = page.locator(".sphere")
    # the picture of the store, not only the preview of this server
    expect(sphere).to_have_attribute("data-shows", "original", timeout=60_000)
    before = float(sphere.get_attribute("data-yaw"))
    sphere.focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    wait_for(lambda: float(sphere.get_attribute("data-yaw")) == pytest.approx(before + 3 * 3.14159 / 18, abs=0.01), "it looks to the right")
    zoom = float(sphere.get_attribute("data-zoom"))
    page.keyboard.press("+")
    wait_for(lambda: float(sphere.get_attribute("data-zoom")) > zoom, "it comes nearer")
    box = sphere.bounding_box()
    page.mouse.move(box["x"] + 300, box["y"] + 200)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 160, steps=5)
    page.mouse.up()
    wait_for(lambda: abs(float(sphere.get_attribute("data-pitch"))) > 0.01, "it looks down")


def test_the_survey_files_tell_what_they_are(admin, api, flights):
    flight = flights[-1]
    wait_for(lambda: api.get(f"flights/{flight}/ppk")["set"]["photos"]["one_to_one"], "the report is built", timeout_s=60)
    told = api.get(f"flights/{flight}/ppk")
    page = admin.open(f"/w/default/flights/{flight}")
    report = page.get_by_role("region", name="Survey files (PPK)")
    expect(report).to_contain_text("Complete")
    expect(report.locator(".five .there")).to_have_count(5)
    epochs = told["set"]["rover"]["epochs"]
    assert epochs["epochs"] > 0
    expect(report).to_contain_text(f"{epochs['epochs']} epochs every")
    expect(report).to_contain_text("GPS")
    expect(report).to_contain_text("No gaps")
    expect(report).to_contain_text(f"{PHOTOS} of {PHOTOS} have their exposure")
    with page.expect_download() as download:
        report.get_by_role("link", name="All as a zip").click()
    assert download.value.suggested_filename == f"{flight}_PPK.zip"
    # solving: this flight's observations are made, so RTKLIB may refuse them; what it says is shown
    if told["solver_missing"] is None:
        report.get_by_role("button", name="Solve", exact=True).click()
        expect(report.get_by_role("alert").or_(report.locator(".solved")).first).to_be_visible(timeout=60_000)
    else:
        expect(report).to_contain_text("rtklib")

    # the file's own page has it beside the file, too
    (mrk,) = [item for item in api.media(flight_id=flight, kind="ppk") if item["name"].endswith(".MRK")]
    page = admin.open(f"/w/default/media/{mrk['id']}")
    expect(page.get_by_role("complementary").get_by_role("region", name="Survey files (PPK)")).to_contain_text("Complete")
    expect(page.get_by_text("A file for post-processing")).to_be_visible()


def test_a_missing_survey_file_is_named(admin, api, flights):
    flight = flights[0]
    told = api.get(f"flights/{flight}/ppk")
    assert set(told["set"]["missing"]) == {"obs", "rtk", "mrk", "nav", "dat"}
    page = admin.open(f"/w/default/flights/{flight}")
    expect(page.get_by_role("heading", name="All files")).to_be_visible()
    expect(page.get_by_role("region", name="Survey files (PPK)")).to_have_count(0)


def test_video_and_track_are_in_step(admin, api, flights):
    (video,) = api.media(flight_id=flights[-1], kind="video")
    samples = api.get(f"media/{video['id']}/telemetry", format="json")["samples"]
    placed = [sample for sample in samples if sample["position"]]
    assert len(placed) > 10
    step = max(b["t_s"] - a["t_s"] for a, b in zip(samples, samples[1:], strict=False))

    page = admin.open(f"/w/default/media/{video['id']}")
    marker = page.locator("aside .small-map")
    expect(marker).to_have_attribute("data-t", re.compile(r"\d"))

    def shown():
        return {name: float(marker.get_attribute(f"data-{name}") or "nan") for name in ("t", "lat", "lng")}

    def in_step(t_s):
        """The marker is at the sample of this time, or one beside it."""
        here = shown()
        near = [sample for sample in placed if abs(sample["t_s"] - t_s) <= step + 1e-6]
        return abs(here["t"] - t_s) <= step + 1e-6 and any(
            sample["position"]["lat"] == here["lat"] and sample["position"]["lng"] == here["lng"] for sample in near
        )

    # scrubbing: by the chart under the video
    curve = page.get_by_role("slider", name="Height, time in the video")
    box = curve.bounding_box()
    end = samples[-1]["t_s"]
    for part in (0.1, 0.5, 0.93):
        page.mouse.click(box["x"] + box["width"] * part, box["y"] + box["height"] / 2)
        wait_for(lambda part=part: in_step(end * part), f"the marker is where the video is at {end * part:.2f} s")
        readout = page.locator(".readout")
        assert abs(float(readout.get_attribute("data-t")) - end * part) <= step + 1e-6
        expect(readout).to_contain_text("m")
    # by the video itself, where this browser plays it or a copy of it
    element = page.locator("video")
    if element.count():
        element.evaluate("(video, t) => { video.currentTime = t }", end * 0.3)
        now = lambda: element.evaluate("video => video.currentTime")
        wait_for(lambda: abs(now() - end * 0.3) < 0.05 and in_step(now()), "the marker follows the video")

    # a press on the map seeks: in the middle of the map is the middle of the way's box
    expect(page.locator("aside .small-map .maplibregl-canvas")).to_be_visible()
    wait_for(lambda: marker.get_attribute("data-idle") is not None, "the map is drawn", timeout_s=60)
    marker.scroll_into_view_if_needed()
    before = shown()
    area = marker.bounding_box()
    for across in (0.2, 0.8):
        page.mouse.click(area["x"] + area["width"] * across, area["y"] + area["height"] * 0.5)
        wait_for(lambda: shown()["t"] != before["t"], "the press moved the marker")
        here = shown()
        assert any(sample["t_s"] == here["t"] and sample["position"]["lng"] == here["lng"] for sample in placed)
        assert in_step(float(page.locator(".readout").get_attribute("data-t")))
        before = here


def test_near_by_keys_and_the_original_with_it(admin, api, flights):
    wide = first_wide(api, flights[-1])
    page = admin.open(f"/w/default/media/{wide['id']}")
    expect(page.get_by_role("img", name=wide["name"])).to_be_visible()
    page.keyboard.press("z")
    expect(page.locator(".photo .whole")).to_have_text("300 %")
    expect(page.locator(".photo img.sharp")).to_be_visible()
    assert page.locator(".photo img.sharp").evaluate("image => image.naturalWidth") == 640
    page.keyboard.press("z")
    expect(page.locator(".photo .whole")).to_have_count(0)
    page.keyboard.press("i")
    expect(page.get_by_role("complementary", name="About this file")).to_have_count(0)
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keyboard")
    for text in ("Compare with another camera or another day", "Next camera of the same trigger", "Come near"):
        expect(keys).to_contain_text(text)


def addresses(api, flights):
    flight = flights[-1]
    wide = first_wide(api, flight)
    older = first_wide(api, flights[0])
    media = {kind: api.media(flight_id=flight, kind=kind)[0]["id"] for kind in ("panorama", "video", "ppk")}
    return {
        "place": (f"/w/default/media/{wide['id']}", ".same-place .frame"),
        "compare": (f"/w/default/media/{wide['id']}?with={older['id']}", ".compare"),
        "sphere": (f"/w/default/media/{media['panorama']}", ".sphere[data-shows]"),
        "video": (f"/w/default/media/{media['video']}", ".readout"),
        "ppk": (f"/w/default/media/{media['ppk']}", ".ppk .five"),
        "flight": (f"/w/default/flights/{flight}", ".ppk .five"),
    }


@pytest.mark.parametrize("name", ["place", "compare", "sphere", "video", "ppk", "flight"])
def test_axe_finds_nothing(person, api, flights, name):
    path, ready = addresses(api, flights)[name]
    for size, theme, locale in ((DESK, "light", "en-GB"), (PHONE, "dark", "de-DE")):
        somebody = person(size=size, theme=theme, locale=locale).log_in()
        page = somebody.open(path)
        if name == "ppk" and size == PHONE:
            # a phone shows what is known of a file when it is asked to
            page.get_by_role("button", name="Über diese Datei").click()
        expect(page.locator(ready).first).to_be_visible(timeout=60_000)
        assert somebody.faults() == [], f"{name}, {theme}"
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{name} is {wide} px wider than {size['width']}"
