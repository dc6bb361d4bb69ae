"""The simulated crew against the server: every fault by name gets the answer that its table says, and nothing breaks."""

import json
import subprocess
import uuid

import pytest
import requests
from conftest import binary, clean_env

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def server(new_server):
    return new_server(EYRIE_ADMIN_PASSWORD=PASSWORD)


@pytest.fixture
def sn():
    return f"5YSZ{uuid.uuid4().hex[:10].upper()}"


def fly(server, sn, *arguments, password=PASSWORD):
    command = [binary("eyrie-sim"), "pilot", "--server", server.http_url, "--sn", sn, "--workspace", "default"]
    command += ["--json", "--width", "64", "--height", "48", *arguments]
    done = subprocess.run(command, env=clean_env(EYRIE_SIM_PASSWORD=password), capture_output=True, text=True, timeout=120)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def media(server, sn):
    token = server.cli("token", "create", "--workspace", "default", "--role", "viewer")["token"]
    url = f"{server.http_url}/api/v1/workspaces/default/media"
    answer = requests.get(url, params={"gateway_sn": sn, "limit": 1000}, headers={"Authorization": f"Bearer {token}"}, timeout=10)
    return answer.json()["items"]


def faults():
    listed = subprocess.run([binary("eyrie-sim"), "faults", "--pilot"], capture_output=True, text=True, check=False).stdout
    return [line.split()[0] for line in listed.splitlines()] or ["the simulator is not built"]


@pytest.mark.parametrize("fault", faults())
def test_fault_is_answered_as_its_table_says(server, sn, fault):
    status, report = fly(server, sn, "--photos", "1", "--fault", fault)
    assert status == 0, json.dumps(report, indent=1)


def test_a_wrong_expectation_is_noticed(server, sn):
    """Control: who cannot log in cannot fly."""
    status, report = fly(server, sn, password="wrong")
    assert status == 1 and "401" in report["error"]


def test_photos_go_by_themselves_and_the_rest_by_hand(server, sn):
    status, report = fly(server, sn, "--photos", "3", "--video-s", "2")
    assert status == 0, report
    assert [file["outcome"] for file in report["files"]] == ["uploaded"] * 3 + ["left_on_card"]
    items = media(server, sn)
    assert {item["name"] for item in items} == {file["name"] for file in report["files"][:3]}
    assert {(item["source"], item["status"], item["is_original"]) for item in items} == {("pilot", "stored", True)}
    assert len({item["flight_id"] for item in items}) == 1, "the shots of one wayline are one flight"

    # another crew: the first one's card would have other names by now, and the simulator's clock has whole seconds
    other = f"M{sn[1:]}"
    status, report = fly(server, other, "--photos", "2", "--video-s", "2", "--manual")
    assert status == 0 and [file["outcome"] for file in report["files"]] == ["uploaded"] * 3
    assert len(media(server, other)) == 3


def test_the_same_photo_is_sent_once(server, sn):
    status, report = fly(server, sn, "--photos", "2", "--fault", "same-photo")
    assert status == 0, report
    assert [file["outcome"] for file in report["files"]] == ["uploaded", "known"] * 2
    assert len(media(server, sn)) == 2


def test_a_storage_that_cannot_be_reached_ends_in_words_and_loses_nothing(new_server, sn):
    """The S3 address that the server gives out is nobody's: the crew gives up and says so; nothing is called kept."""
    wrong = new_server(EYRIE_ADMIN_PASSWORD=PASSWORD, EYRIE_S3_PUBLIC_URL="http://127.0.0.1:9")
    status, report = fly(wrong, sn, "--photos", "1")
    assert status == 1 and report["error"] is None
    (file,) = report["files"]
    assert file["outcome"] == "failed" and file["attempts"] == 3 and "upload" in file["error"]
    assert media(wrong, sn) == []
