"""Every page at three sizes in both themes, to be looked at one by one: `python tests/py/page_pictures.py FOLDER [PAGE, SIZE or THEME ...]`;
$EYRIE_BIN names the program.

The night it shows has what makes pages ugly: a dock with a name of 60 characters, a flight without a position, one that stands still, files without a thumbnail.
"""

import json
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path

from conftest import Server, binary
from foreign_dock import ForeignDock, wait_for
from page import PASSWORD, Person, launch
from playwright.sync_api import sync_playwright

SIZES = {"390": {"width": 390, "height": 844}, "1280": {"width": 1280, "height": 800}, "2560": {"width": 2560, "height": 1440}}
THEMES = ("light", "dark")
LONG = "Umspannwerk Neustadt-Ost, Nordseite hinter dem Betriebshof12"
# what a page has when it is ready
ROUTES = {
    "login": ("/login", "button:has-text('Log in')"),
    "flights": ("flights", ".strip img"),
    "flights-none": ("flights?day=2020-02-02", ".notice"),
    "flight": ("flights/{flight}", ".film img"),
    "flight-stalled": ("flights/{stalled}", ".callout"),
    "flight-no-place": ("flights/{nowhere}", ".table"),
    "gallery": ("gallery", ".cell img"),
    "gallery-dock": ("gallery?by=dock&gateway_sn=7CTDM01NORD", ".cell img"),
    "gallery-selected": ("gallery?selected={photo},{other}", ".selection-bar"),
    "item": ("media/{photo}", ".photo img"),
    "item-video": ("media/{video}", ".view"),
    "item-damaged": ("media/{damaged}", ".no-picture, .photo"),
    "map": ("map", ".maplibregl-canvas"),
    "map-seen": ("map?seen={lat},{lng}", ".seen li, .seen .notice"),
    "albums": ("albums", ".page h1"),
    "album": ("albums/{album}", ".cell img"),
    "shares": ("shares", ".share-list li"),
    "docks": ("docks", ".dock-card"),
    "dock": ("docks/7CTDM01NORD", ".exchange"),
    "dock-refused": ("docks/7CTDM03KRAN", ".exchange"),
    "trash": ("trash", ".cell img"),
    **{f"admin-{tab}": (f"admin/{tab}", ".table tbody td, .notice, .health, .use-bar") for tab in ("users", "tokens", "s3-keys", "storage", "retention", "jobs", "audit", "workspaces", "settings", "health")},
    "stranger": ("/share/roof-3", ".shared-grid img"),
    "stranger-locked": ("/share/locked", "input"),
    "stranger-over": ("/share/no-such", ".notice"),
    "not-found": ("nowhere", ".notice"),
}
LANGUAGES = {"flights": "de-DE", "item": "de-DE", "docks": "de-DE", "admin-retention": "de-DE", "gallery-selected": "de-DE", "map-seen": "de-DE"}


def fly(server, folder):
    """Three docks that flew; one flight that stands still, and one that has no position."""
    names = {"7CTDM01NORD": "Dock Nord", "7CTDM02SUED": LONG}
    docks = [server.cli("dock", "add", "--workspace", "default", "--sn", sn, "--callsign", name) for sn, name in names.items()]
    path = folder / "docks.json"
    path.write_text(json.dumps(docks))
    for days in (3, 0):
        command = [binary("eyrie-sim"), "fleet", path, "--json", "--photos", 14, "--video-s", 4, "--thermal", "--width", 960, "--height", 720, "--days-ago", days]
        subprocess.run(list(map(str, command)), stdout=subprocess.DEVNULL, check=True, timeout=400)
    crane = server.cli("dock", "add", "--workspace", "default", "--sn", "7CTDM03KRAN", "--callsign", "Dock Kran")
    stalled, nowhere = str(uuid.uuid4()), str(uuid.uuid4())
    with ForeignDock(crane) as dock:
        storage = dock.storage()
        task = {"uploaded_file_count": 1, "expected_file_count": 3, "flight_type": 0}
        dock.upload("DJI_20261123061100_0001_V.JPG", b"\xff\xd8\xff\xd9", stalled, storage, flight_task=task)
        for n in (1, 2):
            dock.upload(f"DJI_20261123051{n}00_000{n}_V.JPG", b"\xff\xd8\xff\xd9", nowhere, storage, metadata={}, flight_task={**task, "expected_file_count": 2})
        from foreign_dock import report

        dock.event("file_upload_callback", report(f"{storage['object_key_prefix']}/{stalled}/gone.JPG", "gone.JPG", stalled))
    return stalled, nowhere


