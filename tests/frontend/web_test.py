#!/usr/bin/env python3
"""`bantam run --display web` in a browser: Debian's noVNC in headless Chromium shows the guest's screen, its keys and clicks
reach the guest, and pages of others do not."""
import base64
import http.client
import os
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest

import browser
import png_rows
import qmp_client
import remote_guest
import window_test

BANTAM = ""
# noVNC's picture of the guest: width, height and the bytes R, G, B, A of each dot.
CANVAS = """
const canvas = document.querySelector('#noVNC_container canvas');
if (!canvas || canvas.width == 0) return [0, 0, ''];
const bytes = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
let text = '';
for (let at = 0; at < bytes.length; at += 4096) text += String.fromCharCode(...bytes.subarray(at, at + 4096));
return [canvas.width, canvas.height, btoa(text)];
"""
# Another site's page that tries the machine's WebSocket: true when it is let in.
TRY = """
const done = arguments[arguments.length - 1];
const line = new WebSocket(arguments[0]);
line.onmessage = () => done(true);
line.onerror = () => done(false);
"""


class Remote(unittest.TestCase):
    """A machine that runs with --qmp and a display for others."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)
        self.heard_file = self.path / "heard"

    def command(self, *more: str, display: str = "web:0") -> list[str]:
        return [BANTAM, "run", "--kernel", remote_guest.write(self.path), "--memory", "16M", "--serial", "none",
                "--debugcon", f"file:{self.heard_file}", "--display", display, *more]

    def start(self, *more: str) -> None:
        self.open(self.command(*more))

    def open(self, command: list[str]) -> None:
        self.process = subprocess.Popen([*command, "--qmp", f"unix:{self.path}/qmp"], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                        text=True)
        self.addCleanup(self.process.stderr.close)
        self.addCleanup(self.process.wait)
        self.addCleanup(self.process.kill)
        said = self.process.stderr.readline()
        where = re.fullmatch(r"bantam: the screen is at ((?:https?://)?127\.0\.0\.1:(\d+)/?)(?: for VNC viewers)?\n", said)
        self.assertIsNotNone(where, said)
        self.address, self.port = where.group(1), int(where.group(2))
        self.qmp = qmp_client.Client(self.path / "qmp")
        self.addCleanup(self.qmp.close)
        self.qmp.ask("qmp_capabilities")

    def until(self, condition, what: str, timeout: float = 60) -> None:
        deadline = time.monotonic() + timeout
        while not condition():
            self.assertLess(time.monotonic(), deadline, f"never: {what}; heard {self.heard().hex()[-60:]}")
            time.sleep(0.05)

    def heard(self) -> bytes:
        return self.heard_file.read_bytes() if self.heard_file.exists() else b""

    def guest_screen(self) -> list[bytes]:
        self.qmp.ask("screendump", filename=str(self.path / "screen.png"), format="png")
        return window_test.read_png(self.path / "screen.png")

    def shown(self, page: browser.Browser) -> list[bytes]:
        width, _, packed = page.run(CANVAS)
        data = base64.b64decode(packed)
        rgb = bytearray(len(data) // 4 * 3)
        rgb[0::3], rgb[1::3], rgb[2::3] = data[0::4], data[1::4], data[2::4]
        return [bytes(rgb[at:at + 3 * width]) for at in range(0, len(rgb), 3 * max(width, 1))]

    def keep(self, png: bytes) -> bytes:
        if folder := os.environ.get("BANTAM_TEST_PICTURES"):
            (pathlib.Path(folder) / f"{self.id().rpartition('.')[2]}.png").write_bytes(png)
        return png


class WebTest(Remote):
    def test_novnc(self) -> None:
        self.start()
        page = browser.Browser(self.path)
        self.addCleanup(page.close)
        page.open(self.address)
        self.until(lambda: self.shown(page) == self.guest_screen(), "the browser shows the guest's screen")
        before = self.guest_screen()
        page.point(400, 300)
        page.press("a")
        self.until(lambda: self.heard() == b"\x1e\x9e", "the key reaches the guest")
        self.until(lambda: self.shown(page) == self.guest_screen(), "the browser shows what the key has done")
        self.assertNotEqual(self.shown(page)[16:32], before[16:32])
        page.press("\ue014", "A")  # right; a letter without the shift key, as scan codes travel: none is lent
        self.until(lambda: self.heard() == bytes.fromhex("1e9e e04de0cd 1e9e"), "keys by their places reach the guest")
        self.assertGreater(len(set(b"".join(png_rows.read(self.keep(page.screenshot()))))), 2, "the page shows more than one colour")
        client = self.qmp.ask("query-vnc")["return"]["clients"]
        self.assertEqual([(one["host"], one["websocket"]) for one in client], [("127.0.0.1", True)])
        page.press("r")
        self.until(lambda: page.run(CANVAS)[:2] == [800, 600], "the picture has its new size")

        page.open(f"http://localhost:{page.port}/status")  # a page of another origin on this host
        websocket = f"ws://127.0.0.1:{self.port}/websockify"
        self.assertIs(page.call("POST", page.session + "/execute/async", {"script": TRY, "args": [websocket]}), False)
        self.process.send_signal(signal.SIGINT)
        self.assertEqual(self.process.wait(timeout=20), 0)

    def test_password(self) -> None:
        file = self.path / "password"
        file.write_text("s3cret\n")
        file.chmod(0o600)
        self.start("--vnc-password", str(file))
        page = browser.Browser(self.path)
        self.addCleanup(page.close)
        page.open(self.address + "vnc.html?autoconnect=true")
        self.until(lambda: page.run("return document.querySelector('#noVNC_credentials_dlg').classList.contains('noVNC_open')"),
                   "the page asks for the password")
        self.assertEqual(self.qmp.ask("query-vnc")["return"]["clients"], [])
        page.open(self.address + "vnc.html?autoconnect=true&password=s3cret")
        self.until(lambda: self.shown(page) == self.guest_screen(), "the browser shows the guest's screen")
        self.assertEqual(self.answer(self.upgrade(host="vm.example")), b"HTTP/1.1 101 Switching Protocols")
        self.assertEqual(self.answer(self.upgrade(origin="http://evil.example")), b"HTTP/1.1 403 Forbidden")

    def get(self, path: str, method: str = "GET") -> http.client.HTTPResponse:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        self.addCleanup(line.close)
        line.request(method, path)
        return line.getresponse()

    def answer(self, request: bytes) -> bytes:
        """The first line of the answer."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as line:
            line.sendall(request)
            got = b""
            while b"\r\n" not in got and (more := line.recv(4096)):
                got += more
            return got.split(b"\r\n")[0]

    def upgrade(self, path: str = "/websockify", host: str = "", origin: str = "") -> bytes:
        host = host or f"127.0.0.1:{self.port}"
        return (f"GET {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin or 'http://' + host}\r\nConnection: Upgrade\r\n"
                "Upgrade: websocket\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n").encode()

    def look_on(self) -> None:
        """A viewer who leaves when the greeting has come."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as line:
            line.sendall(self.upgrade())
            got = b""
            while b"RFB 003.008" not in got:
                more = line.recv(4096)
                self.assertNotEqual(more, b"", got)
                got += more

    def test_viewers_who_left_cost_no_memory(self) -> None:
        self.start()

        def after_viewers(count: int) -> int:
            for _ in range(count):
                self.look_on()
            status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
            return int(re.search(r"^VmRSS:\s+(\d+) kB$", status, re.MULTILINE)[1])

        before = after_viewers(50)
        # 10,000 KiB and more while each left a WebSocket's 45 KiB, most of it never touched.
        self.assertLess(after_viewers(1000) - before, 6144, "KiB, of 1000 viewers")

    def certificate(self, name: str) -> list[str]:
        """The options for a certificate of our own for 127.0.0.1 and its key."""
        files = [str(self.path / f"{name}.{kind}") for kind in ("certificate", "key")]
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=Bantam", "-addext",
                        "subjectAltName=IP:127.0.0.1", "-out", files[0], "-keyout", files[1]], stderr=subprocess.DEVNULL, check=True)
        return ["--web-certificate", files[0], "--web-key", files[1]]

    def test_https(self) -> None:
        options = self.certificate("own")
        self.start(*options)
        self.assertTrue(self.address.startswith("https://"), self.address)
        trust = ssl.create_default_context(cafile=options[1])
        line = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=30, context=trust)
        self.addCleanup(line.close)
        line.request("GET", "/vnc.html")
        self.assertEqual(line.getresponse().read(), pathlib.Path("/usr/share/novnc/vnc.html").read_bytes())
        own = f"https://127.0.0.1:{self.port}"
        for origin, end in ((own, b"RFB 003.008\n"), ("https://evil.example", b"Another site's page asked for the machine.\n")):
            with socket.create_connection(("127.0.0.1", self.port), timeout=30) as plain, \
                    trust.wrap_socket(plain, server_hostname="127.0.0.1") as secure:
                secure.sendall(self.upgrade(origin=origin))
                got = b""
                while not got.endswith(end):
                    more = secure.recv(4096)
                    self.assertNotEqual(more, b"", got)
                    got += more
        for plain in (b"GET / HTTP/1.1\r\n\r\n", b"RFB 003.008\n", b"\x16\x03\x01\xff\xff" + bytes(70000)):
            with self.subTest(plain[:20]), socket.create_connection(("127.0.0.1", self.port), timeout=30) as line:
                try:
                    line.sendall(plain)
                    self.assertNotIn(b"RFB", line.recv(4096))
                except ConnectionError:
                    pass
        page = browser.Browser(self.path)
        self.addCleanup(page.close)
        page.open(self.address)
        self.until(lambda: page.run(CANVAS)[0] != 0, "noVNC shows the guest")
        page.press("a")
        self.until(lambda: self.heard() == bytes.fromhex("1e9e"), "a key reaches the guest")
        silent = socket.create_connection(("127.0.0.1", self.port), timeout=30)  # it must not hold up the end
        self.addCleanup(silent.close)
        self.process.send_signal(signal.SIGINT)
        self.assertEqual(self.process.wait(timeout=20), 0)

    def test_requests(self) -> None:
        self.start()
        page = self.get("/vnc.html")
        self.assertEqual((page.status, page.getheader("Content-Type")), (200, "text/html; charset=utf-8"))
        self.assertEqual(page.read(), pathlib.Path("/usr/share/novnc/vnc.html").read_bytes())
        self.assertEqual((self.get("/").status, self.get("/").getheader("Location")), (302, "/vnc.html?autoconnect=true&resize=scale"))
        self.assertEqual((self.get("/vnc.html", "HEAD").status, self.get("/vnc.html", "HEAD").read()), (200, b""))
        self.assertEqual(self.get("/vnc.html", "POST").status, 405)
        for missing in ("/nothing", "/../../../etc/passwd", "/%2e%2e/%2e%2e/%2e%2e/etc/passwd", "/core/.hidden", "/core"):
            self.assertEqual(self.get(missing).status, 404, missing)
        local = f"localhost:{self.port}"
        for what, status in ((self.upgrade(), b"101 Switching Protocols"), (self.upgrade(host=local), b"101 Switching Protocols"),
                             (self.upgrade("/other"), b"404 Not Found"),
                             (self.upgrade(origin="http://evil.example"), b"403 Forbidden"),
                             (self.upgrade(origin=f"http://127.0.0.1:{self.port + 1}"), b"403 Forbidden"),
                             (self.upgrade(host=f"evil.example:{self.port}"), b"403 Forbidden"),
                             (self.upgrade().replace(b"Connection", b"X: " + b"y" * 5000 + b"\r\nConnection"),
                              b"431 Request Header Fields Too Large"),
                             (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 4000, b"431 Request Header Fields Too Large"),
                             (b"\x16\x03\x01\r\n\r\n", b"400 Bad Request"), (b"RFB 003.008\n\r\n\r\n", b"400 Bad Request")):
            self.assertEqual(self.answer(what), b"HTTP/1.1 " + status, what[:200])

    def test_errors(self) -> None:
        empty = self.path / "empty"
        empty.mkdir()
        own, other = self.certificate("own"), self.certificate("other")
        for options, status, message in ((["--novnc", str(empty)], 66, "noVNC is not in .*empty .*; install the package novnc"),
                                         (["--web-key", "key"], 64, "--web-certificate and --web-key belong together"),
                                         ([*own[:3], "missing"], 65, "--web-key missing: No such file"),
                                         ([*own[:3], other[3]], 65, "--web-certificate .* and --web-key .*: .*match"),
                                         ([*own[:3], own[1]], 65, "--web-certificate .* and --web-key .*: "),
                                         (["--headless"], 64, "--display web shows the screen, and --headless shows none")):
            done = subprocess.run(self.command(*options), capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, check=False)
            self.assertEqual(done.returncode, status, done.stderr)
            self.assertRegex(done.stderr, message)


if __name__ == "__main__":
    BANTAM = sys.argv.pop(1)
    unittest.main()
