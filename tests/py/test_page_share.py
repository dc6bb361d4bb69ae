"""Handing over: albums, share links, and what strangers see of them in a browser without an account."""

import io
import json
import re
import subprocess
import zipfile

import pytest
from conftest import ROOT, binary
from foreign_dock import wait_for
from page import DESK, PASSWORD, PHONE
from PIL import Image
from playwright.sync_api import expect

pytestmark = pytest.mark.skipif(
    not (ROOT / "web/dist/page/index.html").exists(), reason="the page is not built: make page (needs npm), then build the server again"
)
expect.set_options(timeout=20_000)
PHOTOS = 5
SN = "7CTDM0TEILEN"


@pytest.fixture(scope="module")
def server(new_server):
    return new_server(EYRIE_ADMIN_PASSWORD=PASSWORD)


@pytest.fixture(scope="module")
def photos(server, tmp_path_factory):
    """The photos of a flight, each read and with its picture."""
    path = tmp_path_factory.mktemp("fleet") / "docks.json"
    path.write_text(json.dumps([server.cli("dock", "add", "--workspace", "default", "--sn", SN, "--callsign", "Dock Teilen")]))
    command = [binary("eyrie-sim"), "fleet", path, "--json", "--photos", str(PHOTOS), "--video-s", "0", "--width", "320", "--height", "240"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    return wait_for(lambda: read(server), "the photos are read", 60)


def read(server):
    from requests import get

    token = server.cli("token", "create", "--workspace", "default", "--role", "viewer")["token"]
    found = get(f"{server.http_url}/api/v1/workspaces/default/media?kind=photo", headers={"authorization": f"Bearer {token}"}, timeout=10).json()["items"]
    return found if len(found) == PHOTOS and all(one["thumbhash"] and one["position"] for one in found) else None


def select(page, count):
    page.locator(".cell .open").first.focus()
    page.keyboard.press("x")
    for n in range(1, count + 1):
        expect(page.get_by_role("toolbar", name="Selection")).to_contain_text(f"{n} selected")
        if n < count:
            expect(page.locator(".cell .open").nth(n - 1)).to_be_focused()
            page.keyboard.press("Shift+ArrowRight")


def share(page, **fields):
    """Fills the dialog and gives the link's address."""
    dialog = page.get_by_role("dialog", name="Share with a link")
    for label, value in fields.get("texts", {}).items():
        dialog.get_by_label(label, exact=True).fill(value)
    for label, wanted in fields.get("checks", {}).items():
        dialog.get_by_label(re.compile(label)).set_checked(wanted)
    dialog.get_by_role("button", name="Make link").click()
    made = page.get_by_role("dialog", name="The link is ready")
    return made.locator(".share-url").inner_text().strip()


def no_place(data):
    """Nothing of where: no EXIF, no XMP, no trace of the words that carry it."""
    picture = Image.open(io.BytesIO(data))
    assert not picture.getexif(), "no EXIF"
    return not re.search(rb"(?i)gps|drone-dji|xmpmeta|47\.3", data)


def test_an_album_is_made_of_a_selection_and_handed_over(person, server, photos):
    admin = person().log_in()
    page = admin.open("/w/default/albums")
    expect(page.get_by_role("heading", name="No albums yet")).to_be_visible()
    assert admin.faults() == []
    page.get_by_role("link", name="Gallery").click()
    select(page, 3)
    page.get_by_role("button", name="Add to album").click()
    dialog = page.get_by_role("dialog", name="Add 3 files to an album")
    dialog.get_by_label("New album").fill("Roof 3")
    assert admin.faults() == []
    dialog.get_by_role("button", name="Make and add").click()
    expect(page.get_by_role("status").filter(has_text="3 files are now in “Roof 3”.")).to_be_visible()
    page.get_by_role("link", name="Albums").click()
    page.get_by_role("link", name="Roof 3").click()
    expect(page.locator(".cell .open")).to_have_count(3)
    assert admin.faults() == []

    # neighbours of a file of the album are the album's
    page.locator(".cell .open").first.click()
    expect(page).to_have_url(re.compile("album_id="))
    expect(page.locator(".filmstrip .frame")).to_have_count(3)
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile("/albums/"))

    # out of it, and back
    select(page, 1)
    page.get_by_role("button", name="Remove from album").click()
    expect(page.locator(".cell .open")).to_have_count(2)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".cell .open")).to_have_count(3)

    page.get_by_role("button", name="Share", exact=True).click()
    expect(page.get_by_role("dialog", name="Share with a link").get_by_label("Title that people see")).to_have_value("Roof 3")
    assert admin.faults() == []
    link = share(page, texts={"Own address": "roof-3", "Password": "fence post 7"})
    assert link == f"{server.http_url}/share/roof-3"
    assert admin.faults() == []

    stranger = person(size=PHONE, theme="dark")
    seen = stranger.open("/share/roof-3")
    expect(seen.get_by_role("heading", name="A password is needed")).to_be_visible()
    assert stranger.faults() == []
    seen.get_by_label("Password").fill("fence post 8")
    seen.get_by_role("button", name="Open").click()
    expect(seen.get_by_role("alert")).to_have_text("The password is wrong.")
    seen.get_by_label("Password").fill("fence post 7")
    seen.get_by_role("button", name="Open").click()
    expect(seen.get_by_role("heading", name="Roof 3")).to_be_visible()
    cells = seen.locator(".shared-grid li button")
    expect(cells).to_have_count(3)
    expect(cells.first.locator("img")).to_have_js_property("complete", True)
    assert seen.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    assert stranger.faults() == []
    cells.first.click()
    look = seen.locator("dialog.look")
    expect(look.locator("img")).to_have_js_property("naturalWidth", 320)
    first = look.locator("h2").inner_text()
    assert stranger.faults() == []
    seen.keyboard.press("ArrowRight")
    expect(look.locator("h2")).not_to_have_text(first)
    with seen.expect_download() as download:
        look.get_by_role("link", name="Download").click()
    assert b"GPS" in download.value.path().read_bytes() or b"Gps" in download.value.path().read_bytes(), "an original has its position"
    seen.keyboard.press("Escape")
    with seen.expect_download() as download:
        seen.get_by_role("link", name="Download all").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        names = archive.namelist()
        assert len([name for name in names if name.endswith(".JPG") or name.endswith(".jpg")]) == 3 and "manifest.json" in names
        assert archive.testzip() is None
        assert SN.encode() not in archive.read("manifest.json"), "the dock is not told"
    # other doors stay shut
    for path in ("/api/v1/session", "/api/v1/workspaces/default/media", f"/api/v1/workspaces/default/media/{photos[0]['id']}/content"):
        assert stranger.context.request.get(server.http_url + path).status == 401, path
    outside = {one["id"] for one in photos} - {re.search(r"media/([^/]+)/", one.get_attribute("src"))[1] for one in cells.locator("img").all()}
    for media in outside:
        assert stranger.context.request.get(f"{server.http_url}/api/v1/shares/roof-3/media/{media}/content").status == 404

    # who came is written down, and the end is an end
    page.goto(f"{server.http_url}/w/default/shares")
    row = page.locator(".share-list > li").filter(has_text="Roof 3")
    row.get_by_role("button", name="1 view").click()
    visits = page.get_by_role("dialog", name="Who opened “Roof 3”")
    expect(visits.get_by_role("row").filter(has_text="wrong password")).to_have_count(1)
    expect(visits.get_by_role("row").filter(has_text="127.0.0.1").first).to_be_visible()
    assert admin.faults() == []
    visits.get_by_role("button", name="Close").click()
    row.get_by_role("button", name="Revoke").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(row.get_by_text("Revoked")).to_be_visible()
    seen.reload()
    expect(seen.get_by_role("heading", name="This link shows nothing")).to_be_visible()
    assert stranger.faults() == []


