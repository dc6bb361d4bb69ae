"""The main job with embedded defaults: see scripts/demo.sh for the settings."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EYRIE = ROOT / "target/release/eyrie"
SIM = ROOT / "target/release/eyrie-sim"
DOCKS = [("DEMODOCK0001", "Dock Nord"), ("DEMODOCK0002", "Dock Süd"), ("DEMODOCK0003", "Dock West")]
READY_S = 30
FLIGHTS_S = 600


class Api:
    def __init__(self, url, token):
        self.url, self.token = url, token

    def get(self, path, **query):
        address = f"{self.url}/api/v1/workspaces/default/{path}"
        if query:
            address += "?" + urllib.parse.urlencode(query)
        request = urllib.request.Request(address, headers={"Authorization": f"Bearer {self.token}"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def all(self, path, **query):
        cursor = None
        while True:
            page = self.get(path, limit=500, **query, **({"cursor": cursor} if cursor else {}))
            yield from page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def download(self, media_id):
        """Follows the redirect to the signed URL; the bearer token is not for the object store."""
        address = f"{self.url}/api/v1/workspaces/default/media/{media_id}/content"
        request = urllib.request.Request(address, headers={"Authorization": f"Bearer {self.token}"})

        class Stay(urllib.request.HTTPRedirectHandler):
            def redirect_request(self, *_):
                return None

        try:
            urllib.request.build_opener(Stay).open(request, timeout=60)
        except urllib.error.HTTPError as redirect:
            if redirect.code != 302:
                raise
            digest = hashlib.sha256()
            with urllib.request.urlopen(redirect.headers["Location"], timeout=300) as answer:
                while block := answer.read(1 << 20):
                    digest.update(block)
            return digest.hexdigest()
        raise SystemExit("demo: /content did not redirect to a signed URL")


def command(data, *arguments):
    run = subprocess.run([EYRIE, *arguments, "--data", data, "--json"], stdout=subprocess.PIPE, check=False)
    if run.returncode != 0:
        raise SystemExit(f"demo: eyrie {' '.join(arguments)} failed with status {run.returncode}")
    return json.loads(run.stdout)


def wait_ready(server, data):
    run_file = Path(data) / "server.json"
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise SystemExit(f"demo: the server ended with status {server.returncode}")
        try:
            run = json.loads(run_file.read_text())
            if run["pid"] == server.pid:
                with urllib.request.urlopen(run["http_url"] + "/readyz", timeout=5):
                    return run
        except (OSError, ValueError):
            pass
        time.sleep(0.05)
    raise SystemExit(f"demo: the server was not ready within {READY_S} s")


def table(rows, header):
    widths = [max(len(str(row[column])) for row in [header, *rows]) for column in range(len(header))]
    for row in [header, ["-" * width for width in widths], *rows]:
        print("  " + "  ".join(str(cell).ljust(width) for cell, width in zip(row, widths)).rstrip())


def main():
    ends = os.environ.get("DEMO_EXIT") == "1"
    files = os.environ.get("DEMO_FILES")
    data = os.environ.get("DEMO_DATA") or tempfile.mkdtemp(prefix="eyrie-demo-")
    free = "127.0.0.1:0" if ends else None
    listen = []
    for part, default in (("http", "127.0.0.1:8080"), ("mqtt", "127.0.0.1:1883"), ("s3", "127.0.0.1:9000")):
        listen += [f"--{part}", os.environ.get(f"DEMO_{part.upper()}") or free or default]
    # the demo's own password, so that it can be shown again at the end
    password = os.environ.get("EYRIE_ADMIN_PASSWORD") or hashlib.sha256(os.urandom(32)).hexdigest()[:20]
    # a line for each file would bury the table
    env = {"EYRIE_LOG_FILTER": "warn", **os.environ, "EYRIE_ADMIN_PASSWORD": password}
    server = subprocess.Popen([EYRIE, "serve", "--data", data, *listen], env=env)
    try:
        run = wait_ready(server, data)
        known = {dock["sn"] for dock in command(data, "dock", "list")["items"]}
        fleet = []
        for sn, callsign in DOCKS:
            if sn in known:
                fleet.append({**command(data, "dock", "show", sn), **command(data, "dock", "rotate", sn)})
            else:
                fleet.append(command(data, "dock", "add", "--workspace", "default", "--sn", sn, "--callsign", callsign))
        token = command(data, "token", "create", "--workspace", "default", "--role", "viewer")["token"]
        with tempfile.NamedTemporaryFile("w", suffix=".json", delete=False) as file:
            json.dump(fleet, file)
        fly = [SIM, "fleet", file.name, "--json"]
        if files:
            fly += ["--files", files]
        print(f"\nflying {len(fleet)} simulated docks" + (f" with the files of {files}" if files else "") + " ...", flush=True)
        flown = subprocess.run(fly, stdout=subprocess.PIPE, timeout=FLIGHTS_S, check=False)
        os.unlink(file.name)
        if flown.returncode != 0:
            raise SystemExit(f"demo: the simulated flights failed with status {flown.returncode}")
        sent = {file["object_key"]: file["sha256"] for file in flown_files(json.loads(flown.stdout))}
        api = Api(run["http_url"], token)
        stored = {item["object_key"]: item for item in api.all("media")}
        missing = sent.keys() - stored.keys()
        if missing:
            raise SystemExit(f"demo: {len(missing)} acknowledged files are not in the library, {min(missing)} first")
        print("\nThe library\n")
        table(
            [
                [flight["flight_id"], flight["gateway_sn"], flight["state"], flight["stored_count"], flight["expected_file_count"] or "?",
                 f"{sum(item['size_bytes'] or 0 for item in stored.values() if item['flight_id'] == flight['flight_id']) / 1e6:.1f} MB"]
                for flight in api.all("flights")
            ],
            ["flight", "dock", "state", "stored", "expected", "size"],
        )
        if ends:
            for key, sha256 in sent.items():
                if api.download(stored[key]["id"]) != sha256:
                    raise SystemExit(f"demo: {key} came back with other bytes")
            print(f"\n{len(sent)} files downloaded again, each byte for byte as it was sent")
            return
        print(f"\n  page       {run['http_url']}/")
        print(f"  API        {run['http_url']}/api/v1/workspaces/default/media   (described by {run['http_url']}/openapi.json)")
        print(f"  login      admin / {password}")
        print(f"  token      {token}   (viewer)")
        print(f"  try        curl -H 'Authorization: Bearer {token}' {run['http_url']}/api/v1/workspaces/default/flights")
        print(f"  data       {data}\n\nCtrl-C stops the server.", flush=True)
        server.wait()
    except KeyboardInterrupt:
        pass
    finally:
        if server.poll() is None:
            server.send_signal(signal.SIGTERM)
            server.wait(timeout=30)
    if server.returncode:
        raise SystemExit(f"demo: the server ended with status {server.returncode}")


def flown_files(report):
    """Every file of a fleet's report that was answered 0."""
    for dock in report["docks"]:
        for flight in dock["flights"]:
            yield from (file for file in flight["files"] if file["result"] == 0)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    main()
