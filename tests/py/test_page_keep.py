"""What goes and what stays, as an administrator sees it: a rule that is tried and made, a hold, the trash and its end."""

import json
import re
import sqlite3
import subprocess
import time

import pytest
from conftest import ROOT, binary
from foreign_dock import wait_for
from page import DESK, PASSWORD, PHONE
from playwright.sync_api import expect

pytestmark = pytest.mark.skipif(
    not (ROOT / "web/dist/page/index.html").exists(), reason="the page is not built: make page (needs npm), then build the server again"
)
expect.set_options(timeout=20_000)
PHOTOS, DAYS = 6, 40
SN = "7CTDM0BEHALTE"


@pytest.fixture(scope="module")
def server(new_server):
    return new_server(EYRIE_ADMIN_PASSWORD=PASSWORD)


@pytest.fixture(scope="module")
def photos(server, tmp_path_factory):
    """A flight's photos, read, that came 40 days ago: nobody has a clock that can be turned."""
    path = tmp_path_factory.mktemp("fleet") / "docks.json"
    path.write_text(json.dumps([server.cli("dock", "add", "--workspace", "default", "--sn", SN, "--callsign", "Dock Behalten")]))
    command = [binary("eyrie-sim"), "fleet", path, "--json", "--photos", str(PHOTOS), "--video-s", "0", "--width", "320", "--height", "240"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    wait_for(lambda: len([one for one in read(server) if one["thumbhash"]]) == PHOTOS, "the photos are read", 60)
    wait_for(lambda: not open_jobs(server), "all work is over", 60)
    server.stop()
    with sqlite3.connect(server.data / "eyrie.db") as database:
        database.execute("UPDATE media SET created_at = created_at - ?", (DAYS * 86_400_000_000,))
    server.start()
    return read(server)


def ask(server, path):
    from requests import get

    token = server.cli("token", "create", "--workspace", "default", "--role", "viewer")["token"]
    return get(f"{server.http_url}/api/v1/workspaces/default/{path}", headers={"authorization": f"Bearer {token}"}, timeout=10).json()


def read(server, query=""):
    return ask(server, f"media?kind=photo{query}")["items"]


def open_jobs(server):
    return [job for job in ask(server, "jobs?limit=1000")["items"] if job["state"] not in ("done", "dead")]


def test_a_rule_is_tried_made_and_applied_and_a_hold_keeps_a_file(person, server, photos):
    admin = person(size=DESK).log_in()
    page = admin.open("/w/default/gallery")
    first = page.locator(".cell .open").first
    name = re.match(r"[^,]+", first.get_attribute("aria-label"))[0]
    first.focus()
    page.keyboard.press("x")
    page.get_by_role("button", name="Place a legal hold").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("1 file")
    assert admin.faults() == []
    dialog.get_by_label("What it is for").fill("Incident of 3 May")
    dialog.get_by_role("button", name="Place a legal hold").click()
    expect(page.locator(".toasts")).to_contain_text("The hold is placed")
    # it says so when somebody tries
    page.get_by_role("button", name="Move to trash").click()
    expect(page.locator(".toasts")).to_contain_text("1 file stays: a legal hold is on it")

    page = admin.open("/w/default/admin/retention")
    expect(page.get_by_text("No rules: nothing goes by itself")).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("Incident of 3 May"))).to_contain_text("On hold")
    page.get_by_role("button", name="Add rule").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Photos, a month")
    days = dialog.get_by_label("Days in the library")
    expect(dialog.locator(".dry-run")).to_contain_text("No file would go")
    dialog.get_by_label("Photo").check()
    days.fill("30")
    expect(dialog.locator(".dry-run")).to_contain_text(f"{PHOTOS - 1} files would go to the trash")
    expect(dialog.locator(".dry-run")).to_contain_text("1 on legal hold")
    dialog.get_by_label("Photo").uncheck()
    dialog.get_by_label("Video").check()
    expect(dialog.locator(".dry-run")).to_contain_text("No file would go")
    dialog.get_by_label("Video").uncheck()
    dialog.get_by_label("Photo").check()
    expect(dialog.locator(".dry-run")).to_contain_text(f"{PHOTOS - 1} files would go to the trash")
    days.fill("")
    expect(dialog.locator(".dry-run")).to_contain_text("Say after how many days")
    days.fill("30")
    assert admin.faults() == []
    dialog.get_by_role("button", name="Add rule").click()
    expect(dialog).to_be_hidden()
    row = page.get_by_role("row", name=re.compile("Photos, a month"))
    expect(row).to_contain_text("after 30 days · Photo · All devices")
    assert len(read(server)) == PHOTOS, "a dry run and a rule move nothing by themselves"
    page.get_by_role("button", name="Apply now").click()
    wait_for(lambda: len(read(server, "&trashed=true")) == PHOTOS - 1, "the rule's work", 30)
    assert [one["name"] for one in read(server)] == [name]

    page = admin.open("/w/default/trash")
    expect(page.locator(".cell")).to_have_count(PHOTOS - 1)
    expect(page.locator(".goes-badge").first).to_have_attribute("data-note", "30 days left")
    expect(page.locator(".cell img:not(.placeholder)")).to_have_count(PHOTOS - 1)
    expect(page.locator(".main")).to_contain_text("What has been here for 30 days is deleted for good.")
    assert admin.faults() == []


