"""Pilot 2 as others would write it: every call, every optional field missing in turn, wrong types, dead tokens, other prefixes."""

import concurrent.futures
import copy
import time
import uuid

import pytest
import requests
from botocore.exceptions import ClientError
from foreign_dock import ForeignDock, NoAnswer
from foreign_pilot import PATHS, ForeignPilot, callback, fingerprint, tiny


def add_user(server, workspace, role):
    name = f"crew-{uuid.uuid4().hex[:8]}"
    return name, server.cli("user", "add", "--workspace", workspace["id"], "--role", role, name)["password"]


def log_in(server, crew, sn=None, **more):
    sn = sn or f"RC{uuid.uuid4().hex[:10].upper()}"
    body = {"name": crew[0], "password": crew[1], "sn": sn, **more}
    answer = requests.post(f"{server.http_url}/pilot/api/login", json=body, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
def crew(server, workspace):
    return add_user(server, workspace, "operator")


@pytest.fixture
def login(server, crew):
    return log_in(server, crew)


@pytest.fixture
def pilot(login):
    return ForeignPilot.of_login(login)


@pytest.fixture
def listed(server, workspace):
    token = server.cli("token", "create", "--workspace", workspace["id"], "--role", "viewer")["token"]

    def ask(**query):
        url = f"{server.http_url}/api/v1/workspaces/{workspace['id']}/media"
        answer = requests.get(url, params={"limit": 1000, **query}, headers={"Authorization": f"Bearer {token}"}, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()["items"]

    return ask


def photo(size=2000):
    return b"\xff\xd8\xff" + uuid.uuid4().bytes + bytes(size)


def mqtt_access(login):
    """What `ForeignDock` needs, from a login."""
    assert login["mqtt"]["host"].startswith("tcp://") and login["mqtt"]["ws_host"].startswith("ws://")
    return {"sn": login["sn"], "username": login["mqtt"]["username"], "password": login["mqtt"]["password"], "mqtt_url": login["mqtt"]["host"]}


def test_a_whole_upload_and_the_same_photo_twice(pilot, login, listed):
    data = photo()
    key = pilot.upload("DJI_20260601100501_0001_V.JPG", data)
    assert key.startswith(f"pilot/{login['sn']}/")
    assert pilot.upload("DJI_20260601100501_0001_V.JPG", data) is None, "stored already"
    [item] = listed(source="pilot")
    assert (item["object_key"], item["gateway_sn"], item["source"]) == (key, login["sn"], "pilot")
    assert (item["size_bytes"], item["aircraft_sn"], item["drone_model_key"]) == (len(data), "1581F5BKD225D00BP891", "0-67-1")
    assert item["captured_at"] == "2026-06-01T08:05:01Z" and item["flight_id"]
    assert item["position"]["lat"] == 47.3769 and item["position"]["relative_altitude_m"] == 40.2
    assert listed(source="dock") == []
    # reported again, and uploaded again under another key
    assert pilot.ok("upload-callback", callback(key, "DJI_0001.JPG", data))["object_key"] == key
    other = pilot.put("DJI_0001(1).JPG", data)
    pilot.ok("upload-callback", callback(other, "DJI_0001(1).JPG", data))
    assert [item["object_key"] for item in listed(status="all")] == [key]


def test_reports_of_one_file_at_once_end_in_one_row(server, workspace, crew, listed):
    """By key and by fingerprint, from two controllers, in both cases of its letters."""
    pilots = [ForeignPilot.of_login(log_in(server, crew)) for _ in range(2)]
    for round in range(3):
        data = photo()
        reports = []
        for n in range(6):
            key = pilots[n % 2].put(f"{n}.JPG", data)
            body = callback(key, f"{n}.JPG", data)
            body["fingerprint"] = body["fingerprint"].lower() if n % 3 else body["fingerprint"]
            reports += [(pilots[n % 2], body)] * 2
        with concurrent.futures.ThreadPoolExecutor(len(reports)) as pool:
            answers = list(pool.map(lambda report: report[0].post("upload-callback", report[1]), reports))
        assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(200, 0)}
        assert len(listed(status="all")) == round + 1


def optional_fields():
    """Every path into the documented body but the key."""

    def walk(value, path):
        for name, child in value.items():
            yield (*path, name)
            if isinstance(child, dict):
                yield from walk(child, (*path, name))

    return [path for path in walk(callback("k", "n", b""), ()) if path != ("object_key",)]


@pytest.mark.parametrize("path", optional_fields(), ids=".".join)
def test_any_optional_field_may_be_missing_null_or_of_another_type(pilot, listed, path):
    *parents, last = path
    wrong = ["missing", None, "", "text", "12.5", 7, -1.5, 1e300, True, [], ["x"], {}, {"x": 1}, "\u0000"]
    if path == ("result",):
        wrong = ["missing", None, "", "text", 0, "0", 0.0, [], {}]
    for n, value in enumerate(wrong):
        data = photo(100)
        key = pilot.put(f"{n}.JPG", data)
        body = callback(key, f"{n}.JPG", data)
        place = body
        for name in parents:
            place = place[name]
        if value == "missing":
            del place[last]
        else:
            place[last] = value
        assert pilot.ok("upload-callback", body)["object_key"] == key, (path, value)
    assert len(listed()) == len(wrong)


def test_only_a_key_is_needed_and_almost_json_is_read(pilot, listed):
    key = pilot.put("only.JPG", photo())
    pilot.ok("upload-callback", {"object_key": key})
    [item] = listed()
    assert item["name"] == "only.JPG" and item["captured_at"] is None
    pilot.ok("upload-callback", b'\xef\xbb\xbf{"object_key":"' + key.encode() + b'","metadata":{"absolute_altitude":nan}}\0')
    for body in [b"", b"[]", b"{}", b"nonsense", b"null", b'{"object_key":7}', b'{"object_key":""}', b'{"object_key":"x', b"\xff"]:
        answer = pilot.post("upload-callback", body)
        assert (answer.status_code, answer.json()["code"]) == (400, 400), body
    answer = pilot.post("upload-callback", {"object_key": key, "name": "x" * (2 << 20)})
    assert answer.status_code == 400
    assert len(listed(status="all")) == 1


def test_a_panorama_and_a_failed_upload(pilot, listed):
    data = photo()
    key = pilot.put("PANO0001.JPG", data)
    pilot.ok("upload-callback", {**callback(key, "PANO0001.JPG", data), "sub_file_type": 1})
    deadline = time.monotonic() + 30
    while listed()[0]["processing"] == "pending":
        assert time.monotonic() < deadline, "the reader does not come"
        time.sleep(0.05)
    assert listed()[0]["kind"] == "panorama", "also after the file was read"
    for result in (1, -5, "-5"):
        pilot.ok("upload-callback", {"result": result, "object_key": key + "x", "name": "x"})
    pilot.ok("upload-callback", {"result": 9})
    assert len(listed(status="all")) == 1


def test_keys_outside_the_own_prefix_are_refused(server, workspace, crew, pilot, listed):
    other = ForeignPilot.of_login(log_in(server, crew))
    theirs = other.put("theirs.JPG", photo())
    mine = pilot.put("mine.JPG", photo())
    prefix = pilot.storage["object_key_prefix"]
    for key in [theirs, "x", "docks/D1/x", prefix, prefix + "/", prefix + "0/x", "/" + mine, mine.replace("pilot/", "pilot//"), prefix + "/../x", "pilot/../" + mine]:
        answer = pilot.post("upload-callback", {"object_key": key})
        refused = (answer.status_code, answer.json()["code"]) == (403, 403)
        absent = answer.status_code == 200 and answer.json()["code"] not in (0, 200)
        assert refused or (absent and key.startswith(prefix + "/")), (key, answer.text)
    assert listed() == []
    answer = pilot.post("upload-callback", {"object_key": prefix + "/never uploaded"})
    assert answer.status_code == 200 and answer.json()["code"] != 0
    # nor do the credentials reach anything but writing below the prefix
    s3, bucket = pilot.s3(pilot.storage), pilot.storage["bucket"]
    for operation in [
        lambda: s3.put_object(Bucket=bucket, Key=theirs, Body=b"x"),
        lambda: s3.put_object(Bucket=bucket, Key=prefix + "0/x", Body=b"x"),
        lambda: s3.get_object(Bucket=bucket, Key=mine),
        lambda: s3.delete_object(Bucket=bucket, Key=mine),
        lambda: s3.list_objects_v2(Bucket=bucket, Prefix=prefix),
        lambda: s3.put_object(Bucket="default", Key=mine, Body=b"x"),
    ]:
        with pytest.raises(ClientError) as refused:
            operation()
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_a_large_file_in_parts(pilot, listed):
    storage = pilot.ok("sts")
    assert type(storage["credentials"]["expire"]) is int and storage["credentials"]["expire"] > 0
    assert set(storage) == {"bucket", "region", "provider", "endpoint", "object_key_prefix", "credentials"}
    s3, key = pilot.s3(storage), storage["object_key_prefix"] + "/video.MP4"
    upload = s3.create_multipart_upload(Bucket=storage["bucket"], Key=key)["UploadId"]
    parts = []
    for number in (1, 2):
        part = s3.upload_part(Bucket=storage["bucket"], Key=key, UploadId=upload, PartNumber=number, Body=bytes(5 << 20))
        parts.append({"PartNumber": number, "ETag": part["ETag"]})
    s3.complete_multipart_upload(Bucket=storage["bucket"], Key=key, UploadId=upload, MultipartUpload={"Parts": parts})
    pilot.ok("upload-callback", {"object_key": key, "name": "video.MP4"})
    assert listed()[0]["size_bytes"] == 10 << 20


def test_tiny_fingerprints_by_thousands(server, workspace, crew, pilot):
    files = [photo(1000 + n) for n in range(20)]
    for n, data in enumerate(files):
        key = pilot.put(f"{n}.JPG", data)
        pilot.ok("upload-callback", callback(key, f"{n}.JPG", data))
    known = [tiny(data) for data in files]
    asked = [f"{uuid.uuid4().hex}_2026_6_1_8_5_{n % 60}" for n in range(9_980)] + known[::-1]
    assert pilot.ok("tiny-fingerprints", {"tiny_fingerprints": asked})["tiny_fingerprints"] == known[::-1]
    upper = [text.upper() for text in known]
    assert pilot.ok("tiny-fingerprints", {"tiny_fingerprints": upper})["tiny_fingerprints"] == upper
    assert pilot.ok("tiny-fingerprints", {"tiny_fingerprints": [1, None, {}, [], "", known[0], known[0]]})["tiny_fingerprints"] != []
    assert pilot.ok("tiny-fingerprints", {"tiny_fingerprints": []})["tiny_fingerprints"] == []
    for body in [{}, {"tiny_fingerprints": "x"}, {"tiny_fingerprints": None}, []]:
        assert pilot.post("tiny-fingerprints", body).status_code == 400
    # the object goes, and with it the hit
    key = server.cli("s3-key", "create", "--workspace", workspace["id"], "--access", "write")
    operator = pilot.s3({**pilot.storage, "credentials": {"access_key_id": key["access_key_id"], "access_key_secret": key["secret_access_key"], "security_token": None}})
    for item in operator.list_objects_v2(Bucket=key["bucket"])["Contents"]:
        operator.delete_object(Bucket=key["bucket"], Key=item["Key"])
    assert pilot.ok("tiny-fingerprints", {"tiny_fingerprints": known})["tiny_fingerprints"] == []
    answer = pilot.post("fast-upload", {"fingerprint": fingerprint(files[0])})
    assert answer.status_code == 200 and answer.json()["code"] == -1


def test_fast_upload_needs_a_fingerprint_and_nothing_else(pilot):
    data = photo()
    pilot.upload("a.JPG", data)
    mark = fingerprint(data)
    full = {"fingerprint": mark, "name": "a.JPG", "path": "", "ext": {"drone_model_key": "0-67-1", "payload_model_key": "1-53-0", "is_original": True, "tinny_fingerprint": tiny(data), "sn": "A"}}
    for name in ["name", "path", "ext"]:
        assert pilot.post("fast-upload", {key: value for key, value in full.items() if key != name}).json()["code"] == 0
        for wrong in [None, 5, [], {}, "x", True]:
            assert pilot.post("fast-upload", {**full, name: wrong}).json()["code"] == 0
    assert pilot.post("fast-upload", {"fingerprint": mark.lower()}).json()["code"] == 0
    for body in [{}, {"fingerprint": None}, {"fingerprint": []}, {"fingerprint": ""}, {**full, "fingerprint": "x" * 300}]:
        assert pilot.post("fast-upload", body).status_code == 400, body


def test_a_wrong_workspace_is_403_and_a_dead_token_401_and_nothing_else_is(server, workspace, login, pilot):
    stranger = server.cli("workspace", "add", f"ws-{uuid.uuid4().hex[:10]}")
    for what in PATHS:
        for ws in [stranger["id"], stranger["name"], "default", "nothing", str(uuid.uuid4())]:
            answer = pilot.post(what, {}, workspace=ws)
            assert (answer.status_code, answer.json()["code"]) == (403, 403), (what, ws)
        for token in ["", "x", "eyrie_" + "a" * 43, login["token"][:-1], login["token"] + "a"]:
            dead = ForeignPilot(login["api_host"], workspace["id"], token)
            answer = dead.post(what, {})
            assert (answer.status_code, answer.json()["code"]) == (401, 401), what
        assert pilot.post(what, b"\x00\x01 nonsense").status_code in (200, 400), what
    headers = {"X-Auth-Token": login["token"]}
    for path in ["/media/api/v1/nothing", "/manage/api/v1/x", "/wayline/api/v1/workspaces/x/y/z", "/map/api"]:
        answer = requests.post(server.http_url + path, headers=headers, timeout=30)
        assert (answer.status_code, answer.json()["code"]) == (404, 404), path


def test_what_pilot_asks_besides(server, workspace, login, pilot):
    ask = lambda path: requests.get(server.http_url + path, headers={"X-Auth-Token": login["token"]}, timeout=30).json()
    ws = workspace["id"]
    current = ask("/manage/api/v1/workspaces/current")
    assert current["code"] == 0 and current["data"]["workspace_id"] == ws and current["data"]["workspace_name"] == workspace["name"]
    waylines = ask(f"/wayline/api/v1/workspaces/{ws}/waylines?page=2&page_size=9&order_by=update_time%20desc")
    assert waylines["data"] == {"list": [], "pagination": {"page": 2, "page_size": 9, "total": 0}}
    assert ask(f"/wayline/api/v1/workspaces/{ws}/waylines/duplicate-names?name=x")["data"] == []
    assert ask(f"/map/api/v1/workspaces/{ws}/element-groups?is_distributed=true")["data"] == []
    [device] = ask(f"/manage/api/v1/workspaces/{ws}/devices/topologies")["data"]["list"]
    assert device["parents"][0]["sn"] == login["sn"] and device["hosts"] == []


def test_the_controllers_mqtt_and_the_aircraft_behind_it(server, login, pilot):
    sn, aircraft = login["sn"], f"AIR{uuid.uuid4().hex[:8].upper()}"
    topology = {"domain": "2", "type": 119, "sub_type": 0, "sub_devices": [{"sn": aircraft, "domain": "0", "type": 67, "sub_type": 1, "index": "A"}]}
    with ForeignDock(mqtt_access(login)) as controller:
        for root in ("sys", "thing"):
            assert controller.ask("status", "update_topo", topology, root=root)["data"]["result"] == 0
        osd = lambda what, data: controller.publish("osd", {"tid": "t", "bid": "b", "timestamp": 1, "data": data}, sn=what)
        osd(sn, {"latitude": 47.3})
        osd(sn, {"longitude": 8.5})
        osd(aircraft, {"battery": {}})
        state = requests.get(f"{server.http_url}/pilot/api/state", headers={"X-Auth-Token": login["token"]}, timeout=30).json()
        assert state["mqtt_connected"] is True and state["last_heard_at"]
        assert state["aircraft"] == [{"sn": aircraft, "model_key": "0-67-1"}]
        assert state["uploads_today"] == 0 and state["last_file"] is None
        url = f"{server.http_url}/manage/api/v1/workspaces/{login['workspace_id']}/devices/topologies"
        [device] = requests.get(url, headers={"X-Auth-Token": login["token"]}, timeout=30).json()["data"]["list"]
        assert device["hosts"][0]["sn"] == aircraft and device["parents"][0]["online_status"] is True
        assert device["parents"][0]["device_model"]["key"] == "2-119-0"
    deadline = time.monotonic() + 15
    while server.cli("controller", "show", sn)["model_key"] is None:
        assert time.monotonic() < deadline
    shown = server.cli("controller", "show", sn)
    assert (shown["model_key"], shown["aircraft"]) == ("2-119-0", [{"sn": aircraft, "model_key": "0-67-1"}])
    assert shown["object_key_prefix"] == f"pilot/{sn}"
    assert sn in [item["sn"] for item in server.cli("controller", "list")["items"]]


def refused(access):
    client = ForeignDock(access)
    try:
        client.connect()
    except (NoAnswer, OSError):
        return True
    finally:
        client.close()
    return False


def test_an_mqtt_login_is_its_controllers_and_ends_with_it(server, crew, login):
    other = log_in(server, crew)
    assert refused({**mqtt_access(login), "password": other["mqtt"]["password"]}), "another controller's password"
    assert refused({**mqtt_access(login), "password": login["token"]})
    assert refused({**mqtt_access(login), "username": "default"})
    again = requests.get(f"{server.http_url}/pilot/api/session", headers={"X-Auth-Token": login["token"]}, timeout=30).json()
    assert again["mqtt"] == login["mqtt"] and again["token"] is None
    with ForeignDock(mqtt_access(login)) as controller:
        gone = []
        controller.client.on_disconnect = lambda *_: gone.append(True)
        # its own topics and no others
        controller.publish("osd", {"data": {}}, sn=other["sn"])
        answer = requests.delete(f"{server.http_url}/pilot/api/session", headers={"X-Auth-Token": login["token"]}, timeout=30)
        assert answer.status_code == 204
        deadline = time.monotonic() + 15
        while not gone:
            assert time.monotonic() < deadline, "the connection outlives its login"
            time.sleep(0.05)
        controller.client.loop_stop()
    assert refused(mqtt_access(login))


@pytest.mark.parametrize("end", ["rotate", "disable"])
def test_rotate_and_disable_end_every_login(server, crew, end):
    login = log_in(server, crew)
    server.cli("controller", end, login["sn"])
    answer = ForeignPilot.of_login(login).post("sts")
    assert (answer.status_code, answer.json()["code"]) == (401, 401)
    assert refused(mqtt_access(login))
    body = {"name": crew[0], "password": crew[1], "sn": login["sn"]}
    again = requests.post(f"{server.http_url}/pilot/api/login", json=body, timeout=30)
    assert again.status_code == (200 if end == "rotate" else 403)


def test_the_command_line_adds_a_controller(server, workspace):
    sn = f"RC{uuid.uuid4().hex[:10].upper()}"
    access = server.cli("controller", "add", "--workspace", workspace["name"], "--sn", sn)
    assert set(access) == {"sn", "username", "password", "mqtt_url", "token"}
    with ForeignDock(access):
        pass
    assert ForeignPilot(server.http_url, workspace["id"], access["token"]).ok("sts")["object_key_prefix"] == f"pilot/{sn}"


def test_a_token_ends_is_renewed_and_the_old_one_lives_on(new_server):
    server = new_server(EYRIE_PILOT_TOKEN_LIFETIME="3 s", EYRIE_PILOT_SESSION_LIFETIME="5 s")
    workspace = server.cli("workspace", "add", "short")
    login = log_in(server, add_user(server, workspace, "operator"))
    began = time.monotonic()
    renew = lambda token: requests.post(f"{server.http_url}/pilot/api/renew", headers={"X-Auth-Token": token}, timeout=30)
    good = lambda token: ForeignPilot(login["api_host"], login["workspace_id"], token).post("sts").status_code == 200
    renewed = renew(login["token"]).json()
    assert renewed["token"] != login["token"] and good(login["token"]) and good(renewed["token"])
    assert renewed["mqtt"] == login["mqtt"]
    token, first_ended_s = renewed["token"], None
    while (answer := renew(token)).status_code == 200:
        token = answer.json()["token"]
        if first_ended_s is None and not good(login["token"]):
            first_ended_s = time.monotonic() - began
        assert time.monotonic() - began < 30, "a login can be renewed for ever"
        time.sleep(0.2)
    assert answer.status_code == 401 and time.monotonic() - began >= 4.5
    assert first_ended_s >= 2.5, "the old token was good until its own end"


def test_waylines_and_groups_become_flights(server, workspace, login, pilot):
    run = "DJI_202606011005_003_Quarry north"
    for n in range(3):
        data = photo()
        key = pilot.put(f"{n}.JPG", data)
        body = callback(key, f"{n}.JPG", data)
        body["ext"]["file_group_id"] = "group-1"
        pilot.ok("upload-callback", {**body, "path": run})
    assert pilot.ok("group-upload-callback", {"file_group_id": "group-1", "file_count": 3, "file_uploaded_count": 3}) == {}
    for body in [{"file_group_id": "other"}, {"file_group_id": "g", "file_count": "x", "file_uploaded_count": None}]:
        pilot.ok("group-upload-callback", body)
    for body in [{}, {"file_group_id": None}, []]:
        assert pilot.post("group-upload-callback", body).status_code == 400
    token = server.cli("token", "create", "--workspace", workspace["id"], "--role", "viewer")["token"]
    url = f"{server.http_url}/api/v1/workspaces/{workspace['id']}/flights"
    [flight] = requests.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=30).json()["items"]
    assert (flight["stored_count"], flight["expected_file_count"], flight["state"]) == (3, 3, "complete")
    assert (flight["source"], flight["gateway_sn"], flight["track_id"], flight["flight_type"]) == ("pilot", login["sn"], run, 0)


def test_no_secret_of_a_login_is_in_the_log(server, login, pilot):
    storage = pilot.ok("sts")
    log = server.log()
    for secret in [login["token"], login["mqtt"]["password"], storage["credentials"]["access_key_secret"], storage["credentials"]["security_token"]]:
        assert secret not in log
