#!/usr/bin/env python3
"""Runs `bantam run` with small guests: every exit status, limits, signals, locks on images, outputs that go away."""
import fcntl
import json
import os
import pathlib
import pty
import re
import resource
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest

import guest_image

BANTAM = ""


class Run(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)

    def kernel(self, code: bytes) -> str:
        return guest_image.write_kernel(self.path / f"kernel-{hash(code):x}", code)

    def command(self, code: bytes, *options: str) -> list[str]:
        return [BANTAM, "run", "--kernel", self.kernel(code), "--serial", "none", "--memory", "16M", *options]

    def run_guest(self, code: bytes, *options: str, **more) -> subprocess.CompletedProcess:
        return subprocess.run(self.command(code, *options), capture_output=True, text=True, timeout=60,
                              stdin=subprocess.DEVNULL, check=False, **more)

    def start(self, code: bytes, *options: str, **more) -> subprocess.Popen:
        process = subprocess.Popen(self.command(code, *options), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, **more)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def disk(self) -> pathlib.Path:
        image = self.path / "disk.img"
        image.write_bytes(os.urandom(65536))
        return image

    def wait_until_locked(self, image: pathlib.Path) -> None:
        """Returns when a machine holds the image. Only asks for the lock: a second machine would take it for a moment."""
        flock = struct.Struct("hhqqi4x")  # l_type, l_whence, l_start, l_len, l_pid of Linux on x86-64
        deadline = time.monotonic() + 20
        with open(image, "r+b") as file:
            while flock.unpack(fcntl.fcntl(file, fcntl.F_OFD_GETLK, flock.pack(fcntl.F_WRLCK, 0, 0, 0, 0)))[0] == fcntl.F_UNLCK:
                self.assertLess(time.monotonic(), deadline, "the image was never locked")
                time.sleep(0.01)

    def test_statuses(self) -> None:
        for code, options, status in [
                (guest_image.POWER_OFF, [], 0),
                (guest_image.HALT, [], 76),
                (guest_image.TRIPLE_FAULT, ["--no-reboot"], 76),
                (guest_image.RESET, ["--no-reboot"], 0),
                (guest_image.SPIN, ["--time-limit", "20ms"], 75),
                (guest_image.SPIN, ["--wall-limit", "200ms"], 75),
                (guest_image.SPIN, ["--clock", "real", "--wall-limit", "200ms"], 75),
                (guest_image.IDLE, [], 76),
                (guest_image.debug_exit(0), ["--debug-exit"], 1),
                (guest_image.debug_exit(5), ["--debug-exit"], 11),
        ]:
            with self.subTest(options=options, status=status):
                done = self.run_guest(code, *options)
                self.assertEqual(done.returncode, status, done.stderr)
                self.assertEqual(done.stdout, "")

    def test_lockstep(self) -> None:
        image = self.disk()
        before = image.read_bytes()
        for code, status in [(guest_image.POWER_OFF, 0), (guest_image.HALT, 76), (guest_image.debug_exit(5), 11)]:
            done = self.run_guest(code, "--lockstep", "--debug-exit", "--disk", str(image))
            self.assertEqual((done.returncode, done.stdout), (status, ""), done.stderr)
        self.assertEqual(image.read_bytes(), before)
        self.assertEqual(self.run_guest(guest_image.SPIN, "--lockstep", "--time-limit", "20ms").returncode, 75)
        for refused in (["--clock", "real"], ["--monitor", "stdio"], ["--engine", "interpreter"], ["--serial", "pty"]):
            done = self.run_guest(guest_image.POWER_OFF, "--lockstep", *refused)
            self.assertEqual(done.returncode, 64, refused)
            self.assertIn("--lockstep", done.stderr)

    def test_statistics(self) -> None:
        done = self.run_guest(guest_image.SPIN, "--stats", "--time-limit", "50ms")
        for words in ("guest instructions", "% translated", "time ", "translated code: entered", "handed over:", "TLB misses"):
            self.assertIn(words, done.stderr)
        self.assertEqual(self.run_guest(guest_image.SPIN, "--headless", "--time-limit", "50ms").stderr.count("\n"), 1)  # the limit
        self.assertIn("guest instructions", self.run_guest(guest_image.HALT, "--log", "info").stderr)
        self.assertIn("all interpreted", self.run_guest(guest_image.HALT, "--stats", "--engine", "interpreter").stderr)

    def test_jit_disable(self) -> None:
        names = "links,indirect-table,native-integer,native-stack,native-branches,vector,x87,windows"
        self.assertEqual(self.run_guest(guest_image.HALT, "--jit-disable", names).returncode, 76)
        done = self.run_guest(guest_image.HALT, "--jit-disable", "links,speed")
        self.assertEqual(done.returncode, 64)
        self.assertIn("speed", done.stderr)
        self.assertIn("native-branches", done.stderr)
        self.assertEqual(self.run_guest(guest_image.HALT, "--jit-disable", "links", "--engine", "interpreter").returncode, 64)

    def test_perf_map(self) -> None:
        process = self.start(guest_image.SPIN, "--perf-map", "--time-limit", "50ms", "--jit-threshold", "0")
        path = pathlib.Path(f"/tmp/perf-{process.pid}.map")
        self.addCleanup(path.unlink, missing_ok=True)
        self.assertEqual(process.wait(timeout=60), 75)
        lines = path.read_text().splitlines()
        self.assertTrue(any(re.fullmatch(r"[0-9a-f]+ [0-9a-f]+ guest 0x[0-9a-f]+ cpl0", line) for line in lines), lines)
        self.assertTrue(lines[0].endswith("translator's stubs"))

    def test_debug_exit_needs_its_option(self) -> None:
        self.assertEqual(self.run_guest(guest_image.debug_exit(5) + guest_image.HALT).returncode, 76)

    def test_nothing_to_boot_is_said(self) -> None:
        done = subprocess.run([BANTAM, "run", "--time-limit", "10ms"], capture_output=True, text=True, timeout=60,
                              stdin=subprocess.DEVNULL, check=False)
        self.assertEqual(done.returncode, 75, done.stderr)
        self.assertIn("nothing to boot", done.stderr)

    def test_too_much_memory_is_66(self) -> None:
        limit = 2 << 30
        done = self.run_guest(guest_image.HALT, "--memory", "3G",
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)))
        # ASan cannot start at all in so little address space; it says so itself.
        if "Sanitizer" not in done.stderr:
            self.assertEqual(done.returncode, 66, done.stderr)
            self.assertIn("--memory", done.stderr)

    def test_signals_end_it_with_0_and_free_the_image(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            image = self.disk()
            before = image.read_bytes()
            process = self.start(guest_image.SPIN, "--disk", str(image))
            self.wait_until_locked(image)
            process.send_signal(number)
            self.assertEqual(process.wait(timeout=20), 0, number)
            self.assertEqual(self.run_guest(guest_image.POWER_OFF, "--disk", str(image)).returncode, 0)
            self.assertEqual(image.read_bytes(), before)

    def test_killed_leaves_the_image_whole_and_free(self) -> None:
        image = self.disk()
        before = image.read_bytes()
        process = self.start(guest_image.SPIN, "--disk", str(image))
        self.wait_until_locked(image)
        process.kill()
        process.wait(timeout=20)
        self.assertEqual(self.run_guest(guest_image.POWER_OFF, "--disk", str(image)).returncode, 0)
        self.assertEqual(image.read_bytes(), before)

    def test_two_guests_on_one_image(self) -> None:
        image = self.disk()
        self.start(guest_image.SPIN, "--disk", str(image))
        self.wait_until_locked(image)
        done = self.run_guest(guest_image.POWER_OFF, "--disk", str(image))
        self.assertEqual(done.returncode, 66)
        self.assertIn("disk.img", done.stderr)
        self.assertIn("readonly", done.stderr)

    def test_readers_share_an_image(self) -> None:
        image = self.disk()
        image.chmod(0o444)
        process = self.start(guest_image.SPIN, "--disk", f"{image},readonly")
        done = self.run_guest(guest_image.POWER_OFF, "--disk", f"{image},readonly")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIsNone(process.poll())

    def test_runs_with_drives_are_repeatable(self) -> None:
        """SeaBIOS reads both drives, finds nothing to boot and says so; the images' threads leave no trace in the state."""
        image = self.disk()
        screen = self.path / "screen"
        hashes = set()
        for _ in range(3):
            done = subprocess.run([BANTAM, "run", "--headless", "--serial", "none", "--memory", "16M", "--disk", f"{image},overlay=temp",
                                   "--cdrom", str(image), "--time-limit", "8s", "--print-hash", "--screen-text", str(screen)],
                                  capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL, check=False)
            self.assertEqual(done.returncode, 75, done.stderr)
            self.assertIn("Boot failed: Could not read from CDROM", screen.read_text(encoding="utf-8"))
            hashes.add(done.stdout)
        self.assertEqual(len(hashes), 1, hashes)
        self.assertRegex(hashes.pop(), "state hash [0-9a-f]{16}")

    def test_bad_images_are_65_and_stay_as_they_are(self) -> None:
        odd = self.path / "odd"
        odd.write_bytes(b"x" * 1001)
        empty = self.path / "empty"
        empty.touch()
        for bad in (odd, empty, self.path, self.path / "missing"):
            done = self.run_guest(guest_image.POWER_OFF, "--disk", str(bad))
            self.assertEqual(done.returncode, 65, done.stderr)
            self.assertIn(str(bad), done.stderr)
        self.assertEqual(odd.read_bytes(), b"x" * 1001)
        self.assertFalse((self.path / "missing").exists())

    def test_screen_outputs(self) -> None:
        code = guest_image.write_text("Hello, screen") + guest_image.HALT
        picture = self.path / "screen.png"
        done = self.run_guest(code, "--screen-text", "-", "--screenshot", str(picture))
        self.assertEqual(done.returncode, 76, done.stderr)
        self.assertTrue(done.stdout.startswith("Hello, screen\n"), done.stdout)
        self.assertTrue(picture.read_bytes().startswith(b"\x89PNG\r\n\x1a\n"))
        done = self.run_guest(code, "--screen-text", str(self.path / "no" / "such"))
        self.assertEqual(done.returncode, 66)
        self.assertIn("no/such", done.stderr)

    def test_closed_stdout_is_no_crash(self) -> None:
        reader, writer = os.pipe()
        os.close(reader)
        process = self.start(guest_image.HALT, "--screen-text", "-", stdout=writer)
        os.close(writer)
        self.assertEqual(process.wait(timeout=20), 66)
        self.assertIn("cannot write", process.stderr.read())

    def test_trace(self) -> None:
        code = guest_image.debug_exit(5)
        for options, expected in [
                ("io", r"(?m)^ +1 io write 00f4h 1 bytes 05h "),
                ("insn", rf"(?m)^ +0 0010:{guest_image.LOAD + guest_image.HEADER_BYTES:x} mov +al, 5\n +1 0010:[0-9a-f]+ out +0xf4, al$"),
        ]:
            done = self.run_guest(code, "--debug-exit", "--trace", options)
            self.assertEqual(done.returncode, 11, done.stderr)
            self.assertRegex(done.stderr, expected)

    def test_trace_kinds(self) -> None:
        # mov dx,0CF8h / mov eax,80000000h / out dx,eax / mov dl,0FCh / in eax,dx; read the local APIC's version and RTC's status by
        # IDE's device register and IDENTIFY; then an exception without a table
        code = (bytes.fromhex("66baf80c b800000080 ef b2fc ed 8b0d3000e0fe 66baf601 b0a0 ee 42 b0ec ee") + guest_image.TRIPLE_FAULT)
        for engine in ("interpreter", "jit"):
            done = self.run_guest(code, "--no-reboot", "--trace", "pci,mmio,disk,int,block", "--engine", engine)
            self.assertEqual(done.returncode, 76, done.stderr)
            for expected in (r"(?m)^ +\d+ pci read  00:00.0 00h 4 bytes 12378086h$", r"(?m) mmio read  fee00030h 4 bytes [0-9a-f]{8}h local_apic$",
                             r"(?m) disk ide0 master ech IDENTIFY DEVICE$", r"(?m) int 03h INT3 or INTO at 0010:[0-9a-f]+$",
                             rf"(?m)^ +0 block 0010:{guest_image.LOAD + guest_image.HEADER_BYTES:x}$"):
                self.assertRegex(done.stderr, expected)

    def test_trace_of_the_firmware(self) -> None:
        file = self.path / "trace.json"
        done = subprocess.run([BANTAM, "run", "--headless", "--time-limit", "1s", "--trace", f"bios,irq,from=20ms,count=5,file={file}"],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 75, done.stderr)
        events = json.loads(file.read_text())
        self.assertEqual(len(events), 5)
        for event in events:
            self.assertIn(event["cat"], ("bios", "irq"))
            self.assertGreaterEqual(event["ts"], 20_000)
            self.assertRegex(event["name"], r"^(bios int [0-9a-f]{2}h ax=|irq vector )")

    def test_trace_is_refused(self) -> None:
        for words, says in (("ioo", "cannot trace 'ioo'"), ("from=1s", "say nothing without"), ("io,count=0", "no number of events"),
                            ("io,from=x", "no length of time"), ("io,to=1", "unknown trace option 'to'"), ("io,file=/nowhere/x", "cannot write")):
            done = self.run_guest(guest_image.HALT, "--trace", words)
            self.assertIn(done.returncode, (64, 66))
            self.assertIn(says, done.stderr)

    def test_hash_every(self) -> None:
        """The same lines by both engines, each with the guest time that was asked for."""
        count = bytes.fromhex("ff0500002000 ebf8")  # inc dword [200000h] / jmp back
        outputs = []
        for engine in ("interpreter", "jit", "jit"):
            done = self.run_guest(count, "--time-limit", "45ms", "--clock", "virtual", "--print-hash", "--hash-every", "10ms", "--engine", engine)
            self.assertEqual(done.returncode, 75, done.stderr)
            outputs.append(done.stdout)
        self.assertEqual(outputs[0], outputs[1])
        self.assertEqual(outputs[1], outputs[2])
        lines = re.findall(r"(?m)^(\d+) ns hash ([0-9a-f]{16})$", outputs[0])
        self.assertEqual([int(ns) for ns, _ in lines], [10_000_000, 20_000_000, 30_000_000, 40_000_000])
        self.assertEqual(len({state for _, state in lines}), 4)
        final = re.findall(r"(?m)^state hash [0-9a-f]{16}$", outputs[0])
        self.assertEqual(len(final), 1)
        trace = f"insn,from=21ms,count=3,file={self.path / 'trace'}"
        for who_looks_on in ((), ("--hash-every", "7ms"), ("--trace", trace)):
            done = self.run_guest(count, "--time-limit", "45ms", "--clock", "virtual", "--print-hash", *who_looks_on)
            self.assertEqual(re.findall(r"(?m)^state hash [0-9a-f]{16}$", done.stdout), final, who_looks_on)
        done = self.run_guest(guest_image.IDLE, "--print-hash", "--hash-every", "10ms")
        self.assertEqual(done.returncode, 76, "nothing can wake it")
        for more, says in ((("--hash-every", "1s"), "add --print-hash"), (("--hash-every", "1s", "--print-hash", "--lockstep"), "lockstep")):
            done = self.run_guest(guest_image.HALT, *more)
            self.assertEqual(done.returncode, 64)
            self.assertIn(says, done.stderr)

    def test_trace_that_nobody_reads_ends_it(self) -> None:
        for engine in ("interpreter", "jit"):
            process = self.start(bytes.fromhex("e464 ebfc"), "--trace", "io", "--engine", engine)  # in al,64h; jmp back
            process.stderr.readline()
            process.stderr.close()
            self.assertEqual(process.wait(timeout=20), 66)

    def test_hash_repeats(self) -> None:
        spin = (guest_image.SPIN, "--time-limit", "20ms", "--clock", "virtual", "--print-hash")
        outputs = {self.run_guest(*spin).stdout for _ in range(3)}
        self.assertEqual(len(outputs), 1)
        self.assertRegex(outputs.pop(), "state hash [0-9a-f]{16}")

    def test_terminal_is_restored(self) -> None:
        for ending in (signal.SIGTERM, signal.SIGINT, "keys"):
            leader, follower = pty.openpty()
            before = termios.tcgetattr(follower)
            process = subprocess.Popen([BANTAM, "run", "--kernel", self.kernel(guest_image.IDLE), "--memory", "16M", "--serial", "stdio"],
                                       stdin=follower, stdout=follower, stderr=follower, start_new_session=True)
            deadline = time.monotonic() + 20
            while termios.tcgetattr(follower)[3] & termios.ICANON and time.monotonic() < deadline:
                time.sleep(0.02)
            self.assertFalse(termios.tcgetattr(follower)[3] & termios.ICANON, "the terminal was never raw")
            if ending == "keys":
                os.write(leader, b"\x01x")
            else:
                process.send_signal(ending)
            self.assertEqual(process.wait(timeout=20), 0, ending)
            self.assertEqual(termios.tcgetattr(follower), before, ending)
            os.close(leader)
            os.close(follower)


if __name__ == "__main__":
    BANTAM = sys.argv.pop(1)
    unittest.main()
