"""Beside another platform: mosquitto is the broker, Eyrie answers the media methods only."""

import json
import socket
import subprocess
import time

import pytest
from conftest import wait_for_port
from foreign_dock import ForeignDock, NoAnswer


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    """(url with user and password, port) of a mosquitto that knows `platform`."""
    folder = tmp_path_factory.mktemp("mosquitto")
    (folder / "passwords").touch()
    subprocess.run(["mosquitto_passwd", "-b", folder / "passwords", "platform", "se@cret"], check=True, capture_output=True)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    (folder / "mosquitto.conf").write_text(
        # as root, mosquitto would become somebody who cannot read this folder
        f"user root\nlistener {port} 127.0.0.1\nallow_anonymous false\npassword_file {folder}/passwords\n"
    )
    process = subprocess.Popen(["mosquitto", "-c", folder / "mosquitto.conf"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for_port(port)
    yield f"mqtt://platform:se%40cret@127.0.0.1:{port}", port
    process.terminate()
    process.wait(10)


@pytest.fixture(scope="module")
def sidecar(new_server, broker):
    return new_server("--mqtt-url", broker[0], "--no-onboarding")


@pytest.fixture(scope="module")
def dock(sidecar):
    access = sidecar.cli("dock", "add", "--workspace", "default", "--sn", "SIDECARDOCK1")
    # accounts of an external broker are its own affair
    with ForeignDock({**access, "username": "platform", "password": "se@cret"}) as dock:
        deadline = time.monotonic() + 10
        while dock.request("storage_config_get", {"module": 0})["result"] != 0:
            assert time.monotonic() < deadline, "the account is not seen"
            time.sleep(0.1)
        yield dock


def test_docks_are_told_the_external_broker_without_its_password(sidecar, broker):
    assert sidecar.mqtt_url == f"mqtt://127.0.0.1:{broker[1]}"
    run = json.loads((sidecar.data / "server.json").read_text())
    assert run["mqtt_listen"] is None and "cret" not in json.dumps(run)
    assert "cret" not in sidecar.out() + sidecar.log()


def test_a_media_report_that_makes_no_sense_is_answered(dock):
    assert dock.event("file_upload_callback", {"file": {}})["result"] != 0


def test_a_file_is_kept(dock):
    answer, _, _ = dock.upload()
    assert answer == {"result": 0}


def test_onboarding_is_left_to_the_platform(dock):
    for method, data in [("airport_bind_status", {"devices": [{"sn": dock.sn}]}), ("config", {"config_scope": "product"})]:
        with pytest.raises(NoAnswer):
            dock.ask("requests", method, data, timeout_s=2)


def test_the_doctor_walks_through_the_external_broker(sidecar, broker):
    unknown = sidecar.run("doctor")
    assert unknown.returncode == 1 and "EYRIE_MQTT_URL" in unknown.stdout
    file = sidecar.data.parent / "eyrie.toml"
    file.write_text(f'[mqtt]\nurl = "{broker[0]}"\n[cloud_api]\nntp_server_host = "127.0.0.1"\n')
    done = sidecar.run("doctor", "--config", file)
    assert done.returncode == 0, done.stdout
    assert "cret" not in done.stdout + done.stderr
