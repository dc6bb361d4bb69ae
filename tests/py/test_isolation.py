"""Isolation of the whole server as a matrix: docks A1 and A2 of one workspace and B1 of another, each as attacker.

A denial counts by its effect: the owner listens, and a marker sent afterwards on an allowed topic ends the wait.
"""

import json
import queue
import threading
import time
import uuid

import paho.mqtt.client as mqtt
import pytest
import requests
from foreign_dock import ForeignDock, wait_for

WAIT_S = 15
KINDS = [
    "osd", "state", "services", "services_reply", "events", "events_reply", "requests", "requests_reply", "status",
    "status_reply", "property/set", "property/set_reply", "drc/up", "drc/down",
]  # fmt: skip
ROOTS = ["thing", "sys"]
VERSIONS = [mqtt.MQTTv311, mqtt.MQTTv5]


class World:
    """Two workspaces and their docks; `dock[name]` is what `eyrie dock add` printed."""

    def __init__(self, server):
        self.server = server
        self.ws = {name: server.cli("workspace", "add", f"iso-{name}-{uuid.uuid4().hex[:6]}") for name in "ab"}
        self.dock = {name: self.add("dock", name[0]) for name in ("a1", "a2", "b1")}
        self.sn = {name: access["sn"] for name, access in self.dock.items()}

    def add(self, what, ws):
        sn = f"ISO{uuid.uuid4().hex[:10].upper()}"
        return self.server.cli(what, "add", "--workspace", self.ws[ws]["id"], "--sn", sn)

    def key(self, ws, access):
        made = self.server.cli("s3-key", "create", "--workspace", self.ws[ws]["id"], "--access", access)
        return {"access_key_id": made["access_key_id"], "access_key_secret": made["secret_access_key"], "security_token": None}


@pytest.fixture(scope="module")
def world(server):
    return World(server)


class Peer:
    """One connection, which may be refused. Messages are collected as (topic, payload)."""

    def __init__(self, server, username, password, protocol=mqtt.MQTTv311, client_id=None, will=None):
        self.heard, self.granted, self.codes = [], queue.Queue(), queue.Queue()
        self.ended = threading.Event()
        name = client_id or f"p-{uuid.uuid4().hex[:10]}"
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=name, protocol=protocol, reconnect_on_failure=False)
        if username is not None:
            self.client.username_pw_set(username, password)
        if will:
            self.client.will_set(*will)
        self.client.on_connect = lambda _c, _u, _f, reason, _p: self.codes.put(reason)
        self.client.on_subscribe = lambda _c, _u, _m, reasons, _p: self.granted.put(reasons)
        self.client.on_message = lambda _c, _u, message: self.heard.append((message.topic, message.payload))
        self.client.on_disconnect = lambda *_: self.ended.set()
        self.client.connect(server.mqtt_host, server.mqtt_port, keepalive=60)
        self.client.loop_start()
        self.accepted = False
        wait_for(lambda: not self.codes.empty() or self.ended.is_set(), "an answer to CONNECT", WAIT_S)
        if not self.codes.empty():
            self.accepted = not self.codes.get().is_failure

    def subscribe(self, *filters):
        """True for each filter that was granted."""
        self.client.subscribe([(name, 1) for name in filters])
        return [not reason.is_failure for reason in self.granted.get(timeout=WAIT_S)]

    def publish(self, topic, payload, retain=False, qos=1):
        return self.client.publish(topic, payload, qos=qos, retain=retain)

    def heard_marker(self, marker):
        wait_for(lambda: any(payload == marker.encode() for _, payload in self.heard), f"the marker {marker}", WAIT_S)

    def cut(self):
        """Ends the connection without DISCONNECT, so that a will is sent."""
        self.client.socket().shutdown(2)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.disconnect()
        self.client.loop_stop()


def peer(world, name, **more):
    access = world.dock[name]
    connected = Peer(world.server, access["username"], access["password"], **more)
    assert connected.accepted
    return connected


def marker():
    return f"marker-{uuid.uuid4().hex}"


def own(sn):
    return [f"thing/product/{sn}/#", f"sys/product/{sn}/#"]


