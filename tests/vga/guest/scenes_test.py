#!/usr/bin/env python3
"""Guests that set every mode of the VGA by its registers: what the screen shows is what the reference draws (replay.cpp), dot by dot,
and what they read from memory is what the reference reads. QEMU runs the same diskette; where it is right, it shows the same."""
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "frontend"))
import qmp_client  # noqa: E402

BANTAM = REPLAY = ""
IMAGE = pathlib.Path()
QEMU = "qemu-system-x86_64"
SIX_BITS = bytes(value >> 2 for value in range(256))

FIVE_BITS = bytes(value >> 3 for value in range(256))
# QEMU makes eight bits of the DAC's six, and of five in 15-bit modes, in ways of its own: not so that full scale is full scale.
QEMU_ROUNDS = {"mode-13h-8-bit-dac": None, "bochs-640x480x8-banked": SIX_BITS, "bochs-640x400x15": FIVE_BITS}

# Where QEMU 7.2 is not right, so that its picture differs from the reference's.
QEMU_DIFFERS = {
    "text-80x25-9": "repeats the eighth dot of B0h-BFh as well; attribute 10h bit 2 is for C0h-DFh",
    "text-40x25": "draws 40 columns 16 dots wide, never 18",
    "text-mono-underline": "draws no underline",
    "text-blinking": "takes attribute bit 7 for a brighter background, blinking or not",
    "text-split": "has no line compare in text modes",
    "text-smooth-scroll": "has no panning, preset row scan or cursor skew",
    "odd-even": "puts odd/even bytes at half their address of the planes",
    "planar-panning": "has no panning",
    "planar-panning-above": "has no panning",
    "planar-count-by-two": "has no CRTC 17h bit 3",
    "planar-tall-rows": "has no preset row scan",
    "mode-13h-dac-mask": "has no effect of the DAC mask",
    "mode-x-scrolled": "has no panning",
    "nibbles-640x240x16": "takes graphics 5 bit 6 alone for 256 colours",
}
# Chained and odd/even bytes lie at other addresses of the planes (divided by four and two) than on a VGA.
QEMU_READS_DIFFER = {"odd-even", "mode-13h-unchained-reads"}


class Ppm:
    def __init__(self, path: pathlib.Path) -> None:
        kind, size, depth, self.rgb = path.read_bytes().split(b"\n", 3)
        assert kind == b"P6" and depth == b"255", path
        self.width, self.height = map(int, size.split())

    def difference(self, other: "Ppm", table: bytes | None = None) -> str:
        """Where `other` differs, seen through a table of component values; empty when nowhere."""
        if (self.width, self.height) != (other.width, other.height):
            return f"{self.width}x{self.height} instead of {other.width}x{other.height}"
        here, there = (p.rgb.translate(table) if table else p.rgb for p in (self, other))
        if here == there:
            return ""
        at = next(i for i, (a, b) in enumerate(zip(here, there)) if a != b) // 3
        dots = sum(here[i:i + 3] != there[i:i + 3] for i in range(0, len(here), 3))
        return (f"{dots} dots differ; the first, {at % self.width},{at // self.width}, is {here[at * 3:at * 3 + 3].hex()} "
                f"instead of {there[at * 3:at * 3 + 3].hex()}")

    def widened(self) -> "Ppm":
        """Every dot twice."""
        wide = Ppm.__new__(Ppm)
        wide.width, wide.height = 2 * self.width, self.height
        doubled = bytearray(2 * len(self.rgb))
        for part in range(3):
            doubled[part::6] = doubled[part + 3::6] = self.rgb[part::3]
        wide.rgb = bytes(doubled)
        return wide


