"""The login page of Pilot 2 at /pilot, in headless Chromium with the imitated bridge, against the real server.

The order of the bridge's calls is that of DJI's documents: licence, serial number, login, `api`, workspace, `thing`, and `media`
with its settings once `thing` has connected.
"""

import datetime
import json
import subprocess

import paho.mqtt.client as mqtt
import pytest
import requests
from conftest import binary
from foreign_dock import wait_for
from pilot_page import CONTROLLER, LICENSE, LICENSE_ENV, PASSWORD, TABLET, Crew, launch
from playwright.sync_api import expect, sync_playwright

ORDER = [
    "platformVerifyLicense",
    "platformGetRemoteControllerSN",
    "platformLoadComponent api",
    "platformSetWorkspaceId",
    "platformSetInformation",
    "platformLoadComponent thing",
    "platformLoadComponent media",
    "mediaSetAutoUploadPhoto",
    "mediaSetUploadPhotoType",
    "mediaSetAutoUploadVideo",
    "mediaSetDownloadOwner",
]
CONNECT_WAIT_MS = 15_000


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def server(new_server):
    return new_server(EYRIE_ADMIN_PASSWORD=PASSWORD, **LICENSE_ENV)


@pytest.fixture
def crew(browser, server):
    """Makes web views of this test's own: `crew(options, ...)`, opened unless it is told otherwise."""
    made = []

    def make(options=None, where=server, opened=True, **more):
        made.append(Crew(browser, where, options, **more))
        return made[-1].open() if opened else made[-1]

    yield make
    for one in made:
        one.close()


def test_the_calls_come_in_djis_order(crew, server):
    one = crew().log_in().connected()
    assert one.deeds() == ORDER
    assert all(call["code"] == 0 for call in one.calls())

    workspace = requests.get(f"{server.http_url}/api/v1/workspaces", headers=bearer(server), timeout=10).json()["items"][0]
    api, thing = one.loaded("api"), one.loaded("thing")
    assert api["host"] == server.http_url and api["token"]
    assert thing["host"].startswith("tcp://") and thing["username"] == "5YSZSIM0000001" and thing["password"]
    assert isinstance(thing["connectCallback"], str), "a callback is handed over by its name"
    assert one.loaded("media") == {"autoUploadPhoto": True, "autoUploadPhotoType": 0, "autoUploadVideo": False}
    by_name = {call["name"]: call["args"] for call in one.calls()}
    assert by_name["platformVerifyLicense"] == list(LICENSE.values())
    assert by_name["platformSetWorkspaceId"] == [workspace["id"]]
    assert by_name["platformSetInformation"][:2] == ["Eyrie", workspace["name"]]
    assert by_name["mediaSetUploadPhotoType"] == [0] and by_name["mediaSetDownloadOwner"] == [0]
    assert one.hosts == {server.http_url.split("/")[2]}, "no foreign host is asked"
    assert one.complaints == [], "neither scripts nor the policy complain"


def bearer(server):
    token = server.cli("token", "create", "--workspace", "default", "--role", "admin")["token"]
    return {"Authorization": f"Bearer {token}"}


def test_a_browser_is_told_what_the_page_is_for(crew, server):
    one = crew(bridge=False)
    expect(one.page.locator("#outside h1")).to_be_visible()
    expect(one.page.locator("#address")).to_have_text(f"{server.http_url}/pilot")
    assert one.page.locator("#login").is_hidden()


def test_a_bridge_that_comes_late_is_found(crew):
    one = crew(bridge=False)
    expect(one.page.locator("#outside")).to_be_visible()
    script = (f"window.djiBridgeSimOptions = {json.dumps({'license': LICENSE})};", open_bridge())
    one.page.evaluate("".join(script))
    expect(one.page.locator("#login")).to_be_visible()
    one.log_in().connected()


def open_bridge():
    return subprocess.run([binary("eyrie-sim"), "bridge"], capture_output=True, text=True, check=True, timeout=30).stdout


def test_nobody_gets_in_with_a_wrong_password(crew):
    one = crew().log_in(password="wrong")
    one.notice("Name or password is wrong")
    assert one.step("login")[0] == "failed"
    assert one.deeds() == [], "Pilot 2 is told nothing before the login"
    one.log_in().connected()
    assert one.page.input_value("#password") == "", "the password is not kept"


