"""Kill -9, cuts and late stores under load. Lost means: answered `result: 0` and afterwards not listed or not readable with
the same bytes. Each harness has a negative control that must turn red.

TORTURE_ROUNDS (default 10), TORTURE_SEED (default: random, printed) and TORTURE_DOCKS (default 8) scale it.
"""

import os
import queue
import random
import re
import threading
import time
import uuid

import pytest
import requests
from botocore.exceptions import BotoCoreError, ClientError
from conftest import ROOT, Server
from foreign_dock import ForeignDock, NoAnswer, report, s3_client, sha256

ROUNDS = int(os.environ.get("TORTURE_ROUNDS", "10"))
SEED = int(os.environ.get("TORTURE_SEED", str(random.SystemRandom().randrange(1 << 32))))
DOCKS = int(os.environ.get("TORTURE_DOCKS", "8"))
READY_AIM_S = 2.0


class Ledger:
    """What docks were promised, and what they still have to deliver."""

    def __init__(self):
        self.lock = threading.Lock()
        self.promised = {}
        self.open = {}

    def promise(self, key, digest):
        with self.lock:
            self.promised[key] = digest
            self.open.pop(key, None)

    def begin(self, key, body):
        with self.lock:
            self.open[key] = body


class Flyer(threading.Thread):
    """One dock that uploads and reports without end, and starts over whatever fails."""

    def __init__(self, access, ledger, seed, stop):
        super().__init__(daemon=True)
        self.access, self.ledger, self.stop_event = access, ledger, stop
        self.random = random.Random(seed)
        self.dock = ForeignDock(access)
        self.dock.client.reconnect_delay_set(0.1, 1)

    def run(self):
        self.dock.client.connect_async(self.dock.host, self.dock.port, keepalive=10)
        self.dock.client.loop_start()
        todo = queue.Queue()
        storage = None
        while not self.stop_event.is_set():
            try:
                storage = storage or self.ask_storage()
                key, body = todo.get_nowait() if not todo.empty() else self.next_file(storage)
            except (NoAnswer, AssertionError):
                continue
            try:
                self.deliver(storage, key, body)
            except (NoAnswer, AssertionError, ClientError, BotoCoreError, OSError):
                todo.put((key, body))
                storage = None
        self.dock.client.loop_stop()

    def ask_storage(self):
        answer = self.dock.request("storage_config_get", {"module": 0}, timeout_s=2)
        assert answer["result"] == 0
        return answer["output"]

    def next_file(self, storage):
        body = self.random.randbytes(self.random.choice((1, 700, 20_000, 300_000)))
        key = f"{storage['object_key_prefix']}/f{self.random.randrange(4)}/{uuid.UUID(int=self.random.getrandbits(128))}.JPG"
        self.ledger.begin(key, body)
        return key, body

    def deliver(self, storage, key, body):
        client = s3_client(storage, connect_timeout=2, read_timeout=10)
        client.put_object(Bucket=storage["bucket"], Key=key, Body=body)
        name, flight = key.rsplit("/", 1)[1], key.split("/")[2]
        answer = self.dock.event("file_upload_callback", report(key, name, flight), timeout_s=3)
        if answer["result"] == 0:
            self.ledger.promise(key, sha256(body))
        else:
            raise NoAnswer(f"refused with {answer}")


def new_token(server):
    return server.cli("token", "create", "--workspace", "default", "--role", "admin")["token"]


def accesses(server, count):
    return [server.cli("dock", "add", "--workspace", "default", "--sn", f"TORTURE{number:04}") for number in range(count)]


def rows(server, token):
    found, cursor = [], None
    while True:
        query = {"limit": 1000, "status": "all", **({"cursor": cursor} if cursor else {})}
        page = requests.get(f"{server.http_url}/api/v1/workspaces/default/media", params=query,
                            headers={"Authorization": f"Bearer {token}"}, timeout=60).json()
        found += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return found