def fill(ask, base, origin, photos):
    """Something in every list."""
    post = lambda rest, data: ask.post(base + rest, data=data, headers={"Origin": origin}).json()
    album = post("albums", {"name": "Roof inspection", "description": "What the insurer asked for."})["id"]
    post(f"albums/{album}/media", {"media_ids": [photo["id"] for photo in photos[:9]]})
    post("shares", {"title": "Roof inspection", "album_id": album, "slug": "roof-3", "download": True})
    post("shares", {"title": LONG, "album_id": album, "slug": "locked", "download": False, "password": "fence post 7"})
    post("legal-holds", {"name": "Incident of 3 May", "media_ids": [photo["id"] for photo in photos[:2]]})
    post("retention-rules", {"name": "Videos, 90 days", "older_than_days": 90, "kinds": ["video"], "gateway_sn": None, "enabled": True})
    post("tokens", {"name": "GIS export", "role": "viewer", "expires_at": None})
    post("s3-keys", {"name": "rclone of the office", "access": "read"})
    for photo in photos[-5:]:
        ask.delete(f"{base}media/{photo['id']}", headers={"Origin": origin})
    return album


def main():
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    asked = sys.argv[2:]
    names_of = lambda known: [one for one in known if one in asked] or list(known)
    wanted, sizes, themes = names_of(ROUTES), names_of(SIZES), names_of(THEMES)
    with tempfile.TemporaryDirectory(prefix="eyrie-look-") as folder, sync_playwright() as playwright:
        folder = Path(folder)
        server = Server(folder / "data", env={"EYRIE_ADMIN_PASSWORD": PASSWORD, "EYRIE_INGEST_STALLED_AFTER": "2 s"}).start()
        browser = launch(playwright)
        try:
            stalled, nowhere = fly(server, folder)
            admin = Person(browser, server).log_in()
            ask, base = admin.context.request, f"{server.http_url}/api/v1/workspaces/default/"
            get = lambda rest: ask.get(base + rest).json()["items"]
            wait_for(lambda: not any(get(f"jobs?state={state}") for state in ("queued", "running")), "everything is read", 300)
            photos = get("media?kind=photo&gateway_sn=7CTDM01NORD&limit=1000")
            place = photos[5]["position"]
            names = {
                "flight": photos[0]["flight_id"], "stalled": stalled, "nowhere": nowhere, "photo": photos[5]["id"], "other": photos[6]["id"], "album": fill(ask, base, server.http_url, photos),
                "video": get("media?kind=video&gateway_sn=7CTDM01NORD")[0]["id"], "damaged": get(f"media?flight_id={stalled}")[0]["id"], "lat": place["lat"], "lng": place["lng"],
            }
            for size in sizes:
                for theme in themes:
                    for name in wanted:
                        path, ready = ROUTES[name]
                        person = Person(browser, server, size=SIZES[size], theme=theme, locale=LANGUAGES.get(name, "en-GB"))
                        if not path.startswith("/"):
                            person.log_in()
                        page = person.open(path.format(**names) if path.startswith("/") else f"/w/default/{path.format(**names)}")
                        try:
                            page.locator(ready).first.wait_for(timeout=20_000)
                            page.wait_for_timeout(2_500 if "map" in name or name.startswith("flight") else 700)
                        finally:
                            page.screenshot(path=out / f"{name}-{size}-{theme}.png")
                        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
                        print(f"{name}-{size}-{theme}.png", *([f"{wide} px too wide"] if wide > 0 else []), *person.complaints, flush=True)
                        person.context.close()
        finally:
            browser.close()
            server.stop()


if __name__ == "__main__":
    main()