def test_the_trash_is_emptied_after_a_question_and_the_log_says_it(person, server, photos):
    """After the test above: five files are in the trash."""
    viewer = server.cli("user", "add", "--role", "operator", "--workspace", "default", "--password-stdin", "olga", stdin=PASSWORD)
    assert viewer
    operator = person(size=PHONE).log_in("olga")
    page = operator.open("/w/default/trash")
    expect(page.locator(".cell")).to_have_count(PHOTOS - 1)
    expect(page.get_by_role("button", name="Empty trash")).to_have_count(0)

    admin = person(size=DESK).log_in()
    page = admin.open("/w/default/trash")
    page.locator(".cell .open").first.click()
    page.get_by_role("button", name="Delete 1 for good").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Delete 1 file for good?")
    dialog.get_by_role("button", name="Cancel").click()
    assert len(read(server, "&trashed=true")) == PHOTOS - 1
    page.get_by_role("button", name="Delete 1 for good").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete for good").click()
    # without a reload, here and at the other's
    expect(page.locator(".cell")).to_have_count(PHOTOS - 2)
    expect(operator.page.locator(".cell")).to_have_count(PHOTOS - 2)
    page.get_by_role("button", name="Empty trash").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete for good").click()
    expect(page.get_by_text("The trash is empty")).to_be_visible()

    page = admin.open(f"/w/default/flights/{photos[0]['flight_id']}")
    expect(page.locator(".flight-facts")).to_contain_text(f"{PHOTOS - 1} deleted")
    page = admin.open("/w/default/admin/audit")
    page.get_by_label("What").select_option(label="Files")
    expect(page.locator(".table tbody tr")).to_have_count(2 * (PHOTOS - 1))
    expect(page.locator(".table tbody")).to_contain_text("deleted for good")
    expect(page.locator(".table tbody")).to_contain_text("rule “Photos, a month”")
    page.get_by_label("Who").select_option(label="admin")
    expect(page.locator(".table tbody tr")).to_have_count(PHOTOS - 1)
    page.get_by_label("To").fill("2026-01-01")
    expect(page.get_by_role("heading", name="No entry")).to_be_visible()
    page.get_by_label("To").fill("")
    page.get_by_label("From").fill(time.strftime("%Y-%m-%d", time.localtime(time.time() - 86_400)))
    expect(page.locator(".table tbody tr")).to_have_count(PHOTOS - 1)
    assert admin.faults() == []


def test_a_hold_is_released_after_a_question(person, server, photos):
    admin = person(size=PHONE, theme="dark").log_in()
    left = read(server)[0]
    page = admin.open(f"/w/default/media/{left['id']}")
    page.get_by_role("button", name="About this file").click()
    expect(page.get_by_text("On legal hold: Incident of 3 May")).to_be_visible()
    page = admin.open("/w/default/admin/retention")
    page.get_by_role("button", name="Release “Incident of 3 May”?").click()
    page.get_by_role("dialog").get_by_role("button", name="Release", exact=True).click()
    expect(page.get_by_text("Released", exact=False).first).to_be_visible()
    assert admin.faults() == []
