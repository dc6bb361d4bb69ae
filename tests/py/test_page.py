"""The page as people use it: the morning after the flights, in a real browser against the real server with simulated docks."""

import json
import re
import subprocess
import uuid

import pytest
import requests
from conftest import ROOT, binary
from foreign_dock import ForeignDock, report, wait_for
from page import DESK, PASSWORD, PHONE
from playwright.sync_api import expect

pytestmark = pytest.mark.skipif(
    not (ROOT / "web/dist/page/index.html").exists(), reason="the page is not built: make page (needs npm), then build the server again"
)
expect.set_options(timeout=20_000)
PHOTOS = 6


@pytest.fixture(scope="module")
def server(new_server):
    return new_server(EYRIE_ADMIN_PASSWORD=PASSWORD)


@pytest.fixture(scope="module")
def night(server, tmp_path_factory):
    """Two docks that flew, and one whose flight is not complete: {docks, flights, incomplete}."""
    docks = [
        server.cli("dock", "add", "--workspace", "default", "--sn", sn, "--callsign", name)
        for sn, name in (("7CTDM01NORD", "Dock Nord"), ("7CTDM02SUED", "Dock Süd"))
    ]
    path = tmp_path_factory.mktemp("night") / "docks.json"
    path.write_text(json.dumps(docks))
    command = [binary("eyrie-sim"), "fleet", path, "--json", "--photos", str(PHOTOS), "--video-s", "2", "--width", "320", "--height", "240"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    flown = json.loads(done.stdout)["docks"]
    late = server.cli("dock", "add", "--workspace", "default", "--sn", "7CTDM03KRAN", "--callsign", "x" * 60)
    flight_id = str(uuid.uuid4())
    with ForeignDock(late) as dock:
        send(dock, "DJI_20260510101530_0001_V.JPG", flight_id, expected=3)
    return {"docks": docks, "flights": [dock["flights"][0] for dock in flown], "incomplete": flight_id, "late": late}


def send(dock, name, flight_id, expected):
    """One file of a flight of `expected` files, uploaded and reported; the simulator's picture when it is one."""
    storage = dock.storage()
    key = f"{storage['object_key_prefix']}/{flight_id}/{name}"
    dock.put(storage, key, b"\xff\xd8\xff\xd9")
    task = {"uploaded_file_count": 1, "expected_file_count": expected, "flight_type": 0}
    assert dock.event("file_upload_callback", report(key, name, flight_id, flight_task=task))["result"] == 0


def test_the_page_is_inside_and_strict(server):
    page = requests.get(f"{server.http_url}/", timeout=10)
    assert page.status_code == 200 and page.headers["content-type"].startswith("text/html")
    policy = page.headers["content-security-policy"]
    assert "script-src 'self';" in policy and "unsafe" not in policy
    assert "<script>" not in page.text and " style=" not in page.text
    script = re.search(r'src="(/assets/[^"]+\.js)"', page.text)[1]
    for asked, sent in (("br, gzip", "br"), ("gzip", "gzip"), ("identity", None)):
        answer = requests.head(server.http_url + script, headers={"accept-encoding": asked}, timeout=10)
        assert (answer.status_code, answer.headers.get("content-encoding")) == (200, sent)
        assert "immutable" in answer.headers["cache-control"]
    again = requests.get(f"{server.http_url}/w/default/flights", headers={"if-none-match": page.headers["etag"]}, timeout=10)
    assert again.status_code == 304
    assert requests.get(f"{server.http_url}/nothing.php", timeout=10).headers["content-type"] == "application/problem+json"
    assert requests.post(f"{server.http_url}/login", timeout=10).status_code == 405


def test_a_first_visit_is_small_and_ends_where_it_wanted_to_go(person, server, night):
    somebody = person()
    loaded = []
    somebody.page.on("requestfinished", lambda request: loaded.append(request.sizes()["responseBodySize"]))
    page = somebody.open("/w/default/docks?x=1")
    expect(page).to_have_url(re.compile(r"/login\?next="))
    page.get_by_label("Name").fill("admin")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_have_text("Name or password is wrong.")
    assert sum(loaded) < 350_000, f"{sum(loaded)} bytes before the first page"
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page).to_have_url(f"{server.http_url}/w/default/docks?x=1")
    expect(page.get_by_role("heading", name="Docks", exact=True)).to_be_visible()
    page.get_by_role("button", name="Account").click()
    page.get_by_role("button", name="Log out").click()
    expect(page).to_have_url(f"{server.http_url}/login")
    assert somebody.context.request.get(f"{server.http_url}/api/v1/session").status == 401


