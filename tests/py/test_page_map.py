"""The map as people use it: heaps, areas, footprints, who saw a spot, and a background of the operator's own, all without internet."""

import gzip
import io
import json
import re
import subprocess

import mapbox_vector_tile
import pytest
from conftest import ROOT, binary
from foreign_dock import wait_for
from page import DESK, PASSWORD, PHONE, Person
from PIL import Image
from playwright.sync_api import expect
from pmtiles.tile import Compression, TileType, zxy_to_tileid
from pmtiles.writer import Writer

pytestmark = pytest.mark.skipif(
    not (ROOT / "web/dist/page/index.html").exists(), reason="the page is not built: make page (needs npm), then build the server again"
)
expect.set_options(timeout=20_000)
PHOTOS = 6
GREEN = (40, 200, 60)
LAND = (0xF4, 0xF4, 0xF1)


@pytest.fixture(scope="module")
def background(tmp_path_factory):
    """A PMTiles file of pictures: the whole world in one colour, two zooms."""
    path = tmp_path_factory.mktemp("map") / "green.pmtiles"
    picture = io.BytesIO()
    Image.new("RGB", (256, 256), GREEN).save(picture, "PNG")
    with path.open("wb") as file:
        writer = Writer(file)
        for z in (0, 1):
            for x in range(2**z):
                for y in range(2**z):
                    writer.write_tile(zxy_to_tileid(z, x, y), picture.getvalue())
        header = {
            "tile_type": TileType.PNG, "tile_compression": Compression.NONE, "min_zoom": 0, "max_zoom": 1, "min_lon_e7": -1_800_000_000,
            "min_lat_e7": -850_000_000, "max_lon_e7": 1_800_000_000, "max_lat_e7": 850_000_000, "center_zoom": 0, "center_lon_e7": 0, "center_lat_e7": 0,
        }  # fmt: skip
        writer.finalize(header, {"attribution": "<b>Green</b> & co"})
    return path


@pytest.fixture(scope="module")
def server(new_server):
    return new_server(EYRIE_ADMIN_PASSWORD=PASSWORD)


