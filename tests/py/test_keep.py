"""What goes and what stays: the trash's end on a real disk, retention rules, legal holds, with clients that others wrote."""

import hashlib
import io
import os
import sqlite3
import threading
import uuid

import boto3
import pytest
import requests
from botocore.config import Config
from botocore.exceptions import ClientError
from conftest import CommandFailed, Server
from foreign_dock import ForeignDock, wait_for
from PIL import Image

WS = "/api/v1/workspaces/default"
JOB_S = 30


def jpeg():
    """A picture unlike any other, with a thumbnail of its own."""
    out = io.BytesIO()
    Image.frombytes("RGB", (64, 48), os.urandom(64 * 48 * 3)).save(out, "JPEG", quality=95)
    return out.getvalue()


class House:
    """One server and what is done with it."""

    def __init__(self, folder, **env):
        self.server = Server(folder / "data", env=env).start()
        self.access = self.server.cli("dock", "add", "--workspace", "default", "--sn", "KEEP0001")
        self.token = self.server.cli("token", "create", "--workspace", "default", "--role", "admin")["token"]
        self.key = self.server.cli("s3-key", "create", "--workspace", "default", "--access", "write")
        self.s3 = boto3.client(
            "s3", endpoint_url=self.key["endpoint"], region_name=self.key["region"], aws_access_key_id=self.key["access_key_id"],
            aws_secret_access_key=self.key["secret_access_key"], config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
        )  # fmt: skip
        self.bucket = self.key["bucket"]
        self.count = 0

    def ask(self, method, path, status=200, **more):
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = requests.request(method, self.server.http_url + WS + path, headers=headers, timeout=30, **more)
        assert answer.status_code == status, (method, path, answer.status_code, answer.text)
        return answer.json() if answer.content and "json" in answer.headers["content-type"] else answer.content

    def report(self, dock, key, body, flight):
        return dock.event("file_upload_callback", {
            "result": 0, "progress": {"current": 1, "total": 1},
            "file": {"object_key": key, "path": "x/y", "name": key.rsplit("/", 1)[1], "ext": {"flight_id": flight, "is_original": True}},
        })["result"]  # fmt: skip

    def file(self, body=None, flight=None, name=None):
        """A file from the dock to the library, its jobs over. Its row."""
        flight, body = flight or str(uuid.uuid4()), body or jpeg()
        self.count += 1
        with ForeignDock(self.access) as dock:
            storage = dock.storage()
            key = f"{storage['object_key_prefix']}/{flight}/{name or f'DJI_{self.count:04}.JPG'}"
            dock.put(storage, key, body)
            assert self.report(dock, key, body, flight) == 0
        self.quiet()
        return self.row(key)

    def again(self, row):
        """The dock reports the file once more."""
        with ForeignDock(self.access) as dock:
            return self.report(dock, row["object_key"], b"", row["flight_id"])

    def rows(self, query=""):
        return self.ask("GET", f"/media?status=all&limit=1000{query}")["items"]

    def row(self, key, query=""):
        found = [row for row in self.rows(query) if row["object_key"] == key]
        assert len(found) < 2
        return found[0] if found else None

    def quiet(self):
        jobs = lambda: [job for job in self.ask("GET", "/jobs?limit=1000")["items"] if job["state"] in ("queued", "running", "failed")]
        wait_for(lambda: jobs() == [], "the end of all jobs", JOB_S)

    def trash(self, *rows):
        for row in rows:
            self.ask("DELETE", f"/media/{row['id']}", 204)

    def job(self, path, **body):
        """A job that is queued by this request; its result when it is done."""
        job = self.ask("POST", path, 202, json=body)["job_id"]
        state = lambda: self.ask("GET", f"/jobs/{job}")["state"]
        wait_for(lambda: state() in ("done", "dead"), f"the end of {path}", JOB_S)
        done = self.ask("GET", f"/jobs/{job}")
        assert done["state"] == "done", done
        return done["result"]

    def empty(self, *rows):
        return self.job("/trash/empty", **({"media_ids": [row["id"] for row in rows]} if rows else {}))

    def has(self, key):
        try:
            return self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        except ClientError as error:
            assert error.response["Error"]["Code"] == "NoSuchKey", error
            return None

    def derived(self, row):
        """Files on the disk that were made of this one."""
        return [path for path in (self.server.data / "objects").rglob("*") if path.is_file() and row["id"].replace("-", "") in str(path)]

    def age(self, days):
        """Everything came that many days ago; nobody has a clock that can be turned."""
        self.server.stop()
        with sqlite3.connect(self.server.data / "eyrie.db") as database:
            database.execute("UPDATE media SET created_at = created_at - ?", (days * 86_400_000_000,))
        self.server.start()


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    house = House(tmp_path_factory.mktemp("keep"))
    yield house
    house.server.kill9()


