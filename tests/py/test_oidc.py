"""Login through OpenID Connect: a person through a real provider in a real browser, and the lies of one that is not."""

import base64
import hashlib
import hmac
import re
import urllib.parse

import pytest
import requests
from conftest import ROOT
from foreign_dock import wait_for
from oidc import CLIENT_ID, CLIENT_SECRET, REAL, LyingProvider, encoded, free_port, real_provider
from page import PASSWORD, Person
from playwright.sync_api import expect

expect.set_options(timeout=20_000)
PAGE = ROOT / "web/dist/page/index.html"
ROLES = {"EYRIE_OIDC_ROLES": "crew=operator,leads=admin"}
SESSION = "/api/v1/session"


def settings(issuer, **more):
    own = {"ISSUER": issuer, "CLIENT_ID": CLIENT_ID, "CLIENT_SECRET": CLIENT_SECRET, "NAME": "Example Works"}
    return {f"EYRIE_OIDC_{name}": value for name, value in own.items()} | ROLES | {"EYRIE_ADMIN_PASSWORD": PASSWORD, **more}


# -- through a real provider -------------------------------------------------------------------------------------------

FONTS = "fonts.googleapis.com"
PEOPLE = {
    "maria-7": {"preferred_username": "maria", "groups": ["crew"], "email": "admin@example.org"},
    "rob-8": {"preferred_username": "admin", "groups": ["leads", "crew"], "email": "admin@example.org"},
    "eve-9": {"preferred_username": "eve", "groups": ["visitors"], "email": "eve@example.org"},
}


@pytest.fixture(scope="module")
def real(new_server, tmp_path_factory):
    """A server, and a provider that knows `PEOPLE`."""
    if not REAL.exists():
        pytest.skip("oidc-provider is not installed: scripts/test-tools.sh does (needs npm)")
    if not PAGE.exists():
        pytest.skip("the page is not built: make page (needs npm), then build the server again")
    port = free_port()
    server = new_server(**settings(f"http://127.0.0.1:{port}"))
    folder = tmp_path_factory.mktemp("provider")
    with real_provider(folder, port, f"{server.http_url}/oidc/callback", f"{server.http_url}/login", PEOPLE):
        server.provider_host = f"127.0.0.1:{port}"
        yield server


@pytest.fixture
def person(browser, real):
    people = []

    def make(**more):
        people.append(Person(browser, real, **more))
        people[-1].context.route(f"https://{FONTS}/**", lambda route: route.abort())
        return people[-1]

    yield make
    for one in people:
        one.hosts -= {real.provider_host, FONTS}  # where the login leads, and what the provider's pages want there
        one.complaints.clear()  # of the provider's own pages
        one.close()


def sign_in(page, account):
    page.get_by_role("link", name="Sign in with Example Works").click()
    page.locator("input[name=login]").fill(account)
    page.locator("input[name=password]").fill("any")
    page.get_by_role("button", name="Sign-in").click()
    page.get_by_role("button", name="Continue").click()


def test_a_person_signs_in_through_a_real_provider(person, real):
    maria = person()
    page = maria.open("/w/default/docks")
    expect(page).to_have_url(re.compile(r"/login\?next="))
    sign_in(page, "maria-7")
    expect(page).to_have_url(f"{real.http_url}/w/default/docks")
    expect(page.get_by_role("heading", name="Docks", exact=True)).to_be_visible()
    who = maria.context.request.get(real.http_url + SESSION).json()
    assert (who["user"], who["role"], who["workspace"]["name"]) == ("maria", "operator", "default")
    cookies = {cookie["name"]: cookie for cookie in maria.context.cookies()}
    assert cookies["eyrie_session"]["sameSite"] == "Strict" and cookies["eyrie_session"]["httpOnly"]
    assert "eyrie_oidc" not in cookies, "what went out is used up"

    # out, and in again without a new account: the provider still knows her
    page.get_by_role("button", name="Account").click()
    page.get_by_role("button", name="Log out").click()
    expect(page).to_have_url(f"{real.http_url}/login")
    expect(page.get_by_role("link", name="Sign out there, too")).to_be_visible()
    page.get_by_role("link", name="Sign in with Example Works").click()
    expect(page).to_have_url(f"{real.http_url}/w/default/flights")
    names = [user["name"] for user in real.cli("user", "list")["items"]]
    assert names.count("maria") == 1 and "maria 2" not in names


def test_a_name_or_an_address_is_no_proof(person, real):
    """The provider calls somebody "admin", with the administrator's address: that is somebody else here."""
    rob = person()
    sign_in(rob.open("/login"), "rob-8")
    expect(rob.page).to_have_url(f"{real.http_url}/w/default/flights")
    who = rob.context.request.get(real.http_url + SESSION).json()
    assert (who["user"], who["role"]) == ("admin 2", "admin")
    assert who["workspace"] is not None, "not the administrator of the server"


