"""A crew in front of the login page: headless Chromium, with the imitated bridge of DJI Pilot 2 put into it."""

import json
import os
import pathlib
import shutil

from conftest import ROOT
from foreign_dock import wait_for
from playwright.sync_api import expect

expect.set_options(timeout=15_000)
BRIDGE = (ROOT / "crates/sim/src/pilot/bridge.js").read_text()
LICENSE = {"app_id": "100001", "app_key": "a-key", "app_license": "a-licence"}
LICENSE_ENV = {f"EYRIE_CLOUD_API_{name.upper()}": value for name, value in LICENSE.items()}
PASSWORD = "correct horse battery"
CONTROLLER = (960, 540)
TABLET = (1920, 1200)
# questions that change nothing; they may be asked at any time
QUESTIONS = ("platformIs", "platformGetAircraft", "platformGetVersion", "thingGet", "apiGet", "mediaGet")


def launch(playwright):
    chromium = shutil.which("chromium")
    assert chromium, "chromium is not installed: scripts/test-tools.sh does"
    return playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"] if os.geteuid() == 0 else [])


class Crew:
    """One web view. What it complains of and whom it asks is collected."""

    def __init__(self, browser, server, options=None, bridge=True, size=CONTROLLER, theme="light", clock=None, locale="en-GB"):
        self.server = server
        self.context = browser.new_context(
            viewport={"width": size[0], "height": size[1]}, color_scheme=theme, has_touch=True, timezone_id="Europe/Zurich", locale=locale
        )
        self.page = self.context.new_page()
        self.page.set_default_timeout(15_000)
        self.ticks = clock is not None
        if self.ticks:
            self.page.clock.install(**clock)
        if bridge:
            options = {"license": LICENSE, **(options or {})}
            self.page.add_init_script(f"window.djiBridgeSimOptions = {json.dumps(options)};\n{BRIDGE}")
        self.complaints, self.hosts = [], set()
        self.page.on("console", self._complain)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.hosts.add(request.url.split("/")[2]))

    def _complain(self, message):
        # that an answer is not 2xx is the page's business, and often the test's
        if message.type == "error" and not message.text.startswith("Failed to load resource: the server responded"):
            self.complaints.append(message.text)

    def open(self):
        self.page.goto(f"{self.server.http_url}/pilot")
        return self

    def close(self):
        self.context.close()

    def log_in(self, name="admin", password=PASSWORD):
        self.page.fill("#name", name)
        self.page.fill("#password", password)
        self.page.click("#submit")
        return self

    def connected(self):
        """Waits until the page says so."""
        if self.ticks:
            wait_for(lambda: self.tick(1_000) or self.page.is_visible("#headline.good"), "connected")
        expect(self.page.locator("#headline.good")).to_be_visible()
        expect(self.page.locator("#headline-word")).to_have_text("Connected")
        return self

    def tick(self, ms):
        """Lets the page's own time pass."""
        self.page.clock.run_for(ms)

    def headline(self, words):
        expect(self.page.locator("#headline-word")).to_have_text(words)

    def notice(self, words):
        expect(self.page.locator("#login-notice")).to_contain_text(words)

    def calls(self):
        return self.page.evaluate("djiBridgeSim.calls")

    def deeds(self, since=0):
        """Names of the calls that do something, and the component where there is one."""
        done = [call for call in self.calls()[since:] if not call["name"].startswith(QUESTIONS)]
        component = ("platformLoadComponent", "platformUnloadComponent")
        return [f"{call['name']} {call['args'][0]}" if call["name"] in component else call["name"] for call in done]

    def loaded(self, component):
        """What a component was loaded with; None when it is not loaded."""
        return self.page.evaluate(f"djiBridgeSim.state.components[{component!r}] || null")

    def step(self, name):
        """State and words of a step in the Diagnose panel, which may be closed."""
        row = self.page.locator(f"#steps [data-step={name}]")
        return row.get_attribute("class"), row.text_content()

    def picture(self, name):
        """Kept for people when $EYRIE_SCREENSHOTS names a folder."""
        if folder := os.environ.get("EYRIE_SCREENSHOTS"):
            pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=pathlib.Path(folder) / f"pilot-{name}.png", full_page=True)
