"""A video that really plays, and its way on the map: the marker is where the aircraft was in the frame that is shown."""

import shutil
import statistics
import subprocess
import uuid

import pytest
import requests
from conftest import ROOT
from foreign_dock import ForeignDock, wait_for
from page import PASSWORD, Person
from playwright.sync_api import expect

pytestmark = [
    pytest.mark.skipif(
        not (ROOT / "web/dist/page/index.html").exists(), reason="the page is not built: make page (needs npm), then build the server again"
    ),
    pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed: scripts/test-tools.sh does"),
]
expect.set_options(timeout=20_000)
LENGTH_S, RATE = 12, 30
STEP_S = 1 / RATE
STEM = "DJI_20260510101530_0001_V"


def place(t_s):
    """Where the aircraft is: a straight way, a known piece a second."""
    return 47.3769 + t_s * 1e-5, 8.5417 + t_s * 2e-5


def subtitle():
    def clock(ms):
        return f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02},{ms % 1000:03}"

    def record(n):
        begin, end = round(n * 1000 / RATE), round((n + 1) * 1000 / RATE)
        lat, lng = place(n / RATE)
        words = f"[iso: 100] [shutter: 1/1000.0] [fnum: 2.8] [ev: 0] [focal_len: 24.00] [latitude: {lat:.9f}] [longitude: {lng:.9f}] [rel_alt: 50.000 abs_alt: 450.000]"
        at = f"2026-05-10 10:15:{30 + begin // 1000:02}.{begin % 1000:03}"
        return f'{n + 1}\n{clock(begin)} --> {clock(end)}\n<font size="28">FrameCnt: {n + 1}, DiffTime: {end - begin}ms\n{at}\n{words} </font>\n'

    return "\n".join(record(n) for n in range(LENGTH_S * RATE)).encode()


@pytest.fixture(scope="module")
def server(new_server):
    return new_server(EYRIE_ADMIN_PASSWORD=PASSWORD)


@pytest.fixture(scope="module")
def video(server, tmp_path_factory):
    """The id of a stored video whose subtitle was read as its track."""
    film = tmp_path_factory.mktemp("film") / "film.mp4"
    source = ["-f", "lavfi", "-i", f"testsrc=size=640x360:rate={RATE}", "-t", str(LENGTH_S)]
    coding = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", str(RATE), "-movflags", "+faststart"]
    subprocess.run(["ffmpeg", "-v", "error", "-y", *source, *coding, film], check=True, timeout=120)
    access = server.cli("dock", "add", "--workspace", "default", "--sn", "7CTDM0FILM")
    flight_id = str(uuid.uuid4())
    with ForeignDock(access) as dock:
        for ending, body in (("MP4", film.read_bytes()), ("SRT", subtitle())):
            answer, _, _ = dock.upload(f"{STEM}.{ending}", body, flight_id)
            assert answer["result"] == 0, answer
    token = server.cli("token", "create", "--workspace", "default", "--role", "viewer")["token"]
    http = requests.Session()
    http.headers["Authorization"] = f"Bearer {token}"
    base = f"{server.http_url}/api/v1/workspaces/default/media"
    (found,) = http.get(f"{base}?kind=video", timeout=10).json()["items"]

    def samples():
        answer = http.get(f"{base}/{found['id']}/telemetry?format=json", timeout=10)
        return answer.json()["samples"] if answer.status_code == 200 else []

    assert len(wait_for(samples, "the subtitle is the video's track", 60)) == LENGTH_S * RATE
    return found["id"]


@pytest.fixture(scope="module")
def page(browser, server, video):
    person = Person(browser, server).log_in()
    page = person.open(f"/w/default/media/{video}")
    expect(page.locator("aside .small-map.maplibregl-map")).to_have_attribute("data-lng", "8.5417")
    page.wait_for_function("() => document.querySelector('video')?.readyState >= 2")
    yield page
    person.close()


# [the video's time, the marker's longitude, the readout's time], read in one go
NOW = """() => {
    const marker = document.querySelector('aside .small-map.maplibregl-map').dataset;
    return [document.querySelector('video').currentTime, Number(marker.lng), Number(document.querySelector('.readout').dataset.t)];
}"""


def off_s(reading, shift_s=0.0):
    """How far the marker is from where the aircraft was in the frame that is shown, seconds of its way."""
    t_s, lng, _ = reading
    return abs((lng - place(t_s + shift_s)[1]) / 2e-5)


