"""What a person finds out in the morning without opening anything, and how they get from a memory to a picture: flights that stand still
and why, what is odd, the way of each video, search, time, ranges over days, a server that went away."""

import json
import re
import subprocess
import uuid

import pytest
import requests
from conftest import ROOT, binary
from foreign_dock import ForeignDock, report, wait_for
from page import PASSWORD, PHONE
from playwright.sync_api import expect

pytestmark = pytest.mark.skipif(
    not (ROOT / "web/dist/page/index.html").exists(), reason="the page is not built: make page (needs npm), then build the server again"
)
expect.set_options(timeout=20_000)
PHOTOS = 40
DAYS = (3, 1, 0)


@pytest.fixture(scope="module")
def server(new_server):
    return new_server(EYRIE_ADMIN_PASSWORD=PASSWORD, EYRIE_INGEST_STALLED_AFTER="2 s")


@pytest.fixture
def page(person, night):
    return person().log_in().page


@pytest.fixture(scope="module")
def get(server):
    token = server.cli("token", "create", "--workspace", "default", "--role", "viewer")["token"]
    session = requests.Session()
    session.headers["authorization"] = f"Bearer {token}"
    return lambda path, **query: session.get(f"{server.http_url}/api/v1/workspaces/default/{path}", params=query, timeout=10).json()


@pytest.fixture(scope="module")
def night(server, get, tmp_path_factory):
    """A dock that flew on three days; one whose report of a file was refused; flights, oldest first."""
    access = server.cli("dock", "add", "--workspace", "default", "--sn", "7CTDM01NORD", "--callsign", "Dock Nord")
    path = tmp_path_factory.mktemp("night") / "dock.json"
    path.write_text(json.dumps(access))
    flown = []
    # the days come out of order
    for days in (DAYS[1], DAYS[2], DAYS[0]):
        command = [binary("eyrie-sim"), "dock", path, "--json", "--photos", PHOTOS, "--no-ppk", "--width", 64, "--height", 48, "--days-ago", days]
        command += ["--video-s", 4 if days == 0 else 0, "--concurrency", 8]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=240)
        assert done.returncode == 0, done.stderr
        flown.append(json.loads(done.stdout)["docks"][0]["flights"][0]["flight_id"])
    flights = {DAYS[1]: flown[0], DAYS[2]: flown[1], DAYS[0]: flown[2]}
    crane = server.cli("dock", "add", "--workspace", "default", "--sn", "7CTDM03KRAN", "--callsign", "Dock Kran")
    stalled = str(uuid.uuid4())
    with ForeignDock(crane) as dock:
        storage = dock.storage()
        for n in (1, 2):
            name = f"DJI_2026051010153{n}_000{n}_V.JPG"
            key = f"{storage['object_key_prefix']}/{stalled}/{name}"
            if n == 1:
                dock.put(storage, key, b"\xff\xd8\xff\xd9")
            task = {"uploaded_file_count": n, "expected_file_count": 3, "flight_type": 0}
            result = dock.event("file_upload_callback", report(key, name, stalled, flight_task=task))["result"]
            assert (result == 0) == (n == 1)
    wait_for(lambda: get("flights", state="stalled")["items"], "one stands still")
    wait_for(lambda: not any(get("jobs", state=state)["items"] for state in ("queued", "running")), "everything is read", timeout_s=120)
    return {"flights": flights, "stalled": stalled}


def open_(page, server, path):
    page.goto(f"{server.http_url}/w/default/{path}")
    return page


def test_a_flight_that_stands_still_says_why_at_first_sight(page, server, night):
    open_(page, server, "flights")
    row = page.locator(f'[data-flight="{night["stalled"]}"]')
    row.scroll_into_view_if_needed()
    expect(row).to_contain_text("Stalled")
    # without a press: what was refused, and the reason
    expect(row.locator(".reason")).to_contain_text("Refused last: the dock reported a file")
    expect(row.locator(".reason")).to_contain_text("object")
    # the verdict is of all flights and leads to those that it means
    page.get_by_role("button", name="1 flight needs attention").click()
    expect(page).to_have_url(re.compile("state=stalled"))
    expect(page.locator(".flight")).to_have_count(1)
    row.get_by_role("button", name="What to do").click()
    expect(row.locator(".what-to-do")).to_contain_text("Nothing is lost")
    expect(row.locator(".what-to-do").get_by_role("button", name="Upload first")).to_be_visible()
    page.get_by_role("combobox", name="State").select_option("")
    expect(page.locator(".flight")).to_have_count(len(DAYS) + 1)


