"""The administrator's side of the page: first steps, people, controllers, names of docks, settings, jobs, health."""

import contextlib
import re
import uuid

import pytest
import requests
from conftest import ROOT
from foreign_dock import ForeignDock
from page import DESK, PASSWORD, PHONE
from playwright.sync_api import TimeoutError as PlaywrightTimeout
from playwright.sync_api import expect

pytestmark = pytest.mark.skipif(
    not (ROOT / "web/dist/page/index.html").exists(), reason="the page is not built: make page (needs npm), then build the server again"
)
expect.set_options(timeout=20_000)
LONG = "Umspannwerk Neustadt-Ost, Nordseite hinter dem Betriebshof 12"


@pytest.fixture(scope="module")
def server(new_server):
    return new_server(EYRIE_ADMIN_PASSWORD=PASSWORD, EYRIE_HTTP_MAX_FAILED_LOGINS="9", EYRIE_CLOUD_API_APP_KEY="a-key-nobody-sees")


def api(server, method, path, body=None, name="admin", password=PASSWORD):
    session = requests.Session()
    login = session.post(f"{server.http_url}/api/v1/session", json={"name": name, "password": password}, timeout=10)
    if not login.ok:
        return login
    return session.request(method, f"{server.http_url}/api/v1/{path}", json=body, timeout=10)


def fits(page):
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0


def test_an_empty_library_shows_the_first_steps_and_ticks_them(person, server):
    somebody = person()
    somebody.log_in()
    workspace = f"start-{uuid.uuid4().hex[:6]}"
    assert api(server, "POST", "workspaces", {"name": workspace}).status_code == 201
    page = somebody.open(f"/w/{workspace}/flights")
    steps = page.locator(".first-steps")
    expect(steps.locator("li")).to_have_count(5)
    # the test's server listens on this machine alone, which is no address for a dock
    expect(steps).to_contain_text("Only this machine reaches it")
    expect(steps).to_contain_text(f"{server.http_url}/pilot")
    expect(steps.locator("li.is")).to_have_count(0)
    assert somebody.faults() == []
    access = server.cli("dock", "add", "--workspace", workspace, "--sn", f"START{uuid.uuid4().hex[:6].upper()}")
    expect(steps.locator("li.is")).to_have_count(1)
    with ForeignDock(access) as dock:
        dock.storage()
        expect(steps.locator("li.is")).to_have_count(2)
    # what it did last is on the list of docks
    page = somebody.open(f"/w/{workspace}/docks")
    expect(page.locator(".dock-card .said")).to_contain_text("asked for upload credentials")


def test_a_dock_is_renamed_and_keeps_its_name(admin, server):
    sn = f"NAME{uuid.uuid4().hex[:6].upper()}"
    access = server.cli("dock", "add", "--workspace", "default", "--sn", sn)
    page = admin.open(f"/w/default/docks/{sn}")
    expect(page.get_by_role("heading", level=1)).to_have_text(sn)
    # what its screen asks for, without the password
    expect(page.locator(".dock-facts .set-up > div")).to_have_count(4)
    expect(page.locator(".dock-facts .set-up")).to_contain_text(access["binding_code"])
    page.get_by_role("button", name="Rename").click()
    form = page.get_by_role("dialog")
    form.get_by_label("Name").fill(LONG)
    form.get_by_role("button", name="Rename").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(LONG)
    assert fits(page)
    with ForeignDock(access) as dock:
        device = {
            "device_binding_code": access["binding_code"], "organization_id": access["organization_id"],
            "device_callsign": "as the dock says", "sn": sn, "device_model_key": "3-2-0",
        }
        assert dock.request("airport_organization_bind", {"bind_devices": [device]})["result"] == 0
        status = dock.request("airport_bind_status", {"devices": [{"sn": sn}]})["output"]["bind_status"][0]
    assert status["device_callsign"] == LONG, "the dock is told what people call it"
    assert api(server, "GET", f"workspaces/default/docks/{sn}").json()["callsign"] == LONG


