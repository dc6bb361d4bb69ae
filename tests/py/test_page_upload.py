"""An upload that somebody watches: how long it still takes, from what came while they looked and from nothing else."""

import re
import uuid

import pytest
from conftest import ROOT
from foreign_dock import ForeignDock
from page import PASSWORD
from playwright.sync_api import expect

pytestmark = pytest.mark.skipif(
    not (ROOT / "web/dist/page/index.html").exists(), reason="the page is not built: make page (needs npm), then build the server again"
)
expect.set_options(timeout=20_000)
EXPECTED = 12
GAP_S = 40


@pytest.fixture(scope="module")
def server(new_server):
    return new_server(EYRIE_ADMIN_PASSWORD=PASSWORD)


def test_the_time_left_follows_the_arrivals(admin, server):
    access = server.cli("dock", "add", "--workspace", "default", "--sn", "7CTDM0DAUER", "--callsign", "Dock Dauer")
    flight_id, stored = str(uuid.uuid4()), 0
    page = admin.page
    # the browser's clock is ours: what is said does not depend on how fast this machine is
    page.clock.install()
    with ForeignDock(access) as dock:
        storage = dock.storage()

        def arrive():
            nonlocal stored
            stored += 1
            task = {"uploaded_file_count": stored, "expected_file_count": EXPECTED, "flight_type": 0}
            answer, _, _ = dock.upload(f"DJI_202605101015{stored:02}_{stored:04}_V.JPG", b"\xff\xd8\xff\xd9", flight_id, storage, flight_task=task)
            assert answer["result"] == 0

        def seen():
            """Arrives, and both places say so; what is counted over all flights is read a second later."""
            arrive()
            expect(page.get_by_role("progressbar")).to_have_attribute("aria-valuenow", str(stored))
            page.clock.run_for(1_000)
            expect(live).to_contain_text(f"{EXPECTED - stored} file")

        arrive()
        live = page.locator(".top .live")
        admin.open("/w/default/flights")
        row = page.locator(f'[data-flight="{flight_id}"]')
        left = page.locator(".main .time-left")
        expect(page.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "1")
        # two arrivals are one gap, which says nothing
        for _ in range(2):
            seen()
            page.clock.run_for((GAP_S - 1) * 1000)
            expect(left).to_have_count(0)
        seen()
        # 8 files of 40 s each
        expect(left).to_have_text("~6 min")
        expect(live).to_have_text("1 dock uploading, 8 files left, ~6 min")
        # on the flight's own page nothing begins anew
        row.locator("h3 a").click()
        expect(page.locator(".flight-facts")).to_be_visible()
        expect(left).to_have_text("~6 min")
        # nothing comes: it takes longer
        page.clock.run_for(10 * GAP_S * 1000)
        expect(left).to_have_text(re.compile("^~3[23] min$"))
        while stored < EXPECTED - 1:
            seen()
        page.clock.run_for(5_000)
        expect(left).to_have_text("< 1 min")
        arrive()
        expect(page.locator(".flight-facts")).to_contain_text("Complete")
        expect(left).to_have_count(0)
