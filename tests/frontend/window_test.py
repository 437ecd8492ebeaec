#!/usr/bin/env python3
"""Sits in front of `bantam run`'s window under Xvfb: types, moves the mouse, resizes, closes, and compares what the X server shows
with what the guest's screen holds. The guest writes each byte of keyboard and mouse, and a pressed power button, to port E9h."""
import os
import pathlib
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import zlib

import guest_image
import x_display

BANTAM = ""
KEYBOARD, MOUSE, POWER = 0x00, 0x20, 0x50
WAIT_INPUT_EMPTY = bytes.fromhex("e464 a802 75fa")  # in al,64h; test al,2; jnz
GUEST = (
    guest_image.write_text("Window test")
    + bytes.fromhex("b0a8 e664") + WAIT_INPUT_EMPTY  # mouse port on
    + bytes.fromhex("b0d4 e664") + WAIT_INPUT_EMPTY + bytes.fromhex("b0f4 e660")  # mouse: report
    # again: mov dx,600h; in ax,dx (PM1 status); test ah,1 (power button); jz keys; mov ax,100h; out dx,ax
    + bytes.fromhex("66ba0006 66ed f6c401 740c 66b80001 66ef b050 e6e9 e6e9")
    # keys: in al,64h; test al,1; jz again; mov ah,al; in al,60h; xchg al,ah; and al,20h; out E9h; mov al,ah; out E9h; jmp again
    + bytes.fromhex("e464 a801 74e3 88c4 e460 86c4 2420 e6e9 88e0 e6e9 ebd3"))

# Turns the vmmouse on (VMware's port 5658h) and writes the four words of each report (buttons, x, y, wheel) to port E9h, little-endian.
POINTING_GUEST = """
bits 32
    mov ebx, 45414552h      ; enable
    call pointer_command
    mov ebx, 1              ; its answer, the version
    mov cx, 39
    call vmware_call
    mov ebx, 53424152h      ; absolute
    call pointer_command
poll: mov cx, 40            ; status: words that wait
    call vmware_call
    test ax, ax
    jz poll
    mov ebx, 4
    mov cx, 39              ; data
    call vmware_call
    mov esi, edx
    push esi
    push ecx
    push ebx
    push eax
    mov ebp, 4
next_word: pop eax
    mov ecx, 4
next_byte: out 0E9h, al
    shr eax, 8
    loop next_byte
    dec ebp
    jnz next_word
    jmp poll
pointer_command: mov cx, 41
vmware_call: mov eax, 564D5868h
    mov dx, 5658h
    in eax, dx
    ret
"""


def read_png(path: pathlib.Path) -> list[bytes]:
    """Rows of RGB bytes of a PNG as Bantam writes it (no filters)."""
    data, at, packed = path.read_bytes(), 8, b""
    width, height = struct.unpack(">II", data[16:24])
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        packed += data[at + 8:at + 8 + length] if kind == b"IDAT" else b""
        at += 12 + length
    raw = zlib.decompress(packed)
    return [raw[y * (1 + 3 * width) + 1:(y + 1) * (1 + 3 * width)] for y in range(height)]