def test_a_viewer_may_not_upload(crew, server):
    viewer = server.cli("user", "add", "--workspace", "default", "--role", "viewer", "looks-only")
    one = crew().log_in("looks-only", viewer["password"])
    one.notice("This login may not upload")
    one.notice("operator")


def test_who_sees_several_workspaces_is_asked_for_one(crew, browser, new_server):
    several = new_server(EYRIE_ADMIN_PASSWORD=PASSWORD, **LICENSE_ENV)
    several.cli("workspace", "add", "Stadtwerke Nord")
    one = crew(where=several)
    assert one.page.locator("#workspace").is_hidden()
    one.log_in()
    one.notice("Which workspace?")
    one.page.fill("#workspace", "no such")
    one.log_in()
    one.notice("This workspace is not known")
    one.page.fill("#workspace", "Stadtwerke Nord")
    one.log_in().connected()
    expect(one.page.locator("#place")).to_have_text("Stadtwerke Nord")


def test_a_server_without_a_licence_says_so(crew, new_server):
    one = crew(where=new_server(EYRIE_ADMIN_PASSWORD=PASSWORD)).log_in()
    one.notice("The server has no DJI licence")
    one.notice("app_id, app_key and app_license")
    assert one.step("license")[0] == "failed"


FAILING = {
    "the licence is refused": ({"license": {**LICENSE, "app_key": "another"}}, "license", "Pilot 2 does not accept the licence"),
    "no serial number": ({"sn": ""}, "controller", "The controller’s serial number cannot be read"),
    "the serial number is refused": ({"fail": {"platformGetRemoteControllerSN": {"code": 5, "message": "busy"}}}, "controller", "cannot be read"),
    "garbage instead of JSON": ({"garbage": ["platformGetRemoteControllerSN"]}, "controller", "cannot be read"),
    "not a serial number": ({"sn": "no/such+sn"}, "login", ""),
    "api": ({"fail": {"platformLoadComponent:api": {"code": 7, "message": "busy"}}}, "api", "Pilot 2 did not take the server’s address"),
    "workspace": ({"fail": {"platformSetWorkspaceId": {"code": 7, "message": "busy"}}}, "workspace", "Pilot 2 did not take the workspace"),
    "thing": ({"fail": {"platformLoadComponent:thing": {"code": 7, "message": "busy"}}}, "thing", "Pilot 2 did not take the connection"),
    "media": ({"fail": {"platformLoadComponent:media": {"code": 7, "message": "busy"}}}, "media", "Pilot 2 did not switch uploading on"),
}


@pytest.mark.parametrize("what", FAILING)
def test_a_failing_step_is_explained(crew, what):
    options, step, words = FAILING[what]
    one = crew(options).log_in()
    shown = one.page.locator("#login-notice:visible, #headline.failed:visible").first
    expect(shown).to_contain_text(words)
    state, said = one.step(step)
    assert state == "failed"
    assert one.page.locator(f"#steps [data-step={step}] li").count() > 0 or "400" in said, "it says what to check"
    one.page.locator(".open-diagnose:visible").click()
    expect(one.page.locator(f"#steps [data-step={step}]")).to_be_in_viewport()
    one.page.click("#back")
    expect(shown).to_be_visible()


def test_setters_that_answer_nothing_are_believed(crew):
    setters = ["platformVerifyLicense", "platformSetWorkspaceId", "platformSetInformation", "platformLoadComponent", "mediaSetDownloadOwner"]
    one = crew({"silent": setters}).log_in().connected()
    assert one.deeds() == ORDER and one.loaded("media") is not None


def test_the_licence_comes_first_even_when_one_was_verified_before(crew):
    one = crew({"verified": True}).log_in().connected()
    assert one.calls()[0]["name"] == "platformVerifyLicense" and one.deeds() == ORDER


def test_a_licence_that_was_verified_is_enough_after_a_reload_without_the_internet(crew):
    one = crew().log_in().connected()
    one.page.add_init_script("djiBridgeSim.options.fail = { platformVerifyLicense: { code: 603, message: 'no network' } };")
    one.page.reload()
    one.connected()
    assert "verified before" in one.step("license")[1]


