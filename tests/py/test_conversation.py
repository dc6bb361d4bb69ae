"""The dock's conversation, held by clients that others wrote, with exactly the values that the server returned."""

import json
import queue
import time
import uuid

import paho.mqtt.client as mqtt
import pytest
import requests
from botocore.exceptions import ClientError
from foreign_dock import ForeignDock, NoAnswer, report, s3_client, sha256, wait_for


def add_dock(server, sn, workspace="default", **more):
    extra = [word for name, value in more.items() for word in (f"--{name}", value)]
    return server.cli("dock", "add", "--workspace", workspace, "--sn", sn, *extra)


@pytest.fixture(scope="module")
def token(server):
    return server.cli("token", "create", "--workspace", "default", "--role", "admin")["token"]


class Api:
    def __init__(self, url, token):
        self.url = f"{url}/api/v1/workspaces"
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {token}"

    def __call__(self, path, workspace="default", expect=200, **query):
        answer = self.session.get(f"{self.url}/{workspace}/{path}", params=query, timeout=30)
        assert answer.status_code == expect, answer.text
        return answer.json()

    def signed_url(self, media_id):
        answer = self.session.get(f"{self.url}/default/media/{media_id}/content", allow_redirects=False, timeout=30)
        assert answer.status_code == 302
        return answer.headers["Location"]


@pytest.fixture(scope="module")
def api(server, token):
    return Api(server.http_url, token)


@pytest.fixture(scope="module")
def access(server):
    return add_dock(server, f"PYDOCK{uuid.uuid4().hex[:8].upper()}", callsign="Dock Süd")


@pytest.fixture(scope="module")
def dock(access):
    with ForeignDock(access) as dock:
        yield dock


def media_of(api, key):
    rows = [row for row in api("media", status="all", limit=1000)["items"] if row["object_key"] == key]
    assert len(rows) <= 1, "once is once"
    return rows[0] if rows else None


def events_of(api, sn):
    return api(f"docks/{sn}/trace")["items"]


# -- coming online -----------------------------------------------------------------------------------------------------


def test_onboarding_from_first_connection_to_topology(server, access, dock, api):
    config = dock.request("config", {"config_type": "json", "config_scope": "product"})
    assert {"app_id", "app_key", "app_license", "ntp_server_host", "ntp_server_port"} == set(config), "config is not wrapped"
    assert all(type(config[name]) is str for name in ("app_id", "app_key", "app_license", "ntp_server_host"))
    assert type(config["ntp_server_port"]) is int

    status = dock.request("airport_bind_status", {"devices": [{"sn": dock.sn}, {"sn": "AIRCRAFT1"}]})
    assert status["result"] == 0
    assert [row["sn"] for row in status["output"]["bind_status"]] == [dock.sn, "AIRCRAFT1"]
    assert status["output"]["bind_status"][0]["is_device_bind_organization"] is False

    asked = {"device_binding_code": access["binding_code"], "organization_id": access["organization_id"]}
    assert dock.request("airport_organization_get", asked)["output"]["organization_name"] == "default"
    wrong = dock.request("airport_organization_get", {**asked, "device_binding_code": "WRONG"})
    assert wrong["result"] == 210229

    device = {**asked, "device_callsign": "Dock Süd", "sn": dock.sn, "device_model_key": "3-2-0"}
    refused = dock.request("airport_organization_bind", {"bind_devices": [{**device, "device_binding_code": "WRONG"}]})
    assert refused["output"]["err_infos"] == [{"sn": dock.sn, "err_code": 210229}]
    aircraft = {**device, "sn": "AIRCRAFT1", "device_model_key": "0-91-1"}
    bound = dock.request("airport_organization_bind", {"bind_devices": [device, aircraft]})
    assert bound["result"] == 0
    assert bound["output"]["err_infos"] == [{"sn": dock.sn, "err_code": 0}, {"sn": "AIRCRAFT1", "err_code": 0}]
    status = dock.request("airport_bind_status", {"devices": [{"sn": dock.sn}]})["output"]["bind_status"][0]
    assert status["is_device_bind_organization"] is True
    assert status["organization_id"] == access["organization_id"] and status["organization_name"] == "default"
    assert status["device_callsign"] == "Dock Süd"

    topology = {"domain": 3, "type": 2, "sub_type": 0, "device_secret": "", "nonce": "", "thing_version": "1.1.2",
                "sub_devices": [{"sn": "AIRCRAFT1", "domain": "0", "type": 91, "sub_type": 1, "index": "A"}]}
    for root in ("sys", "thing"):
        assert dock.ask("status", "update_topo", topology, root=root)["data"] == {"result": 0}
    row = api(f"docks/{dock.sn}")
    assert row["model_key"] == "3-2-0" and row["online"] is True
    assert row["aircraft"] == [{"sn": "AIRCRAFT1", "model_key": "0-91-1"}]
    assert dock.ask("status", "update_topo", {**topology, "sub_devices": []}, root="sys")["data"] == {"result": 0}


