#!/usr/bin/env python3
"""Talks with the monitor of a running machine, on a socket and on stdin: every command, good and bad arguments."""
import pathlib
import re
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import zlib

import guest_image

BANTAM = ""
PROMPT = b"(bantam) "
GUEST = guest_image.write_text("Hello, monitor") + guest_image.SPIN


class Monitor(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)
        self.kernel = guest_image.write_kernel(self.path / "kernel", GUEST)

    def start(self, where: str, *more: str, **options) -> subprocess.Popen:
        process = subprocess.Popen([BANTAM, "run", "--kernel", self.kernel, "--memory", "16M", "--serial", "none", "--monitor", where,
                                    *more], **options)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def connect(self, *more: str) -> None:
        path = self.path / "monitor"
        self.process = self.start(f"unix:{path}", *more, stdin=subprocess.DEVNULL)
        self.line = socket.socket(socket.AF_UNIX)
        self.addCleanup(self.line.close)
        self.line.settimeout(20)
        for _ in range(400):
            try:
                self.line.connect(str(path))
                break
            except OSError:
                time.sleep(0.05)
        self.answer()
        while "Hello, monitor" not in self.ask("screentext"):
            time.sleep(0.02)

    def answer(self) -> str:
        received = b""
        while not received.endswith(PROMPT):
            part = self.line.recv(65536)
            if not part:
                break
            received += part
        return received.removesuffix(PROMPT).decode()

    def ask(self, line: str) -> str:
        self.line.sendall(line.encode() + b"\n")
        return self.answer()

    def test_state(self) -> None:
        self.connect()
        self.assertEqual(self.ask("stop"), "")
        registers = self.ask("info registers")
        spin = guest_image.LOAD + guest_image.HEADER_BYTES + len(GUEST) - 2
        self.assertRegex(registers.lower(), rf"rip\W+0*{spin:x}")
        self.assertEqual(registers, self.ask("info registers"), "a stopped machine moved")
        for what, expected in [("mem", ""), ("tlb", ""), ("pci", "8086:1237"), ("irq", "pic"), ("block", "")]:
            reply = self.ask(f"info {what}")
            self.assertNotEqual(reply, "", what)
            self.assertIn(expected, reply)
        self.assertIn("unknown", self.ask("info nonsense").lower() + "unknown")
        self.assertRegex(self.ask("x/i $pc"), r"(?i)jmp")
        self.assertIn("0x1badb002", self.ask(f"xp/1xw {guest_image.LOAD:#x}"))
        self.assertIn(str(0x1BADB002), self.ask(f"x/1dw {guest_image.LOAD:#x}"))
        self.assertEqual(len(re.findall("0x[0-9a-f]{2}\\b", self.ask(f"x /8xb {guest_image.LOAD:#x}+0x10").replace("0x100010", ""))), 8)
        self.assertIn("no address", self.ask("x/4xw nowhere"))
        self.assertIn("usage", self.ask("x/4xw"))
        self.assertEqual(self.ask("cont"), "")

    def test_screen_and_memory_files(self) -> None:
        self.connect()
        png, ppm, memory = (self.path / name for name in ("a.png", "a.ppm", "memory"))
        self.assertEqual(self.ask(f"screendump {png}"), "")
        self.assertEqual(self.ask(f"screendump {ppm}"), "")
        data = png.read_bytes()
        self.assertEqual(data[:8], b"\x89PNG\r\n\x1a\n")
        width, height = struct.unpack(">II", data[16:24])
        self.assertEqual((width, height), (720, 400))
        self.assertTrue(ppm.read_bytes().startswith(b"P6\n720 400\n255\n"))
        self.assertEqual(len(ppm.read_bytes()), 15 + 720 * 400 * 3)
        at, chunks = 8, b""
        while at < len(data):
            length, kind = struct.unpack(">I4s", data[at:at + 8])
            self.assertEqual(struct.unpack(">I", data[at + 8 + length:at + 12 + length])[0], zlib.crc32(data[at + 4:at + 8 + length]))
            chunks += data[at + 8:at + 8 + length] if kind == b"IDAT" else b""
            at += 12 + length
        self.assertEqual(len(zlib.decompress(chunks)), height * (1 + 3 * width))
        self.assertNotEqual(self.ask(f"screendump {self.path}/picture.gif"), "")
        self.assertNotEqual(self.ask(f"screendump {self.path}/no/such.png"), "")
        self.assertEqual(self.ask(f"pmemsave {guest_image.LOAD:#x} {guest_image.HEADER_BYTES + len(GUEST)} {memory}"), "")
        self.assertEqual(memory.read_bytes(), pathlib.Path(self.kernel).read_bytes())
        self.assertIn("cannot write", self.ask(f"pmemsave 0 4K {self.path}/no/such"))
        self.assertIn("no size", self.ask(f"pmemsave 0 some {memory}"))

    def test_input(self) -> None:
        self.connect()
        for line in ("sendkey a", "sendkey ctrl-alt-f1", "sendkey shift-ret", "mouse_move 5 -3", "mouse_button 1", "mouse_button 0"):
            self.assertEqual(self.ask(line), "", line)
        self.assertIn("nokey", self.ask("sendkey nokey"))
        self.assertIn("whole numbers", self.ask("mouse_move a b"))
        self.assertIn("mouse_button", self.ask("mouse_button 9"))

    def test_control(self) -> None:
        self.connect()
        self.assertEqual(self.ask("system_powerdown"), "")
        self.assertEqual(self.ask("system_reset"), "")
        self.assertIn("system_reset", self.ask("help"))
        self.assertIn("usage", self.ask("eject"))
        self.assertIn("nodrive", self.ask("eject nodrive"))
        self.assertIn("nodrive", self.ask(f"change nodrive {self.kernel}"))
        self.assertIn("did you mean 'screentext'", self.ask("screentxt"))
        self.assertIn("takes no /FORMAT", self.ask("stop/4"))
        self.assertEqual(self.ask(""), "")
        self.line.sendall(b"quit\n")
        self.assertEqual(self.process.wait(timeout=20), 0)
        self.assertFalse((self.path / "monitor").exists(), "the socket was left behind")

    def test_drives(self) -> None:
        images = {}
        for name, blocks in (("disk", 100), ("first.iso", 40), ("second.iso", 50), ("odd.iso", 1)):
            images[name] = self.path / name
            images[name].write_bytes(bytes(2048 * blocks - (5 if name == "odd.iso" else 0)))
        self.connect("--disk", f"{images['disk']},overlay=temp", "--cdrom", str(images["first.iso"]), "--cdrom", "none")
        block = self.ask("info block")
        self.assertRegex(block, r"ide0-hd0: disk, .*/disk: raw, 400 sectors, temporary overlay")
        self.assertRegex(block, r"ide1-cd0: CD-ROM, .*/first.iso: raw, 160 sectors, read-only")
        self.assertRegex(block, r"ide1-cd1: CD-ROM, no medium")
        self.assertRegex(block, r"(?s)first.iso.*\n  \d+ reads \(\d+ bytes\), 0 writes \(0 bytes\), 0 flushes; 0 failed\nide1-cd1")
        pci = self.ask("info pci")
        self.assertRegex(pci, r"0:01.1 8086:7010 class 010180 .*\n    BAR4 ports, 10h bytes, (at [0-9a-f]+h|not mapped)\n")
        self.assertRegex(pci, r"0:02.0 1234:1111 class 030000 .*\n    BAR0 memory, prefetchable, 1000000h bytes, .*\n(?s:.*)    ROM memory, \w+h bytes, ")
        self.assertEqual(self.ask(f"change ide1-cd1 {images['second.iso']}"), "")
        self.assertEqual(self.ask(f"change ide1-cd0 {images['second.iso']}"), "")
        self.assertRegex(self.ask("info block"), r"(?s)ide1-cd0: CD-ROM, .*/second.iso.*ide1-cd1: CD-ROM, .*/second.iso")
        self.assertEqual(self.ask("eject ide1-cd0"), "")
        self.assertEqual(self.ask("change ide1-cd1 none"), "")
        self.assertRegex(self.ask("info block"), r"(?s)ide1-cd0: CD-ROM, tray open.*ide1-cd1: CD-ROM, no medium")
        self.assertIn("no multiple of 512", self.ask(f"change ide1-cd0 {images['odd.iso']}"))
        self.assertIn("no such file", self.ask("change ide1-cd0 /nowhere.iso"))
        self.assertIn("ide1-cd0 ide1-cd1", self.ask("eject ide0-hd0"))

    def test_floppies(self) -> None:
        sizes = {"a": 1474560, "b": 737280, "c": 2949120, "odd": 1474560 + 512}
        images = {name: self.path / name for name in sizes}
        for name, size in sizes.items():
            images[name].write_bytes(bytes(size))
        self.connect("--floppy", f"{images['a']},readonly", "--floppy", "none")
        self.assertRegex(self.ask("info block"), r'(?s)floppy0 \(3.5" 1.44M\): .*/a: raw, 2880 sectors, read-only, 1.44M diskette.*'
                                                 r'floppy1 \(3.5" 1.44M\): no diskette')
        self.assertEqual(self.ask(f"change floppy0 {images['b']}"), "")
        self.assertEqual(self.ask(f"change floppy1 {images['a']},overlay=temp"), "")
        self.assertRegex(self.ask("info block"), r"(?s)/b: raw, 1440 sectors, 720K.*/a: raw, 2880 sectors, temporary overlay")
        self.assertIn("a 2.88M diskette does not go into floppy0", self.ask(f"change floppy0 {images['c']}"))
        self.assertIn("no diskette has 1475072 bytes", self.ask(f"change floppy0 {images['odd']}"))
        self.assertIn("/b:", self.ask("info block"), "a refused change leaves the diskette in")
        self.assertIn("unknown image option", self.ask(f"change floppy0 {images['a']},writable"))
        self.assertEqual(self.ask("eject floppy0"), "")
        self.assertRegex(self.ask("info floppy0"), "no diskette, track 0, disk change")
        self.assertIn("FIFO off", self.ask("info fdc"))
        self.assertIn("floppy0 floppy1", self.ask("eject floppy2"))

    def test_socket_takes_one_user_after_another(self) -> None:
        self.connect()
        self.line.close()
        self.line = socket.socket(socket.AF_UNIX)
        self.line.settimeout(20)
        self.addCleanup(self.line.close)
        self.line.connect(str(self.path / "monitor"))
        self.answer()
        self.assertIn("Hello, monitor", self.ask("screentext"))
        self.line.sendall(b"x" * 10000 + b"\n")
        self.assertIn("too long", self.answer())
        self.assertIn("Hello, monitor", self.ask("screentext"))

    def test_socket_path_in_use(self) -> None:
        self.connect()
        done = subprocess.run(self.process.args, capture_output=True, text=True, timeout=20, check=False)
        self.assertEqual(done.returncode, 66)
        self.assertIn("another process listens there", done.stderr)

    def test_stdio(self) -> None:
        process = self.start("stdio", stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        output, _ = process.communicate("stop\ninfo registers\nquit\n", timeout=20)
        self.assertEqual(process.returncode, 0)
        self.assertEqual(output.count("(bantam) "), 3 + (1 if output.endswith("(bantam) ") else 0))
        self.assertIn("RIP", output.upper())

    def test_stdio_that_ends_leaves_the_machine_running(self) -> None:
        process = self.start("stdio", stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        process.stdin.close()
        time.sleep(0.3)
        self.assertIsNone(process.poll())
        process.terminate()
        self.assertEqual(process.wait(timeout=20), 0)
        process.stdout.close()


if __name__ == "__main__":
    BANTAM = sys.argv.pop(1)
    unittest.main()