def test_the_morning(admin, server, night):
    """Are all flights complete, what was seen, where, is anything wrong."""
    page = admin.open("/")
    expect(page).to_have_url(f"{server.http_url}/w/default/flights")
    for flight in night["flights"]:
        row = page.locator(f'[data-flight="{flight["flight_id"]}"]')
        expect(row).to_contain_text("Complete")
        expect(row).to_contain_text(f"{len(flight['files'])} files stored")
        expect(row).to_contain_text(f"{PHOTOS} photos · 1 video")
    waiting = page.locator(f'[data-flight="{night["incomplete"]}"]')
    expect(waiting).to_contain_text("1 of 3 files stored")
    expect(waiting.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "1")
    expect(page.get_by_role("status").filter(has_text="1 dock uploading, 2 files left")).to_be_visible()

    # the flight: figures, map, strip
    first = night["flights"][0]
    page.locator(f'[data-flight="{first["flight_id"]}"] h3 a').click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator(".flight-map[data-idle]")).to_be_visible(timeout=60_000)
    strip = page.get_by_role("group", name="Pictures of this flight").get_by_role("link")
    expect(strip).to_have_count(PHOTOS + 1)

    # a picture: what is known of it, its neighbours, and back
    photos = [file["name"] for file in first["files"] if file["name"].endswith(".JPG")]
    page.get_by_role("link", name=photos[0], exact=False).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(photos[0])
    picture = page.get_by_role("img", name=photos[0])
    expect(picture).to_be_visible()
    wait_for(lambda: picture.evaluate("image => image.naturalWidth") == 320, "the picture is shown")
    about = page.get_by_role("complementary", name="About this file")
    for words in ("above take-off", "down", "Stored", "Photo", "f/2.8", "RTK fixed"):
        expect(about).to_contain_text(words)
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("heading", level=1)).not_to_have_text(photos[0])
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("heading", level=1)).to_have_text(photos[0])
    with page.expect_download() as download:
        page.keyboard.press("d")
    assert download.value.suggested_filename == photos[0]
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile(rf"/flights/{first['flight_id']}$"))