def test_requests_that_must_not_hang(dock):
    assert dock.request("flight_areas_get", None) == {"result": 0, "output": {"files": []}}
    maps = dock.request("offline_map_get", None)
    assert maps["result"] == 0 and maps["output"]["files"] == [] and type(maps["output"]["offline_map_enable"]) is bool
    for method in ("flighttask_resource_get", "flighttask_progress_get", "a_method_of_next_year"):
        assert dock.request(method, {"flight_id": "x"})["result"] != 0
    assert dock.event("an_event_of_next_year", {"a": [1, {"b": None}]}) == {"result": 0}
    assert dock.request("storage_config_get", {"module": 1})["result"] == 0
    assert dock.request("storage_config_get", {"module": 99})["result"] != 0


def test_a_dock_bound_elsewhere_is_refused_with_its_code(server, dock):
    server.cli("workspace", "add", "elsewhere")
    other = add_dock(server, "PYELSEWHERE1", workspace="elsewhere")
    device = {"device_binding_code": other["binding_code"], "organization_id": other["organization_id"],
              "device_callsign": "x", "sn": dock.sn, "device_model_key": "3-2-0"}
    with ForeignDock(other) as stranger:
        assert stranger.storage()["bucket"] != dock.storage()["bucket"]
    answer = dock.request("airport_organization_bind", {"bind_devices": [device]})
    assert answer["output"]["err_infos"] == [{"sn": dock.sn, "err_code": 210232}]


@pytest.mark.parametrize("transport", ["tcp", "websockets"])
@pytest.mark.parametrize("protocol", [mqtt.MQTTv311, mqtt.MQTTv5])
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_every_quality_of_service_version_and_transport(access, api, qos, protocol, transport):
    with ForeignDock(access, protocol=protocol, transport=transport, qos=qos) as dock:
        answer, key, _ = dock.upload()
        assert answer == {"result": 0} and media_of(api, key)["status"] == "stored"


# -- one file ----------------------------------------------------------------------------------------------------------


def test_one_file_through_every_part(dock, api):
    answer, key, body = dock.upload()
    assert answer == {"result": 0}
    row = media_of(api, key)
    assert row["status"] == "stored" and row["size_bytes"] == len(body) and row["gateway_sn"] == dock.sn
    assert row["kind"] == "photo" and row["captured_at"] == "2026-05-10T08:15:30Z"
    assert row["position"] == {"lat": 47.3769, "lng": 8.5417, "absolute_altitude_m": 156.237, "relative_altitude_m": 42.5}
    assert row["gimbal"]["yaw_deg"] == -91.4 and row["drone_model_key"] == "0-91-1" and row["is_original"] is True
    signed = api.signed_url(row["id"])
    got = requests.get(signed, timeout=30)
    assert sha256(got.content) == sha256(body)
    part = requests.get(signed, headers={"Range": "bytes=3-9"}, timeout=30)
    assert part.status_code == 206 and part.content == body[3:10]
    done = wait_for(lambda: media_of(api, key)["processing"] == "done", "processing")
    assert done


def test_multipart_upload_with_session_credentials(dock, api):
    storage = dock.storage()
    key = f"{storage['object_key_prefix']}/clip/DJI_0001_V.MP4"
    client = s3_client(storage)
    upload = client.create_multipart_upload(Bucket=storage["bucket"], Key=key)["UploadId"]
    parts = []
    for number, body in ((1, b"a" * (5 << 20)), (2, b"b" * 1234)):
        part = client.upload_part(Bucket=storage["bucket"], Key=key, UploadId=upload, PartNumber=number, Body=body)
        parts.append({"PartNumber": number, "ETag": part["ETag"]})
    client.complete_multipart_upload(Bucket=storage["bucket"], Key=key, UploadId=upload, MultipartUpload={"Parts": parts})
    assert dock.event("file_upload_callback", report(key, "DJI_0001_V.MP4", "clip")) == {"result": 0}
    row = media_of(api, key)
    assert row["size_bytes"] == (5 << 20) + 1234 and row["etag"].endswith("-2") and row["kind"] == "video"


