"""The simulator against the server: every fault by name gets the answer that its table says, and nothing breaks."""

import json
import subprocess

import pytest
from conftest import binary
from foreign_dock import wait_for


def fly(accesses, *arguments, tmp_path):
    path = tmp_path / "docks.json"
    path.write_text(json.dumps(accesses))
    command = [binary("eyrie-sim"), "fleet", path, "--json", "--width", "64", "--height", "48", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def faults():
    listed = subprocess.run([binary("eyrie-sim"), "faults"], capture_output=True, text=True, check=False).stdout
    return [line.split()[0] for line in listed.splitlines()] or ["the simulator is not built"]


@pytest.mark.parametrize("fault", faults())
def test_fault_is_answered_as_its_table_says(server, dock, tmp_path, fault):
    status, report = fly([dock], "--photos", "1", "--video-s", "0", "--no-ppk", "--fault", fault, tmp_path=tmp_path)
    assert status == 0, json.dumps(report, indent=1)


def test_a_wrong_expectation_is_noticed(server, dock, tmp_path):
    """Control: a dock whose account is disabled cannot fly, and the simulator says so."""
    server.cli("dock", "disable", dock["sn"])
    status, report = fly([dock], "--photos", "1", "--video-s", "0", "--no-ppk", tmp_path=tmp_path)
    assert status == 1 and report["docks"][0]["error"]


def test_a_fleet_of_all_models_with_everything(server, tmp_path):
    accesses = [server.cli("dock", "add", "--workspace", "default", "--sn", f"FLEET{number}") for number in range(3)]
    status, report = fly(accesses, "--photos", "3", "--flights", "2", tmp_path=tmp_path)
    assert status == 0, json.dumps(report, indent=1)
    files = [file for dock in report["docks"] for flight in dock["flights"] for file in flight["files"]]
    assert len(files) == 3 * 2 * 9 and all(file["result"] == 0 for file in files)
    for access, model in zip(accesses, ("3-2-0", "3-3-0", "3-1-0")):
        # live state is written behind the answers
        wait_for(lambda: server.cli("dock", "show", access["sn"])["model_key"] == model, f"{access['sn']} is a {model}")
