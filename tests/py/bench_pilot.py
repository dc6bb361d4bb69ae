"""10,000 tiny fingerprints in one call among 1,000,000 stored files. A part of bench.py; by itself: `bench_pilot.py`, with $EYRIE_BIN.

BENCH_STORED (default 1000000) files, BENCH_CALLS (default 100) calls a row. The rows are written into the stopped server's database, as
uploading a million files would take a day; the objects of those that are asked for and known are put into the store for real.
"""

import concurrent.futures
import hashlib
import os
import random
import sqlite3
import sys
import tempfile
import time
import uuid
from pathlib import Path

import requests
from conftest import Server
from foreign_pilot import ForeignPilot

STORED = int(os.environ.get("BENCH_STORED", "1000000"))
CALLS = int(os.environ.get("BENCH_CALLS", "100"))
ASKED = 10_000


def tiny(n):
    return f"{hashlib.md5(n.to_bytes(8, 'big')).hexdigest()}_2026_6_{n // 86400 % 28 + 1}_{n // 3600 % 24}_{n // 60 % 60}_{n % 60}"


def number_of(workspace, text):
    """As the catalogue makes it: 63 bits of SHA-256 over workspace and fingerprint."""
    digest = hashlib.sha256(workspace.bytes + text.lower().encode()).digest()
    return int.from_bytes(digest[:8], "big") & (1 << 63) - 1


def fill(database, workspace, bucket, prefix, count):
    columns = (
        "id, workspace_id, gateway_sn, source, name, folded_name, kind, bucket, object_key, size_bytes, etag, status, captured_at, "
        "sort_at, is_original, fingerprint, processing, warnings, metadata, created_at, updated_at, tiny_fingerprint, tiny_fingerprint_hash"
    )

    def rows():
        for n in range(count):
            name, at, mark = f"DJI_{n:07}_V.JPG", 1_780_000_000_000_000 + n * 500_000, tiny(n)
            yield (
                uuid.UUID(int=n << 64 | random.getrandbits(64)).bytes, workspace.bytes, "BENCHRC", "pilot", name, name.lower(), "photo", bucket,
                f"{prefix}/{name}", 16, "0" * 32, "stored", at, at, 1, mark[:32].upper(), "done", "[]", "{}", at, at, mark, number_of(workspace, mark),
            )  # fmt: skip

    connection = sqlite3.connect(database)
    with connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.executemany(f"INSERT INTO media ({columns}) VALUES ({', '.join('?' * 23)})", rows())
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def put(pilot, sts, count):
    local = pilot.s3(sts)

    def one(n):
        local.put_object(Bucket=sts["bucket"], Key=f"{sts['object_key_prefix']}/DJI_{n:07}_V.JPG", Body=b"x" * 16)

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(count)))


def measure(pilot, known, calls):
    """Median and p99 of a call, ms; checks each answer."""
    url = f"{pilot.api_host}/media/api/v1/workspaces/{pilot.workspace_id}/files/tiny-fingerprints"
    times = []
    for call in range(calls):
        asked = [tiny(n if n < known else STORED + call * ASKED + n) for n in range(ASKED)]
        random.Random(call).shuffle(asked)
        began = time.perf_counter()
        answer = pilot.http.post(url, json={"tiny_fingerprints": asked}, timeout=60)
        times.append((time.perf_counter() - began) * 1000)
        assert len(answer.json()["data"]["tiny_fingerprints"]) == known, "every stored one and no other"
    times.sort()
    return times[len(times) // 2], times[min(len(times) - 1, len(times) * 99 // 100)]


def rows(folder):
    """Rows for the bench's table."""
    server = Server(folder / "pilot-data", env={"EYRIE_LOG_FILTER": "warn"}).start()
    try:
        access = server.cli("controller", "add", "--workspace", "default", "--sn", "BENCHRC")
        [workspace] = [item for item in server_workspaces(server) if item["name"] == "default"]
        pilot = ForeignPilot(server.http_url, workspace["id"], access["token"])
        sts = pilot.ok("sts")
        put(pilot, sts, ASKED)
        server.stop()
        fill(server.data / "eyrie.db", uuid.UUID(workspace["id"]), sts["bucket"], sts["object_key_prefix"], STORED)
        server.start()
        pilot.api_host = server.http_url
        found = []
        for what, known in (("none stored", 0), ("a tenth stored", ASKED // 10), ("all stored", ASKED)):
            measure(pilot, known, 3)
            median, p99 = measure(pilot, known, CALLS)
            found.append((f"10,000 tiny fingerprints among {STORED:,}, {what}", f"median {median:.0f} ms, p99 {p99:.0f} ms", "", "p99 <= 50 ms"))
        return found
    finally:
        server.kill9()


def server_workspaces(server):
    token = server.cli("token", "create", "--workspace", "default", "--role", "viewer")["token"]
    return requests.get(f"{server.http_url}/api/v1/workspaces", headers={"Authorization": f"Bearer {token}"}, timeout=30).json()["items"]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="eyrie-bench-", dir=os.environ.get("BENCH_DIR")) as folder:
        for row in rows(Path(folder)):
            print("  ".join(row))
    sys.exit(0)