# -- the tolerance table (PROTOCOL 3.2), a row a case ------------------------------------------------------------------

STAMP = "2026-05-10T10:15:30+02:00"


def meta(**change):
    base = {"gimbal_yaw_degree": 12.5, "absolute_altitude": 500.5, "relative_altitude": 40.0, "create_time": STAMP,
            "shoot_position": {"lat": 47.0, "lng": 8.0}}
    base.update(change)
    return {name: value for name, value in base.items() if value is not ...}


def case(name, change=lambda data: data, expect=None, metadata=..., envelope=None):
    return pytest.param(change, expect or {}, metadata, envelope or {}, id=name)


def drop(*path):
    def change(data):
        node = data
        for step in path[:-1]:
            node = node[step]
        node.pop(path[-1])
        return data

    return change


def put(value, *path):
    def change(data):
        node = data
        for step in path[:-1]:
            node = node[step]
        node[path[-1]] = value
        return data

    return change


def flat(data):
    file = data.pop("file")
    return {**file, **data, "fingerprint": "0" * 32, "type": 0}


TOLERATED = [
    case("created_time", metadata=meta(create_time=..., created_time=STAMP), expect={"captured_at": "2026-05-10T08:15:30Z"}),
    case("created_time-wins", metadata=meta(created_time="2026-05-10T10:15:31+02:00"), expect={"captured_at": "2026-05-10T08:15:31Z"}),
    case("time-without-zone", metadata=meta(create_time="2026-05-10 10:15:30"), expect={"captured_at": None}),
    case("time-with-nul", metadata=meta(create_time=STAMP + "\0"), expect={"captured_at": "2026-05-10T08:15:30Z"}),
    case("time-is-nonsense", metadata=meta(create_time="yesterday"), expect={"captured_at": None}),
    case("position-tiny", metadata=meta(shoot_position={"lat": 1e-170, "lng": 1e-170}), expect={"position": None}),
    case("position-huge", metadata=meta(shoot_position={"lat": 1e240, "lng": 8.0}), expect={"position": None}),
    case("position-zero", metadata=meta(shoot_position={"lat": 0, "lng": 0}), expect={"position": None}),
    case("position-names", metadata=meta(shoot_position={"latitude": 47.0, "longitude": 8.0})),
    case("yaw-text", metadata=meta(gimbal_yaw_degree="-17.25"), expect={"yaw": -17.25}),
    case("yaw-nonsense", metadata=meta(gimbal_yaw_degree="north"), expect={"yaw": None}),
    case("result-sibling-zero", put(0, "result")),
    case("file-missing-flat-table", flat),
    case("metadata-missing", drop("file", "metadata"), {"position": None, "captured_at": None}),
    case("metadata-null", put(None, "file", "metadata"), {"position": None}),
    case("ext-missing", drop("file", "ext"), {"flight_id": None}),
    case("ext-null", put(None, "file", "ext"), {"flight_id": None}),
    case("path-missing", drop("file", "path")),
    case("name-missing", drop("file", "name")),
    case("flight_task-missing", drop("flight_task")),
    case("flight_task-null", put(None, "flight_task")),
    case("is_original-number", put(1, "file", "ext", "is_original"), {"is_original": True}),
    case("is_original-zero", put(0, "file", "ext", "is_original"), {"is_original": False}),
    case("unknown-models", put("0-999-7", "file", "ext", "drone_model_key"), {"drone_model_key": "0-999-7"}),
    case("model-is-text", put("Autel-Nest", "file", "ext", "payload_model_key"), {"payload_model_key": "Autel-Nest"}),
    case("fingerprint", put("ABCDEF0123456789ABCDEF0123456789", "file", "fingerprint")),
    case("numbers-as-text", put({"uploaded_file_count": "1", "expected_file_count": "4", "flight_type": "0"}, "flight_task")),
    case("altitude-as-text", metadata=meta(absolute_altitude="500.5", relative_altitude="40"), expect={"absolute_altitude_m": 500.5}),
    case("need_reply-true", envelope={"need_reply": True}),
    case("need_reply-absent", envelope={"need_reply": ...}),
    case("need_reply-text", envelope={"need_reply": "1"}),
    case("timestamp-text", envelope={"timestamp": "1760000000123"}),
    case("timestamp-with-colon", envelope={"timestamp": ..., "timestamp:": 1760000000123}),
    case("gateway-of-another", envelope={"gateway": "SOMEBODYELSE"}),
    case("gateway-absent", envelope={"gateway": ...}),
    case("unknown-keys", put({"deep": [1, 2, {"x": None}]}, "file", "of_next_year")),
    case("method-absent", envelope={"method": ...}),
    case("unicode-name", put("DJI_0001_Süd_無人機.JPG", "file", "name")),
]


