"""Starting, stopping, TLS: what an operator does to the server, seen from outside."""

import json
import random
import socket
import ssl
import subprocess
import time

import boto3
import paho.mqtt.client as mqtt
import pytest
import requests
from botocore.config import Config
from conftest import Server, clean_env, binary


def certificate(folder, name, days=30):
    """A self-signed certificate for loopback: (certificate, key)."""
    cert, key = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", str(days),
         "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-keyout", key, "-out", cert],
        check=True, capture_output=True,
    )
    return cert, key


def presented(address, cafile=None):
    """The certificate that a listener presents, in DER."""
    context = ssl.create_default_context(cafile=cafile) if cafile else ssl._create_unverified_context()
    host, port = address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=10) as raw, context.wrap_socket(raw, server_hostname=host) as tls:
        return tls.getpeercert(binary_form=True)


@pytest.fixture(scope="module")
def tls(tmp_path_factory, new_server):
    folder = tmp_path_factory.mktemp("tls")
    cert, key = certificate(folder, "first")
    # copies, so that a test can replace what the server reads
    live_cert, live_key = folder / "live.pem", folder / "live.key"
    live_cert.write_bytes(cert.read_bytes())
    live_key.write_bytes(key.read_bytes())
    server = new_server("--tls-cert", str(live_cert), "--tls-key", str(live_key))
    server.folder, server.cert = folder, cert
    return server


def test_all_three_listeners_speak_tls(tls):
    assert tls.http_url.startswith("https://") and tls.s3_url.startswith("https://") and tls.mqtt_url.startswith("mqtts://")
    assert requests.get(f"{tls.http_url}/readyz", verify=tls.cert, timeout=10).json()["ready"]

    key = tls.cli("s3-key", "create", "--workspace", "default", "--access", "write")
    s3 = boto3.client(
        "s3", endpoint_url=key["endpoint"], region_name=key["region"], aws_access_key_id=key["access_key_id"],
        aws_secret_access_key=key["secret_access_key"], verify=str(tls.cert), config=Config(s3={"addressing_style": "path"}),
    )
    s3.put_object(Bucket=key["bucket"], Key="tls.txt", Body=b"over TLS")
    assert s3.get_object(Bucket=key["bucket"], Key="tls.txt")["Body"].read() == b"over TLS"

    access = tls.cli("dock", "add", "--workspace", "default", "--sn", "TLSDOCK1")
    answers = []
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="tls", protocol=mqtt.MQTTv5)
    client.username_pw_set(access["username"], access["password"])
    client.tls_set(ca_certs=str(tls.cert))
    client.on_connect = lambda *given: answers.append(str(given[3]))
    client.connect(tls.mqtt_host, tls.mqtt_port, keepalive=30)
    deadline = time.monotonic() + 20
    while not answers and time.monotonic() < deadline:
        client.loop(0.1)
    client.disconnect()
    assert answers == ["Success"]


def test_plain_text_is_refused_where_tls_is_spoken(tls):
    for url in (tls.http_url, tls.s3_url):
        with pytest.raises(requests.RequestException):
            requests.get(url.replace("https://", "http://") + "/readyz", timeout=10)


def test_the_doctor_says_that_docks_do_not_trust_a_certificate_of_its_own_making(tls):
    for _ in range(2):
        done = tls.run("doctor", "--json")
        failed = {step["step"]: step for step in json.loads(done.stdout)["steps"] if step["status"] == "failed"}
        # a second walk finds what the first one took away
        assert (done.returncode, list(failed)) == (1, ["certificate"]), json.dumps(failed, indent=1)
        assert "public authority" in failed["certificate"]["advice"]


def test_sighup_takes_a_new_certificate_and_keeps_the_old_one_when_it_is_broken(tls):
    before = presented(tls.addresses["--http"])
    (tls.folder / "live.pem").write_text("not a certificate")
    tls.process.send_signal(1)
    wait_until(lambda: "certificate in force stays" in tls.log())
    assert presented(tls.addresses["--http"]) == presented(tls.addresses["--mqtt"]) == before
    cert, key = certificate(tls.folder, "second")
    (tls.folder / "live.pem").write_bytes(cert.read_bytes())
    (tls.folder / "live.key").write_bytes(key.read_bytes())
    tls.process.send_signal(1)
    wait_until(lambda: presented(tls.addresses["--http"]) != before)
    assert presented(tls.addresses["--s3"], cafile=cert) == presented(tls.addresses["--http"], cafile=cert)
    wait_until(lambda: presented(tls.addresses["--mqtt"]) != before)
    assert presented(tls.addresses["--mqtt"], cafile=cert)