def test_a_file_that_is_deleted_for_good_leaves_nothing_and_takes_nothing_else(house):
    body = jpeg()
    row, neighbour = house.file(body), house.file()
    assert len(house.ask("GET", f"/media/{row['id']}/thumbnail")) > 100
    assert house.derived(row), "a thumbnail lies on the disk"
    house.trash(row)
    assert house.has(row["object_key"]) == body, "what is in the trash is there"
    assert house.empty(row) == {"deleted": 1, "size_bytes": len(body), "kept": {}}
    assert house.has(row["object_key"]) is None and house.derived(row) == []
    assert body not in [path.read_bytes() for path in (house.server.data / "objects").rglob("*") if path.is_file()]
    house.ask("GET", f"/media/{row['id']}", 404)
    house.ask("POST", f"/media/{row['id']}/restore", 404)
    assert house.has(neighbour["object_key"]) and house.derived(neighbour)
    entry = house.ask("GET", "/audit?action=media.delete")["items"][0]
    assert (entry["subject"], entry["detail"]["name"], entry["detail"]["etag"]) == (row["id"], row["name"], hashlib.md5(body).hexdigest())
    # the flight is over, not stalled, and says what became of its file
    flight = house.ask("GET", f"/flights/{row['flight_id']}")
    assert (flight["stored_count"], flight["deleted_count"], flight["state"]) == (0, 1, "complete")


def test_what_is_in_parts_goes_with_its_parts(house):
    key, body = f"imports/{uuid.uuid4().hex}.bin", os.urandom(6 << 20)
    upload = house.s3.create_multipart_upload(Bucket=house.bucket, Key=key)["UploadId"]
    target = {"Bucket": house.bucket, "Key": key, "UploadId": upload}
    tags = [
        {"PartNumber": n, "ETag": house.s3.upload_part(**target, PartNumber=n, Body=part)["ETag"]}
        for n, part in enumerate((body[: 5 << 20], body[5 << 20 :]), 1)
    ]
    house.s3.complete_multipart_upload(**target, MultipartUpload={"Parts": tags})
    house.server.cli("reconcile")
    house.quiet()
    used = lambda: sum(path.stat().st_size for path in (house.server.data / "objects").rglob("*") if path.is_file())
    before = used()
    row = house.row(key)
    house.trash(row)
    assert house.empty(row)["deleted"] == 1
    assert before - used() >= len(body)


def test_a_late_report_is_answered_and_a_new_upload_is_a_new_file(house):
    body = jpeg()
    row = house.file(body)
    house.trash(row)
    house.empty(row)
    # the dock's word was lost on the way: it says so again, and need not keep its copy
    assert house.again(row) == 0
    assert house.row(row["object_key"]) is None and house.row(row["object_key"], "&trashed=true") is None
    report = house.server.cli("reconcile")
    assert (report["adopted"], report["missing"]) == (0, 0)
    # it is uploaded again, by the same key and with the same bytes
    fresh = house.file(body, row["flight_id"], row["name"])
    assert fresh["object_key"] == row["object_key"] and fresh["id"] != row["id"]
    assert house.has(row["object_key"]) == body
    assert house.ask("GET", f"/flights/{row['flight_id']}")["deleted_count"] == 0


