#!/usr/bin/env python3
"""GRUB's menu from elsewhere: a browser with noVNC and a VNC client show it dot by dot as it is, a key pressed there moves the bar, and
they show that. GRUB is that of Debian's rescue diskette.

    grub_remote_test.py BANTAM CLIENT        CLIENT: tests/frontend/vnc/client.cpp
"""
import pathlib
import subprocess
import sys
import time
import unittest

import browser
import png_rows
import vnc_test
import web_test

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "guests"))
import boots  # noqa: E402

BANTAM = ""
DOWN, DOWN_KEYSYM, RETURN_KEYSYM = "\ue015", 0xFF54, 0xFF0D  # WebDriver's and X's names of keys


class GrubTest(web_test.Remote):
    def open_menu(self, display: str, *command: str) -> None:
        guests = boots.made_ready("grub-floppy", "", self.path)["guests"]
        self.open([BANTAM, *(command or ["run"]), "--floppy", f"{guests}/grub-floppy.img,overlay=temp", "--boot", "a", "--memory", "64M", "--serial", "none",
                   "--display", display])
        self.until(lambda: self.chosen() == "GNU/Linux", "GRUB's menu", 120)

    def chosen(self) -> str:
        """The entry that GRUB has marked."""
        return next((row.strip(" \u2502*") for row in self.qmp.monitor("screentext").splitlines() if "*" in row[:4]), "")

    def follows_a_key(self, shown, press_down) -> None:
        """What a viewer shows, before and after it has pressed the key."""
        self.until(lambda: shown() == self.guest_screen(), "the menu is shown")
        before = self.guest_screen()
        press_down()
        self.until(lambda: self.chosen() not in ("", "GNU/Linux"), "the key has moved the bar")
        self.until(lambda: shown() == self.guest_screen(), "that is shown")
        rows = {n // 16 for n, (old, new) in enumerate(zip(before, shown())) if old != new}
        self.assertTrue({4, 5} <= rows, f"rows of text that differ: {rows}")

    def test_browser(self) -> None:
        self.open_menu("web:0")
        page = browser.Browser(self.path)
        self.addCleanup(page.close)
        page.open(self.address)
        self.follows_a_key(lambda: self.shown(page), lambda: page.press(DOWN))
        self.assertGreater(len(set(b"".join(png_rows.read(self.keep(page.screenshot()))))), 2, "the page shows more than one colour")

    def test_vnc_client(self) -> None:
        self.open_menu("vnc:0")
        for encodings in (vnc_test.ZRLE, vnc_test.TIGHT):
            viewer = vnc_test.Viewer(self.path, self.port, encodings)
            self.addCleanup(viewer.close)
            viewer.wait_for("connected")
            if encodings == vnc_test.ZRLE:
                self.follows_a_key(viewer.picture, lambda: viewer.stroke(DOWN_KEYSYM))
            else:
                self.until(lambda: viewer.picture() == self.guest_screen(), "a second viewer shows the menu")

    def test_what_a_viewer_types_is_recorded(self) -> None:
        record = self.path / "recorded.toml"
        self.open_menu("vnc:0", "test", "--record", str(record))
        viewer = vnc_test.Viewer(self.path, self.port)
        self.addCleanup(viewer.close)
        viewer.wait_for("connected")
        viewer.stroke(ord("c"))
        self.until(lambda: "grub>" in self.qmp.monitor("screentext"), "the command line")
        time.sleep(2)  # the keys of one second are one step
        for character in "echo For''ty-$root":
            viewer.stroke(ord(character))
            time.sleep(0.1)  # the keyboard keeps sixteen bytes
        viewer.stroke(RETURN_KEYSYM)
        self.until(lambda: "Forty-fd0" in self.qmp.monitor("screentext"), "the answer")
        time.sleep(2)
        viewer.stroke(ord("x"))
        self.until(lambda: self.qmp.monitor("screentext").rstrip().endswith("> x"), "the last key")
        self.qmp.ask("quit")
        self.assertEqual(self.process.wait(timeout=30), 0)
        text = record.read_text()
        steps = [part.strip() for part in text.split("[[step]]")[1:]]
        self.assertEqual(steps[1:], ['type = "c"', 'wait-screen = "grub>"', 'type = "echo For\'\'ty-$$root\\u000A"', 'wait-stable = "500ms"',
                                     'type = "x"'], text)
        done = subprocess.run([BANTAM, "test", record, "--artifacts", self.path / "run"], capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("Forty-fd0", (self.path / "run/recorded/screen.txt").read_text())


if __name__ == "__main__":
    BANTAM, vnc_test.CLIENT = sys.argv.pop(1), sys.argv.pop(1)
    unittest.main()
