"""Many files as one zip: what other unpackers make of it, and downloads that break off."""

import hashlib
import io
import json
import os
import random
import shutil
import subprocess
import uuid
import zipfile

import pytest
from foreign_dock import ForeignDock, s3_client, sha256
from test_api import as_role

FLIGHT = "5b1d4d8a-7c1a-4d1e-9e67-6d9d5b1c7a55"


@pytest.fixture(scope="module")
def flown(server):
    """A workspace with two flights that have a file of one name: (workspace, api, the files of the first by path in the zip)."""
    workspace = server.cli("workspace", "add", f"ws-{uuid.uuid4().hex[:10]}")
    access = server.cli("dock", "add", "--workspace", workspace["id"], "--sn", f"ZIP{uuid.uuid4().hex[:8].upper()}")
    sent = {}
    with ForeignDock(access) as dock:
        storage = dock.storage()
        for name, size_bytes in (("DJI_0001_V.JPG", 300_001), ("DJI_0002_V.MP4", 6_000_000), ("DJI_Timestamp.MRK", 0), ("ä b.txt", 77)):
            body = random.Random(name).randbytes(size_bytes)
            answer, _, _ = dock.upload(name, body, FLIGHT, storage, metadata={"create_time": "2026-05-10T10:15:30+02:00"})
            assert answer["result"] == 0
            sent[f"2026-05-10_5b1d4d8a/{name}"] = body
        answer, _, _ = dock.upload("DJI_0001_V.JPG", b"another one", str(uuid.uuid4()), storage, metadata={"create_time": "2026-05-11T00:15:30+02:00"})
        assert answer["result"] == 0
    return workspace, as_role(server, workspace, "viewer"), sent


@pytest.fixture(scope="module")
def archive(flown):
    return flown[1].call("POST", "archives", 201, json={"flight_id": FLIGHT}).json()


def fetch(api, archive, expect=200, **headers):
    return api.call("GET", archive["url"], expect, headers=headers)


def test_others_unpack_it_and_its_sums_hold(flown, archive, tmp_path):
    _, api, sent = flown
    answer = fetch(api, archive)
    assert int(answer.headers["content-length"]) == archive["size_bytes"] == len(answer.content)
    assert answer.headers["content-type"] == "application/zip" and answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["content-disposition"] == f'attachment; filename="2026-05-10_{FLIGHT}.zip"'
    with zipfile.ZipFile(io.BytesIO(answer.content)) as unpacked:
        assert unpacked.testzip() is None
        assert {info.compress_type for info in unpacked.infolist()} == {zipfile.ZIP_STORED}
        assert {name: unpacked.read(name) for name in sent} == sent
        assert set(unpacked.namelist()) == {*sent, "manifest.json", "SHA256SUMS"}
        manifest = json.loads(unpacked.read("manifest.json"))["files"]
    assert {item["path"]: item["sha256"] for item in manifest} == {name: sha256(body) for name, body in sent.items()}
    assert all(item["captured_at"] == "2026-05-10T08:15:30Z" and item["flight_id"] == FLIGHT for item in manifest)
    (tmp_path / "a.zip").write_bytes(answer.content)
    subprocess.run(["unzip", "-q", "a.zip"], cwd=tmp_path, check=True, env={**os.environ, "LC_ALL": "C.UTF-8"})
    checked = subprocess.run(["sha256sum", "--strict", "-c", "SHA256SUMS"], cwd=tmp_path, capture_output=True, text=True)
    assert checked.returncode == 0 and checked.stdout.count(": OK") == len(sent), checked.stdout + checked.stderr