def test_an_upload_that_meets_the_removal_stays(tmp_path):
    """The row is deleted, the removal is about to begin, and the dock puts the same bytes under the same key: they stay."""
    house = House(tmp_path)
    try:
        body = jpeg()
        row = house.file(body)
        house.trash(row)
        house.server.stop()
        house.server.env = {"EYRIE_FAILPOINTS": "purge.remove=stall:8000"}
        house.server.start()
        job = house.ask("POST", "/trash/empty", 202, json={"media_ids": [row["id"]]})["job_id"]
        wait_for(lambda: house.row(row["object_key"], "&trashed=true") is None, "the end of the row", JOB_S)
        assert house.has(row["object_key"]) == body, "the removal waits"
        with ForeignDock(house.access) as dock:
            storage = dock.storage()
            dock.put(storage, row["object_key"], body)
            assert house.report(dock, row["object_key"], body, row["flight_id"]) == 0
        assert house.ask("GET", f"/jobs/{job}")["state"] == "done" or house.has(row["object_key"]) == body
        wait_for(lambda: house.ask("GET", f"/jobs/{job}")["state"] == "done", "the end of the job", JOB_S)
        assert house.has(row["object_key"]) == body, "the new upload was taken for the deleted one"
        assert house.row(row["object_key"])["status"] == "stored"
        assert house.server.cli("reconcile") | {"checked": 0} == {"checked": 0, "adopted": 0, "missing": 0, "restored": 0}
    finally:
        house.server.kill9()


def test_a_report_and_a_comparison_that_meet_the_removal_bring_nothing_back(tmp_path):
    house = House(tmp_path)
    try:
        row = house.file()
        house.trash(row)
        house.server.stop()
        house.server.env = {"EYRIE_FAILPOINTS": "purge.remove=error@*"}
        house.server.start()
        job = house.ask("POST", "/trash/empty", 202, json={"media_ids": [row["id"]]})["job_id"]
        wait_for(lambda: house.ask("GET", f"/jobs/{job}")["state"] == "failed", "a removal that fails", JOB_S)
        assert house.has(row["object_key"]), "its object is left"
        assert house.server.cli("reconcile")["adopted"] == 0
        assert house.again(row) == 0
        assert house.row(row["object_key"]) is None and house.row(row["object_key"], "&trashed=true") is None
        # the next start finishes it, without being asked
        house.server.stop()
        house.server.env = {}
        house.server.start()
        wait_for(lambda: house.has(row["object_key"]) is None, "the object goes", JOB_S)
    finally:
        house.server.kill9()


def test_what_is_needed_stays_in_the_trash_until_it_is_not(house):
    held, shared, zipped, free = (house.file() for _ in range(4))
    hold = house.ask("POST", "/legal-holds", 201, json={"name": "Case 4711/2026", "media_ids": [held["id"]]})
    house.ask("DELETE", f"/media/{held['id']}", 409)
    house.ask("DELETE", f"/legal-holds/{hold['id']}")
    house.trash(held)
    hold = house.ask("POST", "/legal-holds", 201, json={"name": "Incident", "flight_id": held["flight_id"]})
    share = house.ask("POST", "/shares", 201, json={"title": "x", "flight_id": shared["flight_id"], "download": True})
    archive = house.ask("POST", "/archives", 201, json={"media_ids": [zipped["id"]]})
    house.trash(shared, zipped, free)
    result = house.empty(held, shared, zipped, free)
    assert (result["deleted"], result["kept"]) == (1, {"hold": 1, "share": 1, "download": 1})
    assert house.ask("GET", "/trash")["kept"] == [{"why": "download", "count": 1}, {"why": "hold", "count": 1}, {"why": "share", "count": 1}]
    # the download that was promised comes whole
    path = archive["url"].removeprefix(WS) if archive["url"].startswith(WS) else archive["url"].split("/archives/")[1]
    path = path if path.startswith("/") else f"/archives/{path}"
    assert len(house.ask("GET", path)) == archive["size_bytes"]
    house.ask("DELETE", f"/legal-holds/{hold['id']}")
    house.ask("DELETE", f"/shares/{share['id']}", 204)
    result = house.empty(held, shared, zipped)
    assert (result["deleted"], result["kept"]) == (2, {"download": 1})


