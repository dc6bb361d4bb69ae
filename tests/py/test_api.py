"""The HTTP API of a running server, asked by a client that others wrote, while a dock uploads."""

import json
import threading
import time
import uuid

import pytest
import requests
from foreign_dock import ForeignDock, sha256, wait_for

TIMEOUT_S = 30
PASSWORD = "a password for tests"


class Api:
    """Requests as one caller. `get("media")` is about the workspace, `get("/api/v1/session")` is not."""

    def __init__(self, server, workspace, token=None):
        self.server, self.workspace = server, workspace
        self.session = requests.Session()
        if token:
            self.session.headers["Authorization"] = f"Bearer {token}"

    def url(self, path):
        below = path if path.startswith("/") else f"/api/v1/workspaces/{self.workspace['name']}/{path}"
        return self.server.http_url + below

    def call(self, method, path, expect=200, **more):
        more.setdefault("allow_redirects", False)
        answer = self.session.request(method, self.url(path), timeout=TIMEOUT_S, **more)
        assert answer.status_code == expect, f"{method} {path}: {answer.status_code} {answer.text}"
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == "application/problem+json"
            assert set(answer.json()) == {"type", "title", "status", "detail"}
        return answer

    def get(self, path, expect=200, **query):
        return self.call("GET", path, expect, params=query)

    def items(self, path, **query):
        page = self.get(path, **query).json()
        assert set(page) == {"items", "next_cursor"}
        return page["items"]


def as_role(server, workspace, role):
    created = server.cli("token", "create", "--workspace", workspace["id"], "--role", role)
    return Api(server, workspace, created["token"])


@pytest.fixture
def admin(server, workspace):
    return as_role(server, workspace, "admin")


def listen(api, names, done):
    """Reads events on a thread until one of each name came; `done` gets the objects by name."""
    stream = api.session.get(api.url("events"), stream=True, timeout=TIMEOUT_S)
    assert stream.status_code == 200 and stream.headers["content-type"] == "text/event-stream"

    def read():
        name = None
        for line in stream.iter_lines(chunk_size=1, decode_unicode=True):
            if line.startswith("event:"):
                name = line[6:].strip()
            elif line.startswith("data:"):
                done.setdefault(name, json.loads(line[5:]))
                if names <= set(done):
                    break
        stream.close()

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    return thread


def test_a_file_from_upload_to_trash(admin, dock):
    heard = {}
    reader = listen(admin, {"media.stored", "flight.updated", "dock.online"}, heard)
    body, flight_id = uuid.uuid4().bytes * 1000, str(uuid.uuid4())
    with ForeignDock(dock) as live:
        answer, key, _ = live.upload(body=body, flight_id=flight_id)
        assert answer["result"] == 0
        shown = admin.get(f"docks/{live.sn}").json()
        assert shown["online"] is True and key.startswith(shown["object_key_prefix"] + "/")
        assert shown["credentials_issued_at"].endswith("Z")
        wait_for(lambda: any(row["method"] == "file_upload_callback" for row in admin.items(f"docks/{live.sn}/trace")), "a trace")
    reader.join(TIMEOUT_S)
    assert set(heard) >= {"media.stored", "flight.updated", "dock.online"}

    [item] = admin.items("media")
    assert item["object_key"] == key and item["size_bytes"] == len(body) and item["status"] == "stored"
    assert item["captured_at"] == "2026-05-10T08:15:30Z" and item["flight_id"] == flight_id
    assert item["position"] == {"lat": 47.3769, "lng": 8.5417, "absolute_altitude_m": 156.237, "relative_altitude_m": 42.5}
    assert item["gimbal"]["yaw_deg"] == -91.4 and item["id"] == heard["media.stored"]["id"]
    assert set(item) == set(heard["media.stored"]), "an event has the list's shape"
    assert admin.items("media", bbox="8.5,47.3,8.6,47.4", kind="photo", flight_id=flight_id, gateway_sn=dock["sn"])
    assert admin.items("media", bbox="8.6,47.3,8.7,47.4") == []
    flight = admin.get(f"flights/{flight_id}").json()
    assert (flight["state"], flight["stored_count"], flight["expected_file_count"]) == ("complete", 1, 1)

    redirect = admin.call("GET", f"media/{item['id']}/content", 302)
    assert redirect.headers["cache-control"] == "no-store"
    # a fresh client: the bearer token is nothing to the store
    assert sha256(requests.get(redirect.headers["location"], timeout=TIMEOUT_S).content) == sha256(body)
    part = requests.get(redirect.headers["location"], headers={"Range": "bytes=5-20"}, timeout=TIMEOUT_S)
    assert part.status_code == 206 and part.content == body[5:21]
    followed = admin.call("GET", f"media/{item['id']}/content", allow_redirects=True)
    assert followed.content == body
    head = admin.call("HEAD", f"media/{item['id']}/content", allow_redirects=True)
    assert int(head.headers["content-length"]) == len(body) and not head.content
    named = admin.call("GET", f"media/{item['id']}/content?download=true", 302).headers["location"]
    assert item["name"] in requests.get(named, timeout=TIMEOUT_S).headers["content-disposition"]

    admin.call("DELETE", f"media/{item['id']}", 204)
    assert admin.items("media") == [] and admin.items("media", trashed="true")
    admin.get(f"media/{item['id']}/content", 404)
    admin.call("POST", f"media/{item['id']}/restore")
    assert len(admin.items("media")) == 1