def test_who_is_in_no_group_stays_out_and_is_told(person, real):
    eve = person()
    sign_in(eve.open("/login"), "eve-9")
    expect(eve.page).to_have_url(f"{real.http_url}/login?problem=oidc-no-role")
    expect(eve.page.get_by_role("alert")).to_contain_text("You are known, but have no access here")
    assert eve.context.request.get(real.http_url + SESSION).status == 401
    assert "eve" not in [user["name"] for user in real.cli("user", "list")["items"]]


def test_who_turns_back_at_the_provider_is_told(person, real):
    maria = person()
    page = maria.open("/w/default/docks")
    page.get_by_role("link", name="Sign in with Example Works").click()
    page.get_by_role("link", name="Cancel").click()
    expect(page).to_have_url(f"{real.http_url}/login?problem=oidc-denied")
    expect(page.get_by_role("alert")).to_contain_text("The login service did not let you in")
    assert maria.context.request.get(real.http_url + SESSION).status == 401
    # and may think otherwise
    sign_in(page, "maria-7")
    expect(page).to_have_url(re.compile(rf"^{re.escape(real.http_url)}/"))
    assert maria.context.request.get(real.http_url + SESSION).json()["user"] == "maria"


def test_the_login_page_is_accessible_with_the_button(person):
    page = person(locale="de-DE").open("/login?problem=oidc-expired")
    expect(page.get_by_role("link", name="Mit Example Works anmelden")).to_be_visible()
    expect(page.get_by_role("alert")).to_contain_text("Bitte noch einmal beginnen")


# -- the lies of one that is not ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def liar(tmp_path_factory):
    provider = LyingProvider(tmp_path_factory.mktemp("keys"))
    yield provider
    provider.close()


@pytest.fixture(scope="module")
def server(new_server, liar):
    return new_server(**settings(liar.issuer))


@pytest.fixture(autouse=True)
def honest(request):
    if "liar" in request.fixturenames:
        request.getfixturevalue("liar").honest()


def begin(server, client=None, next=None):
    """A browser that is on its way to the provider; the provider's answer as an address of ours."""
    client = client or requests.Session()
    start = client.get(f"{server.http_url}/oidc/login", params={"next": next}, allow_redirects=False, timeout=10)
    assert start.status_code == 303, start.text
    back = client.get(start.headers["location"], allow_redirects=False, timeout=10)
    return client, start, back.headers["location"]


def finish(server, client, address):
    """Where it ended, and whether somebody is logged in."""
    end = client.get(address, allow_redirects=False, timeout=30)
    assert end.status_code == 303, end.text
    return end.headers["location"], client.get(server.http_url + SESSION, timeout=10).status_code


def changed(address, **query):
    url = urllib.parse.urlsplit(address)
    new = dict(urllib.parse.parse_qsl(url.query)) | query
    new = {name: value for name, value in new.items() if value is not None}
    return url._replace(query=urllib.parse.urlencode(new)).geturl()


def test_an_honest_answer_logs_in(server, liar):
    client, start, back = begin(server, next="/w/default/map")
    asked = liar.asked[-1]
    assert asked["response_type"] == "code" and asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"] == f"{server.http_url}/oidc/callback" and asked["scope"].split()[0] == "openid"
    assert len({asked["state"], asked["nonce"], asked["code_challenge"]}) == 3 and len(asked["state"]) >= 43
    cookie = start.headers["set-cookie"]
    assert all(word in cookie for word in ("HttpOnly", "SameSite=Lax", "Path=/oidc", "Max-Age=600")), cookie
    assert finish(server, client, back) == ("/w/default/map", 200)
    actions = [(entry["action"], entry["detail"].get("by")) for entry in server.cli("audit", "--limit", "3")["items"]]
    assert ("session.create", "oidc") in actions