class Desktop(unittest.TestCase):
    """An X server and Bantam's window on it."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)
        self.display = x_display.Display(self.path)
        self.addCleanup(self.display.close)
        self.heard = self.path / "heard"
        self.code = GUEST
        self.verb = ["run"]

    def command(self, *more: str) -> list[str]:
        kernel = guest_image.write_kernel(self.path / "kernel", self.code)
        return [BANTAM, *self.verb, "--kernel", kernel, "--memory", "16M", "--serial", "none", "--debugcon", f"file:{self.heard}",
                "--audio", "none", *more]

    def start(self, *more: str) -> None:
        self.open(*more)
        self.until(lambda: (MOUSE, 0xFA) in self.bytes_heard(), "the guest runs")

    def open(self, *more: str) -> None:
        self.process = subprocess.Popen(self.command(*more), env=self.display.environment, cwd=self.path, stdin=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.process.stderr.close)
        self.addCleanup(self.process.wait)
        self.addCleanup(self.process.kill)
        try:
            self.window = self.display.window()
        except AssertionError as missing:
            status = self.process.poll()
            self.process.kill()
            self.fail(f"{missing}; status {status}, Bantam said {self.process.stderr.read()!r}")

    def until(self, condition, what: str, timeout: float = 30) -> None:
        deadline = time.monotonic() + timeout
        while not condition():
            self.assertLess(time.monotonic(), deadline, f"never: {what}; title {self.title()!r}, heard {self.bytes_heard()[-20:]}")
            time.sleep(0.02)

    def title(self) -> str:
        return self.display.xdotool("getwindowname", self.window)

    def bytes_heard(self) -> list[tuple[int, int]]:
        data = self.heard.read_bytes() if self.heard.exists() else b""
        return list(zip(data[0::2], data[1::2]))

    def keys_heard(self) -> list[int]:
        return [value for source, value in self.bytes_heard() if source == KEYBOARD]

    def press(self, *keys: str) -> None:
        self.display.xdotool("key", "--clearmodifiers", *keys)

    def guest_screen(self) -> list[bytes]:
        before = set(self.path.glob("bantam-*.png"))
        self.press("ctrl+alt+s")
        self.until(lambda: set(self.path.glob("bantam-*.png")) - before and "screenshot in bantam-" in self.title(), "a screenshot")
        return read_png((set(self.path.glob("bantam-*.png")) - before).pop())


class WindowTest(Desktop):
    def test_keys(self) -> None:
        self.start()
        self.press("a")
        self.until(lambda: self.keys_heard() == [0x1E, 0x9E], "a goes down and up")
        self.press("Right")
        self.until(lambda: self.keys_heard()[2:] == [0xE0, 0x4D, 0xE0, 0xCD], "an extended key")
        self.display.xdotool("keydown", "shift")
        held = lambda keys: set(keys) == {0x2A}  # the keyboard repeats it
        self.until(lambda: held(self.keys_heard()[6:]), "shift goes down")
        self.display.xdotool("windowfocus", "--sync", self.display.xdotool("search", "--maxdepth", "0", "").split()[0])
        self.until(lambda: self.keys_heard()[-1] == 0xAA, "shift goes up when the window loses the keyboard")
        self.assertTrue(held(self.keys_heard()[6:-1]))
        self.display.xdotool("keyup", "shift")

    def test_keys_go_by_their_places(self) -> None:
        self.start()
        expected = []
        for layout in ("us", "fr", "de"):  # Q, A and Q; Z, W and Y
            subprocess.run(["setxkbmap", layout], env=self.display.environment, check=True)
            self.press("24", "52")  # the X server's numbers of the keys right of Tab and of the left shift key
            expected += [0x10, 0x90, 0x2C, 0xAC]
            self.until(lambda: self.keys_heard() == expected, f"the same keys with layout {layout}")

    def test_shortcuts_are_not_the_guests(self) -> None:
        self.start()
        self.press("ctrl+alt+p")
        self.until(lambda: "(paused)" in self.title(), "a paused title")
        self.press("ctrl+alt+p")
        self.until(lambda: "(paused)" not in self.title(), "a running title")
        self.press("b")
        self.until(lambda: 0xB0 in self.keys_heard(), "b arrives")
        heard = self.keys_heard()
        self.assertNotIn(0x19, heard, "P reached the guest")
        for down in (0x1D, 0x38):
            self.assertEqual(heard.count(down), heard.count(down | 0x80), "a modifier stays down")
        self.press("ctrl+alt+d")
        self.until(lambda: self.keys_heard()[-2:] == [0xB8, 0x9D], "Ctrl-Alt-Del is let go")
        self.assertIn(0x53, self.keys_heard())
        starts = self.bytes_heard().count((MOUSE, 0xFA))  # the mouse's answer when the guest begins
        self.press("ctrl+alt+r")
        self.until(lambda: self.bytes_heard().count((MOUSE, 0xFA)) == starts + 1, "the machine was reset")
        self.press("ctrl+alt+b")
        self.until(lambda: (POWER, POWER) in self.bytes_heard(), "the guest sees its power button")

    def test_menu(self) -> None:
        disc = self.path / "disc.iso"
        disc.write_bytes(bytes(1 << 20))
        self.start("--cdrom", "none")
        self.press("Menu")
        self.until(lambda: "the menu" in self.title(), "one key opens the menu")
        x, y, width, height = self.display.geometry(self.window)
        panel_left, panel_top = x + (width - 568) // 2, y + 40

        def title_bar_shows() -> bool:
            return any(bytes.fromhex("2b5c8a") * 400 in row for row in self.display.pixels(panel_left, panel_top, 568, 200))
        self.until(title_bar_shows, "the panel is drawn")
        for key in ("End", "Return", "d", "i", "s", "c", "Return"):  # the last row: put an image into the drive; find it by name
            self.press(key)
        self.until(lambda: "is in ide" in self.title() and "disc.iso" in self.title(), "the image is in the drive")
        self.assertFalse(title_bar_shows(), "the menu is still there")
        self.press("Menu", "End", "Return")
        self.until(lambda: re.search("ide.-cd. is empty", self.title()), "it is taken out")
        self.press("Menu")
        self.until(title_bar_shows, "the menu again")
        rows = self.display.pixels(panel_left, panel_top, 568, 200)
        top = y + 40 + next(n for n, row in enumerate(rows) if bytes.fromhex("2b5c8a") * 400 in row)
        self.display.xdotool("mousemove", "--sync", x + width // 2, top + 31 + 18 * 4 + 9, "click", 1)  # the fifth row
        self.until(lambda: "(paused)" in self.title(), "a click on the row pauses")
        self.press("ctrl+alt+p")
        self.assertEqual([key for key in self.keys_heard() if key & 0x7F not in (0x1D, 0x38)], [], "the guest got keys of the menu's")

    def typed(self) -> str:
        """What the keys that the guest read mean on a US keyboard."""
        plain = dict(zip([*range(0x02, 0x0E), *range(0x10, 0x1D), *range(0x1E, 0x2A), *range(0x2B, 0x36), 0x39],
                         "1234567890-=" "qwertyuiop[]\n" "asdfghjkl;'`" "\\zxcvbnm,./" " "))
        shifted = dict(zip("1234567890-=[];'`\\,./", "!@#$%^&*()_+{}:\"~|<>?"))
        text, shift = "", False
        for code in self.keys_heard():
            if code & 0x7F == 0x2A:
                shift = code < 0x80
            elif code in plain:
                text += shifted.get(plain[code], plain[code].upper()) if shift else plain[code]
        return text

    def test_paste(self) -> None:
        self.start()
        lines = "".join(f"{n:04} The quick brown fox jumps! over {{the}} \"lazy\" dog~ `|<>?:;'\\/@#$%^&*()_+-=[]\n" for n in range(150))
        text = lines[:10_000]
        self.display.copy(text)
        self.press("ctrl+alt+v")
        self.until(lambda: "typing the clipboard" in self.title(), "the title tells")
        self.press("a")  # the person's keys do not get in between
        self.until(lambda: "10000 characters were typed" in self.title(), "all is typed", 120)
        self.assertEqual(self.typed(), text)
        self.display.copy("caf\u00e9")
        self.press("ctrl+alt+v")
        self.until(lambda: "U+00E9" in self.title(), "what a keyboard lacks is told")
        self.display.copy(text)
        self.press("ctrl+alt+v")
        self.until(lambda: "typing the clipboard" in self.title(), "it begins again")
        self.press("Escape")
        self.until(lambda: "pasting was stopped after" in self.title(), "Esc stops it")
        heard = len(self.typed())
        self.assertLess(heard, 20_000)
        self.press("b")
        self.until(lambda: self.keys_heard()[-2:] == [0x30, 0xB0], "keys are the guest's again")
        self.assertEqual(len(self.typed()), heard + 1)

    def test_mouse(self) -> None:
        self.start()
        self.assertIn("a click gives the guest the mouse", self.title())
        x, y, width, height = self.display.geometry(self.window)
        self.display.xdotool("mousemove", "--sync", x + width // 2, y + height // 2, "click", 1)
        self.until(lambda: "Ctrl-Alt-G releases the mouse" in self.title(), "the title says how to get out")
        packets = lambda: [value for source, value in self.bytes_heard() if source == MOUSE][1:]
        quiet = len(packets())
        self.display.xdotool("mousemove_relative", "--", 20, 10)
        self.until(lambda: len(packets()) >= quiet + 3, "the mouse reports")
        flags, dx, dy = packets()[quiet:quiet + 3]
        self.assertEqual(flags & 0x30, 0x20, "right and down: X positive, Y negative")
        self.assertGreater(dx, 0)
        self.assertGreater(256 - dy, 0)
        self.display.xdotool("mousedown", 3)
        self.until(lambda: any(flags & 0x0A == 0x0A for flags in packets()[0::3]), "the right button")
        self.display.xdotool("mouseup", 3)
        self.press("ctrl+alt+g")
        self.until(lambda: "a click gives the guest the mouse" in self.title(), "the mouse is back")

    def open_pointing_guest(self) -> None:
        (self.path / "guest.asm").write_text(POINTING_GUEST)
        subprocess.run(["nasm", "-f", "bin", "-o", self.path / "code", self.path / "guest.asm"], check=True)
        self.code = (self.path / "code").read_bytes()
        self.open()
        self.until(lambda: "the guest's and yours" in self.title(), "the title says that nothing needs capture")

    def reports(self) -> list[tuple[int, ...]]:
        """Buttons, x, y, wheel, as the pointing guest heard them."""
        data = self.heard.read_bytes() if self.heard.exists() else b""
        return list(struct.iter_unpack("<3Ii", data[:len(data) // 16 * 16]))

    def test_pointing(self) -> None:
        self.open_pointing_guest()
        x, y, width, height = self.display.geometry(self.window)

        def last_report() -> tuple[int, ...]:
            return (self.reports() or [(0, 0, 0, 0)])[-1]

        def near(share_x: float, share_y: float) -> bool:
            _, at_x, at_y, _ = last_report()
            return abs(at_x / 0xFFFF - share_x) < 0.01 and abs(at_y / 0xFFFF - share_y) < 0.01
        for share_x, share_y in ((0.25, 0.75), (0.5, 0.5), (0.9, 0.1)):
            self.display.xdotool("mousemove", "--sync", x + int(width * share_x), y + int(height * share_y))
            self.until(lambda: near(share_x, share_y), f"the guest's pointer at {share_x}, {share_y}")
        self.display.xdotool("mousedown", 1)
        self.until(lambda: last_report()[0] == 0x20, "the left button goes down")
        self.display.xdotool("mouseup", 1)
        self.until(lambda: last_report()[0] == 0, "the left button goes up")
        self.display.xdotool("click", 5)
        self.until(lambda: 1 in (wheel for _, _, _, wheel in self.reports()), "the wheel turns to the person")
        self.assertIn("the guest's and yours", self.title(), "a click captured the mouse")

    def recorded_steps(self) -> list[str]:
        """Closes the window, which presses the power button; the steps that were recorded, which were then taken with another machine."""
        self.display.ask_to_close(self.window)
        self.until(lambda: "close again" in self.title(), "the first time asks")
        self.display.ask_to_close(self.window)
        self.assertEqual(self.process.wait(timeout=30), 0)
        self.heard.unlink()
        text = (self.path / "recorded.toml").read_text()
        done = subprocess.run([BANTAM, "test", "recorded.toml"], cwd=self.path, capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr + text)
        return [part.strip() for part in text.split("[[step]]")[1:]]

    def test_keys_are_recorded(self) -> None:
        self.verb = ["test", "--record", "recorded.toml"]
        self.start()
        self.press("shift+h", "i", "F5")
        self.until(lambda: self.keys_heard()[-1:] == [0xBF], "F5 goes up")
        self.assertEqual(self.recorded_steps(), ['wait-screen = "Window test"', 'type = "Hi"', 'keys = "f5"', 'wait-stable = "500ms"',
                                                 "power-button = true"])
        self.assertEqual([key for key in self.keys_heard() if key < 0x80], [0x2A, 0x23, 0x17, 0x3F])

    def test_a_click_is_recorded(self) -> None:
        self.verb = ["test", "--record", "recorded.toml"]
        self.open_pointing_guest()
        x, y, width, height = self.display.geometry(self.window)
        self.display.xdotool("mousemove", "--sync", x + width // 4, y + height // 2)
        self.display.xdotool("mousedown", 1)
        self.until(lambda: 0x20 in [report[0] for report in self.reports()], "the button goes down")
        self.display.xdotool("mouseup", 1)
        self.until(lambda: self.reports()[-1][0] == 0, "the button goes up")
        self.assertEqual(self.recorded_steps(), ['wait-stable = "500ms"', 'click = "180,200"', 'wait-stable = "500ms"',
                                                 "power-button = true"])
        where = [(x / 0xFFFF, y / 0xFFFF) for buttons, x, y, _ in self.reports() if buttons == 0x20]
        self.assertTrue(where and all(abs(x - 0.25) < 0.01 and abs(y - 0.5) < 0.01 for x, y in where), where)

    def test_picture(self) -> None:
        self.check_picture()

    def test_picture_by_a_renderer(self) -> None:
        """As hosts with a GPU have it."""
        self.display.environment["SDL_RENDER_DRIVER"] = "software"
        self.check_picture()

    def check_picture(self) -> None:
        self.start()
        self.until(lambda: self.display.geometry(self.window)[2:] == (720, 540), "a monitor's shape")
        self.press("ctrl+alt+i")
        self.until(lambda: self.display.geometry(self.window)[2:] == (720, 400), "dots as they are")

        def equal() -> bool:  # but for the cursor, which blinks: compared until both were caught in one state
            return self.display.pixels(*self.display.geometry(self.window)) == self.guest_screen()
        self.until(equal, "the window shows the guest's screen", 60)
        self.display.xdotool("windowmove", "--sync", self.window, 10, 10)
        self.display.xdotool("windowsize", "--sync", self.window, 1440, 820)
        shown = self.display.geometry(self.window)

        def doubled() -> bool:
            rows = self.display.pixels(*shown)[10:810]
            screen = self.guest_screen()
            return all(rows[2 * n] == rows[2 * n + 1] and rows[2 * n][0::6] == screen[n][0::3] for n in range(400))
        self.assertEqual(shown[2:], (1440, 820))
        self.until(doubled, "every dot is a square", 60)

    def test_full_screen(self) -> None:
        self.display.start_window_manager()  # full screen is its affair
        self.start()
        before = self.display.geometry(self.window)
        self.press("ctrl+alt+f")
        self.until(lambda: self.display.geometry(self.window)[2:] == (1600, 1200), "the whole screen")
        self.until(lambda: any(map(any, self.display.pixels(0, 0, 1600, 40))),
                   "the text is enlarged")
        self.press("ctrl+alt+f")
        self.until(lambda: self.display.geometry(self.window)[2:] == before[2:], "the window as before")

    def test_closing_asks_the_guest_first(self) -> None:
        self.start()
        self.display.ask_to_close(self.window)
        self.until(lambda: (POWER, POWER) in self.bytes_heard(), "the guest sees its power button")
        self.until(lambda: "close again" in self.title(), "the title says what the second time does")
        self.assertIsNone(self.process.poll())
        self.display.ask_to_close(self.window)
        self.assertEqual(self.process.wait(timeout=20), 0)
        self.assertEqual(self.process.stderr.read(), "")

    def test_start_screen(self) -> None:
        guest_image.write_kernel(self.path / "hello.kernel", self.code)
        command = [BANTAM]
        self.process = subprocess.Popen(command, env=self.display.environment, cwd=self.path, stdin=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.process.stderr.close)
        self.addCleanup(self.process.wait)
        self.addCleanup(self.process.kill)
        self.window = self.display.window()

        def shows(colour: str) -> bool:
            return any(bytes.fromhex(colour) * 400 in row for row in self.display.pixels(*self.display.geometry(self.window)))
        self.until(lambda: shows("2b5c8a"), "the start screen")
        self.press("Home", "Return", *"hello", "Return")
        self.until(lambda: "a click gives the guest the mouse" in self.title(), "the machine runs")
        self.until(lambda: not shows("2b5c8a"), "the start screen is gone")
        self.press("ctrl+alt+q", "ctrl+alt+q")
        self.assertEqual(self.process.wait(timeout=20), 0)
        self.process = subprocess.Popen(command, env=self.display.environment, cwd="/", stdin=subprocess.DEVNULL)
        self.addCleanup(self.process.wait)
        self.addCleanup(self.process.kill)
        self.window = self.display.window()
        self.until(lambda: shows("2b5c8a"), "the start screen again")
        self.press("Home", "Return")  # the machine of before
        self.until(lambda: "a click gives the guest the mouse" in self.title(), "it runs again")
        self.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.process.wait(timeout=20), 0)
        kept = (self.path / "state/bantam/recent.json").read_text()
        self.assertEqual(kept.count('"machine"'), 1, kept)

    def drag_onto_window(self, file: pathlib.Path) -> str:
        """Drags the file from a file manager's window to the middle of Bantam's; what the file manager then says."""
        source = subprocess.Popen([sys.executable, "-B", pathlib.Path(__file__).with_name("drag_source.py"), file],
                                  env=self.display.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.addCleanup(source.wait)
        self.addCleanup(source.kill)
        self.assertEqual(source.stdout.readline(), "ready\n")
        x, y, width, height = self.display.geometry(self.window)
        self.display.xdotool("mousemove", 30, 30, "mousedown", 1, "mousemove", x + 5, y + 5,
                             "mousemove", x + width // 2, y + height // 2, "mouseup", 1)
        return source.communicate(timeout=30)[0].strip()

    def test_a_disc_is_dragged_in(self) -> None:
        disc = self.path / "a disc, 100 %.iso"
        disc.write_bytes(b"disc" * 512 * 20)
        self.start("--monitor", f"unix:{self.path}/monitor", "--cdrom", "none")
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(20)
            line.connect(f"{self.path}/monitor")
            answers = line.makefile("r")

            def drives() -> str:
                line.sendall(b"info block\n")
                return next(text for text in answers if "cd0" in text)

            self.assertNotIn(str(self.path), drives())
            self.assertEqual(self.drag_onto_window(disc), "finished")
            self.until(lambda: str(disc) in drives(), "the disc is in the drive")
            self.until(lambda: f"{disc} is in ide1-cd0" in self.title(), "the title says so")
            self.assertEqual(self.drag_onto_window(self.path / "missing.iso"), "finished")
            self.until(lambda: "missing.iso: " in self.title(), "the title says why not")
            self.assertIn(str(disc), drives())

    def test_signal_and_monitor(self) -> None:
        self.start("--monitor", f"unix:{self.path}/monitor")
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(20)
            line.connect(f"{self.path}/monitor")
            line.sendall(b"stop\n")
            self.until(lambda: "(paused)" in self.title(), "the monitor pauses")
            line.sendall(b"cont\n")
            self.until(lambda: "(paused)" not in self.title(), "the monitor goes on")
        self.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.process.wait(timeout=20), 0)

    def test_a_window_has_real_time_and_headless_has_none(self) -> None:
        started = time.monotonic()
        self.process = subprocess.Popen(self.command("--time-limit", "2s"), env=self.display.environment, stdin=subprocess.DEVNULL)
        self.assertEqual(self.process.wait(timeout=60), 75)
        self.assertGreater(time.monotonic() - started, 1.9)
        done = subprocess.run(self.command("--headless", "--time-limit", "20ms"), env=self.display.environment, timeout=60,
                              capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
        self.assertEqual((done.returncode, done.stderr), (75, "bantam: the time limit was reached\n"))

    def test_without_a_display(self) -> None:
        bare = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
        options = {"env": bare, "capture_output": True, "text": True, "timeout": 60, "stdin": subprocess.DEVNULL, "check": False}
        done = subprocess.run(self.command("--time-limit", "20ms"), **options)
        self.assertEqual(done.returncode, 75)
        self.assertIn("there is no display: running headless", done.stderr)
        done = subprocess.run([BANTAM], **options)
        self.assertEqual((done.returncode, done.stderr), (64, "bantam: no command given ('bantam help' lists commands and options)\n"))
        done = subprocess.run(self.command("--display", "none", "--time-limit", "20ms"), **options)
        self.assertEqual((done.returncode, done.stderr), (75, "bantam: the time limit was reached\n"))
        done = subprocess.run(self.command("--display", "sdl"), **options)
        self.assertEqual(done.returncode, 66)
        self.assertRegex(done.stderr, "^bantam: cannot open a window: neither DISPLAY nor .*; --headless runs without\n$")
        for other in ("--headless", "--lockstep"):
            done = subprocess.run(self.command("--display", "sdl", other), **options)
            self.assertEqual(done.returncode, 64)
            self.assertIn(other, done.stderr)
        bare["DISPLAY"] = ":9999"
        done = subprocess.run(self.command("--time-limit", "20ms"), **options)
        self.assertEqual(done.returncode, 75)
        self.assertRegex(done.stderr, re.compile("^bantam: cannot open a window: .*: running headless$", re.MULTILINE))


if __name__ == "__main__":
    BANTAM = sys.argv.pop(1)
    unittest.main()