def test_a_flight_is_shared_without_its_place(person, server, photos):
    admin = person().log_in()
    page = admin.open(f"/w/default/flights/{photos[0]['flight_id']}")
    page.get_by_role("button", name="Share", exact=True).click()
    link = share(page, checks={"Keep back where": True})
    stranger = person()
    seen = stranger.open(link.removeprefix(server.http_url))
    cells = seen.locator(".shared-grid li button")
    expect(cells).to_have_count(PHOTOS)
    expect(seen.get_by_role("link", name="Download all")).to_have_count(0)
    cells.first.click()
    look = seen.locator("dialog.look")
    expect(look.locator(".words .small")).not_to_contain_text("47.")
    with seen.expect_download() as download:
        look.get_by_role("link", name="Download").click()
    remade = download.value.path().read_bytes()
    assert no_place(remade)
    original = admin.context.request.get(f"{server.http_url}/api/v1/workspaces/default/media/{photos[0]['id']}/content").body()
    assert re.search(rb"(?i)gps", original), "there was something to hide"
    shown = [response for response in (stranger.context.request.get(server.http_url + one.get_attribute("src")) for one in cells.locator("img").all())]
    assert all(answer.ok and not re.search(rb"(?i)gps", answer.body()) for answer in shown)
    assert stranger.context.request.get(link.replace("/share/", "/api/v1/shares/") + "/archive").status == 404


def test_a_viewer_shares_nothing(person, server, photos):
    server.cli("user", "add", "--workspace", "default", "--role", "viewer", "--password-stdin", "vera", stdin="a password for tests")
    viewer = person(locale="de-DE").log_in("vera", "a password for tests")
    page = viewer.open("/w/default/gallery")
    page.locator(".cell .open").first.focus()
    page.keyboard.press("x")
    expect(page.get_by_role("toolbar")).to_contain_text("1 ausgewählt")
    expect(page.get_by_role("button", name="Teilen")).to_have_count(0)
    page.goto(f"{server.http_url}/w/default/albums")
    expect(page.get_by_role("heading", name="Alben")).to_be_visible()
    expect(page.get_by_role("link", name="Geteilte Links")).to_have_count(0)
    assert viewer.context.request.get(f"{server.http_url}/api/v1/workspaces/default/shares").status == 403


@pytest.mark.parametrize("path", ["/share/no-such-link", "/share/%2e%2e%2fapi"])
def test_a_wrong_link_says_so_and_asks_for_no_login(person, server, path):
    stranger = person(size=DESK)
    page = stranger.open(path)
    expect(page.get_by_role("heading", name="This link shows nothing")).to_be_visible()
    expect(page).to_have_url(re.compile("/share/"))
    assert stranger.faults() == []