def test_flights_lie_by_time_and_a_day_is_picked(page, server, night, get):
    listed = [one["flight_id"] for one in get("flights")["items"] if one["flight_id"] != night["stalled"]]
    assert listed == [night["flights"][days] for days in sorted(DAYS)], "the order of flying, not of arriving"
    open_(page, server, "flights")
    shown = page.locator(".flight")
    expect(shown).to_have_count(len(DAYS) + 1)
    begun = get(f"flights/{night['flights'][3]}")["first_captured_at"]
    # the zone of `Person`
    day = page.evaluate("at => new Date(at).toLocaleDateString('sv-SE')", begun)
    page.get_by_label("Day of the flight").fill(day)
    expect(page).to_have_url(re.compile(f"day={day}"))
    expect(shown).to_have_count(1)
    expect(shown).to_have_attribute("data-flight", night["flights"][3])
    page.get_by_label("Day of the flight").fill("2020-02-02")
    expect(page.get_by_role("heading", name="No flight matches")).to_be_visible()
    page.get_by_role("button", name="Remove all filters").click()
    expect(shown).to_have_count(len(DAYS) + 1)


def test_what_is_odd_is_said_and_leads_to_the_files(page, server, night):
    open_(page, server, "flights")
    row = page.locator(f'[data-flight="{night["stalled"]}"]')
    odd = row.get_by_role("list", name="What is odd")
    # one is cut off, the other never came into the store
    expect(odd).to_contain_text("2 files need a look")
    odd.get_by_role("link").click()
    expect(page).to_have_url(re.compile(rf"/flights/{night['stalled']}\?files=troubled"))
    expect(page.get_by_role("row").filter(has_text="Has warnings")).to_have_count(1)
    expect(page.get_by_role("row").filter(has_text="Missing in the store")).to_have_count(1)
    page.get_by_role("button", name="Only those that need a look (2)").click()
    expect(page).to_have_url(re.compile(rf"/flights/{night['stalled']}$"))


def test_the_way_of_each_video_is_on_the_flight_s_map(page, server, night):
    open_(page, server, f"flights/{night['flights'][0]}")
    expect(page.locator('.flight-map[data-flown="1"]')).to_be_visible(timeout=60_000)
    # a press on a dot or a way chooses its picture in the strip, a look at the strip that on the map
    frames = page.locator(".film .frame")
    expect(page.locator(".film")).to_have_attribute("data-total", str(PHOTOS + 1))
    frames.nth(3).hover()
    expect(frames.nth(3)).to_have_attribute("aria-current", "true")


def test_tracks_are_saved_for_other_programs(page, server, night, get):
    open_(page, server, f"flights/{night['flights'][0]}")
    page.get_by_role("button", name="Save the track").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="GPX").click()
    assert b"<gpx" in download.value.path().read_bytes() and download.value.suggested_filename.endswith(".gpx")
    (video,) = get("media", kind="video")["items"]
    open_(page, server, f"media/{video['id']}")
    page.get_by_role("button", name="Save the track").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    assert download.value.path().read_bytes().startswith(b"t_s,")
    (photo, *_) = get("media", kind="photo", limit=1)["items"]
    open_(page, server, f"media/{photo['id']}")
    expect(page.get_by_role("complementary", name="About this file")).to_contain_text("RTK")
    expect(page.get_by_role("button", name="Save the track")).to_have_count(0)


@pytest.mark.parametrize(
    ("typed", "first", "address"),
    [
        ("2026-05-10", "10 May 2026", r"/gallery\?from=2026-05-10&to=2026-05-10$"),
        ("10.5.2026", "10 May 2026", r"/gallery\?from=2026-05-10&to=2026-05-10$"),
        ("2026-02", "Feb 2026", r"/gallery\?from=2026-02-01&to=2026-02-28$"),
        ("47.3769, 8.5417", "47.376900, 8.541700", r"/map\?seen=47\.3769,8\.5417"),
        ("N 47\u00b022.614' E 8\u00b032.502'", "47.376900, 8.541700", r"/map\?seen=47\.3769,8\.5417"),
        ("47\u00b022'36.8\"S 8\u00b032'30.1\"W", "-47.376889, -8.541694", r"/map\?seen=-47\.376888"),
        ("8.5417E 47.3769N", "47.376900, 8.541700", r"/map\?seen=47\.3769,8\.5417"),
        ("47 8", "\u201c47 8\u201d", r"/gallery\?q=47%208$"),
        ("7ctdm03kran", "Dock Kran", r"/gallery\?gateway_sn=7CTDM03KRAN$"),
        ("dock nord", "Dock Nord", r"/gallery\?gateway_sn=7CTDM01NORD$"),
        ("2026-02-31", "“2026-02-31”", r"/gallery\?q=2026-02-31$"),
        ("_0001_", "“_0001_”", r"/gallery\?q=_0001_$"),
    ],
)
def test_words_are_taken_for_what_they_mean(page, server, night, typed, first, address):
    open_(page, server, "docks")
    expect(page.get_by_role("link", name="Dock Kran")).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type(typed)
    option = page.get_by_role("listbox").get_by_role("option").first
    expect(option).to_contain_text(first)
    expect(option).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(address))
    expect(page.get_by_role("listbox")).to_have_count(0)