def losses(server, token, promised):
    """Keys that were promised and are not there once, stored, with the same bytes."""
    listed = {}
    for row in rows(server, token):
        listed.setdefault(row["object_key"], []).append(row)
    double = [key for key, found in listed.items() if len(found) > 1]
    lost = []
    for key, digest in promised.items():
        found = listed.get(key, [])
        if len(found) != 1 or found[0]["status"] != "stored":
            lost.append(key)
            continue
        content = requests.get(f"{server.http_url}/api/v1/workspaces/default/media/{found[0]['id']}/content",
                               headers={"Authorization": f"Bearer {token}"}, allow_redirects=False, timeout=30)
        body = requests.get(content.headers["Location"], timeout=60) if content.status_code == 302 else None
        if body is None or body.status_code != 200 or sha256(body.content) != digest:
            lost.append(key)
    return lost, double


def redeliver(access_by_sn, ledger):
    """Every file that was not acknowledged is accepted on retry."""
    with ledger.lock:
        still_open = dict(ledger.open)
    docks = {}
    try:
        for key, body in still_open.items():
            sn = key.split("/")[1]
            if sn not in docks:
                docks[sn] = ForeignDock(access_by_sn[sn]).connect()
            storage = docks[sn].storage()
            docks[sn].put(storage, key, body)
            name, flight = key.rsplit("/", 1)[1], key.split("/")[2]
            assert docks[sn].event("file_upload_callback", report(key, name, flight)) == {"result": 0}
            ledger.promise(key, sha256(body))
    finally:
        for dock in docks.values():
            dock.close()


def fly(server, access, ledger, seed, stop):
    flyers = [Flyer(each, ledger, seed + number, stop) for number, each in enumerate(access)]
    for flyer in flyers:
        flyer.start()
    return flyers


def kill_rounds(tmp_path, rounds, seed, env=None):
    """Returns (promised, lost, double, seconds until ready after each kill)."""
    dice = random.Random(seed)
    server = Server(tmp_path / "data", env=env).start()
    token = new_token(server)
    access = accesses(server, DOCKS)
    ledger, stop, ready = Ledger(), threading.Event(), []
    flyers = fly(server, access, ledger, seed, stop)
    try:
        for _ in range(rounds):
            before = len(ledger.promised)
            deadline = time.monotonic() + 30
            # a round without a single promise would prove nothing
            while len(ledger.promised) == before and time.monotonic() < deadline:
                time.sleep(0.01)
            assert len(ledger.promised) > before, f"no file was acknowledged in 30 s:\n{server.log()[-4000:]}"
            time.sleep(dice.uniform(0, 0.8))
            server.kill9()
            ready.append(server.start().ready_s)
        stop.set()
        for flyer in flyers:
            flyer.join(30)
        redeliver({each["sn"]: each for each in access}, ledger)
        lost, double = losses(server, token, ledger.promised)
    finally:
        stop.set()
        server.kill9()
    return len(ledger.promised), lost, double, ready


def test_kill_9_at_random_moments_loses_nothing(tmp_path):
    promised, lost, double, ready = kill_rounds(tmp_path, ROUNDS, SEED)
    ready.sort()
    p99 = ready[min(len(ready) - 1, int(len(ready) * 0.99))]
    print(f"\nkill -9: {ROUNDS} rounds, seed {SEED}, {DOCKS} docks, {promised} files acknowledged, {len(lost)} lost, "
          f"{len(double)} double, ready again in {p99:.2f} s (p99)")
    assert lost == [] and double == []
    assert p99 < READY_AIM_S


def test_control_a_reply_before_the_commit_is_noticed(tmp_path):
    """The same harness with the reply moved before the commit (and the commit late) must find losses."""
    env = {"EYRIE_CONTROL": "reply-before-commit", "EYRIE_FAILPOINTS": "ingest.commit=stall:300@*"}
    promised, lost, _, _ = kill_rounds(tmp_path, 3, SEED, env=env)
    print(f"\ncontrol: {promised} files acknowledged, {len(lost)} lost")
    assert lost, "the harness does not see a reply that comes before its commit"


