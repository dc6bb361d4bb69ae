"""A real `eyrie serve` in a process of its own: start, kill -9, start again on the same ports."""

import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import requests

ROOT = Path(__file__).resolve().parents[2]
READY_S = 30


def binary(name="eyrie"):
    """The debug build that `make test` makes (with fail points), or what EYRIE_BIN_DIR says."""
    return Path(os.environ.get("EYRIE_BIN_DIR", ROOT / "target/debug")) / name


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


class Server:
    def __init__(self, data, env=None, arguments=(), ports=None):
        self.data = Path(data)
        self.env = dict(env or {})
        self.arguments = list(arguments)
        # fixed, so that docks find the server again after a kill
        self.http_port, self.mqtt_port, self.s3_port = ports or free_ports(3)
        self.process = None
        self.log = self.data.parent / f"{self.data.name}.log"

    def start(self, env=None):
        """Returns the seconds until /readyz said yes."""
        listen = []
        for part, port in (("http", self.http_port), ("mqtt", self.mqtt_port), ("s3", self.s3_port)):
            listen += [f"--{part}", f"127.0.0.1:{port}"]
        started = time.monotonic()
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [binary(), "serve", "--data", self.data, *listen, *self.arguments],
                stdout=log, stderr=log, env={**os.environ, **self.env, **(env or {})},
            )
        deadline = started + READY_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(f"the server ended with {self.process.returncode}:\n{self.tail()}")
            try:
                run = json.loads((self.data / "server.json").read_text())
                if run["pid"] == self.process.pid and requests.get(run["http_url"] + "/readyz", timeout=2).ok:
                    self.http_url, self.mqtt_url, self.s3_url = run["http_url"], run["mqtt_url"], run["s3_url"]
                    return time.monotonic() - started
            except (OSError, ValueError, requests.RequestException):
                pass
            time.sleep(0.02)
        raise AssertionError(f"the server was not ready within {READY_S} s:\n{self.tail()}")

    def tail(self, bytes_=4000):
        return self.log.read_bytes()[-bytes_:].decode(errors="replace") if self.log.exists() else ""

    def kill9(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        if self.process:
            self.process.wait(timeout=30)

    def stop(self):
        """SIGTERM; the exit status."""
        if self.process is None or self.process.poll() is not None:
            return self.process.returncode if self.process else None
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.kill9()
            raise AssertionError(f"the server did not stop:\n{self.tail()}") from None

    def wait_dead(self, timeout_s=60):
        return self.process.wait(timeout=timeout_s)

    def cli(self, *words, check=True, json_output=True):
        command = [binary(), *map(str, words), "--data", str(self.data)] + (["--json"] if json_output else [])
        run = subprocess.run(command, capture_output=True, text=True, timeout=120)
        if check and run.returncode != 0:
            raise AssertionError(f"{' '.join(map(str, words))}: status {run.returncode}\n{run.stderr}")
        if not check:
            return run
        return json.loads(run.stdout) if json_output else run.stdout

    def token(self, role="admin", workspace="default"):
        return self.cli("token", "create", "--workspace", workspace, "--role", role)["token"]