def test_an_older_app_without_some_calls_connects_and_stays_connected(crew):
    missing = ["platformIsVerified", "platformGetAircraftSN", "platformGetVersion", "platformSetInformation", "thingGetConnectState", "apiGetHost"]
    one = crew({"missing": missing}, clock={}).log_in().connected()
    one.tick(30_000)
    one.connected()
    one.page.click("#session .open-diagnose")
    assert one.complaints == []


def test_a_connection_is_found_without_its_callback(crew):
    crew({"mute": True}).log_in().connected()


FORMS = {
    "a bool as text": "answer.data = typeof answer.data === 'boolean' ? String(answer.data) : answer.data",
    "a text as JSON": "answer.data = typeof answer.data === 'string' ? JSON.stringify(answer.data) : answer.data",
    "the code as text": "answer.code = String(answer.code)",
    "no message, and data that is null": "delete answer.message; if (JSON.stringify(answer.data) === '{}') answer.data = null",
    "an object instead of its text": "text = false",
}


@pytest.mark.parametrize("form", FORMS)
def test_answers_of_other_forms_are_understood(crew, form):
    one = crew(opened=False)
    one.page.add_init_script(
        "Object.keys(djiBridge).forEach((name) => { const real = djiBridge[name]; djiBridge[name] = (...args) => {"
        f"const answer = JSON.parse(real(...args)); let text = true; {FORMS[form]}; return text ? JSON.stringify(answer) : answer; }}; }});"
    )
    one.open().log_in().connected()
    assert one.deeds() == ORDER and one.loaded("thing")["username"] == "5YSZSIM0000001"
    one.page.reload()
    one.connected()
    assert one.deeds().count("platformLoadComponent thing") == 1


def test_calls_that_throw_are_explained(crew):
    one = crew(opened=False)
    one.page.add_init_script("djiBridge.platformLoadComponent = () => { throw new Error('Java exception was raised'); };")
    one.open().log_in()
    one.headline("Pilot 2 did not take the server’s address")
    assert "Java exception was raised" in one.step("api")[1]


def test_the_page_is_one_file(crew):
    asked = []
    one = crew(opened=False)
    one.page.on("request", lambda request: asked.append(request.url))
    one.open()
    expect(one.page.locator("#login")).to_be_visible()
    assert asked == [f"{one.server.http_url}/pilot"]


def test_a_step_that_failed_is_tried_again(crew):
    one = crew({"fail": {"platformLoadComponent:media": {"code": 7, "message": "busy"}}}).log_in()
    one.headline("Pilot 2 did not switch uploading on")
    one.page.evaluate("delete djiBridgeSim.options.fail['platformLoadComponent:media']")
    since = len(one.calls())
    one.page.click("#again")
    one.connected()
    assert "platformLoadComponent thing" not in one.deeds(since), "what stood is not done again"
    assert "platformLoadComponent media" in one.deeds(since)


def test_settings_that_pilot_does_not_take_are_told(crew):
    one = crew({"missing": ["mediaSetUploadPhotoType"]}).log_in()
    one.headline("Connected, with other upload settings")
    expect(one.page.locator("#headline-text")).to_contain_text("originals")
    assert one.loaded("media") is not None and one.step("settings")[0] == "attention"


def test_a_server_that_is_gone_is_told_and_found_again(crew, new_server):
    away = new_server(EYRIE_ADMIN_PASSWORD=PASSWORD, **LICENSE_ENV)
    one = crew(where=away).log_in().connected()
    away.kill9()
    one.headline("The server cannot be reached")
    away.restart()
    one.connected()


# ---- reload ------------------------------------------------------------------------------------------------------------------------