@pytest.mark.parametrize("protocol", VERSIONS)
def test_every_topic_of_others_is_closed_to_publish(world, protocol):
    sn = world.sn
    with peer(world, "a2") as a2, peer(world, "b1") as b1:
        assert a2.subscribe(*own(sn["a2"])) == b1.subscribe(*own(sn["b1"])) == [True, True]
        for root in ROOTS:
            for kind in KINDS:
                # a refusal may end the connection: one for each kind, so that none hides the next
                for target in (sn["a2"], sn["b1"], f"NOBODY{uuid.uuid4().hex[:6]}"):
                    with peer(world, "a1", protocol=protocol) as a1:
                        a1.publish(f"{root}/product/{target}/{kind}", b"attack")
                        # the broker handled the attack: it acknowledged what came behind it, or ended the connection
                        sent = a1.publish(f"thing/product/{sn['a1']}/osd", b"{}")
                        wait_for(lambda: sent.is_published() or a1.ended.is_set(), "an end of the attack", WAIT_S)
        for witness, name in ((a2, "a2"), (b1, "b1")):
            end = marker()
            witness.publish(f"thing/product/{sn[name]}/osd", end)
            witness.heard_marker(end)
            assert not [heard for heard in witness.heard if heard[1] == b"attack"]


@pytest.mark.parametrize("protocol", VERSIONS)
def test_every_topic_of_its_own_is_open_to_a_dock(world, protocol):
    """The other half of the rules: what a dock may publish arrives at whoever may hear it, each kind by its own marker."""
    sn = world.sn["a1"]
    with peer(world, "a1") as witness, peer(world, "a1", protocol=protocol) as a1:
        assert witness.subscribe(*own(sn)) == [True, True]
        sent = {f"{root}/product/{sn}/{kind}": marker() for root in ROOTS for kind in KINDS}
        for topic, payload in sent.items():
            a1.publish(topic, payload)
        arrived = lambda: {topic for topic, payload in witness.heard if payload == sent.get(topic, "").encode()}
        wait_for(lambda: arrived() == set(sent), "every kind to arrive", WAIT_S)
        assert not a1.ended.is_set()


@pytest.mark.parametrize("protocol", VERSIONS)
def test_subscriptions_reach_the_own_sn_only(world, protocol):
    sn = world.sn
    foreign = [f"{root}/product/{target}/{kind}" for root in ROOTS for target in (sn["a2"], sn["b1"], "NOBODY") for kind in KINDS]
    wild = ["#", "+/#", "thing/#", "sys/#", "+/product/#", "thing/product/#", "thing/product/+/osd", "thing/product/+/#"]
    wild += [f"+/product/{sn['a1']}/osd", f"thing/+/{sn['a1']}/osd", f"thing/product/{sn['a2']}/#", "$SYS/#", "$share/g/#"]
    wild += [f"$share/g/thing/product/{sn['a2']}/osd", "$share/g/thing/product/+/osd", f"thing/product/{sn['a2']}/+"]
    allowed = [f"{root}/product/{sn['a1']}/{kind}" for root in ROOTS for kind in KINDS] + own(sn["a1"])
    with peer(world, "a1", protocol=protocol) as a1, peer(world, "a2") as a2, peer(world, "b1") as b1:
        for topic in foreign + wild:
            assert a1.subscribe(topic) == [False], topic
        for topic in allowed:
            assert a1.subscribe(topic) == [True], topic
        for owner, name in ((a2, "a2"), (b1, "b1")):
            sent = [owner.publish(f"{root}/product/{sn[name]}/{kind}", b"private") for root in ROOTS for kind in KINDS]
            for message in sent:
                message.wait_for_publish(WAIT_S)
        end = marker()
        a1.publish(f"thing/product/{sn['a1']}/osd", end)
        a1.heard_marker(end)
        assert all(topic.split("/")[2] == sn["a1"] for topic, _ in a1.heard)


@pytest.mark.parametrize("protocol", VERSIONS)
def test_wills(world, protocol):
    sn, a1 = world.sn, world.dock["a1"]
    for target in (sn["a2"], sn["b1"], "NOBODY"):
        with Peer(world.server, a1["username"], a1["password"], protocol, will=(f"thing/product/{target}/osd", b"will", 1)) as liar:
            assert not liar.accepted, target
    with peer(world, "a1") as witness:
        assert witness.subscribe(f"thing/product/{sn['a1']}/events") == [True]
        last = marker()
        with peer(world, "a1", protocol=protocol, will=(f"thing/product/{sn['a1']}/events", last, 1)) as dying:
            dying.cut()
            witness.heard_marker(last)


