"""What crews brought, on the page: the same library, told apart by its source and device."""

import json
import re
import subprocess

import pytest
from conftest import ROOT, binary, clean_env
from page import PASSWORD
from playwright.sync_api import expect

pytestmark = pytest.mark.skipif(
    not (ROOT / "web/dist/page/index.html").exists(), reason="the page is not built: make page (needs npm), then build the server again"
)
expect.set_options(timeout=20_000)
RC, DOCK = "5YSZPAGE00001", "7CTDPAGE0001"


@pytest.fixture(scope="module")
def server(new_server):
    """Three photos of a dock and two of a crew."""
    server = new_server(EYRIE_ADMIN_PASSWORD=PASSWORD, EYRIE_INGEST_STALLED_AFTER="2 s")
    access = server.cli("dock", "add", "--workspace", "default", "--sn", DOCK, "--callsign", "Dock Nord")
    env, size = clean_env(EYRIE_SIM_PASSWORD=PASSWORD), ["--video-s", "0", "--width", "64", "--height", "48", "--json"]
    dock = [binary("eyrie-sim"), "dock", "-", "--photos", "3", "--no-ppk", *size]
    crew = [binary("eyrie-sim"), "pilot", "--server", server.http_url, "--sn", RC, "--workspace", "default", "--photos", "2", "--manual", *size]
    for command in (dock, crew):
        done = subprocess.run(command, env=env, input=json.dumps(access), capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
    return server


def test_files_and_flights_are_told_apart_by_source_and_device(admin, server):
    page = admin.open("/w/default/gallery")
    total = page.locator(".grid-root")
    expect(total).to_have_attribute("data-total", "5")
    page.get_by_role("button", name="Filter", exact=True).click()
    page.get_by_role("combobox", name="Source").select_option("DJI Pilot 2")
    expect(page).to_have_url(re.compile("source=pilot"))
    expect(total).to_have_attribute("data-total", "2")
    page.get_by_role("combobox", name="Source").select_option("Docks")
    expect(total).to_have_attribute("data-total", "3")
    page.get_by_role("button", name="Remove filter: Docks").click()
    page.get_by_role("button", name="Filter", exact=True).click()
    device = page.get_by_role("combobox", name="Device", exact=True)
    expect(device.get_by_role("option")).to_have_text(["All devices", "Dock Nord", RC])
    device.select_option(RC)
    expect(total).to_have_attribute("data-total", "2")
    page.keyboard.press("Escape")
    page.locator(".cell .open").first.click()
    about = page.get_by_role("complementary", name="About this file")
    expect(about).to_contain_text(f"DJI Pilot 2, {RC}")
    expect(about).to_contain_text(f"aircraft {RC}AC")

    admin.open("/w/default/flights")
    flights = page.locator(".flight-list .flight")
    expect(flights).to_have_count(2)
    page.get_by_role("combobox", name="Device").select_option("All controllers")
    expect(flights).to_have_count(1)
    expect(flights).to_contain_text(f"DJI Pilot 2, {RC}")
    expect(page.get_by_role("button", name="Upload first")).to_have_count(0)
    page.get_by_role("combobox", name="Device").select_option("All docks")
    expect(flights).to_contain_text("Dock Nord")
    page.get_by_role("combobox", name="Device").select_option(RC)
    # nobody counts a crew's own shots: what came is complete
    page.reload()
    expect(flights).to_contain_text("Complete")
    flights.get_by_role("link").first.click()
    facts = page.locator(".flight-facts")
    expect(facts).to_contain_text(f"DJI Pilot 2, {RC}")
    expect(facts.get_by_role("link")).to_have_count(0)
    assert admin.faults() == []


def test_what_a_crew_brought_is_kept_and_goes_as_a_dock_s(admin, server):
    page = admin.open("/w/default/admin/retention")
    page.get_by_role("button", name="Add rule").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("The crew's, a year")
    dialog.get_by_label("Days in the library").fill("365")
    device = dialog.get_by_role("combobox", name="Device")
    expect(device.get_by_role("option")).to_have_text(["All devices", "Dock Nord", RC])
    device.select_option(RC)
    dialog.get_by_role("button", name="Add rule").click()
    expect(page.get_by_role("row", name=re.compile("The crew's"))).to_contain_text(f"every kind of file · {RC}")
    place = page.get_by_role("combobox", name="Place a legal hold")
    expect(place.get_by_role("option").filter(has_text="all files of")).to_have_text(["all files of Dock Nord", f"all files of {RC}"])
    place.select_option(RC)
    dialog.get_by_label("What it is for").fill("Incident of 3 May")
    dialog.get_by_role("button", name="Place a legal hold").click()
    expect(page.get_by_role("row", name=re.compile("Incident of 3 May"))).to_contain_text(f"all files of {RC}")
    # and it holds
    (held, *_) = admin.context.request.get(f"{server.http_url}/api/v1/workspaces/default/media?gateway_sn={RC}").json()["items"]
    answer = admin.context.request.delete(f"{server.http_url}/api/v1/workspaces/default/media/{held['id']}", headers={"Origin": server.http_url})
    assert answer.status == 409
    assert admin.faults() == []