def test_a_place_leads_to_its_map_and_its_pictures(page, server, night, get):
    photos = get("media", kind="photo", gateway_sn="7CTDM01NORD", limit=1000)["items"]
    spot = photos[0]["position"]
    words = f"{spot['lat']:.6f}, {spot['lng']:.6f}"
    open_(page, server, "map?view=0,0,2")
    the_map = page.locator(".map-page .map")
    wait_for(lambda: the_map.get_attribute("data-files") is not None, "drawn", timeout_s=60)
    field = page.get_by_role("combobox", name="Search")
    field.fill(words)
    options = page.get_by_role("listbox").get_by_role("option")
    # a map that is open already goes there
    options.filter(has_text="the map there").click()
    expect(page.locator(".coords")).to_have_text(words)
    wait_for(lambda: int(the_map.get_attribute("data-files") or 0) > 0, "files on the map", timeout_s=60)
    field.fill(words)
    options.filter(has_text="pictures taken within 200 m").click()
    expect(page).to_have_url(re.compile(r"/gallery\?bbox="))
    expect(page.locator(".cell .open").first).to_be_visible()
    total = int(page.locator(".grid-root").get_attribute("data-total"))
    assert 0 < total <= len(photos) + 1
    far = f"{spot['lat'] + 1:.6f}, {spot['lng']:.6f}"
    field.fill(far)
    options.filter(has_text="pictures taken within 200 m").click()
    expect(page.get_by_role("heading", name="Nothing matches these filters")).to_be_visible()


def test_a_flight_is_found_by_its_id_and_with_the_arrows(page, server, night):
    open_(page, server, "gallery")
    field = page.get_by_role("combobox", name="Search")
    field.fill(night["stalled"][:13])
    options = page.get_by_role("listbox").get_by_role("option")
    expect(options).to_have_count(2)
    expect(options.nth(1)).to_contain_text("Dock Kran")
    page.keyboard.press("ArrowDown")
    expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(rf"/flights/{night['stalled']}$"))
    # what is looked for stays to be read
    open_(page, server, "gallery?q=_0001_")
    expect(field).to_have_value("_0001_")


def test_a_range_takes_the_days_that_were_never_in_sight(page, server, night):
    open_(page, server, "gallery?gateway_sn=7CTDM01NORD&kind=photo")
    expect(page.locator(".grid-root")).to_have_attribute("data-total", str(PHOTOS * len(DAYS)))
    first = page.locator(".cell").first
    first.hover()
    first.locator(".pick").click()
    asked = []
    page.on("request", lambda request: asked.append(request.url) if "/media?" in request.url else None)
    page.locator(".main").evaluate("main => { main.scrollTop = main.scrollHeight }")
    last = page.locator(".grid-day").last.locator(".cell:not(.empty) .pick").last
    wait_for(lambda: page.locator(".main").evaluate("main => { main.scrollTop = main.scrollHeight; return main.scrollTop + main.clientHeight >= main.scrollHeight - 2 }"), "the end")
    last.click(modifiers=["Shift"])
    expect(page.get_by_role("toolbar", name="Selection")).to_contain_text(f"{PHOTOS * len(DAYS)} selected")
    # letters of Immich's users
    with page.expect_download() as download:
        page.keyboard.press("Shift+D")
    assert download.value.suggested_filename.endswith(".zip")
    page.keyboard.press("l")
    expect(page.get_by_role("dialog")).to_contain_text("to an album")


