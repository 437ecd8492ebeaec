#!/usr/bin/env python3
"""Runs the program itself: exit statuses and messages for bad usage and bad files, and the texts it generates."""
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest

BANTAM = ""


def run(*arguments: str, **options) -> subprocess.CompletedProcess:
    return subprocess.run([BANTAM, *arguments], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
                          check=False, **options)


class CommandLine(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = pathlib.Path(self.folder.name)

    def fails(self, status: int, *arguments: str, says: str) -> None:
        done = run(*arguments)
        self.assertEqual(done.returncode, status, f"{arguments}: {done.stderr}")
        self.assertIn(says, done.stderr)
        self.assertTrue(done.stderr.startswith("bantam: "), done.stderr)
        self.assertEqual(done.stdout, "")

    def test_recording_is_a_run(self) -> None:
        asked = ("--record", "a.toml", "--memory", "16M", "--print-config")
        self.assertEqual(run("test", *asked).stdout, run("run", *asked).stdout)
        self.assertIn('record = "a.toml"', run("test", *asked).stdout)
        self.assertIn("--record FILE.toml", run("test", "--help").stdout)

    def test_plugins_are_printed_as_they_are_read(self) -> None:
        printed = run("run", "--plugin", "a,,b.so,c,,d=e", "--plugin", "f.so", "--print-config").stdout
        self.assertIn('plugin = ["a,,b.so,c,,d=e", "f.so"]', printed)
        self.fails(64, "run", "--plugin", ",x", says="the plugin's file name is empty")

    def test_texts(self) -> None:
        self.assertRegex(run("--version").stdout, r"^bantam \d+\.\d+\.\d+\n$")
        for arguments in (["--help"], ["help"], ["help", "run"], ["run", "--help"], ["help", "doctor"]):
            done = run(*arguments)
            self.assertEqual(done.returncode, 0, arguments)
            self.assertIn("Exit status:", done.stdout)
            self.assertIn("75", done.stdout)
        self.assertIn("--memory SIZE", run("help", "run").stdout)
        self.assertEqual(run("help", "run").stdout, run("run", "--help").stdout)
        self.assertIn("KVM", run("doctor").stdout)
        self.assertTrue(run("--generate-man").stdout.startswith(".TH BANTAM 1"))
        completion = run("--generate-completion").stdout
        checked = subprocess.run(["bash", "-n"], input=completion, text=True, capture_output=True, check=False)
        self.assertEqual(checked.returncode, 0, checked.stderr)

    def test_output_that_cannot_be_written_is_66(self) -> None:
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([BANTAM, "help"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual(done.returncode, 66)
        self.assertIn("cannot write", done.stderr)

    def test_closed_standard_streams(self) -> None:
        image = self.path / "image"
        image.write_bytes(bytes(512))
        script = 'exec "$0" disassemble "$1" >&- 2>&- <&-'
        subprocess.run(["sh", "-c", script, BANTAM, str(image)], check=False)
        self.assertEqual(image.read_bytes(), bytes(512))

    def test_completion_completes(self) -> None:
        script = run("--generate-completion").stdout + '\nCOMP_WORDS=(bantam run --mem); COMP_CWORD=2; _bantam; echo "${COMPREPLY[@]}"'
        done = subprocess.run(["bash", "-c", script], text=True, capture_output=True, check=True)
        self.assertEqual(done.stdout.strip(), "--memory")

    def test_bad_usage_is_64(self) -> None:
        self.fails(64, says="no command")
        self.fails(64, "runn", says="did you mean 'run'")
        self.fails(64, "run", "--memori", "1G", says="did you mean '--memory'")
        self.fails(64, "run", "--memory", "256", says="256M")
        self.fails(64, "run", "--memory", says="--memory needs a value: --memory SIZE")
        self.fails(64, "run", "--screenshot", "picture.jpg", "--kernel", "k", says=".png")
        self.fails(64, "run", "--time-limit", "soon", says="30s")
        self.fails(64, "run", "--cpu", "z80", "--kernel", "k", says="z80")
        self.fails(64, "run", "--trace", "nonsense", "--kernel", "k", says="nonsense")

    def test_machine_file(self) -> None:
        file = self.path / "pc.toml"
        file.write_text('memory = "64M"\nappend = "a"\nkernel = "k"\n')
        done = run("run", str(file), "--memory", "32M", "--print-config")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn('memory = "32M"', done.stdout)
        self.assertIn('append = "a"', done.stdout)
        again = self.path / "again.toml"
        again.write_text(done.stdout)
        self.assertEqual(run("run", str(again), "--print-config").stdout, done.stdout)
        piped = subprocess.run([BANTAM, "run", "-", "--print-config"], input=done.stdout, text=True, capture_output=True, check=False)
        self.assertEqual(piped.stdout, done.stdout, piped.stderr)
        file.write_text("memroy = '1G'\n")
        self.fails(64, "run", str(file), says="did you mean 'memory'")
        self.fails(65, "run", str(self.path / "missing.toml"), says="missing.toml")
        self.fails(65, "run", str(self.path), says="folder")

    def test_bad_input_files_are_65(self) -> None:
        empty = self.path / "empty"
        empty.touch()
        for bad in (self.path / "missing", empty, self.path):
            self.fails(65, "run", "--kernel", str(bad), "--serial", "none", says=str(bad))
        self.fails(65, "disassemble", str(self.path / "missing"), says="missing")
        self.fails(65, "disassemble", str(self.path), says="ordinary file")

    def test_unreadable_files_are_65(self) -> None:
        unreadable = self.path / "unreadable"
        unreadable.write_bytes(b"x" * 4096)
        unreadable.chmod(0)
        self.path.chmod(0o755)
        # Root reads everything: the program then runs as nobody, started by a descriptor, for its path may be closed to it.
        as_nobody = {"preexec_fn": lambda: os.setuid(65534)} if os.getuid() == 0 else {}
        program = os.open(BANTAM, os.O_RDONLY)
        self.addCleanup(os.close, program)
        for options in (["--kernel", str(unreadable)], ["--firmware", str(unreadable)], ["--disk", str(unreadable)], [str(unreadable)]):
            done = subprocess.run([f"/proc/self/fd/{program}", "run", "--serial", "none", *options], capture_output=True, text=True, timeout=60,
                                  stdin=subprocess.DEVNULL, check=False, pass_fds=[program], **as_nobody)
            self.assertEqual(done.returncode, 65, done.stderr)
            self.assertIn("unreadable", done.stderr)
            self.assertIn("ermission denied", done.stderr)

    def test_disassemble(self) -> None:
        code = self.path / "code"
        code.write_bytes(b"\xcc\x90\xb8\x01\x00\x00\x00\xc3")
        done = run("disassemble", str(code), "--offset", "1", "--bits", "32", "--base", "0x7c00")
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = done.stdout.splitlines()
        self.assertEqual(len(lines), 3, done.stdout)
        self.assertIn("7c00:  90", lines[0])
        self.assertIn("7c01:  b8 01 00 00 00", lines[1])
        self.assertIn("mov", lines[1])
        self.assertIn("ret", lines[2])
        for part in (["--offset", "1"], ["--offset", "2", "--length", "5"], ["--length", "1"], ["--offset", "8"]):
            piped = subprocess.run([BANTAM, "disassemble", "-", *part], input=code.read_bytes(), capture_output=True, check=False)
            self.assertEqual(piped.stdout.decode(), run("disassemble", str(code), *part).stdout)
            self.assertEqual(piped.returncode, 65 if "8" in part else 0, piped.stderr)
        self.fails(65, "disassemble", str(code), "--offset", "8", says="beyond its end")
        self.fails(64, "disassemble", str(code), "--bits", "8", says="16, 32 or 64")

    def test_monitor(self) -> None:
        kernel = self.path / "loop"  # multiboot: header with addresses, then JMP to itself
        at = 0x100000
        kernel.write_bytes(struct.pack("<8I", 0x1BADB002, 0x10000, -(0x1BADB002 + 0x10000) & 0xFFFFFFFF, at, at, 0, 0, at + 32) +
                           b"\xeb\xfe")
        picture = self.path / "screen.png"
        done = subprocess.run([BANTAM, "run", "--headless", "--kernel", str(kernel), "--serial", "none", "--monitor", "stdio",
                               "--wall-limit", "30s"], capture_output=True, text=True, timeout=60, check=False,
                              input=f"xp /2bx 0x100020\nscreendump {picture}\ncont/3\nquit\n")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("0xeb", done.stdout)
        self.assertIn("cont takes no /FORMAT", done.stdout)
        self.assertTrue(picture.read_bytes().startswith(b"\x89PNG"))


if __name__ == "__main__":
    BANTAM = sys.argv.pop(1)
    unittest.main()