def test_nothing_is_retained(world):
    topic = f"thing/product/{world.sn['a1']}/osd"
    with peer(world, "a1") as a1:
        a1.publish(topic, b"retained", retain=True)
        sent = a1.publish(topic, b"{}")
        wait_for(lambda: sent.is_published() or a1.ended.is_set(), "an end of the attack", WAIT_S)
    with peer(world, "a1") as late:
        late.subscribe(topic)
        end = marker()
        late.publish(topic, end)
        late.heard_marker(end)
        assert b"retained" not in [payload for _, payload in late.heard]


def test_a_client_identifier_kicks_off_nobody_else(world):
    with peer(world, "a1", client_id="the-same") as a1, peer(world, "b1", client_id="the-same"):
        a1.subscribe(*own(world.sn["a1"]))
        end = marker()
        a1.publish(f"thing/product/{world.sn['a1']}/osd", end)
        a1.heard_marker(end)
        assert not a1.ended.is_set()


@pytest.mark.parametrize("protocol", VERSIONS)
def test_who_is_not_let_in(world, protocol):
    a1, a2 = world.dock["a1"], world.dock["a2"]
    rows = [(None, None), ("", ""), (a1["username"], ""), (a1["username"], "wrong"), (a2["username"], a1["password"])]
    rows += [("NOBODY", a1["password"]), ("eyrie", "eyrie"), ("service", a1["password"]), ("admin", "admin")]
    for username, password in rows:
        with Peer(world.server, username, password, protocol) as stranger:
            assert not stranger.accepted, username


def end_account(world, how, settle_s):
    access = world.add("dock", "a")
    # the server looks for changed accounts twice a second, and shows nowhere that it looked
    time.sleep(settle_s)
    with Peer(world.server, access["username"], access["password"]) as old:
        assert old.accepted
        after = world.server.cli("dock", how, access["sn"])
        ended = old.ended.wait(3)
    with Peer(world.server, access["username"], access["password"]) as again:
        assert not again.accepted
    if how == "rotate":
        with Peer(world.server, access["username"], after["password"]) as new:
            assert new.accepted
    assert ended, "the old connection ends"


@pytest.mark.parametrize("how", ["disable", "rotate"])
def test_an_ended_account_is_out(world, how):
    end_account(world, how, settle_s=1.2)


@pytest.mark.parametrize("how", ["disable", "rotate"])
def test_a_just_added_account_is_out_too(world, how):
    end_account(world, how, settle_s=0)


def test_a_controller_reaches_its_own_sn_only(world):
    access = world.add("controller", "a")
    username = access.get("username", access["sn"])
    with Peer(world.server, username, access["password"]) as pilot:
        assert pilot.accepted
        assert pilot.subscribe(*own(access["sn"])) == [True, True]
        for name in world.sn:
            assert pilot.subscribe(*own(world.sn[name])) == [False, False]


def claim(dock, *aircraft):
    devices = [{"sn": sn, "domain": "0", "type": 91, "sub_type": 1, "index": "A"} for sn in aircraft]
    topology = {"domain": "3", "type": 3, "sub_type": 0, "sub_devices": devices}
    assert dock.ask("status", "update_topo", topology, root="sys")["data"] == {"result": 0}


