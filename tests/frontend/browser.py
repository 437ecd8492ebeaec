"""A browser without a screen for tests: Debian's Chromium, driven by its WebDriver (W3C WebDriver) over plain HTTP."""
import base64
import http.client
import json
import pathlib
import re
import subprocess


class Browser:
    """`folder` gets its profile."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                       stdin=subprocess.DEVNULL, start_new_session=True)
        self.session = ""
        port = None
        for line in self.driver.stdout:
            if port := re.search(r"started successfully on port (\d+)", line):
                break
        if port is None:
            raise RuntimeError("chromedriver did not start")
        self.port = int(port.group(1))
        profile = folder / "profile"
        profile.mkdir()
        arguments = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
                     "--disable-background-networking", "--disable-component-update", "--disable-sync", f"--user-data-dir={profile}"]
        made = self.call("POST", "/session", {"capabilities": {"alwaysMatch": {
            "browserName": "chrome", "acceptInsecureCerts": True, "goog:chromeOptions": {"binary": "/usr/bin/chromium", "args": arguments}}}})
        self.session = f"/session/{made['sessionId']}"

    def call(self, method: str, path: str, body: dict | None = None):
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=90)
        line.request(method, path, json.dumps(body) if body is not None else None, {"Content-Type": "application/json"})
        value = json.loads(line.getresponse().read())["value"]
        line.close()
        if isinstance(value, dict) and "error" in value:
            raise RuntimeError(f"{path}: {value['error']}: {value['message']}")
        return value

    def close(self) -> None:
        if self.session:
            self.call("DELETE", self.session)
        self.driver.terminate()
        self.driver.wait()
        self.driver.stdout.close()

    def open(self, address: str) -> None:
        self.call("POST", self.session + "/url", {"url": address})

    def run(self, script: str, *arguments):
        """What the JavaScript function body returns."""
        return self.call("POST", self.session + "/execute/sync", {"script": script, "args": list(arguments)})

    def press(self, *keys: str) -> None:
        """Presses and releases keys as a keyboard does (WebDriver, section 17.4.2, has names for those without characters)."""
        steps = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self.call("POST", self.session + "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": steps}]})

    def point(self, x: int, y: int) -> None:
        """Moves the mouse to a place of the page and clicks."""
        steps = [{"type": "pointerMove", "x": x, "y": y, "duration": 0}, {"type": "pointerDown", "button": 0},
                 {"type": "pointerUp", "button": 0}]
        self.call("POST", self.session + "/actions", {"actions": [{"type": "pointer", "id": "mouse", "actions": steps}]})

    def screenshot(self) -> bytes:
        """A PNG of the page."""
        return base64.b64decode(self.call("GET", self.session + "/screenshot"))