def test_a_selection_is_in_the_address_while_it_is_small(page, person, server, night):
    open_(page, server, "gallery?gateway_sn=7CTDM01NORD&kind=photo")
    tiles, bar = page.locator(".cell .open"), page.get_by_role("toolbar", name="Selection")
    for n in (0, 2):
        tiles.nth(n).click(modifiers=["Control"])
    ids = [tiles.nth(n).get_attribute("id").removeprefix("tile-") for n in (0, 2)]
    expect(page).to_have_url(re.compile(r"gateway_sn=7CTDM01NORD.*selected=" + "(,|%2C)".join(ids) + "$"))
    # somebody else sees the same marked, and what is gone or made up is left out
    other = person().log_in().page
    other.goto(page.url + ",00000000-0000-7000-8000-000000000000,nonsense")
    marked = other.get_by_role("toolbar", name="Selection")
    expect(marked).to_contain_text("2 selected")
    assert {one.get_attribute("id").removeprefix("tile-") for one in other.locator(".cell.picked .open").all()} == set(ids)
    expect(other).to_have_url(re.compile(r"selected=" + "(,|%2C)".join(ids) + "$"))
    # back leaves the gallery and comes to the same selection again
    other.get_by_role("link", name="Docks").click()
    expect(other.get_by_role("heading", name="Docks", exact=True)).to_be_visible()
    other.go_back()
    expect(marked).to_contain_text("2 selected")
    # another list begins with nothing
    other.keyboard.press("Escape")
    expect(other).not_to_have_url(re.compile("selected="))
    # more than fit into an address are not in it
    page.keyboard.press("Control+a")
    expect(bar).to_contain_text(f"{PHOTOS * len(DAYS)} selected")
    expect(page).not_to_have_url(re.compile("selected="))
    page.reload()
    expect(tiles.first).to_be_visible()
    expect(bar).to_have_count(0)


def test_letters_go_through_time(page, server, night):
    open_(page, server, "gallery?gateway_sn=7CTDM01NORD&kind=photo")
    expect(page.locator(".cell img").first).to_be_visible()
    main = page.locator(".main")
    top = lambda: main.evaluate("main => main.scrollTop")
    page.keyboard.press("d")
    wait_for(lambda: top() > 300, "the next day is at the top")
    second = top()
    page.keyboard.press("d")
    wait_for(lambda: top() > second + 300, "and the one after it")
    page.keyboard.press("Shift+D")
    wait_for(lambda: abs(top() - second) < 60 or top() < second, "back")
    page.keyboard.press("g")
    page.keyboard.press("m")
    expect(page).to_have_url(re.compile("/map"))


def test_a_long_press_selects_and_a_swipe_turns_the_page(person, server, night):
    page = open_(person(size=PHONE).log_in().page, server, "gallery?gateway_sn=7CTDM01NORD&kind=photo")
    tiles = page.locator(".cell .open")
    expect(tiles.first).to_be_visible()
    touch = "(element, [name, x, y]) => element.dispatchEvent(new PointerEvent(name, { pointerType: 'touch', pointerId: 7, isPrimary: true, bubbles: true, clientX: x, clientY: y }))"
    tiles.nth(1).evaluate(touch, ["pointerdown", 100, 200])
    bar = page.get_by_role("toolbar", name="Selection")
    expect(bar).to_contain_text("1 selected")
    tiles.nth(1).evaluate(touch, ["pointerup", 100, 200])
    tiles.nth(1).dispatch_event("click")
    expect(bar).to_contain_text("1 selected")
    # the next tap selects, too; a finger that scrolls does not
    tiles.nth(2).click()
    expect(bar).to_contain_text("2 selected")
    tiles.nth(3).evaluate(touch, ["pointerdown", 100, 200])
    tiles.nth(3).evaluate(touch, ["pointermove", 100, 260])
    page.wait_for_timeout(700)
    expect(bar).to_contain_text("2 selected")
    bar.get_by_role("button", name="Select nothing").click()
    tiles.nth(1).click()
    heading = page.get_by_role("heading", level=1)
    expect(page.locator(".photo img").first).to_be_visible()
    name = heading.inner_text()
    expect(page.locator(".filmstrip .frame").first).to_be_visible()
    photo = page.locator(".photo")
    # no pointer of this id is down for the browser itself
    page.evaluate("Element.prototype.setPointerCapture = () => undefined")
    photo.evaluate(touch, ["pointerdown", 100, 200])
    photo.evaluate(touch, ["pointermove", 250, 210])
    photo.evaluate(touch, ["pointerup", 250, 210])
    expect(heading).not_to_have_text(name)