def test_an_aircraft_has_one_holder(world):
    aircraft = f"AIR{uuid.uuid4().hex[:8].upper()}"
    topic = f"thing/product/{aircraft}/osd"
    with peer(world, "a1") as a1, peer(world, "a2") as a2, peer(world, "b1") as b1:
        assert a1.subscribe(topic) == [False], "nobody holds it yet"
        with ForeignDock(world.dock["a1"]) as live:
            claim(live, aircraft, world.sn["a2"])
        assert a1.subscribe(topic, f"thing/product/{aircraft}/state") == [True, True]
        closed = [f"{root}/product/{aircraft}/{kind}" for root in ROOTS for kind in KINDS if (root, kind) not in (("thing", "osd"), ("thing", "state"))]
        for name in [*closed, f"thing/product/{aircraft}/#", f"thing/product/{world.sn['a2']}/osd"]:
            assert a1.subscribe(name) == [False], name
        with ForeignDock(world.dock["b1"]) as live:
            claim(live, aircraft)
        assert b1.subscribe(topic) == [False], "held by a dock of another workspace"
        with ForeignDock(world.dock["a2"]) as live:
            claim(live, aircraft)
        assert a1.ended.wait(WAIT_S), "the loser's session ends"
        with peer(world, "a1") as back:
            assert back.subscribe(topic) == [False]
        assert a2.subscribe(topic) == [True]
        end = marker()
        a2.publish(topic, end)
        a2.heard_marker(end)
        assert end.encode() not in [payload for _, payload in a1.heard]


def test_an_aircraft_that_was_let_go_is_not_heard_any_more(world):
    """A dock lets its aircraft go and keeps its subscription; a dock of another workspace is the next to have it."""
    aircraft = f"AIR{uuid.uuid4().hex[:8].upper()}"
    topic = f"thing/product/{aircraft}/osd"
    with ForeignDock(world.dock["a1"]) as live, peer(world, "a2") as bystander:
        claim(live, aircraft)
        with peer(world, "a1", will=(topic, b"will", 1)) as a1:
            assert a1.subscribe(topic) == [True]
            claim(live)
            with ForeignDock(world.dock["b1"]) as next_holder, peer(world, "b1") as b1:
                claim(next_holder, aircraft)
                assert b1.subscribe(topic) == [True]
                assert a1.ended.wait(WAIT_S), "the session with the subscription ends"
                b1.publish(topic, b"private")
                end = marker()
                b1.publish(topic, end)
                b1.heard_marker(end)
                assert b"will" not in [payload for _, payload in b1.heard]
                claim(next_holder)
            assert a1.heard == []
        assert not bystander.ended.is_set()


def test_a_retained_report_is_heard_once(world):
    """A dock that sets the retain flag is heard like any other; nothing is kept."""
    with ForeignDock(world.dock["a1"]) as live, peer(world, "a1", will=(f"thing/product/{world.sn['a1']}/osd", b"will", 1, True)):
        tid = str(uuid.uuid4())
        replies = live.waiting.setdefault(tid, queue.Queue())
        body = {"tid": tid, "bid": tid, "timestamp": 1, "method": "flight_areas_get", "data": None}
        live.client.publish(f"thing/product/{live.sn}/requests", json.dumps(body), qos=1, retain=True)
        assert replies.get(timeout=WAIT_S)[1]["data"]["result"] == 0


OPEN = {
    ("get", "/healthz"), ("get", "/readyz"), ("get", "/openapi.json"), ("post", "/api/v1/session"), ("get", "/oidc/options"), ("get", "/oidc/login"),
    ("get", "/oidc/callback"),
    # who has a link's slug, and its password where it has one: what comes through is in the API's tests of shares
    ("get", "/api/v1/shares/{slug}"), ("post", "/api/v1/shares/{slug}/unlock"), ("get", "/api/v1/shares/{slug}/media"),
    ("get", "/api/v1/shares/{slug}/archive"), ("get", "/api/v1/shares/{slug}/media/{id}/content"), ("get", "/api/v1/shares/{slug}/media/{id}/preview"),
    ("get", "/api/v1/shares/{slug}/media/{id}/thumbnail"), ("get", "/api/v1/shares/{slug}/media/{id}/video"),
}  # fmt: skip
# not about a workspace: who asks sees only what is their own
OWN_VIEW = {
    ("get", "/api/v1/session"), ("delete", "/api/v1/session"), ("get", "/api/v1/workspaces"), ("post", "/api/v1/workspaces"), ("get", "/metrics"),
    ("get", "/api/v1/map"), ("get", "/api/v1/map/base.pmtiles"), ("get", "/api/v1/settings"), ("get", "/api/v1/audit"),
}  # fmt: skip
# with a controller's own token or a person's password: their rows are in test_pilot.py and in the API's matrix
PILOT = ("/pilot/", "/media/api/", "/storage/api/", "/manage/api/", "/wayline/api/", "/map/api/")
WRITES = {
    ("post", "docks"), ("post", "docks/{sn}/disable"), ("post", "docks/{sn}/enable"), ("post", "docks/{sn}/rotate"),
    ("post", "flights/{flight_id}/prioritize"), ("post", "jobs/{id}/retry"), ("delete", "media/{id}"),
    ("post", "media/{id}/restore"), ("post", "s3-keys"), ("delete", "s3-keys/{access_key_id}"), ("post", "tokens"),
    ("delete", "tokens/{id}"), ("post", "users"), ("delete", "users/{id}"), ("post", "controllers/{sn}/disable"),
    ("post", "controllers/{sn}/enable"), ("post", "pilot-settings"), ("post", "flights/{flight_id}/ppk/solve"),
    ("post", "jobs/{id}/cancel"), ("post", "media/{id}/proxy"), ("post", "archives"), ("post", "media/export"),
    ("post", "controllers"), ("post", "controllers/{sn}/rotate"), ("patch", "docks/{sn}"), ("patch", "users/{id}"),
    ("post", "users/{id}/password"), ("post", "albums"), ("patch", "albums/{id}"), ("delete", "albums/{id}"),
    ("post", "trash/empty"), ("post", "retention-rules"), ("post", "retention-rules/preview"), ("post", "retention-rules/apply"),
    ("patch", "retention-rules/{id}"), ("delete", "retention-rules/{id}"), ("post", "legal-holds"), ("delete", "legal-holds/{id}"),
    ("post", "albums/{id}/media"), ("post", "albums/{id}/media/remove"), ("post", "shares"), ("delete", "shares/{id}"),
}  # fmt: skip


