#!/usr/bin/env python3
"""Real software in the window under Xvfb, by real X events: GRUB Invaders is played, and Debian's X desktop is pointed at, clicked and
typed into without the mouse being captured.

    guests_in_window_test.py BANTAM
"""
import os
import pathlib
import re
import sys
import time
import unittest

import qmp_client
import window_test

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "guests"))
import boots  # noqa: E402


class GuestTest(window_test.Desktop):
    def open_guest(self, fetch: str, *machine: str) -> None:
        """`machine`: options, in which GUESTS is where the guests lie."""
        guests = boots.made_ready(fetch, "", self.path)["guests"]
        self.machine = [option.replace("GUESTS", guests) for option in machine]
        self.open("--qmp", f"unix:{self.path}/qmp")
        self.qmp = qmp_client.Client(self.path / "qmp")
        self.addCleanup(self.qmp.close)
        self.qmp.ask("qmp_capabilities")

    def command(self, *more: str) -> list[str]:
        return [window_test.BANTAM, "run", *self.machine, "--audio", "none", *more]

    def shown(self) -> list[bytes]:
        return self.display.pixels(*self.display.geometry(self.window))

    def keep(self, name: str) -> None:
        if folder := os.environ.get("BANTAM_TEST_PICTURES"):
            self.display.write_ppm(pathlib.Path(folder) / name, *self.display.geometry(self.window))


class InvadersTest(GuestTest):
    def ship(self) -> int:
        """The column of its tip."""
        return next((len(row) - 1 for row in self.text().splitlines() if re.fullmatch(" +_", row)), 0)

    def text(self) -> str:
        return self.qmp.monitor("screentext")

    def hold(self, key: str, condition, what: str) -> None:
        self.display.xdotool("keydown", key)
        self.until(condition, what)
        self.display.xdotool("keyup", key)

    def test_is_playable(self) -> None:
        self.open_guest("invaders", "--kernel", "GUESTS/invaders.exec", "--memory", "64M", "--serial", "none")
        self.until(lambda: self.ship() != 0, "the ship is there")
        begun = self.ship()
        self.hold("Left", lambda: self.ship() <= begun - 5, "the ship goes to the left")
        left = self.ship()
        self.hold("Right", lambda: self.ship() >= left + 5, "and to the right")
        monsters = self.text().count("-*-")
        self.keep("invaders.ppm")
        self.hold("space", lambda: self.text().count("-*-") < monsters, "a shot hits")

        # Each turn of the game is to be seen, at an even pace.
        turns, pictures, last_turn, last_picture, times = 0, 0, self.text(), self.shown(), []
        begun = time.monotonic()
        while time.monotonic() < begun + 5:
            turn, picture = self.text(), self.shown()
            if turn != last_turn:
                turns += 1
                times.append(time.monotonic())
            pictures += picture != last_picture
            last_turn, last_picture = turn, picture
        self.assertGreater(turns, 50)
        self.assertGreaterEqual(pictures, turns * 0.9, f"{turns} turns")
        gaps = sorted(b - a for a, b in zip(times, times[1:]))
        self.assertLess(gaps[len(gaps) * 9 // 10], 2.5 * gaps[len(gaps) // 2], f"seconds between turns: {gaps}")


class DesktopTest(GuestTest):
    def serial(self) -> str:
        file = self.path / "serial"
        return file.read_text(errors="replace") if file.exists() else ""

    def point(self, x: int, y: int) -> None:
        """At a dot of the picture, which the window shows as it is."""
        left, top, width, height = self.display.geometry(self.window)
        self.assertEqual((width, height), (1024, 768))
        self.display.xdotool("mousemove", "--sync", left + x, top + y)

    def dark(self, columns: range, rows: range) -> list[int]:
        """The columns of the dark dots."""
        shown = self.shown()
        return [x for y in rows for x in columns if max(shown[y][3 * x:3 * x + 3]) < 64]

    def pupil(self) -> float:
        """How far to the right of its eye's middle the left pupil is."""
        dark = self.dark(range(680, 758), range(110, 210))
        return sum(dark) / len(dark) - 719 if dark else 0

    def test_x_desktop(self) -> None:
        self.open_guest("debian-i386-x", "--disk", "GUESTS/debian-i386-x.img,overlay=temp", "--memory", "512M", "--usb", "tablet", "--serial",
                        f"file:{self.path}/serial")
        self.until(lambda: "bantam: X 1024x768" in self.serial(), "X is there", 400)
        self.until(lambda: "the guest's and yours" in self.title(), "no capture is needed", 60)
        self.point(250, 500)
        self.until(lambda: self.pupil() < -10, "xeyes look to the left")
        self.point(960, 40)
        self.until(lambda: self.pupil() > 10, "xeyes look to the right")
        self.point(200, 200)
        self.until(lambda: len(self.dark(range(114, 120), range(83, 97))) > 60, "the xterm has the keyboard: its cursor is a block")
        self.display.xdotool("type", "--delay", "50", "echo Typed into an xterm >/dev/ttyS0")
        self.press("Return")
        self.keep("desktop.ppm")
        self.until(lambda: "Typed into an xterm" in self.serial(), "the xterm takes what is typed")
        self.point(760, 460)
        self.display.xdotool("click", 1)
        self.until(lambda: re.search(r"ButtonPress event(.*\n)+?.*root:\((759|76[01]),(459|46[01])\)", self.serial()), "the click is where it was")
        self.assertIn("the guest's and yours", self.title(), "a click captured the mouse")


if __name__ == "__main__":
    window_test.BANTAM = sys.argv.pop(1)
    unittest.main()