def test_an_object_on_hold_is_neither_replaced_nor_removed_by_anybody(house):
    body = jpeg()
    row = house.file(body)
    key = row["object_key"]
    hold = house.server.cli("hold", "add", "--workspace", "default", "--name", "Incident", "--media-id", row["id"])
    target = {"Bucket": house.bucket, "Key": key}

    def refused(call, **more):
        with pytest.raises(ClientError) as error:
            call(**target, **more)
        return error.value.response["Error"]["Code"]

    def begins():
        try:
            house.s3.create_multipart_upload(**target)
            return True
        except ClientError:
            return False

    # a command's hold holds within a moment, without a word to the server
    wait_for(lambda: not begins(), "the hold", 5)
    assert refused(house.s3.delete_object) == "AccessDenied"
    assert refused(house.s3.put_object, Body=b"other") == "AccessDenied"
    assert refused(house.s3.create_multipart_upload) == "AccessDenied"
    assert refused(house.s3.copy_object, CopySource=target) == "AccessDenied"
    other = f"imports/{uuid.uuid4().hex}.bin"
    house.s3.put_object(Bucket=house.bucket, Key=other, Body=b"free")
    answer = house.s3.delete_objects(Bucket=house.bucket, Delete={"Objects": [{"Key": key}, {"Key": other}]})
    assert [one["Key"] for one in answer["Deleted"]] == [other]
    assert [(one["Key"], one["Code"]) for one in answer["Errors"]] == [(key, "AccessDenied")]
    with ForeignDock(house.access) as dock:
        storage = dock.storage()
        with pytest.raises(ClientError, match="AccessDenied"):
            dock.put(storage, key, b"another picture")
    assert house.has(key) == body
    house.server.cli("hold", "release", hold["id"])

    def replaced():
        try:
            house.s3.put_object(**target, Body=b"other")
            return True
        except ClientError:
            return False

    wait_for(replaced, "the end of the hold", 5)


def test_an_object_removed_over_s3_is_written_down_and_one_that_is_shared_stays(house):
    row, shared = house.file(), house.file()
    share = house.ask("POST", "/shares", 201, json={"title": "x", "media_ids": [shared["id"]], "download": True})
    with pytest.raises(ClientError, match="share link"):
        house.s3.delete_object(Bucket=house.bucket, Key=shared["object_key"])
    house.ask("DELETE", f"/shares/{share['id']}", 204)
    for one in (row, shared):
        house.s3.delete_object(Bucket=house.bucket, Key=one["object_key"])
    house.s3.delete_object(Bucket=house.bucket, Key="imports/none")
    log = house.ask("GET", "/audit?action=object")["items"]
    assert {(entry["actor"], entry["subject"]) for entry in log} == {(f"s3-key:{house.key['access_key_id']}", one["id"]) for one in (row, shared)}
    # it is no deletion of the library's: the rows stay, as an alarm
    house.server.cli("reconcile")
    assert [house.row(one["object_key"])["status"] for one in (row, shared)] == ["missing", "missing"]