def test_a_flight_is_put_first_and_the_docks_answer_is_shown(admin, dock):
    flight_id = str(uuid.uuid4())
    with ForeignDock(dock) as live:
        live.upload(flight_id=flight_id)
        for result, state in ((0, "done"), (316026, "dead")):
            job_id = admin.call("POST", f"flights/{flight_id}/prioritize", 202).json()["job_id"]
            command = live.services.get(timeout=TIMEOUT_S)
            assert command["method"] == "upload_flighttask_media_prioritize" and command["data"] == {"flight_id": flight_id}
            reply = {"tid": command["tid"], "bid": command["bid"], "timestamp": 1, "method": command["method"], "data": {"result": result}}
            live.publish("services_reply", reply)
            job = wait_for(lambda: (found := admin.get(f"jobs/{job_id}").json())["state"] == state and found, f"the job to be {state}")
            assert job["kind"] == "prioritize-upload" and job["flight_id"] == flight_id
            assert (str(result) in job["error"]) if result else job["error"] is None


def test_pages_of_the_library_meet(admin, dock):
    with ForeignDock(dock) as live:
        storage = live.storage()
        keys = [live.upload(storage=storage, metadata=None if n % 2 else ...)[1] for n in range(7)]
    seen, cursor = [], None
    while True:
        page = admin.get("media", limit=2, cursor=cursor).json()
        seen += [item["object_key"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert sorted(seen) == sorted(keys) and len(seen) == 7


def test_a_user_logs_in_and_out(server, workspace, admin):
    name = f"ada-{uuid.uuid4().hex[:8]}"
    admin.call("POST", "users", 201, json={"name": name, "role": "operator", "password": PASSWORD})
    browser = Api(server, workspace)
    refused = browser.call("POST", "/api/v1/session", 401, json={"name": name, "password": "wrong password"})
    assert "set-cookie" not in refused.headers
    answer = browser.call("POST", "/api/v1/session", json={"name": name, "password": PASSWORD})
    assert answer.json() == {"user": name, "role": "operator", "workspace": workspace}
    assert "HttpOnly" in answer.headers["set-cookie"] and "SameSite=Strict" in answer.headers["set-cookie"]
    browser.get("media")
    browser.get("tokens", 403)
    browser.call("POST", "flights/none/prioritize", 403, headers={"Origin": "https://elsewhere.test"})
    browser.call("POST", "flights/none/prioritize", 404, headers={"Origin": server.http_url})
    browser.call("DELETE", "/api/v1/session", 204)
    browser.get("media", 401)


def test_logins_are_limited_and_a_restart_does_not_forget(new_server):
    server = new_server(EYRIE_ADMIN_PASSWORD=PASSWORD)
    stranger = Api(server, {"name": "default"})
    for _ in range(10):
        stranger.call("POST", "/api/v1/session", 401, json={"name": "admin", "password": "guess"})
    server.restart()
    answer = stranger.call("POST", "/api/v1/session", 429, json={"name": "admin", "password": PASSWORD})
    assert int(answer.headers["retry-after"]) > 0
    assert PASSWORD not in server.log() and "guess" not in server.log()


def test_workspaces_do_not_see_each_other(server, workspace, admin, dock):
    other = server.cli("workspace", "add", f"ws-{uuid.uuid4().hex[:10]}")
    stranger = as_role(server, workspace, "viewer")
    stranger.workspace = other
    for path in ("media", "flights", "docks", "jobs", "events", "tokens", "audit"):
        stranger.get(path, 404)
    foreign = as_role(server, other, "admin")
    foreign.get(f"docks/{dock['sn']}", 404)
    assert [row["name"] for row in foreign.items("/api/v1/workspaces")] == [other["name"]]
    Api(server, workspace).get("media", 401)
    Api(server, workspace, "garbage").get("media", 401)


def test_what_the_machines_that_watch_read(server, admin):
    open_ = Api(server, admin.workspace)
    assert open_.get("/healthz").json()["status"] == "alive"
    ready = open_.get("/readyz").json()
    assert ready["ready"] and all(ready[part] == {"ready": True, "reason": None} for part in ("database", "store", "broker"))
    assert "eyrie_http_request_duration_seconds_bucket" in open_.get("/metrics").text
    described = open_.get("/openapi.json").json()
    assert described["openapi"].startswith("3.1") and "/api/v1/workspaces/{ws}/media" in described["paths"]


def test_no_secret_reaches_the_log_at_any_level(new_server):
    server = new_server(EYRIE_ADMIN_PASSWORD=PASSWORD, EYRIE_LOG_FILTER="trace")
    workspace = server.cli("workspace", "add", "alpha")
    access = server.cli("dock", "add", "--workspace", "alpha", "--sn", "PYDOCKLOG")
    token = server.cli("token", "create", "--workspace", "alpha", "--role", "admin")["token"]
    api = Api(server, workspace, token)
    with ForeignDock(access) as live:
        credentials = live.storage()["credentials"]
        live.upload()
    [item] = api.items("media")
    location = api.call("GET", f"media/{item['id']}/content", 302).headers["location"]
    assert requests.get(location, timeout=TIMEOUT_S).status_code == 200
    browser = Api(server, workspace)
    browser.call("POST", "/api/v1/session", json={"name": "admin", "password": PASSWORD})
    made = api.call("POST", "s3-keys", 201, json={"access": "read"}).json()
    rotated = api.call("POST", f"docks/{access['sn']}/rotate").json()
    secrets = {
        "token": token,
        "cookie": browser.session.cookies["eyrie_session"],
        "password": PASSWORD,
        "signature": location.split("X-Amz-Signature=")[1].split("&")[0],
        "dock password": access["password"],
        "new dock password": rotated["password"],
        "dock secret": credentials["access_key_secret"],
        "dock session": credentials["security_token"],
        "operator secret": made["secret_access_key"],
    }
    log = server.log()
    assert "request answered" in log, "the log is not at its finest level"
    assert [name for name, secret in secrets.items() if secret in log] == []


def test_a_stop_does_not_wait_for_event_streams(new_server):
    server = new_server()
    workspace = {"name": "default"}
    api = Api(server, workspace, server.cli("token", "create", "--workspace", "default", "--role", "viewer")["token"])
    stream = api.session.get(api.url("events"), stream=True, timeout=TIMEOUT_S)
    next(stream.iter_lines(chunk_size=1))
    began = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - began < 4