def test_what_was_read_stays_when_the_server_goes_away(person, server, night):
    somebody = person().log_in()
    page = somebody.page
    open_(page, server, "flights")
    expect(page.locator(".flight")).to_have_count(len(DAYS) + 1)
    expect(page.locator(".strip img").first).to_be_visible()
    page.route("**/api/v1/**", lambda route: route.abort())
    page.get_by_role("link", name="Map").click()
    page.get_by_role("link", name="Flights", exact=True).click()
    # older than what is shown again without asking: the question fails, the flights stay
    page.evaluate("window.dispatchEvent(new Event('focus')); document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.get_by_text(re.compile(r"What is shown is from \d\d:\d\d"))).to_be_visible(timeout=90_000)
    expect(page.locator(".flight")).to_have_count(len(DAYS) + 1)
    page.unroute("**/api/v1/**")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_text(re.compile("What is shown is from"))).to_have_count(0)
    # the browser's and the map's own words for what was cut
    somebody.complaints = [one for one in somebody.complaints if one.startswith("page error")]


def test_the_map_s_view_is_in_its_address(page, server, night, get):
    open_(page, server, "map")
    the_map = page.locator(".map-page .map")
    wait_for(lambda: int(the_map.get_attribute("data-files") or 0) > 0, "files on the map", timeout_s=60)
    page.get_by_role("button", name="Zoom out").click()
    expect(page).to_have_url(re.compile(r"view=-?\d+\.\d+(,|%2C)-?\d+\.\d+(,|%2C)\d+"))
    wanted = "?view=47.376900,8.541700,12.00"
    open_(page, server, f"map{wanted}")
    expect(page.locator(".maplibregl-canvas")).to_be_visible()
    wait_for(lambda: the_map.get_attribute("data-files") is not None, "drawn", timeout_s=60)
    page.get_by_role("button", name="Zoom in").click()
    expect(page).to_have_url(re.compile(r"view=47\.3769\d+(,|%2C)8\.5417\d+(,|%2C)13"))
    # one picture's card is in the address as well
    (photo, *_) = get("media", kind="photo", limit=1)["items"]
    open_(page, server, f"map?open={photo['id']}")
    expect(page.locator(".map-card")).to_contain_text(photo["name"])
    page.locator(".map-card").get_by_role("button", name="Close").click()
    expect(page).not_to_have_url(re.compile("open="))


@pytest.mark.parametrize("what", ["flights", "search", "track"])
def test_axe_finds_nothing(person, server, night, what):
    for size, theme in (({"width": 1280, "height": 800}, "light"), (PHONE, "dark")):
        somebody = person(size=size, theme=theme, locale="en-GB" if theme == "light" else "de-DE").log_in()
        page = open_(somebody.page, server, f"flights/{night['flights'][0]}" if what == "track" else "flights")
        if what == "search":
            page.get_by_role("combobox", name=re.compile("^(Search|Suchen)$")).fill("dock")
            expect(page.get_by_role("listbox").get_by_role("option").first).to_be_visible()
        elif what == "track":
            page.locator("[aria-expanded]").and_(page.get_by_label(re.compile("track|Flugweg", re.I))).click()
            expect(page.locator(".tracks")).to_be_visible()
        else:
            page.locator(".reason").scroll_into_view_if_needed()
            expect(page.locator(".reason")).to_contain_text(re.compile("object|Objekt"))
        assert somebody.faults() == []
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0


def test_what_nobody_knows_is_no_fault(person, server, workspace, dock):
    flight_id = str(uuid.uuid4())
    with ForeignDock(dock) as foreign:
        answer, _, _ = foreign.upload("DJI_20260510101530_0001.BIN", bytes(range(256)) * 8, flight_id)
        assert answer["result"] == 0
    somebody = person().log_in()
    page, url = somebody.page, f"{server.http_url}/w/{workspace['name']}"
    base = f"{server.http_url}/api/v1/workspaces/{workspace['name']}"
    read = lambda: [one for one in somebody.context.request.get(f"{base}/media?kind=other").json()["items"] if one["processing"] == "done"]
    (found,) = wait_for(read, "it was looked at", timeout_s=60)
    assert [warning.split(":")[0] for warning in found["warnings"]] == ["the file is not understood"]
    page.goto(f"{url}/flights")
    expect(page.locator(".flight")).to_contain_text("1 other file")
    expect(page.get_by_text("All flights complete")).to_be_visible()
    expect(page.locator(".flight .anomalies")).to_have_count(0)
    page.locator(".flight h3 a").click()
    expect(page.get_by_role("row").filter(has_text="0001.BIN")).to_contain_text("Stored")
    expect(page.locator(".table .state.attention")).to_have_count(0)
    page.get_by_role("link", name="DJI_20260510101530_0001.BIN").click()
    about = page.get_by_role("complementary", name="About this file")
    expect(about).to_contain_text("Nothing here knows this kind of file. It is kept exactly as it came.")
    expect(about.locator(".callout")).to_have_count(0)