def test_a_reload_finds_what_is_loaded_and_loads_nothing_twice(crew):
    one = crew().log_in().connected()
    since = len(one.calls())
    token = one.loaded("api")["token"]
    one.page.reload()
    one.connected()
    done = one.deeds(since)
    assert done[0] == "platformVerifyLicense", "the licence precedes everything else on each load"
    assert not [deed for deed in done if deed.startswith(("platformLoadComponent", "platformUnloadComponent", "thingConnect"))], done
    assert "thingSetConnectCallback" in done, "the new page hears of the connection"
    assert one.loaded("api")["token"] == token
    one.page.evaluate("djiBridgeSim.drop()")
    one.headline("Connection lost")


def test_a_reload_after_the_app_started_anew_loads_everything(crew):
    one = crew().log_in().connected()
    one.page.evaluate("sessionStorage.clear()")
    one.page.reload()
    one.connected()
    assert [deed for deed in one.deeds() if deed != "thingSetConnectCallback"] == ORDER, "without a password"


def test_a_reload_without_the_server_waits_for_it(crew, new_server):
    away = new_server(EYRIE_ADMIN_PASSWORD=PASSWORD, **LICENSE_ENV)
    one = crew(where=away).log_in().connected()
    one.page.route("**/pilot/api/**", lambda route: route.abort())
    one.page.reload()
    one.headline("The server cannot be reached")
    one.page.unroute("**/pilot/api/**")
    one.page.click("#again")
    one.connected()


def test_a_login_of_another_controller_is_not_taken_over(crew):
    one = crew().log_in().connected()
    one.page.add_init_script("sessionStorage.clear(); window.djiBridgeSim && 0;")
    one.page.evaluate("sessionStorage.clear()")
    one.page.add_init_script("djiBridgeSim.options.sn = '5YSZSIM0000002';")
    one.page.reload()
    one.notice("This login was made on another controller")


# ---- the token ------------------------------------------------------------------------------------------------------------------------


def test_the_token_is_renewed_before_it_ends(crew, new_server):
    brief = new_server(EYRIE_ADMIN_PASSWORD=PASSWORD, EYRIE_PILOT_TOKEN_LIFETIME="3s", **LICENSE_ENV)
    one = crew(where=brief).log_in().connected()
    tokens = [one.loaded("api")["token"]]

    def renewed():
        token = one.loaded("api")["token"]
        if token != tokens[-1]:
            tokens.append(token)
        assert session_of(brief, token) == 200, "what Pilot 2 has is good at every moment"
        one.page.wait_for_timeout(50)
        return len(tokens) > 3

    wait_for(renewed, "three renewals")
    assert session_of(brief, tokens[0]) == 401, "the first one has ended"
    one.connected()
    assert one.deeds().count("platformLoadComponent api") == 1, "a new token is handed over, not loaded"
    one.page.reload()
    one.connected()


def session_of(server, token):
    return requests.get(f"{server.http_url}/pilot/api/session", headers={"X-Auth-Token": token}, timeout=10).status_code


def test_a_renewal_that_fails_is_tried_again(crew, new_server):
    brief = new_server(EYRIE_ADMIN_PASSWORD=PASSWORD, EYRIE_PILOT_TOKEN_LIFETIME="30s", **LICENSE_ENV)
    one = crew(where=brief, clock={}).log_in()
    one.connected()
    token = one.loaded("api")["token"]
    one.page.route("**/pilot/api/renew", lambda route: route.abort())
    one.tick(22_000)
    wait_for(lambda: "could not be renewed" in one.step("token")[1].lower(), "the failure is shown")
    one.page.unroute("**/pilot/api/renew")
    one.tick(11_000)
    wait_for(lambda: one.loaded("api")["token"] != token, "a new token")
    assert one.step("token")[0] == "good"


def test_a_login_that_was_ended_elsewhere_is_told(crew):
    one = crew().log_in().connected()
    token = one.loaded("api")["token"]
    ended = requests.delete(f"{one.server.http_url}/pilot/api/session", headers={"X-Auth-Token": token}, timeout=10)
    assert ended.status_code == 204
    one.notice("Your login has ended")
    assert one.page.input_value("#name") == "admin"
    one.log_in().connected()
    assert one.loaded("api")["token"] != token