def test_the_gallery_is_filtered_by_its_address_and_moved_through_by_keys(admin, night):
    page = admin.open("/w/default/gallery")
    tiles = page.locator(".cell .open")
    expect(page.locator(".grid-root")).to_have_attribute("data-total", str(2 * (PHOTOS + 1) + 1))
    page.get_by_role("button", name="Filter").click()
    page.get_by_role("combobox", name="Device", exact=True).select_option("7CTDM01NORD")
    expect(page).to_have_url(re.compile("gateway_sn=7CTDM01NORD"))
    expect(page.locator(".grid-root")).to_have_attribute("data-total", str(PHOTOS + 1))
    page.get_by_role("combobox", name="Kind").select_option("video")
    expect(tiles).to_have_count(1)
    page.get_by_role("button", name="Remove filter: Videos").click()
    page.go_back()
    expect(page).to_have_url(re.compile("kind=video"))
    page.go_forward()
    expect(tiles).to_have_count(PHOTOS + 1)

    tiles.first.focus()
    page.keyboard.press("ArrowRight")
    expect(tiles.nth(1)).to_be_focused()
    page.keyboard.press("Space")
    expect(page.get_by_role("toolbar", name="Selection")).to_contain_text("1 selected")
    page.keyboard.press("Shift+ArrowRight")
    expect(page.get_by_role("toolbar", name="Selection")).to_contain_text("2 selected")
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", name="Gallery")).to_be_visible()
    page.keyboard.press("Home")
    expect(tiles.first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/media/[0-9a-f-]+\?gateway_sn=7CTDM01NORD"))
    expect(page.get_by_role("complementary", name="About this file")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile(r"/gallery\?gateway_sn=7CTDM01NORD"))
    page.keyboard.press("/")
    page.keyboard.type("no such name")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Nothing matches these filters")).to_be_visible()
    page.get_by_role("button", name="Remove all filters").click()
    expect(tiles.first).to_be_visible()
    page.keyboard.press("g")
    page.keyboard.press("d")
    expect(page.get_by_role("heading", name="Docks", exact=True)).to_be_visible()


def test_the_gallery_goes_by_flight_and_by_dock(admin, server, night):
    page = admin.open("/w/default/gallery")
    sections = page.locator(".grid-day")
    page.get_by_role("combobox", name="Sort by").select_option("flight")
    expect(page).to_have_url(re.compile("by=flight"))
    # both flights flew within the same hours: as sections they are apart, each with its own files alone
    expect(sections.filter(has_text="Dock Nord ·")).to_have_count(1)
    for dock, flight in zip(night["docks"], night["flights"]):
        name = {"7CTDM01NORD": "Dock Nord", "7CTDM02SUED": "Dock Süd"}[dock["sn"]]
        section = sections.filter(has_text=f"{name} ·")
        expect(section.locator(".cell .open")).to_have_count(PHOTOS + 1)
        shown = {one.get_attribute("id").removeprefix("tile-") for one in section.locator(".cell .open").all()}
        assert shown == {one["id"] for one in server_media(server, flight["flight_id"], "photo,video")}
    sections.filter(has_text="Dock Süd ·").hover()
    page.get_by_role("button", name="Select flight").nth(0).click()
    expect(page.get_by_role("toolbar", name="Selection")).to_contain_text("selected")
    page.keyboard.press("Escape")
    page.get_by_role("combobox", name="Sort by").select_option("dock")
    expect(sections.filter(has_text="Dock Nord ·")).to_have_count(1)
    heads = page.locator(".grid-head h2")
    expect(heads.first).to_have_text(re.compile("^Dock Nord · "))
    expect(heads.nth(1)).to_have_text(re.compile("^Dock Süd · "))
    sections.nth(1).locator(".cell .open").first.click()
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile("by=dock"))


def test_new_files_arrive_without_a_reload(admin, server, night):
    workspace = server.cli("workspace", "add", f"live-{uuid.uuid4().hex[:6]}")
    access = server.cli("dock", "add", "--workspace", workspace["id"], "--sn", f"LIVE{uuid.uuid4().hex[:6].upper()}", "--callsign", "Dock Live")
    page = admin.open(f"/w/{workspace['name']}/gallery")
    expect(page.get_by_role("heading", name="No pictures yet")).to_be_visible()
    page.evaluate("window.stays = true")
    flight_id = str(uuid.uuid4())
    with ForeignDock(access) as dock:
        send(dock, "DJI_20260510101531_0001_V.JPG", flight_id, expected=2)
        expect(page.locator(".grid-root")).to_have_attribute("data-total", "1")
        page.get_by_role("link", name="Flights").click()
        row = page.locator(f'[data-flight="{flight_id}"]')
        expect(row).to_contain_text("1 of 2 files stored")
        send(dock, "DJI_20260510101532_0002_V.JPG", flight_id, expected=2)
        expect(row).to_contain_text("Complete")
        expect(row).to_contain_text("2 photos")
    assert page.evaluate("window.stays")


def test_a_flight_is_put_first(admin, server, night):
    page = admin.open("/w/default/flights")
    with ForeignDock(night["late"]) as dock:
        page.locator(f'[data-flight="{night["incomplete"]}"]').get_by_role("button", name="Upload first").click()
        asked = dock.services.get(timeout=20)
    assert asked["method"] == "upload_flighttask_media_prioritize" and asked["data"]["flight_id"] == night["incomplete"]
    expect(page.get_by_role("status").filter(has_text="The dock was asked")).to_be_visible()


