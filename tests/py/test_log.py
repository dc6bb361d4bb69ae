"""The log: one query follows a photograph from the dock's message to the gallery, as text and as JSON."""

import json
import uuid

import requests
from foreign_dock import ForeignDock, report, wait_for


def lines(server, **fields):
    """The JSON lines that have all of `fields`, on themselves or on a span around them."""
    found = []
    for line in server.log().splitlines():
        entry = json.loads(line)
        known = {}
        for span in [*entry.get("spans", []), entry["fields"]]:
            known.update(span)
        if all(known.get(name) == value for name, value in fields.items()):
            found.append({**known, "level": entry["level"]})
    return found


def test_one_query_follows_a_photograph(new_server):
    server = new_server("--log", "debug", "--log-format", "json")
    access = server.cli("dock", "add", "--workspace", "default", "--sn", "LOGDOCK1")
    flight_id = str(uuid.uuid4())
    with ForeignDock(access) as dock:
        storage = dock.storage()
        answer, key, _ = dock.upload(storage=storage, flight_id=flight_id)
        assert answer == {"result": 0}
        tid = str(uuid.uuid4())
        absent = f"{storage['object_key_prefix']}/{flight_id}/absent.JPG"
        assert dock.event("file_upload_callback", report(absent, "absent.JPG", flight_id), tid=tid)["result"] != 0
        forged = 'x" level=ERROR\n{"level":"ERROR"}'
        dock.ask("requests", "flight_areas_get", None, tid=forged)
    token = server.cli("token", "create", "--workspace", "default", "--role", "viewer")["token"]
    media = f"{server.http_url}/api/v1/workspaces/default/media"
    media_id = requests.get(media, headers={"Authorization": f"Bearer {token}"}, timeout=30).json()["items"][0]["id"]

    # the dock's message, by the key: who, which exchange, which flight, what became of it
    [kept] = [line for line in lines(server, **{"object.key": key}) if line.get("status") == "stored"]
    assert kept["dock.sn"] == "LOGDOCK1" and kept["flight.id"] == flight_id and kept["level"] == "INFO"
    assert kept["method"] == "file_upload_callback" and kept["media.id"] == media_id
    [answered] = [line for line in lines(server, tid=kept["tid"]) if line["message"] == "a dock was answered"]
    assert answered["result"] == 0 and answered["duration_ms"] > 0
    # the upload before it, and the work after it
    assert [line for line in lines(server, method="PUT", status=200) if line["path"].endswith(key) and line["part"] == "s3" and line["peer"]]
    work = lambda: lines(server, **{"job.kind": "extract-metadata", "media.id": media_id})
    assert wait_for(work, "the job")[0]["job.id"]
    # a refusal tells why, once, and what a device wrote stays inside its quotes
    [refused] = [line for line in lines(server, tid=tid) if line["level"] == "WARN"]
    assert refused["result"] == 324030 and "not in the store" in refused["note"] and refused["object.key"] == absent
    assert [line["message"] for line in lines(server, tid=forged)] == ["a dock was answered"]


def test_what_a_device_writes_stays_in_its_quotes(new_server):
    server = new_server("--log", "debug")
    access = server.cli("dock", "add", "--workspace", "default", "--sn", "LOGDOCK2")
    with ForeignDock(access) as dock:
        dock.ask("requests", "flight_areas_get", None, tid="tid\nERROR forged line")
    assert "forged line" in server.log()
    assert not [line for line in server.log().splitlines() if line.startswith("ERROR forged")]