@pytest.mark.parametrize(("change", "expect", "metadata", "envelope"), TOLERATED)
def test_tolerated_form_is_stored_and_answered_0(dock, api, change, expect, metadata, envelope):
    storage = dock.storage()
    flight_id, name = str(uuid.uuid4()), f"DJI_{uuid.uuid4().hex[:8]}_V.JPG"
    key = f"{storage['object_key_prefix']}/{flight_id}/{name}"
    dock.put(storage, key, b"picture")
    data = change(report(key, name, flight_id, metadata=meta() if metadata is ... else metadata))
    assert dock.event(**{"method": "file_upload_callback", "data": data, **envelope}) == {"result": 0}
    row = media_of(api, key)
    assert row["status"] == "stored" and row["size_bytes"] == 7
    for field, value in expect.items():
        if field == "yaw":
            assert (row["gimbal"] or {}).get("yaw_deg") == value
        elif field == "absolute_altitude_m":
            assert row["position"][field] == value
        else:
            assert row[field] == value, field
    if "position" not in expect and isinstance(data.get("file", data).get("metadata"), dict):
        assert (row["position"]["lat"], row["position"]["lng"]) == (47.0, 8.0)


def test_need_reply_0_is_kept_and_not_answered(dock, api):
    storage = dock.storage()
    key = f"{storage['object_key_prefix']}/quiet/{uuid.uuid4().hex}.JPG"
    dock.put(storage, key, b"picture")
    with pytest.raises(NoAnswer):
        dock.event("file_upload_callback", report(key, "x.JPG", "quiet"), need_reply=0, timeout_s=1)
    wait_for(lambda: media_of(api, key), "the row")
    quiet = lambda: [entry for entry in events_of(api, dock.sn) if entry["asked"].get("file", {}).get("object_key") == key]
    entry = wait_for(quiet, "the trace")[0]
    assert entry["result"] is None and entry["answered"] is None, "the trace shows no answer that was not given"


def test_ppk_and_rtcm_without_metadata(dock, api):
    for name, kind in (("a_PPKOBS.obs", "ppk"), ("a_PPKNAV.nav", "ppk"), ("a_Timestamp.MRK", "ppk"), ("a.rtk", "ppk"), ("b.dat", "rtcm")):
        answer, key, _ = dock.upload(name=name, metadata=None)
        assert answer == {"result": 0}
        assert media_of(api, key)["kind"] == kind


def test_reported_again_with_another_tid_is_one_row(dock, api):
    answer, key, _ = dock.upload(name="twice.JPG", flight_id="again")
    first = media_of(api, key)
    for _ in range(3):
        assert dock.event("file_upload_callback", report(key, "twice.JPG", "again")) == {"result": 0}
    assert media_of(api, key)["id"] == first["id"]
    tid = str(uuid.uuid4())
    for _ in range(2):
        assert dock.event("file_upload_callback", report(key, "twice.JPG", "again"), tid=tid) == {"result": 0}
    assert media_of(api, key)["id"] == first["id"]


def test_a_missing_object_is_never_called_kept(dock, api):
    storage = dock.storage()
    key = f"{storage['object_key_prefix']}/gone/{uuid.uuid4().hex}.JPG"
    assert dock.event("file_upload_callback", report(key, "gone.JPG", "gone"))["result"] != 0
    assert media_of(api, key)["status"] == "missing"
    assert key not in [row["object_key"] for row in api("media", limit=1000)["items"]]
    dock.put(storage, key, b"late")
    assert dock.event("file_upload_callback", report(key, "gone.JPG", "gone")) == {"result": 0}
    assert media_of(api, key)["status"] == "stored"


