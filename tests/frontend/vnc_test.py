#!/usr/bin/env python3
"""`bantam run --display vnc` with viewers of others: LibVNCClient's (tests/frontend/vnc/client.cpp) in its encodings, gtk-vnc's
gvnccapture. What they show is compared dot by dot with the guest's screen, and what they send with what the guest reads."""
import itertools
import os
import pathlib
import queue
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import guest_image
import png_rows
import qmp_client
import remote_guest
import window_test

BANTAM = ""
CLIENT = ""
PASSWORD = "s3cret"
RAW, ZRLE, TIGHT, HEXTILE = "raw", "zrle", "tight", "hextile"
SHIFT, ALT_GR = 0xFFE1, 0xFE03


class Viewer:
    def __init__(self, folder: pathlib.Path, port: int, encodings: str = ZRLE, password: str = "") -> None:
        self.file = folder / f"viewer-{os.urandom(4).hex()}"
        self.process = subprocess.Popen([CLIENT, "127.0.0.1", str(port), encodings, *([password] if password else [])],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, bufsize=1)
        self.lines: queue.Queue[str] = queue.Queue()
        self.heard: list[str] = []
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self) -> None:
        for line in self.process.stdout:
            self.lines.put(line.strip())
        self.lines.put("ended")

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def wait_for(self, pattern: str, timeout: float = 30) -> str:
        """The next line that matches."""
        deadline = time.monotonic() + timeout
        while True:
            line = self.lines.get(timeout=max(deadline - time.monotonic(), 0.01))
            self.heard.append(line)
            if re.fullmatch(pattern, line):
                return line
            if line == "ended":
                raise AssertionError(f"the viewer ended; it said {self.heard}")

    def say(self, command: str) -> None:
        self.process.stdin.write(command + "\n")

    def stroke(self, keysym: int) -> None:
        self.say(f"key {keysym:#x} 1")
        self.say(f"key {keysym:#x} 0")

    def picture(self) -> list[bytes]:
        self.say(f"picture {self.file}")
        width = int(self.wait_for(r"picture \d+ \d+").split()[1])
        data = self.file.read_bytes()
        return [data[at:at + 3 * width] for at in range(0, len(data), 3 * width)]

    def updates(self) -> int:
        self.say("updates")
        return int(self.wait_for(r"updates \d+").split()[1])


class VncTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)
        self.heard_file = self.path / "heard"
        self.process = None

    def command(self, *more: str, kernel: str = "", display: str = "vnc:0") -> list[str]:
        return [BANTAM, "run", "--kernel", kernel or remote_guest.write(self.path), "--memory", "16M", "--serial", "none",
                "--debugcon", f"file:{self.heard_file}", "--display", display, *more]

    def start(self, *more: str, kernel: str = "") -> int:
        """The machine with QMP; the port of its display."""
        self.process = subprocess.Popen(self.command("--qmp", f"unix:{self.path}/qmp", *more, kernel=kernel), stdin=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.process.stderr.close)
        self.addCleanup(self.process.wait)
        self.addCleanup(self.process.kill)
        said = self.process.stderr.readline()
        where = re.fullmatch(r"bantam: the screen is at 127\.0\.0\.1:(\d+) for VNC viewers\n", said)
        self.assertIsNotNone(where, said)
        self.qmp = qmp_client.Client(self.path / "qmp")
        self.addCleanup(self.qmp.close)
        self.qmp.ask("qmp_capabilities")
        return int(where.group(1))

    def view(self, port: int, encodings: str = ZRLE, password: str = "") -> Viewer:
        viewer = Viewer(self.path, port, encodings, password)
        self.addCleanup(viewer.close)
        return viewer

    def viewer(self, port: int, encodings: str = ZRLE, password: str = "") -> Viewer:
        viewer = self.view(port, encodings, password)
        viewer.wait_for("connected")
        return viewer

    def until(self, condition, what: str, timeout: float = 30) -> None:
        deadline = time.monotonic() + timeout
        while not condition():
            self.assertLess(time.monotonic(), deadline, f"never: {what}; heard {self.heard().hex()[-60:]}")
            time.sleep(0.02)

    def heard(self) -> bytes:
        return self.heard_file.read_bytes() if self.heard_file.exists() else b""

    def hears(self, codes: str) -> None:
        """The guest has read these bytes from its keyboard, and no others but repetitions of a key that is held."""
        wanted = bytes.fromhex(codes)
        self.until(lambda: bytes(code for code, _ in itertools.groupby(self.heard())) == wanted, f"the keyboard sends {codes}")

    def guest_screen(self) -> list[bytes]:
        self.qmp.ask("screendump", filename=str(self.path / "screen.png"), format="png")
        return window_test.read_png(self.path / "screen.png")

    def shows_the_screen(self, viewer: Viewer) -> None:
        """The cursor blinks: compared until both were caught in one state."""
        self.until(lambda: viewer.picture() == self.guest_screen(), "the viewer shows the guest's screen", 60)

    def test_every_encoding_shows_the_screen(self) -> None:
        port = self.start()
        viewers = [self.viewer(port, encodings) for encodings in (RAW, ZRLE, TIGHT, HEXTILE)]
        for viewer in viewers:
            self.shows_the_screen(viewer)
        before = self.guest_screen()
        viewers[0].stroke(ord("a"))
        self.hears("1e9e")
        for viewer in viewers:
            self.shows_the_screen(viewer)
        self.assertNotEqual(self.guest_screen()[16:32], before[16:32], "the key is to be seen")
        viewers[1].stroke(ord("r"))
        for viewer in viewers:
            viewer.wait_for("size 800 600")
            self.until(lambda: viewer.picture() == self.guest_screen(), "800x600 dots")
        self.assertGreater(len(set(self.guest_screen()[3])), 100, "the screen has many colours")

    def test_gvnccapture(self) -> None:
        port = self.start()
        self.viewer(port).stroke(ord("r"))
        self.until(lambda: len(self.guest_screen()) == 600, "800x600")
        subprocess.run(["gvnccapture", "-q", f"127.0.0.1:{port - 5900}", self.path / "captured.png"], check=True, timeout=60,
                       capture_output=True)
        self.assertEqual(png_rows.read((self.path / "captured.png").read_bytes()), self.guest_screen())

    def test_shift_follows_the_character(self) -> None:
        viewer = self.viewer(self.start())
        viewer.stroke(ord("A"))  # a viewer that sends no shift: it is lent
        self.hears("2a1e9eaa")
        viewer.say(f"key {SHIFT:#x} 1")
        self.hears("2a1e9eaa 2a")
        viewer.stroke(ord("A"))
        self.hears("2a1e9eaa 2a 1e9e")
        viewer.stroke(ord("/"))  # with shift on a German keyboard: taken for the stroke
        self.hears("2a1e9eaa 2a 1e9e aa35b52a")
        viewer.say(f"key {SHIFT:#x} 0")
        viewer.say(f"key {ALT_GR:#x} 1")
        viewer.stroke(ord("@"))
        viewer.say(f"key {ALT_GR:#x} 0")
        viewer.stroke(0xFF53)  # right
        self.hears("2a1e9eaa 2a 1e9e aa35b52a aa 2a0383aa e04de0cd")

    def test_keys_by_place(self) -> None:
        viewer = self.viewer(self.start())
        self.until(lambda: "no scan codes" not in self.scan(viewer, ord("y"), 0x2C), "the viewer knows that scan codes are taken")
        self.hears("2cac")  # Z's place, a German Y
        self.scan(viewer, 0xFF53, 0xCD)
        self.hears("2cac e04de0cd")

    def scan(self, viewer: Viewer, keysym: int, code: int) -> list[str]:
        said = len(viewer.heard)
        viewer.say(f"scan {keysym:#x} {code:#x} 1")
        viewer.say(f"scan {keysym:#x} {code:#x} 0")
        viewer.updates()
        return viewer.heard[said:]

    def test_what_a_viewer_holds_goes_up_when_it_leaves(self) -> None:
        port = self.start()
        first, second = self.viewer(port), self.viewer(port)
        for key in (SHIFT, ord("B")):
            first.say(f"key {key:#x} 1")
        self.hears("2a30")
        second.say(f"key {SHIFT:#x} 1")
        second.stroke(0xFF1B)  # escape
        self.hears("2a30 0181")
        self.assertEqual(len(self.qmp.ask("query-vnc")["return"]["clients"]), 2)
        first.process.kill()
        self.hears("2a30 0181 b0")  # shift is the other's too
        self.until(lambda: len(self.qmp.ask("query-vnc")["return"]["clients"]) == 1, "one viewer")
        second.process.kill()
        self.hears("2a30 0181 b0 aa")

    def test_pointing(self) -> None:
        (self.path / "guest.asm").write_text(window_test.POINTING_GUEST)
        subprocess.run(["nasm", "-f", "bin", "-o", self.path / "code", self.path / "guest.asm"], check=True)
        viewer = self.viewer(self.start(kernel=guest_image.write_kernel(self.path / "kernel", (self.path / "code").read_bytes())))
        width, height = len(self.guest_screen()[0]) // 3, len(self.guest_screen())

        def reports() -> list[tuple[int, ...]]:
            data = self.heard()
            return list(struct.iter_unpack("<3Ii", data[:len(data) // 16 * 16]))
        self.until(lambda: any(mouse["absolute"] for mouse in self.qmp.ask("query-mice")["return"]), "the guest's driver listens")
        for x, y in ((width // 4, height // 2), (0, 0), (width - 1, height - 1)):
            viewer.say(f"pointer {x} {y} 0")
            there = (0, x * 0xFFFF // (width - 1), y * 0xFFFF // (height - 1), 0)
            self.until(lambda: reports()[-1:] == [there], f"the guest's pointer at {there}")
        for mask, buttons in ((1, 0x20), (4, 0x10), (2, 0x08)):  # left, right, middle
            viewer.say(f"pointer 1 1 {mask}")
            self.until(lambda: reports()[-1][0] == buttons, f"button mask {mask}")
        viewer.say("pointer 1 1 16")
        viewer.say("pointer 1 1 0")
        self.until(lambda: 1 in (wheel for *_, wheel in reports()), "the wheel turns to the person")
        viewer.say("pointer 1 1 1")
        self.until(lambda: reports()[-1][0] == 0x20, "the left button goes down")
        viewer.process.kill()
        self.until(lambda: reports()[-1][0] == 0, "it goes up when the viewer has gone")

    def test_a_guest_without_pointer_gets_movements(self) -> None:
        viewer = self.viewer(self.start(kernel=guest_image.write_kernel(self.path / "kernel", window_test.GUEST)))
        viewer.wait_for("cursor 8 11")  # an arrow, since the guest draws nothing there
        packets = lambda: [value for source, value in zip(self.heard()[0::2], self.heard()[1::2]) if source == window_test.MOUSE][1:]
        self.until(lambda: (window_test.MOUSE, 0xFA) in zip(self.heard()[0::2], self.heard()[1::2]), "the guest runs")
        viewer.say("pointer 100 100 0")
        viewer.say("pointer 120 110 0")
        self.until(lambda: len(packets()) >= 3, "the mouse reports")
        self.assertEqual(packets()[:3], [0x28, 20, 256 - 10])
        viewer.say("pointer 120 110 4")
        self.until(lambda: any(flags & 0x0A == 0x0A for flags in packets()[0::3]), "the right button")

    def test_passwords(self) -> None:
        file = self.path / "password"
        file.write_text(PASSWORD + "\n")
        file.chmod(0o600)
        port = self.start("--vnc-password", str(file))
        self.view(port, password="wrong").wait_for("refused")
        self.view(port, password=PASSWORD[:-1]).wait_for("refused")
        self.assertEqual(self.security_types(port), b"\x02")  # VNC authentication and nothing else
        self.shows_the_screen(self.viewer(port, password=PASSWORD))
        open_to_all = subprocess.run(self.command("--time-limit", "10ms", "--vnc-password", str(file), display="vnc:0.0.0.0:0"),
                                     capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, check=False)
        self.assertEqual(open_to_all.returncode, 75)
        self.assertIn("the screen is at 0.0.0.0:", open_to_all.stderr)
        info = self.qmp.ask("query-vnc")["return"]
        self.assertEqual((info["enabled"], info["auth"], info["host"], info["service"], len(info["clients"])),
                         (True, "vnc", "127.0.0.1", str(port), 1))

    def security_types(self, port: int) -> bytes:
        """What is offered; who then chooses none is put out."""
        with socket.create_connection(("127.0.0.1", port), timeout=30) as line:
            self.assertEqual(line.recv(12, socket.MSG_WAITALL), b"RFB 003.008\n")
            line.sendall(b"RFB 003.008\n")
            count = line.recv(1)[0]
            types = line.recv(count, socket.MSG_WAITALL)
            line.sendall(b"\x01")
            self.assertEqual(line.recv(1), b"", "a viewer without the password was let in")
            return types

    def test_bad_viewers_disturb_nobody(self) -> None:
        port = self.start()
        viewer = self.viewer(port)
        mute = socket.create_connection(("127.0.0.1", port), timeout=30)  # says nothing
        half = socket.create_connection(("127.0.0.1", port), timeout=30)  # stops in the middle of a message
        half.sendall(b"RFB 003.008\n\x01\x01" + b"\x04\x01")
        deaf = socket.create_connection(("127.0.0.1", port), timeout=30)  # asks for pictures and reads none
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.sendall(b"RFB 003.008\n\x01\x01" + b"\x03\x00\x00\x00\x00\x00\x02\xd0\x01\x90" * 50)
        clients = lambda: len(self.qmp.ask("query-vnc")["return"]["clients"])
        self.until(lambda: clients() == 3, "all but the mute one have been let in")
        with mute, half, deaf:
            with socket.create_connection(("127.0.0.1", port), timeout=30) as web:
                web.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\nUpgrade: websocket\r\n"
                            b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n")
                while web.recv(4096):  # until it is put out
                    pass
            self.assertEqual(clients(), 3, "a page of a browser has been let in")
            viewer.stroke(ord("a"))
            self.hears("1e9e")
            self.shows_the_screen(viewer)
            self.process.send_signal(signal.SIGINT)
            self.assertEqual(self.process.wait(timeout=20), 0)

    def test_an_unchanged_screen_is_not_sent(self) -> None:
        port = self.start()
        viewer = self.viewer(port)
        viewer.stroke(ord("r"))  # no cursor blinks there
        viewer.wait_for("size 800 600")
        viewer.stroke(ord("h"))
        self.until(lambda: self.heard().endswith(b"\x23"), "the guest halts")
        self.until(lambda: viewer.picture() == self.guest_screen(), "the screen is there")
        before, started = viewer.updates(), self.cpu_seconds()
        time.sleep(2)
        self.assertEqual(viewer.updates(), before)
        self.assertLess(self.cpu_seconds() - started, 0.3, "two seconds of a still screen")

    def cpu_seconds(self) -> float:
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def test_a_viewer_has_real_time(self) -> None:
        started = time.monotonic()
        done = subprocess.run(self.command("--time-limit", "2s"), capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
                              check=False)
        self.assertEqual(done.returncode, 75)
        self.assertGreater(time.monotonic() - started, 1.9)

    def refused(self, status: int, message: str, *more: str, display: str = "vnc:0") -> None:
        done = subprocess.run(self.command("--time-limit", "10ms", *more, display=display), capture_output=True, text=True, timeout=60,
                              stdin=subprocess.DEVNULL, check=False)
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertRegex(done.stderr, message)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)

    def test_errors(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            self.refused(66, f"^bantam: cannot listen on vnc:127.0.0.1:{port}: Address already in use; choose another port$",
                         display=f"vnc:{port}")
        self.refused(64, "^bantam: vnc:0.0.0.0:0: whoever reaches it .*; add --vnc-password FILE, or use 127.0.0.1",
                     display="vnc:0.0.0.0:0")
        self.refused(64, "'vnc:x' is no place to listen: write vnc:PORT or vnc:ADDRESS:PORT", display="vnc:x")
        self.refused(64, "only vnc and web listen", display="sdl:5900")
        self.refused(64, "--display vnc shows the screen, and --headless shows none", "--headless")
        self.refused(64, "--vnc-password is for viewers", "--vnc-password", "x", display="sdl")
        self.refused(64, "--paused: viewers could not let the guest go on", "--paused")
        self.refused(65, "--vnc-password .*nothing: No such file", "--vnc-password", f"{self.path}/nothing")
        file = self.path / "password"
        for text, mode, message in (("secret", 0o644, "others than its owner have access to it; say chmod 600"), ("\n", 0o600, "is empty"),
                                    ("123456789", 0o600, "has more than 8 bytes")):
            file.write_text(text)
            file.chmod(mode)
            self.refused(65, message, "--vnc-password", str(file))
        self.refused(65, "it is no regular file", "--vnc-password", str(self.path))

    def test_without_the_module(self) -> None:
        alone = self.path / "bantam"
        alone.write_bytes(pathlib.Path(BANTAM).read_bytes())
        alone.chmod(0o755)
        done = subprocess.run([str(alone), *self.command()[1:]], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
                              check=False)
        self.assertEqual(done.returncode, 66)
        self.assertIn("the module bantam-vnc.so is not beside the program", done.stderr)
        self.assertIn("install the package libvncserver-dev", done.stderr)


if __name__ == "__main__":
    BANTAM, CLIENT = sys.argv.pop(1), sys.argv.pop(1)
    unittest.main()