def test_a_controller_gets_its_account_once(admin, server):
    page = admin.open("/w/default/docks")
    expect(page.locator(".pilot-address")).to_contain_text(f"{server.http_url}/pilot")
    page.get_by_role("button", name="Add controller").click()
    form = page.get_by_role("dialog", name="Add controller")
    sn = f"RC{uuid.uuid4().hex[:6].upper()}"
    form.get_by_label("Serial number").fill(sn)
    form.get_by_role("button", name="Add controller").click()
    shown = page.get_by_role("dialog", name="Access data of the controller")
    expect(shown.locator(".set-up > div")).to_have_count(4)
    password = shown.locator(".set-up > div").filter(has_text="Password").locator("dd").inner_text()
    assert len(password) == 26 and admin.faults() == []
    page.get_by_role("button", name="I have copied it").click()
    assert password not in page.content(), "it is shown once"

    row = page.locator(".controller").filter(has_text=sn)
    expect(row).to_contain_text("Not seen yet")
    row.get_by_role("button", name="New password").click()
    page.get_by_role("dialog").get_by_role("button", name="New password").click()
    again = shown.locator(".set-up > div").filter(has_text="Password").locator("dd").inner_text()
    assert again != password
    page.get_by_role("button", name="I have copied it").click()
    row.get_by_role("button", name="Disable").click()
    page.get_by_role("dialog").get_by_role("button", name="Disable").click()
    expect(row).to_contain_text("Disabled")
    row.get_by_role("button", name="Enable").click()
    expect(row).to_contain_text("Not seen yet")


def test_a_person_gets_another_role_a_new_password_and_is_kept_out(admin, server):
    name = f"vera-{uuid.uuid4().hex[:6]}"
    first = server.cli("user", "add", "--workspace", "default", "--role", "viewer", name)["password"]
    role = lambda password: api(server, "GET", "session", name=name, password=password).json().get("role")
    page = admin.open("/w/default/admin/users")
    row = page.locator("tr").filter(has_text=name)
    row.get_by_label(f"Role of {name}").select_option("operator")
    expect(page.get_by_role("status").filter(has_text="Operator from now on")).to_be_visible()
    assert role(first) == "operator"
    row.get_by_role("button", name="New password").click()
    page.get_by_role("dialog").get_by_role("button", name="New password").click()
    second = page.locator("dialog .set-up > div").filter(has_text="Password").locator("dd").inner_text()
    page.get_by_role("button", name="I have copied it").click()
    assert role(first) is None and role(second) == "operator"
    row.get_by_role("button", name="Disable").click()
    page.get_by_role("dialog").get_by_role("button", name="Disable").click()
    expect(row).to_contain_text("Disabled")
    assert role(second) is None
    row.get_by_role("button", name="Enable").click()
    expect(row).to_contain_text("May log in")
    assert role(second) == "operator"
    page = admin.open("/w/default/admin/audit")
    expect(page.locator("tr").filter(has_text="changed the role of").filter(has_text=name)).to_be_visible()


def test_the_whole_servers_log_is_its_administrators(admin, person, server):
    page = admin.open("/w/default/admin/audit")
    page.get_by_label("What").select_option(label="Logins")
    page.get_by_label("Where").select_option(label="Whole server")
    row = page.locator("tr").filter(has_text="logged in as").filter(has_text="admin").first
    expect(row).to_contain_text("the server")
    assert admin.faults() == []
    name = f"lead-{uuid.uuid4().hex[:6]}"
    lead = server.cli("user", "add", "--workspace", "default", "--role", "admin", name)
    page = person().log_in(name, lead["password"]).open("/w/default/admin/audit")
    expect(page.locator("tr").filter(has_text=name).first).to_be_visible()
    expect(page.get_by_label("Where")).to_have_count(0)
    assert api(server, "GET", "audit", name=name, password=lead["password"]).status_code == 403
    assert not page.locator("tr").filter(has_text="logged in as").filter(has_text=re.compile(r"\badmin\b")).count()