def test_any_range_is_that_part_of_the_whole(flown, archive):
    _, api, _ = flown
    whole = fetch(api, archive)
    dice, length = random.Random(7), len(whole.content)
    for _ in range(40):
        first = dice.randrange(length)
        last = min(length - 1, first + dice.choice((0, 1, 30, 5_000, 3_000_000)))
        part = fetch(api, archive, 206, Range=f"bytes={first}-{last}")
        assert part.content == whole.content[first : last + 1]
        assert part.headers["content-range"] == f"bytes {first}-{last}/{length}"
        assert part.headers["etag"] == whole.headers["etag"]
    assert fetch(api, archive, 206, Range="bytes=-100").content == whole.content[-100:]
    assert len(fetch(api, archive, 200, Range="bytes=5-", **{"If-Range": '"another"'}).content) == length
    assert len(fetch(api, archive, 206, Range="bytes=5-", **{"If-Range": whole.headers["etag"]}).content) == length - 5
    assert fetch(api, archive, 416, Range=f"bytes={length}-").json()["type"] == "/problems/range-not-satisfiable"


@pytest.mark.parametrize("tool", [["curl", "-sSf", "-C", "-", "-o", "a.zip"], ["wget", "-q", "-c", "-O", "a.zip"]], ids=["curl", "wget"])
def test_a_download_that_broke_off_goes_on_also_after_a_restart(server, flown, archive, tool, tmp_path):
    _, api, _ = flown
    whole = fetch(api, archive).content
    (tmp_path / "a.zip").write_bytes(whole[: len(whole) // 3])
    server.restart()
    header = f"Authorization: {api.session.headers['Authorization']}"
    subprocess.run([*tool, "-H" if tool[0] == "curl" else "--header", header, api.url(archive["url"])], cwd=tmp_path, check=True, timeout=60)
    assert hashlib.sha256((tmp_path / "a.zip").read_bytes()).hexdigest() == sha256(whole)


def test_one_that_is_cut_anywhere_again_and_again_is_whole_in_the_end(flown, archive):
    """The connection ends after some bytes, as often as it takes; each new one asks for the rest of the same bytes."""
    _, api, _ = flown
    whole = fetch(api, archive)
    dice, got, cuts = random.Random(11), b"", 0
    while len(got) < len(whole.content):
        headers = {"Range": f"bytes={len(got)}-", "If-Range": whole.headers["etag"]}
        answer = api.call("GET", archive["url"], 206, headers=headers, stream=True)
        assert int(answer.headers["content-length"]) == len(whole.content) - len(got)
        got += answer.raw.read(dice.randrange(1, 900_000))
        answer.close()
        cuts += 1
    assert cuts > 5 and sha256(got) == sha256(whole.content)


JUDGES = {
    "unzip": ["unzip", "-tq"],
    "7z": ["7zz", "t"],
    "bsdtar": ["bsdtar", "-x", "-O", "-f"],
    "python": ["python3", "-m", "zipfile", "-t"],
}


@pytest.mark.parametrize("judge", JUDGES)
def test_unpackers_find_nothing_wrong(flown, archive, judge, tmp_path):
    if not shutil.which(JUDGES[judge][0]):
        pytest.skip(f"{judge} is not installed")
    (tmp_path / "a.zip").write_bytes(fetch(flown[1], archive).content)
    done = subprocess.run([*JUDGES[judge], "a.zip"], cwd=tmp_path, capture_output=True, env={**os.environ, "LC_ALL": "C.UTF-8"})
    assert done.returncode == 0, done.stdout[-2_000:] + done.stderr
    if judge == "bsdtar":
        assert all(body in done.stdout for body in flown[2].values())


def test_what_a_filter_finds_is_one_zip(flown):
    _, api, sent = flown

    def names(**body):
        made = api.call("POST", "archives", 201, json=body).json()
        with zipfile.ZipFile(io.BytesIO(fetch(api, made).content)) as unpacked:
            assert unpacked.testzip() is None
            return made, sorted(name for name in unpacked.namelist() if "/" in name)

    made, found = names(filter={"kind": "photo"}, name="photos")
    assert made["name"] == "photos" and made["file_count"] == 2
    assert [name.split("/")[1] for name in found] == ["DJI_0001_V.JPG"] * 2
    _, found = names(filter={"flight_id": FLIGHT, "kind": "photo,video", "to": "2026-05-10T12:00:00Z"})
    assert found == sorted(name for name in sent if name.endswith(("JPG", "MP4")))
    api.call("POST", "archives", 409, json={"filter": {"q": "nothing is called so"}})
    api.call("POST", "archives", 400, json={"filter": {"kind": "no kind"}})
    api.call("POST", "archives", 400, json={"filter": {}, "flight_id": FLIGHT})


def test_a_selection_keeps_files_of_one_name_apart(flown):
    _, api, sent = flown
    items = api.items("media", q="DJI_0001", limit=10)
    assert len(items) == 2
    made = api.call("POST", "archives", 201, json={"media_ids": [item["id"] for item in items] * 2, "name": "../two\n"}).json()
    assert made["file_count"] == 2 and made["name"] == "_two_"
    with zipfile.ZipFile(io.BytesIO(fetch(api, made).content)) as unpacked:
        names = [name for name in unpacked.namelist() if name.endswith(".JPG")]
    assert len(names) == 2 and len({name.split("/")[0] for name in names}) == 2, names


def test_what_cannot_be_downloaded_is_told_before(server, flown):
    workspace, api, _ = flown
    assert "either" in api.call("POST", "archives", 400, json={}).json()["detail"]
    api.call("POST", "archives", 400, json={"media_ids": [], "flight_id": FLIGHT})
    api.call("POST", "archives", 404, json={"media_ids": [str(uuid.uuid4())]})
    api.call("POST", "archives", 404, json={"flight_id": "no such flight"})
    api.call("POST", "archives", 409, json={"media_ids": []})
    api.call("POST", "archives", 400, json={"media_ids": [str(uuid.uuid4()) for _ in range(20_001)]})
    other = server.cli("workspace", "add", f"ws-{uuid.uuid4().hex[:10]}")
    item = api.items("media", q="ä b.txt")[0]
    as_role(server, other, "admin").call("POST", "archives", 404, json={"media_ids": [item["id"]]})
    made = api.call("POST", "archives", 201, json={"media_ids": [item["id"]]}).json()
    as_role(server, other, "admin").call("GET", made["url"], 404)
    # the object goes behind the library's back
    key = server.cli("s3-key", "create", "--workspace", workspace["id"], "--access", "write")
    credentials = {"access_key_id": key["access_key_id"], "access_key_secret": key["secret_access_key"], "security_token": None}
    endpoint = {"endpoint": server.s3_url, "region": key.get("region", "us-east-1"), "credentials": credentials}
    s3_client(endpoint).delete_object(Bucket=key["bucket"], Key=item["object_key"])
    assert "ä b.txt" in fetch(api, made, 409).json()["detail"]
    assert "ä b.txt" in api.call("POST", "archives", 409, json={"media_ids": [item["id"]]}).json()["detail"]


def test_memory_stays_flat(server, workspace):
    access = server.cli("dock", "add", "--workspace", workspace["id"], "--sn", f"ZIP{uuid.uuid4().hex[:8].upper()}")
    with ForeignDock(access) as dock:
        storage = dock.storage()
        body = os.urandom(80_000_000)
        answer, _, _ = dock.upload("DJI_0009_V.MP4", body, FLIGHT, storage)
        assert answer["result"] == 0
    api = as_role(server, workspace, "viewer")
    made = api.call("POST", "archives", 201, json={"flight_id": FLIGHT}).json()

    def resident_kb():
        status = open(f"/proc/{server.process.pid}/status").read()
        return int(status.split("VmRSS:")[1].split()[0])

    before, received = resident_kb(), 0
    for chunk in api.call("GET", made["url"], stream=True).iter_content(1 << 20):
        received += len(chunk)
    assert received == made["size_bytes"] > len(body)
    assert resident_kb() - before < 30_000