def wait_until(condition, within_s=10):
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_ready_in_two_seconds_and_the_password_is_told_once(new_server):
    server = new_server()
    assert server.ready_s < (2 if "release" in str(binary()) else 8), server.ready_s
    assert server.out().count("password:") == 1
    password = server.out().split("password: ")[1].split()[0]
    answer = requests.post(f"{server.http_url}/api/v1/session", json={"name": "admin", "password": password}, timeout=30)
    assert answer.ok, answer.text
    server.restart()
    assert server.out().count("password:") == 1
    assert password not in server.log()
    assert server.stop() == 0


def test_a_chosen_password_is_never_printed(new_server):
    server = new_server(EYRIE_ADMIN_PASSWORD="a long chosen password")
    login = {"name": "admin", "password": "a long chosen password"}
    assert requests.post(f"{server.http_url}/api/v1/session", json=login, timeout=30).ok
    assert "chosen password" not in server.out() + server.log()


def test_a_first_start_killed_at_any_moment_is_finished_by_the_next(tmp_path):
    seed = random.randrange(2**32)
    moments = random.Random(seed)
    for turn in range(12):
        data = tmp_path / f"data{turn}"
        command = [binary(), "serve", "--data", data, "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--s3", "127.0.0.1:0"]
        process = subprocess.Popen(command, env=clean_env(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(moments.uniform(0.005, 0.4))
        process.kill()
        process.wait()
        server = Server(data)
        try:
            server.start()
            assert [workspace["name"] for workspace in server.cli("workspace", "list")["items"]] == ["default"]
            assert [user["name"] for user in server.cli("user", "list")["items"]] == ["admin"]
            key = server.cli("s3-key", "create", "--workspace", "default", "--access", "write")
            assert key["bucket"] == "default"
            assert server.stop() == 0, f"seed {seed}, turn {turn}: {server.log()}"
        finally:
            server.kill9()


def test_an_open_event_stream_does_not_hold_up_a_stop(new_server):
    server = new_server()
    token = server.cli("token", "create", "--workspace", "default", "--role", "viewer")["token"]
    events = requests.get(
        f"{server.http_url}/api/v1/workspaces/default/events", headers={"Authorization": f"Bearer {token}"}, stream=True, timeout=30
    )
    assert events.status_code == 200
    began = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - began < 8


def test_a_command_is_seen_at_once_by_the_running_server(server):
    token = server.cli("token", "create", "--workspace", "default", "--role", "admin")
    headers = {"Authorization": f"Bearer {token['token']}"}
    url = f"{server.http_url}/api/v1/workspaces"
    assert requests.get(url, headers=headers, timeout=10).status_code == 200
    server.cli("token", "revoke", token["id"])
    assert requests.get(url, headers=headers, timeout=10).status_code == 401


@pytest.mark.parametrize("trusted, address", [("", "127.0.0.1"), ("10.0.0.0/8,127.0.0.1", "203.0.113.9")])
def test_only_a_trusted_proxy_says_whom_it_speaks_for(new_server, trusted, address):
    server = new_server(EYRIE_HTTP_TRUSTED_PROXIES=trusted)
    headers = {"X-Forwarded-For": "198.51.100.1, 203.0.113.9, 10.1.2.3"}
    body = {"name": "admin", "password": "not the password"}
    assert requests.post(f"{server.http_url}/api/v1/session", json=body, headers=headers, timeout=20).status_code == 401
    entry = server.cli("audit", "--action", "session.refuse")["items"][0]
    assert entry["detail"]["address"] == address
    # figures of the whole server are for programs on this machine that speak for themselves
    assert requests.get(f"{server.http_url}/metrics", headers=headers, timeout=20).status_code == 401
    assert requests.get(f"{server.http_url}/metrics", timeout=20).status_code == 200