def test_a_login_that_ends_leads_to_the_login_page_and_pages_have_names(person, server):
    name = f"gone-{uuid.uuid4().hex[:6]}"
    made = server.cli("user", "add", "--workspace", "default", "--role", "viewer", name)
    page = person().log_in(name, made["password"]).open("/w/default/albums")
    expect(page).to_have_title("Albums · default · Eyrie")
    server.cli("user", "disable", name)
    # the page may notice by itself, before anything is pressed
    with contextlib.suppress(PlaywrightTimeout):
        page.get_by_role("link", name="Docks").click(timeout=2_000)
    expect(page).to_have_url(re.compile(r"/login\?next="))
    expect(page).to_have_title("Log in · Eyrie")


def test_settings_say_what_is_in_force_and_from_where(admin, person, server):
    page = admin.open("/w/default/admin/settings")
    row = page.locator("tr").filter(has_text="http.max_failed_logins")
    expect(row).to_contain_text("9")
    expect(row).to_contain_text("EYRIE_HTTP_MAX_FAILED_LOGINS")
    expect(page.locator("tr").filter(has_text="cloud_api.app_key")).to_contain_text("set, and not shown")
    assert "a-key-nobody-sees" not in page.content()
    expect(page.locator(".addresses")).to_contain_text(server.mqtt_url)
    page.get_by_label("Only what was changed").check()
    expect(page.locator("tr").filter(has_text="http.session_lifetime")).to_have_count(0)
    expect(row).to_be_visible()
    page.get_by_label("Find a setting").fill("there is none")
    expect(page.get_by_role("heading", name="No setting matches")).to_be_visible()

    # for the administrator of the server alone
    name = f"lead-{uuid.uuid4().hex[:6]}"
    lead = server.cli("user", "add", "--workspace", "default", "--role", "admin", name)
    other = person().log_in(name, lead["password"])
    page = other.open("/w/default/admin/settings")
    expect(page.get_by_role("link", name="Users")).to_be_visible()
    expect(page.get_by_role("link", name="Settings")).to_have_count(0)
    assert api(server, "GET", "settings", name=name, password=lead["password"]).status_code == 403


def test_jobs_and_health_are_told_in_words(admin, server):
    page = admin.open("/w/default/admin/jobs")
    expect(page.locator(".table, .notice").first).to_be_visible()
    page.get_by_label("State").select_option("dead")
    expect(page.get_by_role("heading", name="No jobs")).to_be_visible()
    page = admin.open("/w/default/admin/health")
    expect(page.locator(".health li")).to_have_count(3)
    for words in ("takes durable writes", "takes writes", "the server is connected and subscribed"):
        expect(page.locator(".health").get_by_text(words, exact=True)).to_be_visible()


@pytest.mark.parametrize("path", ["docks", "admin/users", "admin/settings", "admin/jobs", "admin/health"])
def test_it_fits_and_can_be_read(person, server, path):
    server.cli("controller", "add", "--workspace", "default", "--sn", f"RCFIT{uuid.uuid4().hex[:6].upper()}")
    for size, theme, locale in ((DESK, "light", "en-GB"), (PHONE, "dark", "de-DE")):
        somebody = person(size=size, theme=theme, locale=locale)
        page = somebody.log_in().open(f"/w/default/{path}")
        expect(page.locator("main h1")).to_be_visible()
        expect(page.locator("main .skeleton")).to_have_count(0)
        assert somebody.faults() == [], f"{path}, {theme}"
        assert fits(page), f"{path} at {size['width']}"


def test_who_is_disabled_is_told_at_the_login(person, server):
    name = f"out-{uuid.uuid4().hex[:6]}"
    password = server.cli("user", "add", "--workspace", "default", "--role", "viewer", name)["password"]
    server.cli("user", "disable", name)
    page = person().open("/login")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("This account is disabled")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_have_text(re.compile("Name or password is wrong"))