@pytest.fixture(scope="module")
def flown(server, tmp_path_factory):
    """A dock that flew; every file was read."""
    docks = [server.cli("dock", "add", "--workspace", "default", "--sn", "7CTDM0KARTE", "--callsign", "Dock Karte")]
    path = tmp_path_factory.mktemp("fleet") / "docks.json"
    path.write_text(json.dumps(docks))
    command = [binary("eyrie-sim"), "fleet", path, "--json", "--photos", str(PHOTOS), "--video-s", "3", "--width", "320", "--height", "240"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["docks"][0]["flights"][0]


def files_in(admin, server, query=""):
    answer = admin.context.request.get(f"{server.http_url}/api/v1/workspaces/default/media?limit=1000&{query}")
    assert answer.ok, answer.text()
    return answer.json()["items"]


def on_map(page, files=None):
    """Waits until the map shows this many files (or any) in its view."""
    the_map = page.locator(".map-page .map")

    def shown():
        number = the_map.get_attribute("data-files")
        return number is not None and (int(number) > 0 if files is None else int(number) == files)

    wait_for(shown, f"{files or 'some'} files on the map", timeout_s=60)
    return the_map


def at_rest(page):
    """Waits until the map's heaps stay where they are: while it flies there, those of two zooms are drawn."""
    seen = []

    def still():
        seen.append(page.eval_on_selector_all(".maplibregl-marker", "all => all.map(one => one.style.transform + one.ariaLabel)"))
        return len(seen) > 3 and seen[-1] == seen[-2] == seen[-3]

    wait_for(still, "a map at rest", timeout_s=60, every_s=0.4)


def test_everything_is_found_at_once_and_no_other_host_is_asked(admin, server, flown):
    page = admin.open("/w/default/map")
    pictures = [item for item in files_in(admin, server, "kind=photo,video,thermal,panorama") if item["position"]]
    the_map = on_map(page, len(pictures))
    expect(page.get_by_role("status").filter(has_text=f"{len(pictures)} in this view")).to_be_visible()
    # land is drawn from the page's own file; `Person.close` looks at the hosts
    wait_for(lambda: the_map.get_attribute("data-idle") is not None, "everything is drawn", timeout_s=90)
    expect(page.locator(".maplibregl-ctrl-scale")).to_contain_text(re.compile(r"\d+\sk?m"))
    page.mouse.move(640, 400)
    expect(page.locator(".coords")).to_have_text(re.compile(r"^-?\d+\.\d{6}, -?\d+\.\d{6}$"))


def test_an_area_is_drawn_and_goes_with_one_to_the_gallery(admin, server, flown):
    page = admin.open("/w/default/map")
    everything = sum(item["position"] is not None for item in files_in(admin, server, "kind=photo,video,thermal,panorama"))
    the_map = on_map(page, everything)
    wait_for(lambda: the_map.get_attribute("data-idle") is not None, "the map stands still", timeout_s=90)
    page.get_by_role("button", name="Draw an area").click()
    box = page.locator(".map-page .draw").bounding_box()
    page.mouse.move(box["x"] + 2, box["y"] + box["height"] - 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 40, box["y"] + box["height"] - 60, steps=3)
    page.mouse.up()
    # a corner where nothing was taken
    expect(page).to_have_url(re.compile("bbox="))
    expect(page.get_by_text("No file with a position matches here")).to_be_visible()
    page.get_by_role("button", name="Remove filter: Area on the map").click()
    on_map(page, everything)
    page.get_by_role("button", name="This area in the gallery").click()
    expect(page).to_have_url(re.compile(r"/gallery\?bbox="))
    expect(page.locator(".cell .open")).to_have_count(everything)


def test_altitudes_narrow_map_and_gallery(admin, server, flown):
    placed = [item for item in files_in(admin, server, "kind=photo,video") if item["position"]]
    heights = sorted(item["position"]["relative_altitude_m"] for item in placed if item["position"]["relative_altitude_m"] is not None)
    high = heights[-1]
    expected = sum(height >= high for height in heights)
    page = admin.open("/w/default/map")
    on_map(page)
    page.get_by_role("button", name="Filter").click()
    field = page.get_by_label("Least altitude above take-off, metres")
    field.fill(str(high))
    field.press("Enter")
    expect(page).to_have_url(re.compile("min_relative_altitude_m="))
    on_map(page, expected)
    admin.open(page.url.replace(server.http_url, "").replace("/map", "/gallery"))
    expect(page.locator(".cell .open")).to_have_count(expected)
    expect(page.get_by_role("button", name=re.compile("Remove filter: at least .* m above take-off"))).to_be_visible()
    page.get_by_role("button", name=re.compile("Remove filter: at least")).click()
    expect(page.locator(".cell .open")).to_have_count(len(files_in(admin, server, "kind=photo,video,thermal,panorama")))


def test_a_press_on_the_map_answers_who_saw_the_spot(admin, server, flown):
    video = next(item for item in files_in(admin, server, "kind=video"))
    ring = admin.context.request.get(f"{server.http_url}/api/v1/workspaces/default/media/{video['id']}/footprints").json()["features"][1]
    corners = ring["geometry"]["coordinates"][0][:-1]
    lng, lat = (sum(axis) / len(axis) for axis in zip(*corners))
    seen = admin.context.request.get(f"{server.http_url}/api/v1/workspaces/default/seen-at?lat={lat}&lng={lng}&kind=photo,video").json()["items"]
    assert any(item["media"]["id"] == video["id"] for item in seen)
    # a place on bare ground: in the middle of the map there, nearer than any dot
    page = admin.open("/w/default/map")
    on_map(page)
    page.get_by_role("button", name="Who saw the centre?").click()
    panel = page.get_by_role("complementary", name="Who saw this spot")
    expect(panel).to_be_visible()
    expect(page).to_have_url(re.compile("seen="))
    # the panel leaves the map's own buttons free
    expect(page.get_by_role("button", name="Zoom in")).to_be_visible()
    # the address is the question: a link opens what was seen
    admin.open(f"/w/default/map?seen={lat:.6f},{lng:.6f}")
    expect(panel.locator(".sight")).to_have_count(len(seen))
    expect(panel.locator(".sight").first).to_contain_text("off vertical")
    moment = panel.locator(".sight").filter(has_text=video["name"]).locator(".moment").first
    t_s = float(moment.get_attribute("data-t"))
    moment.click()
    expect(page).to_have_url(re.compile(rf"/media/{video['id']}\?.*t={t_s:g}"))
    shown = page.locator(".small-map[data-t]")
    expect(shown).to_be_visible(timeout=60_000)
    # the sample at or before that second
    wait_for(lambda: 0 <= t_s - float(shown.get_attribute("data-t")) < 0.1, "the video stands at that second", timeout_s=60)
    page.go_back()
    expect(panel).to_be_visible()
    panel.get_by_role("button", name="Close").click()
    expect(panel).to_be_hidden()
    # pressed on the map itself, away from the files
    on_map(page)
    box = page.locator(".map-page .map").bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.9)
    expect(panel).to_be_visible()
    expect(panel.get_by_text("No footprint holds this spot").or_(panel.locator(".sight").first)).to_be_visible()