@pytest.mark.parametrize("next", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_a_login_ends_on_this_server(server, liar, next):
    client, _, back = begin(server, next=next)
    assert finish(server, client, back) == ("/", 200)


def test_an_answer_is_worth_nothing_in_another_browser(server, liar):
    _, _, back = begin(server)
    assert finish(server, requests.Session(), back) == ("/login?problem=oidc-expired", 401)
    # nor in one that asked for a login of its own: somebody would be made to work in an attacker's account
    victim, _, _ = begin(server)
    assert finish(server, victim, back) == ("/login?problem=oidc-expired", 401)


def test_a_wrong_or_missing_state_is_refused(server, liar):
    for wrong in ("x" * 43, "", None, "x" * 100_000):
        client, _, back = begin(server)
        if wrong is not None and len(wrong) > 10_000:
            assert client.get(changed(back, state=wrong), allow_redirects=False, timeout=10).status_code in (303, 400, 414, 431)
            assert client.get(server.http_url + SESSION, timeout=10).status_code == 401
            continue
        assert finish(server, client, changed(back, state=wrong)) == ("/login?problem=oidc-expired", 401)


def test_a_cookie_of_ones_own_making_is_refused(server, liar):
    client, start, back = begin(server)
    name, value = start.headers["set-cookie"].split(";")[0].split("=", 1)
    body, mac = value.split(".")
    padded = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
    forged = encoded(padded.replace(b'"next":"/"', b'"next":"/x"'))
    for bad in (f"{forged}.{mac}", body, f"{body}.", f".{mac}", "garbage", f"{body}.{encoded(hashlib.sha256(body.encode()).digest())}"):
        client.cookies.clear()
        client.cookies.set(name, bad, path="/oidc")
        assert finish(server, client, back)[0] == "/login?problem=oidc-expired", bad


def test_a_code_is_taken_once(server, liar):
    client, start, back = begin(server)
    kept = start.headers["set-cookie"].split(";")[0].split("=", 1)
    assert finish(server, client, back) == ("/", 200)
    thief = requests.Session()
    thief.cookies.set(*kept, path="/oidc")
    assert finish(server, thief, back) == ("/login?problem=oidc-expired", 401), "this login was finished already"
    # the code of somebody else's login, in one's own: the verifier is another
    own, _, own_back = begin(server)
    _, _, other_back = begin(server)
    stolen = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(other_back).query))["code"]
    assert finish(server, own, changed(own_back, code=stolen)) == ("/login?problem=oidc-failed", 401)


LIES = {
    "another issuer": {"iss": "https://login.example.org"},
    "no issuer": {"iss": None},
    "another client": {"aud": "another"},
    "several clients, and not said which": {"aud": [CLIENT_ID, "another"]},
    "given to another client": {"azp": "another"},
    "expired": {"exp": 1_700_000_000},
    "no end": {"exp": None},
    "of the future": {"iat": 4_000_000_000},
    "another login's nonce": {"nonce": "x" * 43},
    "no nonce": {"nonce": None},
    "no subject": {"sub": None},
    "a subject that is none": {"sub": {"a": 1}},
    "a subject without end": {"sub": "x" * 10_000},
}


@pytest.mark.parametrize("lie", LIES)
def test_a_token_that_lies_is_not_believed(server, liar, lie):
    liar.claims = LIES[lie]
    client, _, back = begin(server)
    assert finish(server, client, back) == ("/login?problem=oidc-failed", 401)


def by_shared_secret(liar, secret):
    """HS256 with what everybody knows, as if the algorithm were the sender's choice."""
    def sign(claims):
        text = f"{encoded({'alg': 'HS256', 'kid': 'own'})}.{encoded(claims)}"
        return f"{text}.{encoded(hmac.new(secret, text.encode(), 'sha256').digest())}"

    return sign