def test_a_rule_moves_and_the_period_deletes(tmp_path):
    house = House(tmp_path, EYRIE_LIBRARY_TRASH_PERIOD="0 s")
    try:
        old = [house.file() for _ in range(3)]
        note = house.file(b"notes of the flight", name="notes.txt")
        held = house.file()
        house.age(40)
        young = house.file()
        house.server.cli("hold", "add", "--workspace", "default", "--name", "Incident", "--media-id", held["id"])
        tried = house.server.cli("retention", "preview", "--workspace", "default", "--older-than", "30", "--kind", "photo")
        assert (tried["count"], tried["kept"]) == (3, {"hold": 1})
        assert len(house.rows()) == 6, "a dry run changes nothing"
        rule = house.server.cli("retention", "add", "--workspace", "default", "--name", "A month", "--older-than", "30", "--kind", "photo")
        assert house.job("/retention-rules/apply")["trashed"] == 3
        gone = {row["id"] for row in house.rows("&trashed=true")}
        assert gone == {row["id"] for row in old}
        assert {row["id"] for row in house.rows()} == {note["id"], held["id"], young["id"]}
        log = house.ask("GET", "/audit?actor=rule:A%20month")["items"]
        assert {entry["subject"] for entry in log} == gone and {entry["action"] for entry in log} == {"media.trash"}
        # without a period the trash stays; with one, what has been there long enough goes by itself
        assert house.job("/retention-rules/apply")["deleted"] == 0
        house.ask("POST", f"/media/{old[0]['id']}/restore")
        house.server.cli("retention", "remove", rule["id"])
        house.server.stop()
        with sqlite3.connect(house.server.data / "eyrie.db") as database:
            database.execute("UPDATE media SET trashed_at = trashed_at - 2000000 WHERE trashed_at IS NOT NULL")
        house.server.env = {"EYRIE_LIBRARY_TRASH_PERIOD": "1 s"}
        house.server.start()
        wait_for(lambda: house.rows("&trashed=true") == [], "the end of the trash", JOB_S)
        # rows go first, objects after them
        wait_for(lambda: [house.has(row["object_key"]) for row in old[1:]] == [None, None], "the end of the objects", JOB_S)
        assert house.has(old[0]["object_key"])
        assert {row["id"] for row in house.rows()} == {old[0]["id"], note["id"], held["id"], young["id"]}
        log = house.ask("GET", "/audit?action=media.delete&actor=server")["items"]
        assert {entry["subject"] for entry in log} == {old[1]["id"], old[2]["id"]}
        assert {entry["detail"]["why"] for entry in log} == {"the trash's period is over"}
    finally:
        house.server.kill9()


def test_commands_say_what_is_wrong(house):
    for args, said in [
        (("trash", "empty", "--workspace", "default"), "--yes"),
        (("retention", "add", "--workspace", "default", "--name", "x", "--older-than", "0"), "1..=36500"),
        (("retention", "add", "--workspace", "default", "--name", "x", "--older-than", "9", "--kind", "film"), "one of photo"),
        (("retention", "add", "--workspace", "default", "--name", "x", "--older-than", "9", "--gateway-sn", "NONE"), "not known"),
        (("retention", "remove", str(uuid.uuid4())), "not known"),
        (("hold", "add", "--workspace", "default", "--name", "x"), "--everything"),
        (("hold", "add", "--workspace", "default", "--name", "x", "--flight-id", "none"), "not known"),
        (("hold", "release", str(uuid.uuid4())), "not known"),
    ]:
        with pytest.raises(CommandFailed) as failed:
            house.server.cli(*args)
        assert said in failed.value.done.stderr, (args, failed.value.done.stderr)


def test_purging_a_lot_beside_reports_loses_nothing(house):
    """Files come and are reported while others go; each is in the library with its bytes, or gone with them."""
    rows = [house.file() for _ in range(6)]
    house.trash(*rows)
    bodies, done = {}, threading.Event()

    def reporter():
        with ForeignDock(house.access, client_id=f"KEEP0001-{uuid.uuid4().hex[:6]}") as dock:
            storage, n = dock.storage(), 0
            while not done.is_set() or n < 10:
                key, body = f"{storage['object_key_prefix']}/{uuid.uuid4()}/DJI_{n:04}.JPG", jpeg()
                dock.put(storage, key, body)
                assert house.report(dock, key, body, "many") == 0
                bodies[key], n = body, n + 1

    thread = threading.Thread(target=reporter)
    thread.start()
    try:
        assert house.empty(*rows)["deleted"] == len(rows)
    finally:
        done.set()
        thread.join()
    assert len(bodies) >= 10
    for key, body in bodies.items():
        assert house.has(key) == body and house.row(key)["status"] == "stored"
    assert [house.has(row["object_key"]) for row in rows] == [None] * len(rows)