def test_footprints_are_drawn_on_every_map(admin, server, flown):
    photo = next(item for item in files_in(admin, server, "kind=photo"))
    page = admin.open(f"/w/default/media/{photo['id']}")
    expect(page.locator('.small-map[data-ground="1"]')).to_be_visible(timeout=60_000)
    expect(page.get_by_text("Footprints are estimates")).to_be_visible()
    admin.open(f"/w/default/flights/{flown['flight_id']}")
    expect(page.locator(f'.flight-map[data-ground="{PHOTOS + 1}"]')).to_be_visible(timeout=60_000)
    with page.expect_response(lambda answer: "footprints=true" in answer.url and answer.ok):
        admin.open("/w/default/map")
        on_map(page)
        page.get_by_role("button", name="Footprints").click()
    expect(page.get_by_role("button", name="Footprints")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Footprints").click()


def test_a_heap_is_gone_into(admin, server, flown):
    page = admin.open("/w/default/map")
    the_map = on_map(page)
    page.get_by_role("button", name="Zoom out").click()
    page.get_by_role("button", name="Zoom out").click()
    page.get_by_role("button", name="Zoom out").click()
    wait_for(lambda: the_map.get_attribute("data-heaps") == "1", "one heap", timeout_s=30)
    # the heap lies in the middle, where the first look centred it
    box = the_map.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    wait_for(lambda: the_map.get_attribute("data-heaps") not in (None, "1"), "heaps fall apart", timeout_s=30)


def test_it_has_no_faults(person, server, flown):
    for size, theme in ((DESK, "light"), (PHONE, "dark")):
        somebody = person(size=size, theme=theme).log_in()
        page = somebody.open("/w/default/map")
        on_map(page)
        page.get_by_role("button", name="Who saw the centre?").click()
        expect(page.get_by_role("complementary", name="Who saw this spot")).to_be_visible()
        expect(page.locator(".seen .skeleton")).to_have_count(0)
        at_rest(page)
        assert somebody.faults() == []


def test_the_operator_s_map_lies_below(new_server, browser, background):
    server = new_server(EYRIE_ADMIN_PASSWORD=PASSWORD, EYRIE_MAP_PMTILES_FILE=str(background))
    visitor = Person(browser, server).log_in()
    with visitor.page.expect_response(lambda answer: answer.url.endswith("/base.pmtiles") and answer.status == 206):
        page = visitor.open("/w/default/map")
    the_map = page.locator(".map-page .map")
    expect(page.locator(".maplibregl-ctrl-attrib")).to_contain_text("Green & co", timeout=60_000)

    def is_green():
        the_map.wait_for()
        picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
        pixel = picture.getpixel((picture.width // 2, picture.height // 2 + 100))
        return all(abs(a - b) < 12 for a, b in zip(pixel, GREEN))

    wait_for(is_green, "the background's colour", timeout_s=60)
    ask = visitor.context.request.get
    part = ask(f"{server.http_url}/api/v1/map/base.pmtiles", headers={"range": "bytes=0-6"})
    assert (part.status, part.body(), part.headers["content-range"].split("/")[0]) == (206, b"PMTiles", "bytes 0-6")
    assert part.headers["content-range"].endswith(f"/{background.stat().st_size}")
    assert ask(f"{server.http_url}/api/v1/map/base.pmtiles", headers={"range": f"bytes={background.stat().st_size}-"}).status == 416
    visitor.close()


@pytest.fixture(scope="module")
def sea(tmp_path_factory):
    """A PMTiles file of vectors, in the names of OpenMapTiles: a world that is all sea, with one place in each tile."""
    path = tmp_path_factory.mktemp("map") / "sea.pmtiles"
    water = {"name": "water", "features": [{"geometry": "POLYGON ((-64 -64, 4160 -64, 4160 4160, -64 4160, -64 -64))", "properties": {"class": "ocean"}}]}
    place = {"name": "place", "features": [{"geometry": "POINT (2048 3000)", "properties": {"name": "Zürich 東京"}}]}
    tile = gzip.compress(mapbox_vector_tile.encode([water, place]))
    with path.open("wb") as file:
        writer = Writer(file)
        for z in (0, 1):
            for x in range(2**z):
                for y in range(2**z):
                    writer.write_tile(zxy_to_tileid(z, x, y), tile)
        header = {
            "tile_type": TileType.MVT, "tile_compression": Compression.GZIP, "min_zoom": 0, "max_zoom": 1, "min_lon_e7": -1_800_000_000,
            "min_lat_e7": -850_000_000, "max_lon_e7": 1_800_000_000, "max_lat_e7": 850_000_000, "center_zoom": 0, "center_lon_e7": 0, "center_lat_e7": 0,
        }  # fmt: skip
        writer.finalize(header, {"attribution": "Sea", "vector_layers": [{"id": "water", "fields": {}}, {"id": "place", "fields": {}}]})
    return path


def test_a_map_of_vectors_lies_below_with_its_names(new_server, browser, sea):
    """Every land lies in the sea of this file, and nobody is asked for letters: a complaint of the browser fails the visit."""
    plain = new_server(EYRIE_ADMIN_PASSWORD=PASSWORD)
    server = new_server(EYRIE_ADMIN_PASSWORD=PASSWORD, EYRIE_MAP_PMTILES_FILE=str(sea))

    def share_of_land(server, attribution):
        visitor = Person(browser, server).log_in()
        page = visitor.open("/w/default/map")
        expect(page.locator(".maplibregl-ctrl-attrib")).to_contain_text(attribution, timeout=60_000)
        page.locator(".map-page .map").wait_for()
        seen = []

        def at_rest():
            picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
            x, y = picture.width // 2, picture.height // 2
            seen.append(dict((pixel, n) for n, pixel in picture.crop((x - 200, y - 100, x + 200, y + 200)).getcolors(1 << 20)))
            return len(seen) > 3 and seen[-1] == seen[-2] == seen[-3]

        wait_for(at_rest, "a map at rest", timeout_s=60, every_s=0.5)
        visitor.close()
        return seen[-1].get(LAND, 0) / sum(seen[-1].values())

    assert share_of_land(plain, "Natural Earth") > 0.1
    assert share_of_land(server, "Sea") == 0


def test_a_tile_server_is_named_in_the_policy_and_nothing_else(new_server, browser):
    url = "https://tiles.example:8443/{z}/{x}/{y}.png"
    server = new_server(EYRIE_ADMIN_PASSWORD=PASSWORD, EYRIE_MAP_TILES_URL=url, EYRIE_MAP_TILES_ATTRIBUTION="Somebody")
    visitor = Person(browser, server).log_in()
    answer = visitor.context.request.get(f"{server.http_url}/")
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    named = {name for name, value in policy.items() if "tiles.example" in value}
    assert named == {"img-src", "connect-src"} and "https://tiles.example:8443" in policy["connect-src"].split()
    assert visitor.context.request.get(f"{server.http_url}/api/v1/map").json()["tiles"]["url"] == url
    visitor.close()