FORGERIES = {
    "not signed": lambda liar: lambda claims: f"{encoded({'alg': 'none'})}.{encoded(claims)}.",
    "another's key under the own name": lambda liar: lambda claims: liar.other_key.sign(claims, kid="own"),
    "another's key": lambda liar: liar.other_key.sign,
    "a key in the token itself": lambda liar: lambda claims: liar.other_key.sign(claims, kid=None, jwk=liar.other_key.public()),
    "the client's secret": lambda liar: by_shared_secret(liar, CLIENT_SECRET.encode()),
    "the public key as a secret": lambda liar: by_shared_secret(liar, liar.key.public()["n"].encode()),
    "changed after it was signed": lambda liar: lambda claims: ".".join(
        [liar.key.sign(claims).split(".")[0], encoded({**claims, "groups": ["leads"]}), liar.key.sign(claims).split(".")[2]]
    ),
    "garbage": lambda liar: lambda claims: "garbage",
    "half a megabyte": lambda liar: lambda claims: liar.key.sign({**claims, "x": "x" * 600_000}),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_token_of_somebody_elses_making_is_not_believed(server, liar, forgery):
    liar.token = FORGERIES[forgery](liar)
    client, _, back = begin(server)
    assert finish(server, client, back) == ("/login?problem=oidc-failed", 401)


def test_a_key_that_was_changed_is_asked_for(server, liar, tmp_path):
    def logs_in():
        client, _, back = begin(server)
        return finish(server, client, back)[1] == 200

    assert logs_in()
    old, liar.key = liar.key, liar.other_key
    try:
        # the keys were read a moment ago, and are not read again at every stranger's wish
        wait_for(logs_in, "the new key is taken")
    finally:
        liar.key = old
        wait_for(logs_in, "the old key is taken again")


def test_user_info_of_somebody_else_is_not_believed(server, liar):
    liar.claims = {"groups": None}
    liar.users = {"sub": "another", "groups": ["leads"]}
    client, _, back = begin(server)
    assert finish(server, client, back) == ("/login?problem=oidc-failed", 401)
    liar.users = {"groups": ["leads"]}
    client, _, back = begin(server)
    assert finish(server, client, back) == ("/", 200)
    assert client.get(server.http_url + SESSION, timeout=10).json()["role"] == "admin"


def test_the_answer_of_another_provider_is_refused(server, liar):
    liar.answer = {"iss": "https://login.example.org"}
    client, _, back = begin(server)
    assert finish(server, client, back) == ("/login?problem=oidc-failed", 401)


def test_a_refusal_of_the_provider_is_told(server, liar):
    liar.answer = {"code": None, "error": "access_denied"}
    client, _, back = begin(server)
    assert finish(server, client, back) == ("/login?problem=oidc-denied", 401)
    liar.answer = {"code": None}
    client, _, back = begin(server)
    assert finish(server, client, back) == ("/login?problem=oidc-failed", 401)


def test_the_role_is_that_of_today_and_a_disabled_user_stays_out(server, liar):
    def log_in(groups):
        liar.claims = {"sub": "changing", "preferred_username": "changing", "groups": groups}
        client, _, back = begin(server)
        return *finish(server, client, back), client

    role = lambda client: client.get(server.http_url + SESSION, timeout=10).json()["role"]
    first = log_in(["crew"])[2]
    assert role(first) == "operator"
    assert role(log_in(["leads"])[2]) == "admin" and role(first) == "admin"
    assert log_in([])[:2] == ("/login?problem=oidc-no-role", 401)
    entry = server.cli("audit", "--action", "session.refuse", "--limit", "1")["items"][0]
    assert (entry["subject"], entry["detail"]["why"]) == ("changing", "oidc-no-role")
    assert role(log_in(["crew"])[2]) == "operator"

    server.cli("user", "disable", "changing")
    assert log_in(["leads"])[:2] == ("/login?problem=oidc-disabled", 401)
    assert first.get(server.http_url + SESSION, timeout=10).status_code == 401, "and is out at once"
    server.cli("user", "enable", "changing")
    assert log_in(["crew"])[1] == 200
    # no password opens such an account
    answer = requests.post(server.http_url + SESSION, json={"name": "changing", "password": ""}, timeout=10)
    assert answer.status_code == 401


def test_a_logout_ends_the_session(server, liar):
    client, _, back = begin(server)
    finish(server, client, back)
    assert client.delete(server.http_url + SESSION, timeout=10).status_code == 204
    assert client.get(server.http_url + SESSION, timeout=10).status_code == 401


def test_a_provider_that_is_away_stops_only_its_own_logins(new_server, liar):
    lone = new_server(**settings(f"http://127.0.0.1:{free_port()}"))
    start = requests.get(f"{lone.http_url}/oidc/login", allow_redirects=False, timeout=30)
    assert (start.status_code, start.headers["location"]) == (303, "/login?problem=oidc-unavailable")
    body = {"name": "admin", "password": PASSWORD}
    assert requests.post(lone.http_url + SESSION, json=body, timeout=10).status_code == 200


def test_a_provider_that_calls_itself_otherwise_is_not_used(new_server, liar):
    """The issuer is compared to the letter: a slash more is another one."""
    other = new_server(**settings(f"{liar.issuer}/"))
    start = requests.get(f"{other.http_url}/oidc/login", allow_redirects=False, timeout=30)
    assert start.headers["location"] == "/login?problem=oidc-unavailable"
    liar.metadata = {"token_endpoint": "http://login.example.org/token"}
    try:
        third = new_server(**settings(liar.issuer))
        start = requests.get(f"{third.http_url}/oidc/login", allow_redirects=False, timeout=30)
        assert start.headers["location"] == "/login?problem=oidc-unavailable", "a token must not travel in the clear"
    finally:
        liar.metadata = {}


def test_nothing_secret_is_written_to_the_log(server, liar):
    log = server.log()
    assert CLIENT_SECRET not in log and "an-access-token" not in log and "code-" not in log
    assert not re.search(r"eyJ[A-Za-z0-9_-]{20,}", log), "no token"