# -- fail points: a kill, an error, a full disk and a stall at every named step ---------------------------------------

STEPS = sorted(
    {
        name
        for folder in ("crates/eyrie/src", "crates/objects/src", "crates/catalogue/src")
        for file in (ROOT / folder).rglob("*.rs")
        for name in re.findall(r'fail_point!\("([a-z_.]+)"\)', file.read_text())
    }
)
MULTIPART_ONLY = ("objects.part.", "objects.complete.")
DELETE_ONLY = ("objects.delete.",)


def upload_once(dock, multipart):
    """One file through the whole path, once; raises what a dock would see."""
    storage = dock.request("storage_config_get", {"module": 0}, timeout_s=5)["output"]
    key = f"{storage['object_key_prefix']}/step/{uuid.uuid4().hex}.JPG"
    body = os.urandom(6 << 20 if multipart else 50_000)
    client = s3_client(storage, connect_timeout=3, read_timeout=20)
    return storage, key, body, client


def send(client, storage, key, body, multipart):
    if not multipart:
        client.put_object(Bucket=storage["bucket"], Key=key, Body=body)
        return
    target = {"Bucket": storage["bucket"], "Key": key}
    upload = client.create_multipart_upload(**target)["UploadId"]
    parts = []
    for number, part in ((1, body[: 5 << 20]), (2, body[5 << 20 :])):
        tag = client.upload_part(**target, UploadId=upload, PartNumber=number, Body=part)["ETag"]
        parts.append({"PartNumber": number, "ETag": tag})
    client.complete_multipart_upload(**target, UploadId=upload, MultipartUpload={"Parts": parts})


@pytest.fixture(scope="module")
def stepped(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("steps") / "data").start()
    access = server.cli("dock", "add", "--workspace", "default", "--sn", "STEPS0001")
    token = new_token(server)
    server.stop()
    yield server, access, token
    server.kill9()


@pytest.mark.parametrize("action", ["kill", "error", "nospace", "stall:1500"])
@pytest.mark.parametrize("step", [step for step in STEPS if not step.startswith(DELETE_ONLY)])
def test_no_reply_without_row_and_bytes(stepped, step, action):
    server, access, token = stepped
    multipart = step.startswith(MULTIPART_ONLY)
    server.env = {"EYRIE_FAILPOINTS": f"{step}={action}"}
    server.start()
    result = None
    dock = ForeignDock(access)
    try:
        dock.connect()
        storage, key, body, client = upload_once(dock, multipart)
        send(client, storage, key, body, multipart)
        name = key.rsplit("/", 1)[1]
        result = dock.event("file_upload_callback", report(key, name, "step"), timeout_s=6)["result"]
    except (NoAnswer, ClientError, BotoCoreError, OSError, AssertionError):
        pass
    finally:
        dock.close()
    if action == "kill":
        assert server.process.wait(60) == -9, f"{step} was not reached"
    server.kill9()
    server.env = {}
    server.start()
    try:
        if result == 0:
            lost, double = losses(server, token, {key: sha256(body)})
            assert lost == [] and double == []
        assert result == 0 or not action.startswith("stall"), "a stall withholds nothing"
        # whatever happened, the dock's next try succeeds
        with ForeignDock(access) as again:
            send(s3_client(storage), storage, key, body, multipart)
            assert again.event("file_upload_callback", report(key, key.rsplit("/", 1)[1], "step")) == {"result": 0}
        assert losses(server, token, {key: sha256(body)}) == ([], [])
    finally:
        server.stop()


def test_every_step_of_the_durable_order_has_a_name():
    for expected in ("objects.put.sync", "objects.put.rename", "objects.put.sync_dir", "ingest.head", "ingest.commit",
                     "catalogue.ingest.commit", "ingest.committed", "dock.reply"):
        assert expected in STEPS
