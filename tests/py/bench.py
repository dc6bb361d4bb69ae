"""The speed table: every figure is a ratio to something measured in the same run, because machines differ.

BENCH_COUNT (default 20000) exchanges a row, BENCH_DOCKS (default 8) connections. Needs the release build (`make bench` makes it).
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import bench_media
import bench_pilot
from conftest import ROOT, Server

RELEASE = ROOT / "target/release"
SIM = RELEASE / "eyrie-sim"
COUNT = int(os.environ.get("BENCH_COUNT", "20000"))
DOCKS = int(os.environ.get("BENCH_DOCKS", "8"))
IN_FLIGHT = 32


def sim(*arguments):
    done = subprocess.run([SIM, *map(str, arguments)], stdout=subprocess.PIPE, text=True, timeout=900)
    if done.returncode != 0:
        raise SystemExit(f"bench: eyrie-sim {' '.join(map(str, arguments))} failed with {done.returncode}")
    return json.loads(done.stdout)


def load(docks, ask, count, in_flight, objects):
    return sim("bench", docks, "--ask", ask, "--count", count, "--in-flight", in_flight, "--objects", objects)


class NullEcho:
    """The same broker without accounts, and a service that answers everything at once."""

    def __init__(self, folder):
        port = free_port()
        self.broker = subprocess.Popen([RELEASE / "examples/open_broker", f"127.0.0.1:{port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_listening(port)
        self.service = subprocess.Popen([SIM, "null-echo", f"127.0.0.1:{port}"])
        self.docks = folder / "null-docks.json"
        self.one = folder / "null-one.json"
        access = [{"sn": f"NULL{n}", "username": f"NULL{n}", "password": "x", "mqtt_url": f"mqtt://127.0.0.1:{port}"} for n in range(DOCKS)]
        self.docks.write_text(json.dumps(access))
        self.one.write_text(json.dumps(access[:1]))

    def close(self):
        for process in (self.service, self.broker):
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()


def free_port():
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def wait_listening(port, timeout_s=20):
    import socket

    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"bench: nothing listens on port {port}")


def fsync_ms(folder):
    """The median of a 4 kB write and fsync on this disk: what one commit costs at least."""
    times = []
    path = folder / "fsync"
    with open(path, "wb") as file:
        for _ in range(50):
            started = time.perf_counter()
            file.write(b"x" * 4096)
            file.flush()
            os.fsync(file.fileno())
            times.append(time.perf_counter() - started)
    path.unlink()
    return sorted(times)[25] * 1000


def cpu_s(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return float("nan")


def main():
    os.environ["EYRIE_BIN"] = str(RELEASE / "eyrie")
    rows = []
    with tempfile.TemporaryDirectory(prefix="eyrie-bench-", dir=os.environ.get("BENCH_DIR")) as folder:
        folder = Path(folder)
        server = Server(folder / "data", env={"EYRIE_LOG_FILTER": "warn"}).start()
        null = NullEcho(folder)
        try:
            rows.append(("start, empty directory to ready", f"{server.ready_s:.2f} s", "", "<= 2 s"))
            rows.append(("memory, idle", f"{memory_mb(server.process.pid):.0f} MB", "", ""))
            accesses = [server.cli("dock", "add", "--workspace", "default", "--sn", f"BENCH{n}") for n in range(DOCKS)]
            docks, one = folder / "docks.json", folder / "one.json"
            docks.write_text(json.dumps(accesses))
            one.write_text(json.dumps(accesses[:1]))
            # a first, short run of each, so that nothing measured pays for connections and caches
            for where in (null.docks, docks):
                load(where, "storage-config-get", COUNT // 10, IN_FLIGHT, 0)
            for ask, objects, aim in (("storage-config-get", 0, ">= 0.8"), ("file-upload-callback", 50, ">= 0.6")):
                echo = load(null.docks, ask, COUNT, IN_FLIGHT, 0)
                ours = load(docks, ask, COUNT, IN_FLIGHT, objects)
                rows.append((f"{ask}, {DOCKS} docks x {IN_FLIGHT}", f"{ours['per_second']:.0f}/s, null echo {echo['per_second']:.0f}/s",
                             f"{ours['per_second'] / echo['per_second']:.2f}", aim))
            disk = fsync_ms(folder)
            for ask, objects, aim in (("storage-config-get", 0, "<= 1 ms"), ("file-upload-callback", 5, f"<= fsync {disk:.1f} ms + 1 ms")):
                echo = load(null.one, ask, COUNT // 20, 1, 0)
                ours = load(one, ask, COUNT // 20, 1, objects)
                rows.append((f"{ask}, one in flight, median", f"{ours['median_ms']:.2f} ms, null echo {echo['median_ms']:.2f} ms",
                             f"{ours['median_ms'] / echo['median_ms']:.2f}", aim))
            half = load(docks, "file-upload-callback", COUNT // 4, max(1, IN_FLIGHT // 8), 10)
            rows.append(("file-upload-callback, p99 at an eighth of the exchanges in flight", f"{half['p99_ms']:.1f} ms", "", "<= 10 ms"))
            burst = load(one, "file-upload-callback", 2000, 2000, 10)
            rows.append(("2,000 callbacks at once, answered", f"{burst['count']} in {burst['seconds']:.1f} s", "", "all"))
            objects = ("--object-bytes", 5 << 20, "--count", 64, "--concurrency", 8)
            parts = ("--object-bytes", 1 << 30, "--count", 1, "--part-bytes", 64 << 20, "--concurrency", 4)
            for what, arguments, aim in (
                ("PUT 5 MiB x 8, durable, against raw write + fsync", objects, ">= 0.75, <= 3 CPU s/GB"),
                ("the same, memory at hand", (*objects, "--memory-at-hand"), ""),
                ("1 GiB multipart, 64 MiB x 4, against raw", parts, ">= 0.85"),
                ("the same, memory at hand", (*parts, "--memory-at-hand"), ""),
            ):
                before = cpu_s(server.process.pid)
                puts = sim("puts", one, "--raw-dir", folder, *arguments)
                gigabytes = puts["megabytes"] / 1000
                rate, raw = puts["megabytes"] / puts["seconds"], puts["megabytes"] / puts["raw_seconds"]
                cpu = (cpu_s(server.process.pid) - before) / gigabytes
                rows.append((what, f"{rate:.0f} MB/s, raw {raw:.0f} MB/s, {cpu:.1f} CPU s/GB", f"{puts['ratio']:.2f}", aim))
            rows.extend(bench_media.rows(folder, server))
            rows.append(("memory after all of it", f"{memory_mb(server.process.pid):.0f} MB", "", ""))
        finally:
            null.close()
            server.stop()
        rows.extend(bench_pilot.rows(folder))
    header = ("what", "measured", "ratio", "aim")
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(4)]
    print(f"\n{os.cpu_count()} cores, {COUNT} exchanges a row, load {os.getloadavg()[0]:.1f} at the end\n")
    for row in (header, tuple("-" * width for width in widths), *rows):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


if __name__ == "__main__":
    sys.exit(main())
