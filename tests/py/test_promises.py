"""The nine promises of the design, one test each, findable by its number. Each is a real check on a running server; the
comment under its name says which tests try harder to break it."""

import json
import time
import uuid

import pytest
import requests
from botocore.exceptions import ClientError
from foreign_dock import ForeignDock, report, s3_client, sha256, wait_for

TIMEOUT_S = 30


class Library:
    """One workspace as its administrator sees it."""

    def __init__(self, server, workspace, role="admin"):
        self.base = f"{server.http_url}/api/v1/workspaces/{workspace['name']}"
        self.session = requests.Session()
        token = server.cli("token", "create", "--workspace", workspace["id"], "--role", role)["token"]
        self.session.headers["Authorization"] = f"Bearer {token}"

    def call(self, method, path, **more):
        return self.session.request(method, f"{self.base}/{path}", timeout=TIMEOUT_S, allow_redirects=False, **more)

    def items(self, path, **query):
        answer = self.call("GET", path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()["items"]

    def media(self, key, **query):
        return [row for row in self.items("media", limit=1000, **(query or {"status": "all"})) if row["object_key"] == key]

    def content(self, media_id):
        link = self.call("GET", f"media/{media_id}/content").headers["Location"]
        return requests.get(link, timeout=TIMEOUT_S).content


@pytest.fixture
def library(server, workspace):
    return Library(server, workspace)


@pytest.fixture
def live(dock):
    with ForeignDock(dock) as live:
        yield live


def operator(server, workspace, access="write"):
    key = server.cli("s3-key", "create", "--workspace", workspace["id"], "--access", access)
    credentials = {"access_key_id": key["access_key_id"], "access_key_secret": key["secret_access_key"], "security_token": None}
    return s3_client({"endpoint": key["endpoint"], "region": key["region"], "credentials": credentials}), key["bucket"]


def test_promise_1_result_0_means_kept(new_server):
    # in depth: test_torture.py, at every step and at random moments
    server = new_server()
    access = server.cli("dock", "add", "--workspace", "default", "--sn", "PROMISE1")
    with ForeignDock(access) as dock:
        answer, key, body = dock.upload()
        assert answer == {"result": 0}
        server.kill9()
    server.start()
    library = Library(server, {"id": "default", "name": "default"})
    [row] = library.media(key)
    assert row["status"] == "stored" and row["size_bytes"] == len(body)
    assert library.content(row["id"]) == body
    with ForeignDock(access) as dock:
        absent = f"{dock.storage()['object_key_prefix']}/f/absent.JPG"
        assert dock.event("file_upload_callback", report(absent, "absent.JPG", "f"))["result"] != 0


def test_promise_2_every_message_gets_an_answer(live):
    # in depth: test_conversation.py (the tolerance table), test_sim.py (each fault by name)
    _, key, _ = live.upload(metadata=None)
    for data in (report(key, "x.JPG", "f", metadata=None), report(key, "x.JPG", "f", metadata={}), {}, None, "text"):
        assert "result" in live.event("file_upload_callback", data)
    assert "result" in live.event("a_method_never_seen", {"some": "data"})
    assert "result" in live.request("a_request_never_seen", {"some": "data"})
    unknown = report(key, "x.JPG", "f")
    unknown["file"]["ext"].update(drone_model_key="9-999-9", payload_model_key="nonsense")
    tid = str(uuid.uuid4())
    assert [live.event("file_upload_callback", unknown, tid=tid) for _ in range(2)] == [{"result": 0}] * 2


def test_promise_3_nothing_reported_is_lost(server, live, library):
    # in depth: test_conversation.py; the raw events' own tests are in crates/catalogue/tests
    mark, garbled = uuid.uuid4().hex, uuid.uuid4().hex
    live.event("a_method_never_seen", {"mark": mark})
    live.publish("events", f'{{"method": "file_upload_callback", "data": {garbled}')
    live.request("flight_areas_get", None)

    wait_for(lambda: mark in json.dumps(library.items(f"docks/{live.sn}/trace")), "the unknown event in the trace")
    # what could not be parsed is kept as text beside it
    files = [path for path in server.data.iterdir() if path.is_file()]
    wait_for(lambda: any(garbled.encode() in path.read_bytes() for path in files), "the garbled event in the database")
    # the aircraft is gone and was never known: its media are kept all the same
    answer, key, _ = live.upload()
    assert answer == {"result": 0} and len(library.media(key)) == 1


def test_promise_4_nothing_uploaded_is_lost_either(server, workspace, live, library):
    # in depth: crates/eyrie/tests
    storage = live.storage()
    orphan = f"{storage['object_key_prefix']}/{uuid.uuid4()}/orphan.JPG"
    live.put(storage, orphan, b"its report never came")
    _, gone, _ = live.upload(storage=storage)
    client, bucket = operator(server, workspace)
    client.delete_object(Bucket=bucket, Key=gone)
    assert library.media(orphan) == []

    def reconciled():
        server.cli("reconcile")
        return [row["status"] for row in library.media(orphan)] == ["stored"] and library.media(gone)[0]["status"] == "missing"

    wait_for(reconciled, "the orphan in the library and the loss marked", every_s=1)
    assert library.content(library.media(orphan)[0]["id"]) == b"its report never came"


def test_promise_5_once_is_once(live, library):
    # in depth: test_conversation.py, test_torture.py
    answer, key, _ = live.upload()
    name, flight_id = key.rsplit("/", 1)[1], key.split("/")[2]
    tid = str(uuid.uuid4())
    for again in (tid, tid, str(uuid.uuid4())):
        assert live.event("file_upload_callback", report(key, name, flight_id), tid=again) == answer == {"result": 0}
    live.put(live.storage(), key, b"uploaded again")
    assert live.event("file_upload_callback", report(key, name, flight_id)) == {"result": 0}
    [row] = library.media(key)
    assert library.content(row["id"]) == b"uploaded again"


def test_promise_6_a_dock_can_only_write_and_only_below_its_prefix(server, workspace, live):
    # in depth: test_s3.py, test_conversation.py; topics and attackers in crates/mqtt/tests
    storage = live.storage()
    client, bucket, prefix = s3_client(storage), storage["bucket"], storage["object_key_prefix"]
    live.put(storage, f"{prefix}/own.JPG", b"own")
    for call, arguments in (
        (client.get_object, {"Key": f"{prefix}/own.JPG"}),
        (client.delete_object, {"Key": f"{prefix}/own.JPG"}),
        (client.list_objects_v2, {}),
        (client.put_object, {"Key": f"{prefix}x/other.JPG", "Body": b"x"}),
    ):
        with pytest.raises(ClientError) as refusal:
            call(Bucket=bucket, **arguments)
        assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    # the topic is the identity: another dock's is neither heard nor spoken on
    other = server.cli("dock", "add", "--workspace", workspace["id"], "--sn", f"PYDOCK{uuid.uuid4().hex[:8].upper()}")
    with ForeignDock(other) as thief:
        thief.client.subscribe([(f"thing/product/{live.sn}/#", 1), ("#", 1)])
        heard = []
        thief.client.on_message = lambda _client, _data, message: heard.append(message.topic)
        live.storage()
        time.sleep(0.3)
        assert heard == []
    with ForeignDock(other) as thief:
        answer = thief.event("file_upload_callback", report(f"{prefix}/own.JPG", "own.JPG", "f"), gateway=live.sn)
        assert "result" in answer
        found = Library(server, workspace).media(f"{prefix}/own.JPG", status="stored")
        assert found == [], "a gateway in the payload is no identity"


def test_promise_7_a_workspace_sees_only_itself(server, workspace, live, library):
    # in depth: test_api.py, test_s3.py, and the matrix in crates/eyrie/tests
    _, key, _ = live.upload()
    [row] = library.media(key)
    other = server.cli("workspace", "add", f"ws-{uuid.uuid4().hex[:10]}")
    stranger = Library(server, other)
    assert stranger.items("media", status="all") == [] and stranger.items("docks") == []
    assert stranger.call("GET", f"media/{row['id']}").status_code == 404
    assert stranger.call("GET", f"media/{row['id']}/content").status_code == 404
    inside = library.base.rsplit("/", 1)[0] + f"/{workspace['name']}/media"
    assert stranger.session.get(inside, timeout=TIMEOUT_S).status_code == 404
    client, _ = operator(server, other)
    with pytest.raises(ClientError):
        client.get_object(Bucket=operator(server, workspace)[1], Key=key)


def test_promise_8_nothing_is_deleted_silently(server, live, library):
    # in depth: test_api.py, crates/eyrie/tests
    _, key, body = live.upload()
    [row] = library.media(key)
    deleted = library.call("DELETE", f"media/{row['id']}")
    if deleted.status_code == 409:
        wait_for(lambda: library.call("DELETE", f"media/{row['id']}").status_code == 204, "follow-up work done")
    else:
        assert deleted.status_code == 204, deleted.text
    assert library.media(key, trashed="true")
    assert key in json.dumps(library.items("audit")), "a deletion is audited"
    server.cli("reconcile")
    assert library.call("POST", f"media/{row['id']}/restore").status_code == 200
    assert sha256(library.content(row["id"])) == sha256(body), "the bytes were never touched"


def test_promise_9_secrets_stay_out_of_logs(new_server):
    # in depth: test_secrets.py, with every secret and every form it could be written in
    server = new_server("--log", "trace")
    access = server.cli("dock", "add", "--workspace", "default", "--sn", "PROMISE9")
    with ForeignDock(access) as dock:
        storage = dock.storage()
        answer, key, _ = dock.upload(storage=storage)
        assert answer == {"result": 0}
    library = Library(server, {"id": "default", "name": "default"})
    link = library.call("GET", f"media/{library.media(key)[0]['id']}/content").headers["Location"]
    assert requests.get(link, timeout=TIMEOUT_S).ok
    password = server.out().split("password: ")[1].split()[0]
    assert server.out().count(password) == 1, "told once, at the first start"
    secrets = [access["password"], storage["credentials"]["access_key_secret"], storage["credentials"]["security_token"],
               library.session.headers["Authorization"].split()[1], link.split("X-Amz-Signature=")[1].split("&")[0]]
    log = server.log()
    assert "DEBUG" in log and "PROMISE9" in log
    assert [secret for secret in secrets if secret in log + server.out()] == [] and password not in log