class Guest:
    """A machine with the diskette, its serial line and its QMP."""

    def __init__(self, test: unittest.TestCase, folder: pathlib.Path, command: list[str], server: str) -> None:
        self.folder, serial, qmp = folder, folder / "serial", folder / "qmp"
        command = [*command, "-serial" if server else "--serial", f"unix:{serial}{server}", "-qmp" if server else "--qmp", f"unix:{qmp}{server}"]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        test.addCleanup(self.end)
        self.line = socket.socket(socket.AF_UNIX)
        self.line.settimeout(60)
        for _ in range(600):
            try:
                self.line.connect(str(serial))
                break
            except OSError:
                time.sleep(0.05)
        self.client = qmp_client.Client(qmp)
        self.client.ask("qmp_capabilities")

    def end(self) -> None:
        self.client.close()
        self.line.close()
        self.process.kill()
        self.process.wait()
        self.process.stderr.close()

    def take(self, count: int) -> bytes:
        taken = b""
        while len(taken) < count:
            more = self.line.recv(count - len(taken))
            if not more:
                raise EOFError
            taken += more
        return taken

    def first(self) -> tuple[int, int, bytes]:
        """Starts the program; AX, BX and the block that the video BIOS answered for EDID."""
        self.line.sendall(b"!")
        assert self.take(1) == b"D"
        said = self.take(132)
        return int.from_bytes(said[:2], "little"), int.from_bytes(said[2:4], "little"), said[4:]

    def next_scene(self) -> bytes:
        """Draws a scene; the bytes that it read."""
        self.line.sendall(b"!")
        read = b""
        while (what := self.take(1)) == b"R":
            read += self.take(1)
        assert what == b"P", what
        return read

    def screen(self) -> Ppm:
        path = self.folder / "screen.ppm"
        answer = self.client.ask("screendump", filename=str(path))
        assert answer == {"return": {}}, answer
        return Ppm(path)


class Scenes(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.wanted = pathlib.Path(folder.name)
        lines = subprocess.run([REPLAY, IMAGE, folder.name], capture_output=True, text=True, check=True).stdout.splitlines()
        cls.scenes = [(line.split()[0], line.endswith(" wide")) for line in lines]

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)

    def phases(self, name: str) -> list[Ppm]:
        return [Ppm(path) for path in sorted(self.wanted.glob(f"{name}.?.ppm"))]

    def bantam(self) -> Guest:
        return Guest(self, self.path, [BANTAM, "run", "--headless", "--edid", "--memory", "32M", "--boot", "a", "--floppy", f"{IMAGE},readonly"], "")

    def test_bantam_shows_what_the_reference_draws(self) -> None:
        guest = self.bantam()
        self.check_edid(guest.first())
        for name, _ in self.scenes:
            with self.subTest(name):
                read = guest.next_scene()
                self.assertEqual(read, (self.wanted / f"{name}.bytes").read_bytes(), "read from memory")
                phases = self.phases(name)
                waiting = {picture.rgb for picture in phases}
                give_up = time.monotonic() + 60
                while time.monotonic() < give_up:  # until every phase of what blinks was there
                    shown = guest.screen()
                    differences = [shown.difference(picture) for picture in phases if picture.rgb == shown.rgb] or \
                                  [shown.difference(phases[0])]
                    self.assertEqual(differences[0], "")
                    waiting.discard(shown.rgb)
                    if not waiting:
                        break
                    time.sleep(0.01)  # the guest stands still while a picture is taken
                self.assertFalse(waiting, "a phase of blinking was never seen")

    def check_edid(self, said: tuple[int, int, bytes]) -> None:
        status, _, block = said
        self.assertEqual(status, 0x004F)
        self.assertEqual(block[:8], b"\0\xff\xff\xff\xff\xff\xff\0")
        self.assertEqual(sum(block) % 256, 0)
        width, height = block[56] | (block[58] & 0xF0) << 4, block[59] | (block[61] & 0xF0) << 4
        self.assertEqual((width, height), (1024, 768), "the preferred timing")

    def test_qemu_agrees(self) -> None:
        guest = Guest(self, self.path, [QEMU, "-accel", "tcg", "-display", "none", "-m", "32M", "-net", "none", "-boot", "a",
                                        "-drive", f"if=floppy,format=raw,readonly=on,file={IMAGE}"], ",server=on,wait=off")
        guest.first()
        for name, wide in self.scenes:
            with self.subTest(name):
                read = guest.next_scene()
                agrees = read == (self.wanted / f"{name}.bytes").read_bytes()
                self.assertEqual(agrees, name not in QEMU_READS_DIFFER, "read from memory")
                shown = guest.screen()
                table = QEMU_ROUNDS.get(name, None if name.startswith("bochs-") else SIX_BITS)
                wanted = [picture.widened() if wide else picture for picture in self.phases(name)]
                differences = [shown.difference(picture, table) for picture in wanted]
                if name in QEMU_DIFFERS:
                    self.assertNotIn("", differences, "QEMU is right now")
                else:
                    self.assertIn("", differences, f"the first phase: {differences[0]}")


if __name__ == "__main__":
    BANTAM, REPLAY = sys.argv.pop(1), sys.argv.pop(1)
    IMAGE = pathlib.Path(sys.argv.pop(1))
    unittest.main()