def test_every_route_hides_a_from_b(world):
    server, (a, b) = world.server, world.ws.values()
    base = "/api/v1/workspaces/{ws}/"
    admin_b = server.cli("token", "create", "--workspace", b["id"], "--role", "admin")["token"]
    user = f"user-{uuid.uuid4().hex[:6]}"
    server.cli("user", "add", "--workspace", b["id"], "--role", "admin", "--password-stdin", user, stdin="a password for tests")
    browser = requests.Session()
    login = {"name": user, "password": "a password for tests"}
    assert browser.post(f"{server.http_url}/api/v1/session", json=login, timeout=WAIT_S).status_code == 200
    paths = requests.get(f"{server.http_url}/openapi.json", timeout=WAIT_S).json()["paths"]
    found = {(method, path) for path, methods in paths.items() for method in methods if method in ("get", "post", "put", "patch", "delete")}
    below = {(method, path[len(base):]) for method, path in found if path.startswith(base)}
    assert {row for row in below if row[0] != "get"} == WRITES, "each write has a row here"
    others = {row for row in found if not row[1].startswith((base, *PILOT))}
    assert others == OPEN | OWN_VIEW, "each other route has a row here"
    for method, rest in sorted(below):
        for ws in (a["id"], a["name"]):
            names = {"{sn}": world.sn["a1"]}
            for name in ("{id}", "{flight_id}", "{access_key_id}"):
                names[name] = str(uuid.uuid4())
            path = base.replace("{ws}", ws) + rest
            for name, value in names.items():
                path = path.replace(name, value)
            ask = lambda client, **more: client.request(method, server.http_url + path, timeout=WAIT_S, allow_redirects=False, json={} if method == "post" else None, **more)
            assert ask(requests).status_code == 401, (method, path)
            assert ask(requests, headers={"Authorization": f"Bearer {admin_b}"}).status_code == 404, (method, path)
            cookie = ask(browser, headers={"Origin": server.http_url})
            assert cookie.status_code == 404, (method, path, cookie.text)
    for path in ("/api/v1/settings", "/api/v1/audit"):
        answer = requests.get(server.http_url + path, headers={"Authorization": f"Bearer {admin_b}"}, timeout=WAIT_S)
        assert answer.status_code == 403, f"{path} is the server's administrator's"
    seen = requests.get(f"{server.http_url}/api/v1/workspaces", headers={"Authorization": f"Bearer {admin_b}"}, timeout=WAIT_S).text
    assert b["name"] in seen and a["name"] not in seen
    mine = server.cli("dock", "show", world.sn["a1"])
    assert not mine.get("disabled"), "nothing was done to A's dock"