def test_trash_and_back(admin, server, night):
    page = admin.open("/w/default/gallery?gateway_sn=7CTDM02SUED")
    total = page.locator(".grid-root")
    expect(total).to_have_attribute("data-total", str(PHOTOS + 1))
    tile = page.locator(".cell").first
    name = tile.locator(".open").get_attribute("aria-label").split(",")[0]
    tile.hover()
    tile.get_by_role("button", name=f"Select {name}").click()
    page.get_by_role("button", name="Move to trash").click()
    expect(total).to_have_attribute("data-total", str(PHOTOS))
    page.get_by_role("button", name="Undo").click()
    expect(total).to_have_attribute("data-total", str(PHOTOS + 1))

    # by its own page, and back from the trash
    page.get_by_role("button", name=name).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    page.get_by_role("button", name="Move to trash").click()
    expect(page.get_by_role("heading", level=1)).not_to_have_text(name)
    page = admin.open("/w/default/trash")
    page.locator(".cell .open").first.click()
    page.get_by_role("button", name="Restore 1").click()
    expect(page.get_by_role("heading", name="The trash is empty")).to_be_visible()
    page = admin.open("/w/default/admin/audit")
    expect(page.get_by_role("row").filter(has_text="moved to the trash")).to_have_count(2)
    expect(page.get_by_role("row").filter(has_text="restored")).to_have_count(2)


def test_a_dock_is_added_and_comes_online(admin, server):
    sn = f"NEW{uuid.uuid4().hex[:8].upper()}"
    page = admin.open("/w/default/docks")
    page.get_by_role("button", name="Add dock").click()
    form = page.get_by_role("dialog", name="Add dock")
    form.get_by_label("Serial number").fill(sn)
    form.get_by_label("Name", exact=True).fill("Dock Neu")
    form.get_by_role("button", name="Add dock").click()
    shown = page.get_by_role("dialog", name="Access data for the dock's screen")
    values = {}
    expect(shown.locator(".set-up > div")).to_have_count(5)
    for line in shown.locator(".set-up > div").all():
        values[line.locator("dt").inner_text()] = line.locator("dd").inner_text()
    assert values["Account"] == sn and values["MQTT gateway address"] == server.mqtt_url
    page.get_by_role("button", name="Show as a QR code").click()
    expect(page.get_by_role("img", name="QR code with these five lines")).to_be_visible()
    page.get_by_role("button", name="I have copied it").click()
    page.get_by_role("link", name="Dock Neu").click()
    checks = page.locator(".checks li")
    expect(checks).to_have_count(3)
    expect(page.locator(".checks li.is")).to_have_count(0)
    access = {"sn": sn, "mqtt_url": values["MQTT gateway address"], "username": sn, "password": values["Password"]}
    with ForeignDock(access) as dock:
        dock.storage()
        # the list ticks by itself, and the conversation is there
        expect(page.locator(".checks li.is")).to_have_count(2, timeout=30_000)
        expect(page.locator(".trace")).to_contain_text("asked for upload credentials")
        expect(page.get_by_text("Online", exact=True)).to_be_visible()
        page.get_by_role("button", name="New password").click()
        page.get_by_role("dialog").get_by_role("button", name="New password").click()
        again = page.locator(".set-up > div").filter(has_text="Password").locator("dd").inner_text()
        assert again != values["Password"]


def test_a_viewer_sees_and_changes_nothing(person, server, night):
    password = server.cli("user", "add", "--workspace", "default", "--role", "viewer", f"vera-{uuid.uuid4().hex[:6]}")
    name = next(row["name"] for row in users(server) if row["id"] == password["id"])
    vera = person().log_in(name, password["password"])
    page = vera.open("/w/default/flights")
    expect(page.locator(f'[data-flight="{night["incomplete"]}"]')).to_contain_text("1 of 3 files stored")
    expect(page.get_by_role("button", name="Upload first")).to_have_count(0)
    expect(page.get_by_role("link", name="Admin")).to_have_count(0)
    page = vera.open("/w/default/gallery")
    page.locator(".cell .open").first.click(modifiers=["Control"])
    expect(page.get_by_role("toolbar", name="Selection")).to_be_visible()
    expect(page.get_by_role("button", name="Move to trash")).to_have_count(0)
    page = vera.open("/w/default/docks")
    expect(page.get_by_role("link", name="Dock Nord")).to_be_visible()
    expect(page.get_by_role("button", name="Add dock")).to_have_count(0)
    page = vera.open("/w/default/admin/users")
    expect(page.get_by_role("heading", name="Your role does not allow this")).to_be_visible()
    server.cli("workspace", "add", f"secret-{uuid.uuid4().hex[:6]}")
    page = vera.open("/w/secret/flights")
    expect(page.get_by_role("heading", name="There is nothing here")).to_be_visible()