def test_logging_out_ends_it_here_and_on_the_server(crew):
    one = crew().log_in().connected()
    session = one.page.evaluate("djiBridgeSim.session()")
    one.page.click("#logout")
    one.page.click("#sure-no")
    one.connected()
    one.page.click("#logout")
    one.page.click("#sure-yes")
    expect(one.page.locator("#login")).to_be_visible()
    wait_for(lambda: session_of(one.server, session["token"]) == 401, "the token has ended")
    assert [one.loaded(name) for name in ("api", "thing", "media")] == [None, None, None]
    assert not mqtt_connects(session["mqtt"], "tcp")
    one.page.reload()
    expect(one.page.locator("#login")).to_be_visible()


def test_leaving_the_platform_ends_the_login_and_back_closes_what_is_open(crew):
    one = crew().log_in().connected()
    token = one.loaded("api")["token"]
    one.page.click("#session .open-diagnose")
    assert one.page.evaluate("djiBridgeSim.back()") is True
    one.connected()
    assert one.page.evaluate("djiBridgeSim.back()") is False, "nothing is open: Pilot 2 leaves the page"
    one.page.evaluate("djiBridgeSim.stop()")
    wait_for(lambda: session_of(one.server, token) == 401, "the token has ended")


# ---- the connection ------------------------------------------------------------------------------------------------------------------------


def mqtt_connects(account, transport):
    address = account["host"].split("://")[1]
    host, port = address.rsplit(":", 1)
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="a-pilot", transport=transport)
    client.username_pw_set(account["username"], account["password"])
    codes = []
    client.on_connect = lambda _client, _data, _flags, reason, _properties: codes.append(reason)
    client.connect(host, int(port), keepalive=10)
    client.loop_start()
    wait_for(lambda: codes, "an answer of the broker")
    client.disconnect()
    client.loop_stop()
    return codes[0] == 0


@pytest.mark.parametrize(("connects", "scheme"), [(["tcp"], "tcp"), (["ws"], "ws")])
def test_the_way_that_works_is_found_and_is_real(crew, connects, scheme):
    one = crew({"connects": connects}, clock={}).log_in()
    one.tick(1_000)
    if scheme == "ws":
        wait_for(lambda: one.loaded("thing"), "the first way is tried")
        assert one.loaded("thing")["host"].startswith("tcp://")
        one.tick(CONNECT_WAIT_MS)
    one.connected()
    account = one.loaded("thing")
    assert account["host"].startswith(f"{scheme}://")
    assert mqtt_connects(account, "websockets" if scheme == "ws" else "tcp"), "another client gets in this way too"
    # the next load of the page begins with what worked
    one.page.evaluate("sessionStorage.clear()")
    one.page.reload()
    one.connected()
    assert one.loaded("thing")["host"] == account["host"]


def test_a_way_can_be_chosen(crew):
    one = crew({"connects": ["ws"]}).log_in()
    one.headline("Connecting")
    one.page.click("#session .open-diagnose")
    one.page.click("[data-way=ws]")
    one.page.click("#back")
    one.connected()
    assert one.loaded("thing")["host"].startswith("ws://")


def test_a_controller_that_cannot_connect_is_told_what_to_check_and_does_not_loop(crew):
    one = crew({"connects": []}, clock={}).log_in()
    one.tick(1_000)
    wait_for(lambda: one.loaded("thing"), "the first way is tried")
    for _ in range(2):
        one.tick(CONNECT_WAIT_MS)
    one.headline("The controller cannot connect")
    expect(one.page.locator("#headline-checks li").first).to_contain_text("ws://")
    since = len(one.calls())
    one.tick(10 * 60_000)
    tried = one.deeds(since).count("platformLoadComponent thing")
    assert 2 <= tried <= 16, f"{tried} attempts in ten minutes"
    one.page.evaluate("djiBridgeSim.options.connects = ['tcp']")
    # in steps: a minute later the page rightly says that this imitation sends nothing
    wait_for(lambda: one.tick(5_000) or one.page.is_visible("#headline.good"), "connected")


def test_a_lost_connection_is_told_and_found_again(crew):
    one = crew().log_in().connected()
    since = len(one.calls())
    one.page.evaluate("djiBridgeSim.drop()")
    one.headline("Connection lost")
    expect(one.page.locator("#headline-text")).to_contain_text("nothing is lost")
    one.page.evaluate("djiBridgeSim.restore()")
    one.connected()
    assert one.deeds(since) == [], "Pilot 2 found it again by itself"


