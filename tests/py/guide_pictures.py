"""The guide's pictures, taken of the page as it is: `make pictures` writes docs/images. Needs $EYRIE_BIN; looks at a simulated night."""

import io
import json
import os
import sqlite3
import subprocess
import tempfile
import uuid
from datetime import UTC, datetime
from pathlib import Path

from conftest import ROOT, Server, binary
from foreign_dock import ForeignDock, report, wait_for
from page import PASSWORD, Person, launch
from PIL import Image
from playwright.sync_api import sync_playwright

SIZE = {"width": 1280, "height": 800}
IMAGES = ROOT / "docs/images"


def fly(server, folder):
    """A night of two docks; a third one reports a file that it did not upload, and is not complete."""
    names = {"7CTDM01NORD": "Dock Nord", "7CTDM02SUED": "Dock Süd"}
    docks = [server.cli("dock", "add", "--workspace", "default", "--sn", sn, "--callsign", name) for sn, name in names.items()]
    path = folder / "docks.json"
    path.write_text(json.dumps(docks))
    for days in (2, 0):
        command = [binary("eyrie-sim"), "fleet", path, "--json", "--photos", "16", "--video-s", "6", "--thermal", "--days-ago", days]
        subprocess.run(list(map(str, command)), stdout=subprocess.DEVNULL, check=True, timeout=300)
    crane = server.cli("dock", "add", "--workspace", "default", "--sn", "7CTDM03KRAN", "--callsign", "Dock Kran")
    flight_id = str(uuid.uuid4())
    # flown last, beside the others
    taken = {"create_time": datetime.now(UTC).isoformat(timespec="seconds"), "shoot_position": {"lat": 47.3782, "lng": 8.7425}}
    with ForeignDock(crane) as dock:
        storage = dock.storage()
        for n in (1, 2, 3):
            name = f"DJI_20261123061{n}00_000{n}_V.JPG"
            key = f"{storage['object_key_prefix']}/{flight_id}/{name}"
            if n == 1:
                dock.put(storage, key, b"\xff\xd8\xff\xd9")
            dock.event("file_upload_callback", report(key, name, flight_id, metadata=taken, flight_task={"uploaded_file_count": n, "expected_file_count": 3, "flight_type": 0}))


def first_steps(browser, folder):
    """A new library: its first steps, a dock's access data, and the dock while it comes online."""
    env = {"EYRIE_ADMIN_PASSWORD": PASSWORD, "EYRIE_MQTT_PUBLIC_URL": "mqtt://192.0.2.10:1883"}
    server = Server(folder / "new", env=env).start()
    person = Person(browser, server, size=SIZE).log_in()
    try:
        page = person.open("/w/default/flights")
        page.locator(".first-steps .is").wait_for()
        keep(page, "first-steps")
        page = person.open("/w/default/docks")
        page.get_by_role("button", name="Add dock").first.click()
        form = page.get_by_role("dialog", name="Add dock")
        form.get_by_label("Serial number").fill("7CTDM01NORD")
        form.get_by_label("Name", exact=True).fill("Dock Nord")
        form.get_by_role("button", name="Add dock").click()
        password = page.locator("dialog .set-up > div").filter(has_text="Password").locator("dd")
        password.wait_for()
        keep(page, "access")
        access = {"sn": "7CTDM01NORD", "username": "7CTDM01NORD", "password": password.inner_text(), "mqtt_url": f"mqtt://{server.mqtt_host}:{server.mqtt_port}"}
        page.get_by_role("button", name="I have copied it").click()
        page.get_by_role("link", name="Dock Nord").click()
        codes = person.context.request.get(f"{server.http_url}/api/v1/workspaces/default/docks/7CTDM01NORD/set-up").json()
        device = {
            "device_binding_code": codes["binding_code"], "organization_id": codes["organization_id"], "device_callsign": "Dock Nord",
            "sn": "7CTDM01NORD", "device_model_key": "3-2-0",
        }
        with ForeignDock(access) as dock:
            dock.request("airport_bind_status", {"devices": [{"sn": "7CTDM01NORD"}]})
            dock.request("airport_organization_get", {"device_binding_code": codes["binding_code"], "organization_id": codes["organization_id"]})
            dock.request("airport_organization_bind", {"bind_devices": [device]})
            page.locator(".checks li.is").nth(1).wait_for()
            page.locator(".exchange").nth(2).wait_for()
            keep(page, "check-list")
        person.close()
    finally:
        server.stop()