def users(server):
    session = requests.Session()
    session.post(f"{server.http_url}/api/v1/session", json={"name": "admin", "password": PASSWORD}, timeout=10)
    return session.get(f"{server.http_url}/api/v1/workspaces/default/users?limit=1000", timeout=10).json()["items"]


def test_it_speaks_german(person, night):
    page = person(locale="de-DE").log_in().open("/w/default/flights")
    expect(page.get_by_role("heading", name="Flüge")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "de")
    page.get_by_role("button", name="Konto").click()
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", name="Flights")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "en")


ROUTES = {
    "login": ("/login", "button:has-text('Log in')"),
    "flights": ("/w/default/flights", ".flight .counts:has-text('photo')"),
    "flight": ("/w/default/flights/{flight}", ".table"),
    "gallery": ("/w/default/gallery", ".cell .open"),
    "item": ("/w/default/media/{media}", ".photo img"),
    "map": ("/w/default/map", ".plate:has-text('in this view')"),
    "docks": ("/w/default/docks", ".dock-card"),
    "dock": ("/w/default/docks/7CTDM01NORD", ".exchange"),
    "albums": ("/w/default/albums", ".notice"),
    "shares": ("/w/default/shares", ".notice"),
    "trash": ("/w/default/trash", ".notice"),
    **{tab: (f"/w/default/admin/{tab}", ".table tbody td, .notice, .health") for tab in ("users", "tokens", "s3-keys", "storage", "retention", "jobs", "audit", "workspaces", "settings", "health")},
}


def address(server, night, name):
    path, ready = ROUTES[name]
    flight = night["flights"][0]["flight_id"]
    media = server_media(server, flight)[0]["id"] if "{media}" in path else None
    return path.format(flight=flight, media=media), ready


def server_media(server, flight, kinds="photo"):
    token = server.cli("token", "create", "--workspace", "default", "--role", "viewer")["token"]
    url = f"{server.http_url}/api/v1/workspaces/default/media?kind={kinds}&flight_id={flight}"
    return requests.get(url, headers={"authorization": f"Bearer {token}"}, timeout=10).json()["items"]


@pytest.mark.parametrize("name", ROUTES)
def test_axe_finds_nothing(person, server, night, name):
    path, ready = address(server, night, name)
    for size, theme in ((DESK, "light"), (PHONE, "dark")):
        somebody = person(size=size, theme=theme)
        if name != "login":
            somebody.log_in()
        page = somebody.open(path)
        expect(page.locator(ready).first).to_be_visible()
        assert somebody.faults() == [], f"{name}, {theme}"
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{name} is {wide} px wider than {size['width']}"


# how far things moved by themselves since the page was opened, as browsers score it (0.1 counts as good)
SHIFTS = """() => new Promise((done) => {
    let sum = 0;
    new PerformanceObserver((list) => list.getEntries().forEach((one) => { if (!one.hadRecentInput) sum += one.value; })).observe({ type: 'layout-shift', buffered: true });
    requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => done(sum), 0)));
})"""


@pytest.mark.parametrize("name", [name for name in ROUTES if name != "login"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_nothing_jumps(person, server, night, name, size):
    path, ready = address(server, night, name)
    page = person(size=size).log_in().open(path)
    expect(page.locator(ready).first).to_be_visible()
    page.wait_for_load_state("load")
    assert page.evaluate(SHIFTS) < 0.1


def test_no_link_leads_nowhere(admin, server, night):
    """Every address that some page links to shows something."""
    seen, open_ = set(), ["/w/default/flights"]
    while open_:
        path = open_.pop()
        kind = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|7CTD\w+|NEW\w+|LIVE\w+", "X", path.split("?")[0])
        if kind in seen:
            continue
        seen.add(kind)
        page = admin.open(path)
        expect(page.locator("main h1, main h2").first).to_be_visible()
        expect(page.locator("main .skeleton")).to_have_count(0)
        assert page.get_by_text("There is nothing here").count() == 0, path
        found = page.eval_on_selector_all("a[href^='/w/']", "links => links.map(link => link.getAttribute('href'))")
        open_ += [href for href in found if href.startswith("/w/default")]
    assert len(seen) >= 12, seen