def test_a_connection_that_stays_away_is_asked_for(crew):
    one = crew(clock={}).log_in()
    one.connected()
    since = len(one.calls())
    one.page.evaluate("djiBridgeSim.options.connects = []; djiBridgeSim.drop()")
    one.headline("Connection lost")
    one.tick(10 * 60_000)
    asked = one.deeds(since).count("thingConnect")
    assert 3 <= asked <= 8, f"{asked} times in ten minutes"
    one.page.evaluate("delete djiBridgeSim.options.connects")
    # in steps: a minute later the page rightly says that this imitation sends nothing
    wait_for(lambda: one.tick(5_000) or one.page.is_visible("#headline.good"), "connected")


def test_a_server_that_hears_nothing_is_told(crew):
    """The imitated bridge says that it is connected, and sends nothing: as when Pilot 2 speaks to another server."""
    one = crew({"sn": "5YSZSILENT001"}, clock={}).log_in().connected()
    for _ in range(70):
        one.tick(1_000)
    one.headline("The server hears nothing of this controller")
    assert one.step("heard")[0] == "attention"


# ---- Diagnose -------------------------------------------------------------------------------------------------------------------------------


def probes(one):
    one.page.locator(".open-diagnose:visible").click()
    one.page.click("#probe")
    expect(one.page.locator("#probe")).to_be_enabled()
    return [(row.get_attribute("class"), row.text_content()) for row in one.page.locator("#probes > li").all()]


def test_diagnose_walks_to_the_server_and_the_storage(crew):
    one = crew().log_in().connected()
    found = probes(one)
    assert [state for state, _ in found] == ["good"] * 4, found
    assert one.server.s3_url in found[3][1]
    assert one.complaints == []


def test_diagnose_tells_a_storage_that_cannot_be_reached(crew):
    one = crew().log_in().connected()
    one.page.route(f"{one.server.s3_url}/**", lambda route: route.abort())
    state, words = probes(one)[3]
    assert state == "failed" and "The storage cannot be reached" in words and "--public-host" in words


def test_diagnose_tells_a_wrong_clock(crew):
    behind = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=17)
    one = crew(clock={"time": behind}).log_in()
    one.connected()
    state, words = probes(one)[1]
    assert state == "failed" and "17 min behind" in words, words
    assert one.step("token")[0] == "good", "the token's life is counted by the server's clock"


# ---- the whole session ------------------------------------------------------------------------------------------------------------------------


def fly(session, *arguments):
    command = [binary("eyrie-sim"), "pilot", "--session", "-", "--json", "--width", "64", "--height", "48", *arguments]
    done = subprocess.run(command, input=json.dumps(session), capture_output=True, text=True, timeout=120)
    assert done.stdout, done.stderr
    assert done.returncode == 0, done.stdout
    return json.loads(done.stdout)["files"]


def test_what_the_page_hands_over_is_enough_to_upload(crew):
    one = crew({"sn": "5YSZWHOLE0001"}).log_in().connected()
    expect(one.page.locator("#count")).to_have_text("0")
    expect(one.page.locator("#last")).to_contain_text("No file yet")
    files = fly(one.page.evaluate("djiBridgeSim.session()"), "--photos", "3", "--video-s", "2")
    assert [file["outcome"] for file in files] == ["uploaded"] * 3 + ["left_on_card"], "as the settings say"
    expect(one.page.locator("#count")).to_have_text("3")
    expect(one.page.locator("#last")).to_contain_text(files[2]["name"])
    expect(one.page.locator("#facts")).to_contain_text("5YSZWHOLE0001AC")
    assert one.step("heard")[0] == "good"


# ---- how it looks ---------------------------------------------------------------------------------------------------------------------------------

