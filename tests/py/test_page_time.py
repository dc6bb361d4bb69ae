"""Times as they are where the dock stands and the flight was flown, wherever the browser is."""

import re
import time
import uuid

import pytest
from conftest import ROOT
from foreign_dock import ForeignDock, wait_for
from page import PASSWORD
from playwright.sync_api import expect

pytestmark = pytest.mark.skipif(
    not (ROOT / "web/dist/page/index.html").exists(), reason="the page is not built: make page (needs npm), then build the server again"
)
expect.set_options(timeout=20_000)
TOKYO, ZURICH = {"lat": 35.6812, "lng": 139.7671}, {"lat": 47.3769, "lng": 8.5417}
# early on the tenth in Tokyo, still the ninth in Europe and in America
TAKEN, TAKEN_UTC = "2026-05-10T06:14:22+09:00", "2026-05-09T21:14:22Z"
AT_HOME = "2026-05-09T18:05:00+02:00"


@pytest.fixture(scope="module")
def server(new_server):
    return new_server(EYRIE_ADMIN_PASSWORD=PASSWORD)


@pytest.fixture(scope="module")
def flown(server):
    """A dock in Tokyo that flew there, and a flight in Zurich of one that never said where it is: their ids."""
    flights = []
    for sn, name, place, taken in (("7CTDM0TOKIO", "Dock Tokio", TOKYO, TAKEN), ("7CTDM0ZURICH", "Dock Zürich", ZURICH, AT_HOME)):
        access = server.cli("dock", "add", "--workspace", "default", "--sn", sn, "--callsign", name)
        flights.append(str(uuid.uuid4()))
        with ForeignDock(access) as dock:
            if place is TOKYO:
                said = {"latitude": place["lat"], "longitude": place["lng"], "mode_code": 0}
                ids = {"tid": str(uuid.uuid4()), "bid": str(uuid.uuid4())}
                dock.publish("osd", {**ids, "timestamp": int(time.time() * 1000), "gateway": sn, "data": said}).wait_for_publish(10)
            answer, _, _ = dock.upload(f"DJI_20260510061422_{name[-3:]}_V.JPG", b"\xff\xd8\xff\xd9", flights[-1], metadata={"create_time": taken, "shoot_position": place})
            assert answer["result"] == 0
    return flights


@pytest.fixture
def page(person, flown, server):
    """In New York."""
    somebody = person(zone="America/New_York").log_in()
    known = lambda: somebody.context.request.get(f"{server.http_url}/api/v1/workspaces").json()["items"][0]["time_zone"]
    assert wait_for(known, "the dock said where it is") == "Asia/Tokyo"
    return somebody.page


def open_(page, server, path):
    page.goto(f"{server.http_url}/w/default/{path}")
    return page


def test_a_flight_has_the_time_of_its_place(page, server, flown):
    there, here = flown
    open_(page, server, "flights")
    expect(page.locator(".page-head .zone-note")).to_have_text("Times in GMT+9")
    row = page.locator(f'[data-flight="{there}"]')
    expect(row.locator(".clock")).to_have_text("06:14")
    # the zone is named once; on hover is what the clock of the world says
    expect(row.locator(".zone-note")).to_have_count(0)
    moment = row.locator(".began time")
    expect(moment).to_have_attribute("title", re.compile(rf"^10 May 2026, 06:14:22 GMT\+9 · {TAKEN_UTC} \(UTC\)"))
    # a flight of another zone says which it is
    other = page.locator(f'[data-flight="{here}"]')
    expect(other.locator(".clock")).to_have_text("18:05")
    expect(other.locator(".zone-note")).to_have_text("CEST")
    # a day is a day of the site
    page.get_by_label("Day of the flight").fill("2026-05-10")
    expect(page.locator(".flight")).to_have_count(2)
    expect(page.get_by_role("heading", name="Sun, 10 May 2026")).to_be_visible()
    open_(page, server, "flights?gateway_sn=7CTDM0TOKIO&day=2026-05-09")
    expect(page.get_by_role("heading", name="No flight matches")).to_be_visible()
    open_(page, server, f"flights/{here}")
    expect(page.locator(".page-head")).to_contain_text("9 May 2026, 18:05 CEST")
    expect(page.locator(".zone-note")).to_have_attribute("title", "Europe/Zurich: where the flight was flown")


def test_the_gallery_s_days_are_those_of_the_site(page, server, flown):
    open_(page, server, "gallery?kind=all")
    heads = page.locator(".grid-head h2")
    # 18:05 in Zurich is past midnight in Tokyo, where the docks of this workspace are
    expect(heads).to_have_text(["Sun, 10 May 2026"])
    expect(page.locator(".zone-note")).to_have_text("Times in GMT+9")
    open_(page, server, "gallery?kind=all&from=2026-05-10&to=2026-05-10")
    expect(page.locator(".grid-root")).to_have_attribute("data-total", "2")
    # narrowed to a flight it is the day where that was flown
    open_(page, server, f"gallery?kind=all&flight_id={flown[1]}")
    expect(heads).to_have_text(["Sat, 9 May 2026"])
    page.locator(".cell .open").first.click()
    about = page.get_by_role("complementary", name="About this file")
    expect(about).to_contain_text("9 May 2026, 18:05:00 CEST")
    expect(about.locator(".zone-note")).to_have_attribute("title", "Europe/Zurich: where this file was taken")
    expect(about.locator("time").first).to_have_attribute("title", re.compile(r"2026-05-09T16:05:00Z \(UTC\) · .+"))


def test_words_for_days_mean_days_of_the_site(page, server, flown):
    open_(page, server, "docks")
    page.keyboard.press("/")
    page.keyboard.type("10.5.2026")
    option = page.get_by_role("listbox").get_by_role("option").first
    expect(option).to_contain_text("Sun, 10 May 2026")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/gallery\?from=2026-05-10&to=2026-05-10$"))
    expect(page.locator(".grid-root")).to_have_attribute("data-total", "2")
    # nobody's docks said where they are: the browser's own
    name = f"empty-{uuid.uuid4().hex[:6]}"
    server.cli("workspace", "add", name)
    page.goto(f"{server.http_url}/w/{name}/shares")
    expect(page.locator(".zone-note")).to_have_attribute("data-zone", "America/New_York")
