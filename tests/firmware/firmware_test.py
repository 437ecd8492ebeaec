#!/usr/bin/env python3
"""Runs firmware of our own from flash memory, and option ROMs of our own under SeaBIOS; and what is refused of either."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

BANTAM = ""
IMAGES = pathlib.Path()
ENDED = 33  # of flash_counter: port F4h with 16
BLOCK = 4096


class Firmware(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)

    def bantam(self, *options: str) -> subprocess.CompletedProcess:
        return subprocess.run([BANTAM, "run", "--headless", "--serial", "none", "--memory", "16M", *options], capture_output=True, text=True,
                              errors="replace", timeout=100, stdin=subprocess.DEVNULL, check=False)

    # --- flash memory
    def flash_image(self) -> pathlib.Path:
        image = self.path / "flash.img"
        image.write_bytes((IMAGES / "flash_counter.bin").read_bytes())
        return image

    def start_flash(self, *options: str) -> str:
        """What the counting firmware prints in one start."""
        done = self.bantam("--debugcon", "stdio", "--debug-exit", *options)
        self.assertEqual(done.returncode, ENDED, done.stderr + done.stdout)
        return done.stdout.strip()

    def test_what_the_firmware_programs_is_there_at_the_next_start(self) -> None:
        for engine in ("interpreter", "jit"):
            image = self.flash_image()
            before = image.read_bytes()
            said = [self.start_flash("--flash", str(image), "--engine", engine) for _ in range(3)]
            self.assertEqual(said, ["QRY boot 0", "QRY boot 1", "QRY boot 2"])
            self.assertEqual(image.read_bytes(), bytes(3) + before[3:])
            self.assertEqual(self.start_flash("--flash", str(image), "--engine", engine), "QRY boot 3 erased")
            self.assertEqual(image.read_bytes(), before)

    def test_overlay_forgets_and_readonly_refuses(self) -> None:
        image = self.flash_image()
        before = image.read_bytes()
        for _ in range(2):
            self.assertEqual(self.start_flash("--flash", f"{image},overlay=temp"), "QRY boot 0")
        image.chmod(0o444)
        self.assertEqual(self.start_flash("--flash", f"{image},readonly"), "QRY boot 0 98")  # ready, program error, VPEN low
        self.assertEqual(image.read_bytes(), before)

    def test_a_rom_takes_no_commands(self) -> None:
        rom = self.flash_image()
        # No query, and what is read after "programming" is the array: its first byte, FFh.
        self.assertTrue(self.start_flash("--firmware", str(rom)).endswith(" boot 0 FF"))

    def test_same_run_same_state(self) -> None:
        hashes = {self.start_flash("--flash", f"{self.flash_image()},overlay=temp", "--print-hash") for _ in range(2)}
        self.assertEqual(len(hashes), 1, hashes)

    def test_flash_images_that_do_not_fit(self) -> None:
        def size(name: str, count: int) -> str:
            file = self.path / name
            with open(file, "wb") as image:
                image.truncate(count)
            return str(file)
        for options, status, *words in [
                ([size("odd", 70000)], 65, "odd", "multiple of 512"),
                ([size("half", BLOCK // 2)], 65, "half", "2048 bytes", "multiple of 4096", "firmware's own image"),
                ([size("large", (16 << 20) + BLOCK)], 65, "large", "16777216"),
                ([size("one", 9 << 20), size("two", 8 << 20)], 64, "--flash", "together"),
                ([str(self.path / "missing")], 65, "missing", "no such file", "check the name")]:
            done = self.bantam(*(word for option in options for word in ("--flash", option)))
            self.assertEqual(done.returncode, status, done.stderr)
            for word in words:
                self.assertIn(word, done.stderr)

    def test_one_place_for_the_firmware(self) -> None:
        image = str(self.flash_image())
        for options, word in [(["--firmware", image], "--firmware and --flash"), (["--kernel", image], "--flash is for firmware")]:
            done = self.bantam("--flash", image, *options)
            self.assertEqual(done.returncode, 64, done.stderr)
            self.assertIn(word, done.stderr)

    def test_firmware_of_wrong_size(self) -> None:
        for count, *words in [(70000, "70000", "multiple of 4096"), ((16 << 20) + BLOCK, "larger than"), (0, "empty")]:
            rom = self.path / "rom.bin"
            with open(rom, "wb") as image:
                image.truncate(count)
            done = self.bantam("--firmware", str(rom))
            self.assertEqual(done.returncode, 65, done.stderr)
            for word in ("rom.bin", *words):
                self.assertIn(word, done.stderr)

    # --- option ROMs
    def option_rom(self, name: str, text: str) -> str:
        image = bytearray((IMAGES / "option_rom.bin").read_bytes().replace(b"option rom", text.encode().ljust(10)))
        image[-1] = -sum(image[:-1]) & 0xFF
        file = self.path / name
        file.write_bytes(image)
        return str(file)

    def test_option_roms_run_in_their_order(self) -> None:
        log, screen = self.path / "log", self.path / "screen"
        done = self.bantam("--option-rom", self.option_rom("a.rom", "first"), "--option-rom", self.option_rom("b" * 80 + ".rom", "second"),
                           "--debugcon", f"file:{log}", "--screen-text", str(screen), "--time-limit", "6s")
        self.assertEqual(done.returncode, 75, done.stderr)
        shown = screen.read_text(encoding="utf-8")
        self.assertRegex(log.read_text(encoding="latin-1"), r"(?s)ROM 1: first.*ROM 2: second")
        self.assertRegex(shown, r"(?s)ROM 1: first.*ROM 2: second.*No bootable device")

    def test_a_rom_that_a_bios_would_pass_over_is_refused(self) -> None:
        good = pathlib.Path(self.option_rom("good.rom", "good")).read_bytes()
        for name, image, *words in [("signature", b"MZ" + good[2:], "55h AAh"),
                                    ("short", good[:700], "truncated", "1024 bytes", "700"),
                                    ("length", good[:2] + b"\0" + good[3:], "0 bytes long"),
                                    ("sum", good[:-1] + bytes([good[-1] ^ 1]), "add up to 01h" if not good[-1] & 1 else "add up to FFh".lower()),
                                    ("tiny", b"\x55", "55h AAh")]:
            file = self.path / f"{name}.rom"
            file.write_bytes(image)
            done = self.bantam("--option-rom", str(file))
            self.assertEqual(done.returncode, 65, done.stderr)
            for word in (f"{name}.rom", *words):
                self.assertIn(word, done.stderr)

    def test_option_roms_need_firmware(self) -> None:
        rom = self.option_rom("good.rom", "good")
        done = self.bantam("--option-rom", rom, "--kernel", rom)
        self.assertEqual(done.returncode, 64, done.stderr)
        self.assertIn("--option-rom is for firmware", done.stderr)


if __name__ == "__main__":
    BANTAM = sys.argv.pop(1)
    IMAGES = pathlib.Path(sys.argv.pop(1))
    unittest.main()
