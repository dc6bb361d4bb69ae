"""What a person takes out of the library with the page: a few files, a flight, a list for another program."""

import csv
import io
import json
import re
import subprocess
import zipfile

import pytest
from conftest import ROOT, binary
from page import PASSWORD, PHONE
from playwright.sync_api import expect

pytestmark = pytest.mark.skipif(
    not (ROOT / "web/dist/page/index.html").exists(), reason="the page is not built: make page (needs npm), then build the server again"
)
expect.set_options(timeout=20_000)
PHOTOS = 5


@pytest.fixture(scope="module")
def server(new_server):
    return new_server(EYRIE_ADMIN_PASSWORD=PASSWORD)


@pytest.fixture(scope="module")
def flight_id(server, tmp_path_factory):
    access = server.cli("dock", "add", "--workspace", "default", "--sn", "7CTDM01TAKE")
    path = tmp_path_factory.mktemp("flight") / "docks.json"
    path.write_text(json.dumps([access]))
    command = [binary("eyrie-sim"), "fleet", path, "--json", "--photos", str(PHOTOS), "--video-s", "2", "--width", "320", "--height", "240"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["docks"][0]["flights"][0]["flight_id"]


@pytest.fixture(params=["desk", "phone"])
def person(person, request):
    return person(**({"size": PHONE} if request.param == "phone" else {})).log_in()


def saved(page, button):
    with page.expect_download() as download:
        button.click()
    return download.value.path().read_bytes(), download.value.suggested_filename


def test_a_flight_is_taken_as_one_zip(person, flight_id):
    page = person.open(f"/w/default/flights/{flight_id}")
    body, name = saved(page, page.get_by_role("button", name="Download all"))
    assert name.endswith(f"_{flight_id}.zip")
    with zipfile.ZipFile(io.BytesIO(body)) as unpacked:
        assert unpacked.testzip() is None
        names = [name.rsplit("/", 1)[-1] for name in unpacked.namelist()]
    assert sum(name.endswith(".JPG") for name in names) == PHOTOS and "SHA256SUMS" in names
    assert person.faults() == []


def test_a_selection_is_taken_as_a_zip_and_as_a_list(person, flight_id):
    page = person.open(f"/w/default/gallery?flight_id={flight_id}&kind=photo")
    picks = page.locator(".pick")
    expect(picks).to_have_count(PHOTOS)
    tile = page.locator(".cell").nth(0)
    tile.hover()
    picks.nth(0).click()
    bar = page.get_by_role("toolbar", name="Selection")
    expect(bar).to_contain_text("1 selected")
    picks.nth(3).click(modifiers=["Shift"])
    expect(bar).to_contain_text("4 selected")
    body, _ = saved(page, bar.get_by_role("button", name="Download as zip"))
    with zipfile.ZipFile(io.BytesIO(body)) as unpacked:
        assert unpacked.testzip() is None
        photos = {name.rsplit("/", 1)[-1] for name in unpacked.namelist() if name.endswith(".JPG")}
    assert len(photos) == 4
    if page.viewport_size == PHONE:
        expect(bar.get_by_role("button", name="CSV")).to_be_hidden()
    else:
        table, _ = saved(page, bar.get_by_role("button", name="CSV"))
        assert {row["name"] for row in csv.DictReader(io.StringIO(table.decode()))} == photos
        points, name = saved(page, bar.get_by_role("button", name="GeoJSON"))
        assert name == "media.geojson" and {point["properties"]["name"] for point in json.loads(points)["features"]} == photos
    assert person.faults() == []
    bar.get_by_role("button", name="Select nothing").click()
    expect(bar).to_be_hidden()


@pytest.mark.parametrize("person", ["desk"], indirect=True)
def test_a_day_shows_its_first_pictures_before_its_last_are_read(person, flight_id):
    page, held = person.page, []

    def by_twos(route):
        if "cursor=" in route.request.url and not released:
            held.append(route)
        else:
            route.continue_(url=two(route.request.url))

    two = lambda url: re.sub(r"limit=\d+", "limit=2", url)
    released = False
    page.route("**/media?*limit=*", by_twos)
    person.open(f"/w/default/gallery?flight_id={flight_id}&kind=photo")
    expect(page.locator(".cell:not(.empty)")).to_have_count(2)
    # those to come have their places already, and the day cannot be taken as a whole yet
    expect(page.locator(".cell.empty")).to_have_count(PHOTOS - 2)
    expect(page.locator(".pick-day")).to_have_count(0)
    released = True
    [route] = held
    route.continue_(url=two(route.request.url))
    expect(page.locator(".cell:not(.empty)")).to_have_count(PHOTOS)
    expect(page.locator(".cell.empty")).to_have_count(0)
    expect(page.locator(".pick-day")).to_have_count(1)
    assert person.faults() == []


def test_keys_select_one_a_range_and_all(person, flight_id):
    page = person.open(f"/w/default/gallery?flight_id={flight_id}&kind=photo")
    tiles = page.locator(".cell .open")
    expect(tiles).to_have_count(PHOTOS)
    bar = page.get_by_role("toolbar", name="Selection")
    tiles.nth(0).focus()
    page.keyboard.press("x")
    expect(bar).to_contain_text("1 selected")
    page.keyboard.press("Space")
    expect(bar).to_be_hidden()
    for steps, count in (("ArrowRight", 2), ("ArrowRight", 3), ("ArrowLeft", 2)):
        page.keyboard.press(f"Shift+{steps}")
        expect(bar).to_contain_text(f"{count} selected")
        expect(tiles.nth(count - 1)).to_be_focused()
    page.keyboard.press("Control+a")
    expect(bar).to_contain_text(f"{PHOTOS} selected")
    page.keyboard.press("Escape")
    expect(bar).to_be_hidden()
    page.get_by_role("combobox", name="Search").focus()
    page.keyboard.press("Control+a")
    expect(bar).to_be_hidden()