def test_a_key_outside_the_prefix_is_quarantined(dock, api):
    key = f"docks/SOMEBODYELSE/{uuid.uuid4().hex}.JPG"
    answer = dock.event("file_upload_callback", report(key, "x.JPG", "stolen"))
    assert answer == {"result": 0}
    assert media_of(api, key)["status"] == "quarantined"
    assert key not in [row["object_key"] for row in api("media", limit=1000)["items"]]
    api("flights/stolen", expect=404)


def test_a_failed_upload_is_recorded_and_acknowledged(dock, api):
    storage = dock.storage()
    key = f"{storage['object_key_prefix']}/failed/{uuid.uuid4().hex}.JPG"
    assert dock.event("file_upload_callback", {**report(key, "x.JPG", "failed"), "result": 324030}) == {"result": 0}
    assert media_of(api, key) is None
    flight = api("flights/failed")
    assert (flight["gateway_sn"], flight["expected_file_count"], flight["stored_count"]) == (dock.sn, 1, 0)


@pytest.mark.parametrize("data", [None, {}, [], "text", 7, {"file": None}, {"file": {"object_key": ""}}, {"file": {"object_key": 5}}])
def test_a_callback_without_a_key_is_answered(dock, data):
    assert "result" in dock.event("file_upload_callback", data)


@pytest.mark.parametrize("payload", [b"", b"{", b"not json", b"\xff\xfe", b"[1,2]", b"null", b'{"tid":1e400}', b"[" * 5000])
def test_garbage_does_not_end_the_conversation(dock, payload):
    for kind in ("events", "requests", "osd", "state", "services_reply"):
        dock.publish(kind, payload)
    assert dock.request("flight_areas_get", None)["result"] == 0


def test_osd_in_parts_is_merged(dock, api):
    dock.publish("osd", {"tid": "1", "bid": "1", "timestamp": 1, "gateway": dock.sn, "data": {"media_file_detail": {"remain_upload": 7}}})
    dock.publish("osd", {"tid": "2", "bid": "2", "timestamp": 2, "gateway": dock.sn, "data": {"storage": {"total": 1000, "used": 250}}})
    dock.publish("osd", {"tid": "3", "bid": "3", "timestamp": 3, "gateway": dock.sn, "data": {"mode_code": 0}})
    row = wait_for(lambda: (r := api(f"docks/{dock.sn}"))["storage"] and r["storage"].get("used_kb") == 250 and r, "the merge")
    assert row["remain_upload"] == 7 and row["storage"] == {"total_kb": 1000, "used_kb": 250}


def test_flight_counts_and_state(dock, api):
    flight_id = str(uuid.uuid4())
    progress = {"ext": {"flight_id": flight_id, "media_count": 3, "track_id": "t-1"}, "progress": {"percent": 100}, "status": "ok"}
    assert dock.event("flighttask_progress", {"result": 0, "output": progress}) == {"result": 0}
    flight = api(f"flights/{flight_id}")
    assert flight["gateway_sn"] == dock.sn and flight["stored_count"] == 0 and flight["state"] == "uploading"
    for number in range(3):
        counts = {"flight_task": {"uploaded_file_count": number + 1, "expected_file_count": 3, "flight_type": 0}}
        assert dock.upload(flight_id=flight_id, **counts)[0] == {"result": 0}
    flight = api(f"flights/{flight_id}")
    assert (flight["stored_count"], flight["expected_file_count"], flight["uploaded_file_count"]) == (3, 3, 3)
    assert flight["state"] == "complete" and flight["bbox"] is not None
    assert dock.event("highest_priority_upload_flighttask_media", {"flight_id": flight_id}) == {"result": 0}


def test_a_flight_exists_as_soon_as_an_event_names_it(dock, api):
    for method, data in (
        ("highest_priority_upload_flighttask_media", lambda flight_id: {"flight_id": flight_id}),
        ("flighttask_progress", lambda flight_id: {"output": {"ext": {"flight_id": flight_id}}}),
        ("an_event_of_next_year", lambda flight_id: {"flight_id": flight_id, "more": 1}),
    ):
        flight_id = str(uuid.uuid4())
        assert dock.event(method, data(flight_id)) == {"result": 0}
        flight = api(f"flights/{flight_id}")
        assert flight["gateway_sn"] == dock.sn and flight["state"] == "uploading", method
        nothing = ("flight_type", "expected_file_count", "uploaded_file_count", "first_captured_at", "last_captured_at", "bbox")
        assert {flight[name] for name in nothing} == {None} and flight["stored_count"] == 0


