"""mosquitto_pub and mosquitto_sub with a dock's password, against what is not that dock's."""

import shutil
import subprocess
import uuid

import pytest
from test_isolation import World, marker, own, peer

pytestmark = pytest.mark.skipif(shutil.which("mosquitto_pub") is None, reason="mosquitto-clients are not installed")
VERSIONS = ["311", "5"]


@pytest.fixture(scope="module")
def world(server):
    return World(server)


def mosquitto(world, what, version, *args, access=None):
    """Runs one of the two programs as A1, or as `access`: (username, password), or nobody when it is empty."""
    username, password = (world.dock["a1"]["username"], world.dock["a1"]["password"]) if access is None else access or (None, None)
    command = [f"mosquitto_{what}", "-h", world.server.mqtt_host, "-p", str(world.server.mqtt_port), "-V", version]
    command += ["-u", username, "-P", password] if username else []
    return subprocess.run([*command, *args], capture_output=True, text=True, timeout=20)


@pytest.mark.parametrize("version", VERSIONS)
def test_publishing_for_others_reaches_nobody(world, version):
    with peer(world, "a2") as a2, peer(world, "b1") as b1:
        for witness, name in ((a2, "a2"), (b1, "b1")):
            sn = world.sn[name]
            assert witness.subscribe(*own(sn)) == [True, True]
            for topic in (f"thing/product/{sn}/osd", f"thing/product/{sn}/services", f"sys/product/{sn}/status_reply"):
                for more in ([], ["-r"], ["-q", "1"]):
                    mosquitto(world, "pub", version, "-t", topic, "-m", "attack", *more)
            end = marker()
            witness.publish(f"thing/product/{sn}/osd", end)
            witness.heard_marker(end)
            assert "attack" not in [payload.decode() for _, payload in witness.heard]


@pytest.mark.parametrize("version", VERSIONS)
def test_listening_to_others_is_refused(world, version):
    filters = ["#", "thing/product/+/osd", f"thing/product/{world.sn['a2']}/#", f"thing/product/{world.sn['b1']}/osd", "$SYS/#"]
    filters.append(f"$share/g/thing/product/{world.sn['a2']}/osd")
    for name in filters:
        done = mosquitto(world, "sub", version, "-t", name, "-E", "-d")
        said = done.stdout + done.stderr
        assert "SUBACK" in said and ("128" in said or "135" in said or "rejected" in said or "denied" in said.lower()), (name, said)


@pytest.mark.parametrize("version", VERSIONS)
def test_wills_and_strangers_are_refused_at_connect(world, version):
    a1, own_topic = world.dock["a1"], f"thing/product/{world.sn['a1']}/osd"
    for name in ("a2", "b1"):
        done = mosquitto(world, "pub", version, "--will-topic", f"thing/product/{world.sn[name]}/osd", "--will-payload", "x", "-t", own_topic, "-m", "{}")
        assert done.returncode != 0, name
    for access in ((), (a1["username"], "wrong"), (world.sn["a2"], a1["password"]), (f"NOBODY{uuid.uuid4().hex[:4]}", "x")):
        assert mosquitto(world, "pub", version, "-t", own_topic, "-m", "{}", access=access).returncode != 0, access
    assert mosquitto(world, "pub", version, "-q", "1", "-t", own_topic, "-m", "{}").returncode == 0