def test_the_marker_is_within_one_sample_of_the_frame(page):
    video = page.locator("video")
    for t_s in (0.5, 7.3, 3.01, 11.9, 0.0):
        video.evaluate("(video, t) => { video.currentTime = t }", t_s)
        wait_for(lambda t_s=t_s: abs(page.evaluate(NOW)[0] - t_s) < 0.001 and off_s(page.evaluate(NOW)) <= STEP_S + 1e-3, f"the marker is at {t_s} s")
        reading = page.evaluate(NOW)
        assert abs(reading[2] - t_s) <= STEP_S + 1e-3, "so is the readout"
        # the same reading beside a track that is off by a fifth of a second is seen to be wrong
        assert off_s(reading, 0.2) > 2 * STEP_S


def test_it_follows_while_the_video_plays(page):
    readings = page.evaluate(
        """() => new Promise((done, failed) => {
            const video = document.querySelector('video'), seen = [], read = READ;
            const look = () => {
                seen.push(read());
                if (seen.length < 60) video.requestVideoFrameCallback(look);
                else { video.pause(); done(seen); }
            };
            video.muted = true;
            video.currentTime = 1;
            video.requestVideoFrameCallback(look);
            video.play().catch(failed);
        })""".replace("READ", NOW)
    )
    times = [reading[0] for reading in readings]
    assert times[-1] - times[0] > 1.0, "it played"
    # a frame is drawn before the page has drawn the marker for it: never further behind than some frames
    assert statistics.median(map(off_s, readings)) <= 4 * STEP_S, [round(off_s(one), 3) for one in readings]
    wait_for(lambda: off_s(page.evaluate(NOW)) <= STEP_S + 1e-3, "paused, it is where the frame is")


def test_the_map_and_the_curves_seek_the_video(page):
    curve = page.get_by_role("slider", name="Height, time in the video").bounding_box()
    page.mouse.click(curve["x"] + curve["width"] * 0.75, curve["y"] + curve["height"] / 2)
    wait_for(lambda: abs(page.evaluate(NOW)[0] - LENGTH_S * 0.75) < 0.15 and off_s(page.evaluate(NOW)) <= STEP_S + 1e-3, "the curve seeks")
    marker = page.locator("aside .small-map.maplibregl-map")
    wait_for(lambda: marker.get_attribute("data-idle") is not None, "the map is drawn", timeout_s=60)
    marker.scroll_into_view_if_needed()
    area = marker.bounding_box()
    # the way goes from one side of the map to the other
    page.mouse.click(area["x"] + area["width"] * 0.5, area["y"] + area["height"] * 0.5)
    wait_for(lambda: abs(page.evaluate(NOW)[0] - LENGTH_S / 2) < 1 and off_s(page.evaluate(NOW)) <= STEP_S + 1e-3, "the map seeks")


@pytest.mark.parametrize("download", [False, True], ids=["view only", "with downloads"])
def test_a_stranger_plays_a_shared_video(person, server, video, download):
    """Somebody without an account: the video plays; its bytes are handed out only where the link says so."""
    owner = person().log_in()
    body = {"title": "Flight over the roof", "media_ids": [video], "download": download}
    made = owner.context.request.post(f"{server.http_url}/api/v1/workspaces/default/shares", data=body, headers={"Origin": server.http_url})
    assert made.ok, made.text()
    slug = made.json()["url"].rsplit("/", 1)[1]
    stranger = person()
    page = stranger.open(f"/share/{slug}")
    expect(page.get_by_role("heading", name="Flight over the roof")).to_be_visible()
    page.locator(".shared-grid li button").click()
    look = page.get_by_role("dialog")
    # one that has to be made first says so, and plays when it is there
    expect(look.locator("video")).to_be_visible(timeout=90_000)
    played = look.locator("video").evaluate(
        """async (video) => {
            video.muted = true;
            await video.play();
            const begun = video.currentTime;
            await new Promise((done) => { const look = () => (video.currentTime > begun + 0.5 ? done() : video.requestVideoFrameCallback(look)); look(); });
            video.pause();
            return [video.currentTime, video.duration, video.videoWidth];
        }"""
    )
    assert played[0] > 0.5 and abs(played[1] - LENGTH_S) < 0.5 and played[2] > 0, played
    # anywhere in it, not only from its beginning
    look.locator("video").evaluate("video => new Promise((done) => { video.onseeked = done; video.currentTime = 9; })")
    assert stranger.faults() == []
    expect(look.get_by_role("link", name="Download")).to_have_count(1 if download else 0)
    content = stranger.context.request.get(f"{server.http_url}/api/v1/shares/{slug}/media/{video}/content")
    archive = stranger.context.request.get(f"{server.http_url}/api/v1/shares/{slug}/archive")
    assert (content.ok, archive.ok) == (download, download), (content.status, archive.status)
    if not download:
        assert (content.status, archive.status) == (404, 404)
    # the browser's words for a video that is not made yet
    stranger.complaints = [one for one in stranger.complaints if "status of 503" not in one]