def test_the_last_word_counts_whatever_comes_at_once(dock, api):
    """Messages of a moment, as after a cut: the newest state of a task and the newest topology stay."""
    flight_id, tids = str(uuid.uuid4()), [str(uuid.uuid4()) for _ in range(60)]
    waiting = [dock.waiting.setdefault(tid, queue.Queue()) for tid in tids]
    on = [{"sn": "AIRCRAFT1", "domain": 0, "type": 91, "sub_type": 1, "index": "A"}]
    for number, tid in enumerate(tids):
        progress = {"result": 0, "output": {"ext": {"flight_id": flight_id}, "status": f"step-{number}"}}
        body = {"tid": tid, "bid": tid, "timestamp": 1, "need_reply": 1, "method": "flighttask_progress", "data": progress}
        dock.publish("events", body)
        topology = {"domain": 3, "type": 2, "sub_type": 0, "sub_devices": on if number % 2 == 0 else []}
        dock.publish("status", {"tid": tid, "bid": tid, "timestamp": 1, "method": "update_topo", "data": topology}, root="sys")
    for replies in waiting:
        assert [replies.get(timeout=30)[1]["data"]["result"] for _ in range(2)] == [0, 0]
    assert api(f"flights/{flight_id}")["task_status"] == "step-59"
    assert api(f"docks/{dock.sn}")["aircraft"] == []


def test_a_flight_without_counts_is_complete_when_its_dock_has_nothing_left(new_server):
    server = new_server(EYRIE_INGEST_STALLED_AFTER="2 s")
    api = Api(server.http_url, server.cli("token", "create", "--workspace", "default", "--role", "viewer")["token"])
    with ForeignDock(add_dock(server, "PYNOCOUNTS1")) as dock:
        osd = lambda left: dock.publish("osd", {"tid": "1", "data": {"media_file_detail": {"remain_upload": left}}})
        osd(3)
        assert dock.upload(flight_id="uncounted", flight_task=None)[0] == {"result": 0}
        assert dock.upload(flight_id="short", flight_task={"expected_file_count": 2})[0] == {"result": 0}
        assert [api(f"flights/{name}")["state"] for name in ("uncounted", "short")] == ["uploading", "uploading"]
        wait_for(lambda: api("flights/uncounted")["state"] == "stalled", "no word of it for long")
        wait_for(lambda: osd(0) and api("flights/uncounted")["state"] == "complete", "the dock has nothing left", every_s=0.5)
        wait_for(lambda: api("flights/short")["state"] == "stalled", "a file is missing, whatever the dock says")


def test_a_task_that_failed_is_told_in_words(dock, api):
    progress = {"result": 319017, "output": {"ext": {"flight_id": str(uuid.uuid4())}, "status": "failed"}}
    assert dock.event("flighttask_progress", progress) == {"result": 0}
    noted = lambda: [entry for entry in events_of(api, dock.sn) if entry["method"] == "flighttask_progress" and entry["note"]]
    assert "319017: the dock still handles the media" in wait_for(noted, "the trace")[0]["note"]


def test_prioritize_reaches_the_dock_and_shows_its_outcome(dock, api):
    answer, _, _ = dock.upload(flight_id="hurry")
    for result, state in ((0, "done"), (319017, "dead")):
        queued = api.session.post(f"{api.url}/default/flights/hurry/prioritize", timeout=30)
        assert queued.status_code == 202, queued.text
        command = dock.services.get(timeout=20)
        assert command["method"] == "upload_flighttask_media_prioritize" and command["data"] == {"flight_id": "hurry"}
        dock.publish("services_reply", {**command, "data": {"result": result}})
        job = wait_for(lambda: (j := api(f"jobs/{queued.json()['job_id']}"))["state"] == state and j, state)
        assert (job["error"] is None) == (result == 0)
        sent = lambda: [entry for entry in events_of(api, dock.sn) if entry["direction"] == "down" and entry["result"] == result]
        entry = wait_for(sent, "the command in the trace")[0]
        assert entry["topic"] == f"thing/product/{dock.sn}/services" and entry["tid"] == command["tid"] and entry["duration_ms"] > 0
        assert entry["asked"] == {"flight_id": "hurry"} and entry["answered"]["result"] == result
        assert (entry["note"] is None) == (result == 0)


