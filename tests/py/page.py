"""A person in front of the page: Debian's Chromium against the real server."""

import os
import shutil

from conftest import ROOT

PASSWORD = "correct horse battery"
DESK, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
AXE = ROOT / "web/node_modules/axe-core/axe.min.js"
# software drawing, so that maps work on machines without a GPU
ARGUMENTS = ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
# nothing else is forgiven: a file may have no thumbnail, and a refusal is said in words
FORGIVEN = ("status of 404", "status of 401", "status of 403", "status of 409")


def launch(playwright):
    chromium = shutil.which("chromium")
    assert chromium, "chromium is not installed: scripts/test-tools.sh does"
    return playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS + (["--no-sandbox"] if os.geteuid() == 0 else []))


class Person:
    """Somebody with a browser of their own. What the browser complains of and whom it asks is collected."""

    def __init__(self, browser, server, size=DESK, theme="light", locale="en-GB", zone="Europe/Berlin"):
        self.server = server
        self.context = browser.new_context(
            viewport=size, color_scheme=theme, locale=locale, timezone_id=zone, reduced_motion="reduce", accept_downloads=True
        )
        self.page = self.context.new_page()
        self.page.set_default_timeout(30_000)
        self.complaints, self.hosts = [], set()
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(f"page error: {error}"))
        self.page.on("request", lambda request: self.hosts.add(request.url.split("/")[2]) if request.url.startswith("http") else None)

    def _hear(self, message):
        if message.type == "error" and not any(known in message.text for known in FORGIVEN):
            self.complaints.append(message.text)

    def log_in(self, name="admin", password=PASSWORD):
        """As a program would, without the form."""
        body = {"name": name, "password": password}
        answer = self.context.request.post(f"{self.server.http_url}/api/v1/session", data=body)
        assert answer.ok, answer.text()
        return self

    def open(self, path):
        self.page.goto(self.server.http_url + path)
        return self.page

    def faults(self):
        """What axe finds wrong with the page as it stands (WCAG 2.2 A and AA).

        Where a pin of a map is is essential, which is the exception of 2.5.8 (target size): two places may lie close together.
        """
        self.page.evaluate(AXE.read_text())
        tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
        found = self.page.evaluate("tags => axe.run(document, { runOnly: tags })", tags)
        return [
            f"{fault['id']}: {node['target']} {node['failureSummary']}"
            for fault in found["violations"]
            for node in [node for node in fault["nodes"] if not (fault["id"] == "target-size" and ".maplibregl-marker" in str(node["target"]))][:3]
        ]

    def close(self):
        """Ends the visit; nothing may have gone wrong in it and nobody else may have been asked."""
        self.context.close()
        own = {url.split("/")[2] for url in (self.server.http_url, self.server.s3_url)}
        assert self.hosts <= own, f"foreign hosts: {self.hosts - own}"
        assert not self.complaints, self.complaints