LOOKS = """() => {
  const wrong = [];
  const shown = (node) => node.offsetParent !== null;
  if (document.documentElement.scrollWidth > innerWidth) wrong.push('wider than the screen');
  const luminance = (color) => {
    const [r, g, b] = color.match(/[\\d.]+/g).slice(0, 3).map((part) => part / 255)
      .map((part) => (part <= 0.03928 ? part / 12.92 : Math.pow((part + 0.055) / 1.055, 2.4)));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor;
      if (!/, 0\\)$/.test(color)) return color;
    }
    return 'rgb(255, 255, 255)';
  };
  for (const node of document.querySelectorAll('main:not([hidden]) *, header *')) {
    if (!shown(node) || node instanceof SVGElement) continue;
    const box = node.getBoundingClientRect();
    const name = node.tagName + '#' + node.id + ' ' + node.textContent.slice(0, 20);
    if (/^(BUTTON|INPUT)$/.test(node.tagName) && (box.height < 44 || box.width < 44)) wrong.push(name + ' is too small for a finger');
    if (box.right > innerWidth + 1) wrong.push(name + ' leaves the screen');
    const says = Array.from(node.childNodes).some((child) => child.nodeType === 3 && child.textContent.trim());
    if (says && !node.disabled) {
      const [a, b] = [luminance(getComputedStyle(node).color), luminance(ground(node))].sort();
      if ((b + 0.05) / (a + 0.05) < 4.5) wrong.push(name + ' has a contrast of ' + ((b + 0.05) / (a + 0.05)).toFixed(2));
    }
  }
  return wrong;
}"""


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [CONTROLLER, TABLET])
def test_every_screen_fits_and_can_be_read(crew, new_server, size, theme):
    name = f"{size[0]}x{size[1]}-{theme}"
    look = {"size": size, "theme": theme}

    def check(one, what):
        one.picture(f"{what}-{name}")
        assert one.page.evaluate(LOOKS) == [], what

    check(crew(bridge=False, **look), "outside")
    one = crew({"sn": "5YSZLOOKS0001", "aircraft_sn": "1581F6BUB23AR00000LONG"}, **look)
    check(one, "login")
    one.log_in(password="wrong")
    one.notice("wrong")
    check(one, "login-refused")
    one.log_in().connected()
    wait_for(lambda: one.page.text_content("#last"), "what the server hears")
    check(one, "connected")
    probes(one)
    check(one, "diagnose")
    one.page.click("#back")
    one.page.evaluate("djiBridgeSim.drop()")
    one.headline("Connection lost")
    one.page.click("#logout")
    check(one, "lost-and-logging-out")
    failing = crew({"fail": {"platformLoadComponent:media": {"code": 7, "message": "busy"}}}, **look).log_in()
    failing.headline("Pilot 2 did not switch uploading on")
    check(failing, "failed")
    failing.page.click("#session .open-diagnose")
    check(failing, "diagnose-failed")


def test_the_theme_can_be_chosen_and_stays(crew):
    one = crew(theme="light")
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    light = one.page.evaluate(ground)
    one.page.click("#theme")
    dark = one.page.evaluate(ground)
    assert light != dark
    one.page.reload()
    assert one.page.evaluate(ground) == dark


# ---- German -------------------------------------------------------------------------------------------------------------------------------------


def test_it_speaks_german_by_the_browsers_language_and_by_choice(crew):
    one = crew({"sn": "5YSZGERMAN001"}, locale="de-CH")
    assert one.page.get_attribute("html", "lang") == "de"
    expect(one.page.locator("#submit")).to_have_text("Anmelden")
    one.log_in(password="wrong")
    one.notice("Name oder Passwort ist falsch")
    one.page.fill("#password", PASSWORD)
    one.page.click("#submit")
    one.headline("Verbunden")
    expect(one.page.locator("#headline-text")).to_contain_text("Fotos werden von selbst hochgeladen, als Originale.")
    assert one.step("thing")[1].startswith("Fernsteuerung verbunden")
    one.picture("german")
    assert one.page.evaluate(LOOKS) == []
    # the switch loads the page again: the login is still good, and the choice stays
    one.page.click("#language")
    one.connected()
    assert one.page.get_attribute("html", "lang") == "en"
    one.page.reload()
    one.connected()
    one.page.click("#language")
    one.headline("Verbunden")
    one.page.click("#session .open-diagnose")
    one.picture("german-diagnose")
    assert one.page.evaluate(LOOKS) == []
