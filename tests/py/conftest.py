"""A server for each test module: the built binary on free ports with a data directory of its own."""

import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import time
import uuid

import pytest
import requests

ROOT = pathlib.Path(__file__).resolve().parents[2]
START_S = 30
STOP_S = 15


def pytest_configure(config):
    # certificates of a test's own making
    config.addinivalue_line("filterwarnings", "ignore::urllib3.exceptions.InsecureRequestWarning")


def binary(name="eyrie"):
    """The program under test: $EYRIE_BIN, or the debug build."""
    if name == "eyrie" and "EYRIE_BIN" in os.environ:
        return pathlib.Path(os.environ["EYRIE_BIN"]).resolve()
    return pathlib.Path(os.environ.get("EYRIE_BIN", ROOT / "target" / "debug" / "eyrie")).with_name(name).resolve()


def clean_env(**more):
    """This process's environment without settings of Eyrie, and `more`."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("EYRIE_")}
    env.update({name: str(value) for name, value in more.items()})
    return env


def wait_for_port(port, within_s=10):
    """Waits until somebody listens on loopback."""
    deadline = time.monotonic() + within_s
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < deadline, f"nobody listens on {port}"
            time.sleep(0.02)


class CommandFailed(Exception):
    def __init__(self, done):
        super().__init__(f"{done.args}: exit status {done.returncode}: {done.stderr}")
        self.done = done


class Server:
    """`eyrie serve` on free ports. `env` and `args` are added to what it is started with."""

    def __init__(self, data, args=(), env=None):
        self.data = pathlib.Path(data)
        self.args = list(args)
        self.env = dict(env or {})
        self.addresses = {"--http": "127.0.0.1:0", "--mqtt": "127.0.0.1:0", "--s3": "127.0.0.1:0"}
        self.log_path = self.data.parent / f"{self.data.name}.log"
        self.out_path = self.data.parent / f"{self.data.name}.out"
        self.process = None
        self.ready_s = None

    def start(self):
        """Returns when the server is ready; `ready_s` says how long that took."""
        began = time.monotonic()
        before = self._run_file()
        addresses = [word for flag, address in self.addresses.items() if flag not in self.args for word in (flag, address)]
        command = [binary(), "serve", "--data", self.data, *addresses, *self.args]
        with open(self.log_path, "ab") as log, open(self.out_path, "ab") as out:
            self.process = subprocess.Popen(command, env=clean_env(**self.env), stdout=out, stderr=log)
        while True:
            self._fail_if_over(began)
            run = self._run_file()
            if run and run["pid"] == self.process.pid and run != before and self._is_ready(run):
                break
            time.sleep(0.02)
        self.ready_s = time.monotonic() - began
        self.http_url, self.mqtt_url, self.s3_url = run["http_url"], run["mqtt_url"], run["s3_url"]
        self.addresses["--http"], self.addresses["--s3"] = run["http_listen"], run["s3_listen"]
        if run["mqtt_listen"]:
            self.addresses["--mqtt"] = run["mqtt_listen"]
            host, port = run["mqtt_listen"].rsplit(":", 1)
            self.mqtt_host, self.mqtt_port = host.strip("[]"), int(port)
        return self

    def _run_file(self):
        with contextlib.suppress(OSError, ValueError):
            return json.loads((self.data / "server.json").read_text())
        return None

    def _is_ready(self, run):
        with contextlib.suppress(requests.RequestException):
            return requests.get(f"{run['http_url']}/readyz", timeout=5, verify=False).status_code == 200
        return False

    def _fail_if_over(self, began):
        over = self.process.poll() is not None
        if over or time.monotonic() - began > START_S:
            self.kill9()
            why = f"ended with status {self.process.returncode}" if over else f"was not ready within {START_S} s"
            raise AssertionError(f"the server {why}:\n{self.log()[-4000:]}")

    def log(self):
        """Everything it wrote to stderr, over all starts."""
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def out(self):
        """Everything it wrote to stdout, over all starts."""
        return self.out_path.read_text(errors="replace") if self.out_path.exists() else ""

    def stop(self):
        """SIGTERM; returns the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_S)

    def kill9(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(STOP_S)

    def restart(self):
        """Stops what still runs and starts again on the same ports."""
        if self.process.poll() is None:
            self.stop()
        deadline = time.monotonic() + START_S
        while True:
            before = len(self.log())
            try:
                return self.start()
            except AssertionError:
                # a connection of another test may have the port for a moment
                if "Address already in use" not in self.log()[before:] or time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def run(self, *args, stdin=None):
        """A command on this server's data, whatever its exit status."""
        command = [binary(), *args, "--data", self.data]
        return subprocess.run(command, env=clean_env(), input=stdin, capture_output=True, text=True, timeout=120)

    def cli(self, *args, stdin=None):
        """A command on this server's data; what it printed as JSON. Raises `CommandFailed`."""
        done = self.run(*args, "--json", stdin=stdin)
        if done.returncode != 0:
            raise CommandFailed(done)
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def new_server(tmp_path_factory):
    """Makes servers: `new_server(*args, **env)`. They are gone at the end of the module."""
    servers = []

    def make(*args, **env):
        data = tmp_path_factory.mktemp("eyrie") / "data"
        servers.append(Server(data, args, env))
        return servers[-1].start()

    yield make
    for server in servers:
        server.kill9()


@pytest.fixture(scope="module")
def server(new_server):
    """A running server of this module's own; it has to stop in order at the end."""
    running = new_server()
    yield running
    if running.process.poll() is None:
        assert running.stop() == 0, running.log()[-4000:]


@pytest.fixture
def workspace(server):
    """A workspace of this test's own: {id, name}."""
    return server.cli("workspace", "add", f"ws-{uuid.uuid4().hex[:10]}")


@pytest.fixture
def dock(server, workspace):
    """A dock of this test's own in its workspace: what `eyrie dock add` printed."""
    return server.cli("dock", "add", "--workspace", workspace["id"], "--sn", f"PYDOCK{uuid.uuid4().hex[:8].upper()}")


@pytest.fixture(scope="module")
def browser():
    """Debian's Chromium."""
    from page import launch
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = launch(playwright)
        yield chromium
        chromium.close()


@pytest.fixture
def person(browser, server):
    """Makes people in front of the page: `person(size=PHONE)`. What they complain of, and a request to another host, fails the test."""
    from page import Person

    people = []

    def make(**more):
        people.append(Person(browser, server, **more))
        return people[-1]

    yield make
    for one in people:
        one.close()


@pytest.fixture
def admin(person):
    """Somebody who may everything, at a desk."""
    return person().log_in()
