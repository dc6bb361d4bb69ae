"""The strip of a long flight: it draws what is near what is in sight, and moves with the map."""

import json
import re
import subprocess

import pytest
from conftest import ROOT, binary
from foreign_dock import wait_for
from page import PASSWORD
from playwright.sync_api import expect

pytestmark = pytest.mark.skipif(
    not (ROOT / "web/dist/page/index.html").exists(), reason="the page is not built: make page (needs npm), then build the server again"
)
expect.set_options(timeout=20_000)
PHOTOS = 200
# of a page 1280 pixels wide
DRAWN = 25


@pytest.fixture(scope="module")
def server(new_server):
    return new_server(EYRIE_ADMIN_PASSWORD=PASSWORD)


@pytest.fixture(scope="module")
def flight_id(server):
    access = server.cli("dock", "add", "--workspace", "default", "--sn", "7CTDM0LANG", "--callsign", "Dock Lang")
    command = [binary("eyrie-sim"), "dock", "-", "--json", "--photos", PHOTOS, "--no-ppk", "--video-s", 0, "--width", 64, "--height", 48, "--concurrency", 8]
    done = subprocess.run(list(map(str, command)), input=json.dumps(access), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["docks"][0]["flights"][0]["flight_id"]


def test_a_long_strip_draws_what_is_near(admin, server, flight_id):
    page = admin.open(f"/w/default/flights/{flight_id}")
    film, frames = page.locator(".film"), page.locator(".film .frame")
    expect(film).to_have_attribute("data-total", str(PHOTOS))
    expect(frames.first).to_be_visible()
    assert frames.count() <= DRAWN
    names = [file["name"] for file in admin.context.request.get(f"{server.http_url}/api/v1/workspaces/default/media?flight_id={flight_id}&limit=1000").json()["items"]][::-1]
    shown = lambda: frames.evaluate_all("all => all.map((one) => one.getAttribute('aria-label').split(',')[0])")
    first_drawn = frames.count()
    assert shown() == names[:first_drawn]
    # by the keys, into what was not drawn before
    frames.last.focus()
    wait_for(lambda: shown()[-1] != names[first_drawn - 1], "more is drawn beyond the one that is read")
    page.keyboard.press("Tab")
    expect(film.locator(":focus")).to_have_attribute("aria-current", "true")
    assert film.locator(":focus").get_attribute("aria-label").split(",")[0] == names[first_drawn], "the next one"
    film.evaluate("film => { film.scrollLeft = film.scrollWidth }")
    wait_for(lambda: shown()[-1:] == names[-1:], "the last one is there")
    assert frames.count() <= DRAWN and names[0] not in shown()
    near_the_end = page.get_by_role("link", name=names[-3])
    near_the_end.hover()
    expect(near_the_end).to_have_attribute("aria-current", "true")


def test_a_press_on_the_map_moves_the_strip(admin, flight_id):
    page = admin.open(f"/w/default/flights/{flight_id}")
    expect(page.locator(".flight-map[data-idle]")).to_be_visible(timeout=60_000)
    film = page.locator(".film")
    expect(film).to_have_attribute("data-total", str(PHOTOS))
    assert film.evaluate("film => film.scrollLeft") == 0
    area = page.locator(".flight-map").bounding_box()
    chosen = page.locator('.film .frame[aria-current="true"]')

    def press():
        """Somewhere over the lines that it flew, from the far end: dots lie close together."""
        for down in range(20, 80, 3):
            for right in range(20, 80, 3):
                page.mouse.click(area["x"] + area["width"] * right / 100, area["y"] + area["height"] * down / 100)
                if film.evaluate("film => film.scrollLeft") > 2_000:
                    return True
        return False

    assert press(), "no dot of a later picture was found"
    expect(chosen).to_be_visible()
    box, strip = chosen.bounding_box(), film.bounding_box()
    assert strip["x"] <= box["x"] and box["x"] + box["width"] <= strip["x"] + strip["width"] + 1, "it is in sight"
    expect(chosen).to_have_attribute("href", re.compile("/media/"))