def test_a_job_that_outlasts_its_lease_is_done_once(new_server):
    """The dock thinks for longer than a lease lasts; nobody else takes the job meanwhile."""
    server = new_server(EYRIE_JOBS_LEASE="1 s")
    token = server.cli("token", "create", "--workspace", "default", "--role", "operator")["token"]
    api = Api(server.http_url, token)
    with ForeignDock(add_dock(server, "PYSLOWDOCK1")) as dock:
        dock.upload(flight_id="slow")
        queued = api.session.post(f"{api.url}/default/flights/slow/prioritize", timeout=30)
        command = dock.services.get(timeout=20)
        time.sleep(4)
        dock.publish("services_reply", {**command, "data": {"result": 0}})
        job = wait_for(lambda: (j := api(f"jobs/{queued.json()['job_id']}"))["state"] == "done" and j, "the job")
        assert job["attempts"] == 1 and dock.services.empty()


def test_trace_tells_what_was_asked_and_answered_without_secrets(dock, api):
    storage = dock.storage()
    dock.request("storage_config_get", {"module": 99})
    asked = lambda entry: entry["method"] == "storage_config_get" and entry["asked"] == {"module": 99}
    entries = wait_for(lambda: (e := events_of(api, dock.sn)) and asked(e[0]) and e, "the trace")
    refused = entries[0]
    assert refused["result"] not in (0, None) and refused["note"] and refused["direction"] == "up"
    text = json.dumps(entries)
    assert storage["credentials"]["access_key_secret"] not in text
    assert storage["credentials"]["security_token"] not in text


# -- what the credentials do not open ----------------------------------------------------------------------------------


def denied(call, **arguments):
    with pytest.raises(ClientError) as refusal:
        call(**arguments)
    status = refusal.value.response["ResponseMetadata"]["HTTPStatusCode"]
    assert status in (400, 403), refusal.value
    return status


def test_a_dock_can_only_write_and_only_below_its_prefix(dock):
    storage = dock.storage()
    client, bucket, prefix = s3_client(storage), storage["bucket"], storage["object_key_prefix"]
    key = f"{prefix}/own.JPG"
    dock.put(storage, key, b"mine")
    denied(client.get_object, Bucket=bucket, Key=key)
    denied(client.head_object, Bucket=bucket, Key=key)
    denied(client.delete_object, Bucket=bucket, Key=key)
    denied(client.delete_objects, Bucket=bucket, Delete={"Objects": [{"Key": key}]})
    denied(client.list_objects_v2, Bucket=bucket)
    denied(client.list_objects, Bucket=bucket, Prefix=prefix)
    denied(client.list_multipart_uploads, Bucket=bucket)
    denied(client.list_buckets)
    denied(client.copy_object, Bucket=bucket, Key=f"{prefix}/copy.JPG", CopySource={"Bucket": bucket, "Key": key})
    for outside in ("own.JPG", f"{prefix}x/own.JPG", "docks/OTHER/own.JPG", f"{prefix[:-1]}/own.JPG", prefix):
        denied(client.put_object, Bucket=bucket, Key=outside, Body=b"x")
    denied(client.put_object, Bucket="elsewhere", Key=key, Body=b"x")
    tampered = {**storage, "credentials": {**storage["credentials"], "security_token": storage["credentials"]["security_token"][:-2] + "xx"}}
    denied(s3_client(tampered).put_object, Bucket=bucket, Key=key, Body=b"x")


# -- many at once ------------------------------------------------------------------------------------------------------


def test_two_thousand_callbacks_at_once(dock, api):
    storage = dock.storage()
    flight_id = f"burst-{uuid.uuid4()}"
    key = f"{storage['object_key_prefix']}/{flight_id}/0.JPG"
    dock.put(storage, key, b"x")
    tids = {}
    for _ in range(2000):
        tid = str(uuid.uuid4())
        tids[tid] = dock.waiting.setdefault(tid, queue.Queue())
        dock.publish("events", {"tid": tid, "bid": tid, "timestamp": int(time.time() * 1000), "gateway": dock.sn, "need_reply": 1,
                                "method": "file_upload_callback", "data": report(key, "0.JPG", flight_id)})
    results = [replies.get(timeout=60)[1]["data"]["result"] for replies in tids.values()]
    assert results == [0] * 2000
    assert api(f"flights/{flight_id}")["stored_count"] == 1