def keep(page, name):
    IMAGES.mkdir(exist_ok=True)
    Image.open(io.BytesIO(page.screenshot())).save(IMAGES / f"{name}.webp", quality=82, method=6)
    print(f"{name}.webp {os.path.getsize(IMAGES / f'{name}.webp') // 1000} kB")


def main():
    with tempfile.TemporaryDirectory(prefix="eyrie-pictures-") as folder, sync_playwright() as playwright:
        folder = Path(folder)
        server = Server(folder / "data", env={"EYRIE_ADMIN_PASSWORD": PASSWORD, "EYRIE_INGEST_STALLED_AFTER": "1 s"}).start()
        browser = launch(playwright)
        try:
            first_steps(browser, folder)
            fly(server, folder)
            person = Person(browser, server, size=SIZE).log_in()
            ask, base = person.context.request, f"{server.http_url}/api/v1/workspaces/default/"
            get = lambda rest: ask.get(base + rest).json()
            post = lambda rest, data: ask.post(base + rest, data=data, headers={"Origin": server.http_url}).json()
            wait_for(lambda: not any(get(f"jobs?state={state}")["items"] for state in ("queued", "running")), "everything is read", 120)
            photos = get("media?kind=photo&gateway_sn=7CTDM01NORD")["items"]
            place = photos[8]["position"]
            album = post("albums", {"name": "Roof inspection", "description": "What the insurer asked for."})["id"]
            post(f"albums/{album}/media", {"media_ids": [photo["id"] for photo in photos[:12]]})
            post("shares", {"title": "Roof inspection", "album_id": album, "slug": "roof-3", "download": True})
            pictures = {
                "flights": ("flights", ".strip img"),
                "flight": (f"flights/{photos[0]['flight_id']}", ".film img"),
                "gallery": ("gallery", ".cell img"),
                "item": (f"media/{photos[5]['id']}", ".photo img"),
                "map": (f"map?view={place['lat']},{place['lng']},16.5", ".map-page .map[data-idle]"),
                "album": (f"albums/{album}", ".cell img"),
                "dock": ("docks/7CTDM03KRAN", ".exchange"),
                "storage": ("admin/storage", ".use-bar"),
                "stranger": ("/share/roof-3", ".shared-grid img"),
            }
            for name, (path, ready) in pictures.items():
                page = person.open(path if path.startswith("/") else f"/w/default/{path}")
                page.locator(ready).first.wait_for()
                page.wait_for_load_state("networkidle") if name == "stranger" else page.wait_for_timeout(2500)
                keep(page, name)
            for photo in photos[12:16]:
                ask.delete(f"{base}media/{photo['id']}", headers={"Origin": server.http_url})
            page = person.open("/w/default/trash")
            page.locator(".cell img:not(.placeholder)").nth(3).wait_for()
            page.wait_for_timeout(1000)
            keep(page, "trash")
            # a season later
            post("legal-holds", {"name": "Incident of 3 May", "media_ids": [photo["id"] for photo in photos[:2]]})
            server.stop()
            with sqlite3.connect(server.data / "eyrie.db") as database:
                database.execute("UPDATE media SET created_at = created_at - ?", (100 * 86_400_000_000,))
            server.start()
            page = person.open("/w/default/admin/retention")
            page.get_by_role("button", name="Add rule").click()
            page.get_by_role("dialog").get_by_label("Name").fill("Photos of Nord, 90 days")
            page.get_by_role("dialog").get_by_label("Device").select_option(label="Dock Nord")
            page.get_by_role("dialog").get_by_label("Photo").check()
            page.locator(".tried img:not(.placeholder)").nth(7).wait_for()
            page.wait_for_timeout(1500)
            keep(page, "rule")
            person.close()
        finally:
            browser.close()
            server.stop()


if __name__ == "__main__":
    main()
