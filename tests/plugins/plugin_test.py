#!/usr/bin/env python3
"""Plugins: both engines tell the same events in the same order, with guests of tests/system; what plugins change; what is no
plugin; the examples."""
import argparse
import collections
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "frontend"))
import guest_image  # noqa: E402

SOURCES = HERE.parent / "system"
KINDS = "block decoded port event call"
ENGINES = {"interpreter": ["--engine", "interpreter"], "jit": ["--engine", "jit"], "jit at once": ["--engine", "jit", "--jit-threshold", "0"]}
options = argparse.Namespace()


class Plugins(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)

    def run_guest(self, image: pathlib.Path | str, *arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run([options.bantam, "run", "--kernel", str(image), "--memory", "64M", "--headless", "--debug-exit", "--no-reboot",
                               "--serial", "none", "--wall-limit", "50s", *arguments],
                              capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, check=False)

    def run_system(self, name: str, *arguments: str) -> subprocess.CompletedProcess:
        source = (SOURCES / f"{name}.asm").read_text()
        own = re.search(r"^; run: (.*)$", source, re.MULTILINE)
        return self.run_guest(options.images / f"{name}.bin", *(shlex.split(own.group(1)) if own else []), *arguments)

    def events(self, name: str, kinds: str, *arguments: str) -> tuple[int, list[str]]:
        """Exit status and what the plugin has told."""
        file = self.path / "events"
        done = self.run_system(name, "--plugin", f"{options.plugins}/events.so,{file} {kinds}", *arguments)
        self.assertTrue(file.exists(), done.stderr)
        return done.returncode, file.read_text().splitlines()

    def expect_same(self, name: str, kinds: str, *arguments: str) -> list[str]:
        status, first = self.events(name, kinds, *ENGINES["interpreter"], *arguments)
        for engine in ("jit", "jit at once"):
            other_status, other = self.events(name, kinds, *ENGINES[engine], *arguments)
            if other != first:
                at = next((i for i, pair in enumerate(zip(first, other)) if pair[0] != pair[1]), min(len(first), len(other)))
                self.fail(f"{name}, {engine}, event {at}:\n" + "\n".join(first[at - 2:at + 2]) + "\nbut\n" + "\n".join(other[at - 2:at + 2]))
            self.assertEqual(other_status, status, engine)
        return first

    def hash_of(self, name: str, *arguments: str) -> str:
        return self.run_system(name, "--print-hash", *arguments).stdout


class SameEvents(Plugins):
    """One test a guest: see load_tests."""

    def __init__(self, name: str) -> None:
        super().__init__("check")
        self.name = name

    def __str__(self) -> str:
        return f"the same events: {self.name}"

    def check(self) -> None:
        events = self.expect_same(self.name, KINDS)
        kinds = collections.Counter(line.split()[3] for line in events[:-1])
        # Counters count what each execution is told of.
        self.assertEqual(events[-1], f"end {kinds['block']}")
        self.assertGreater(kinds["decoded"], 10)
        self.assertGreaterEqual(kinds["out"], 1)


class Hooks(Plugins):
    def test_memory(self) -> None:
        for name in ("paging_4level", "task_switch", "wide_exchange"):
            with self.subTest(name):
                events = self.expect_same(name, "memory block", "--time-limit", "2ms")
                self.assertGreater(sum(" write " in line for line in events), 100)
                self.assertGreater(sum(" read " in line for line in events), 100)

    def test_memory_is_told_as_it_was(self) -> None:
        # mov dword [200000h], 12345678h; mov al, [200001h]; push eax; exit
        code = bytes.fromhex("c70500002000 78563412 a001002000 bc00003000 50") + guest_image.debug_exit(0)
        file = self.path / "events"
        done = self.run_guest(guest_image.write_kernel(self.path / "kernel", code), "--plugin", f"{options.plugins}/events.so,{file} memory")
        self.assertEqual(done.returncode, 1, done.stderr)
        told = [line.split()[3:] for line in file.read_text().splitlines()]
        self.assertEqual(told[0], ["write", "200000", "200000", "78563412"])
        self.assertEqual(told[1], ["read", "200001", "200001", "56"])
        self.assertEqual(told[2][:3], ["write", "2ffffc", "2ffffc"])
        self.assertEqual(told[2][3][:2], "56")

    def test_registers_may_be_written_at_an_access(self) -> None:
        # mov dword [200000h], "BEND"; mov ecx, 1; mov eax, [200000h]; cmp ecx, 5; jne failed; cmp al, "B"; jne failed; exit
        code = bytes.fromhex("c70500002000 42454e44 b901000000 a100002000 83f905 7508 3c42 7504")
        kernel = guest_image.write_kernel(self.path / "kernel", code + guest_image.debug_exit(0) + guest_image.debug_exit(9))
        for engine, arguments in ENGINES.items():
            with self.subTest(engine):
                self.assertEqual(self.run_guest(kernel, *arguments).returncode, 19)
                done = self.run_guest(kernel, "--plugin", f"{options.plugins}/events.so,{self.path}/events bend", *arguments)
                self.assertEqual(done.returncode, 1, done.stderr)

    def test_ports_may_be_changed(self) -> None:
        # in al, 70h (nobody: FFh); cmp al, 10h; jne failed; cmp edx, 12345678h; jne failed; exit
        code = bytes.fromhex("e471 3c10 750c 81fa78563412 7504") + guest_image.debug_exit(0) + guest_image.debug_exit(9)
        kernel = guest_image.write_kernel(self.path / "kernel", code.replace(b"\xe4\x71", b"\xe4\xee"))
        for engine, arguments in ENGINES.items():
            with self.subTest(engine):
                self.assertEqual(self.run_guest(kernel, *arguments).returncode, 19)
                done = self.run_guest(kernel, "--plugin", f"{options.plugins}/events.so,{self.path}/events change", *arguments)
                self.assertEqual(done.returncode, 1, done.stderr)

    def test_traces_show_changed_values(self) -> None:
        kernel = guest_image.write_kernel(self.path / "kernel", bytes.fromhex("b033 e6ee") + guest_image.debug_exit(0))
        done = self.run_guest(kernel, "--plugin", f"{options.plugins}/events.so,{self.path}/events change", "--trace", f"io,file={self.path}/trace")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("io write 00eeh 1 bytes 55h", (self.path / "trace").read_text())

    def test_events_and_traces_together(self) -> None:
        events = self.expect_same("interrupts32", "event", "--trace", f"int,file={self.path}/trace")
        self.assertEqual(len(events) - 1, len((self.path / "trace").read_text().splitlines()))

    def test_system_calls(self) -> None:
        for name, call in (("syscall64", r"call 2 64 3"), ("sysenter32", r"call 1 32 [03]")):
            with self.subTest(name):
                events = self.expect_same(name, "call")
                self.assertTrue(any(re.search(call, line) for line in events), events)
                self.assertTrue(any(line.endswith("returned") for line in events))

    def test_writing_code_in_a_hook(self) -> None:
        for name in ("interrupts64", "smc"):
            with self.subTest(name):
                events = self.expect_same(name, "block decoded smash")
                self.assertIn("smashed 0 0", events)

    def test_state_stays_the_same(self) -> None:
        for name in ("interrupts64", "v86", "tlb"):
            plain = self.hash_of(name)
            for kinds in (KINDS, "memory"):
                with self.subTest(name, kinds=kinds):
                    self.assertEqual(self.hash_of(name, "--plugin", f"{options.plugins}/events.so,{self.path}/events {kinds}"), plain)

    def test_stop(self) -> None:
        for engine, arguments in ENGINES.items():
            with self.subTest(engine):
                self.assertEqual(self.events("syscall64", "call stop", *arguments)[0], 5)

    def test_several(self) -> None:
        plugin = f"{options.plugins}/events.so"
        done = self.run_system("syscall64", "--plugin", f"{plugin},{self.path}/a block call", "--plugin", f"{plugin},{self.path}/b block decoded")
        self.assertEqual(done.returncode, 1, done.stderr)
        a, b = ((self.path / name).read_text().splitlines() for name in "ab")
        self.assertEqual([line for line in a if " block " in line], [line for line in b if " block " in line])
        done = self.run_system("syscall64", "--plugin", f"{plugin},{self.path}/a decoded", "--plugin", f"{plugin},{self.path}/b decoded")
        self.assertEqual(done.returncode, 64)
        self.assertIn("a block has one counter", done.stderr)
        self.assertEqual([(self.path / name).read_text() for name in "ab"], ["end 0\n"] * 2)

    def test_asked_too_often(self) -> None:
        done = self.run_system("syscall64", "--plugin", f"{options.plugins}/events.so,{self.path}/a block twice")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertEqual(done.stderr.count("a hook can be asked for once"), 2, done.stderr)


class Refused(Plugins):
    def refused(self, plugin: str, status: int = 65, *arguments: str) -> str:
        done = self.run_guest(guest_image.write_kernel(self.path / "kernel", guest_image.debug_exit(0)), "--plugin", plugin, *arguments)
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stderr

    def test_no_file(self) -> None:
        self.assertIn("No such file", self.refused("/nowhere/plugin.so"))
        self.assertIn("./plugin.so", self.refused("plugin.so"))

    def test_no_library(self) -> None:
        (self.path / "text,so").write_text("text")
        self.assertIn("text,so' cannot be loaded", self.refused(f"{self.path}/text,,so"))

    def test_no_plugin(self) -> None:
        self.assertIn("is no plugin: it does not export bantam_plugin_api", self.refused(f"{options.plugins}/nothing.so"))

    def test_newer_version(self) -> None:
        self.assertIn("was built for version 2 of the plugin interface, and this program has versions 1 to 1", self.refused(f"{options.plugins}/newer.so"))

    def test_its_own_refusal(self) -> None:
        self.assertIn("refuses to run with 'FILE refuse'", self.refused(f"{options.plugins}/events.so,FILE refuse".replace("FILE", f"{self.path}/a"))
                      .replace(f"{self.path}/a", "FILE"))

    def test_lockstep(self) -> None:
        self.assertIn("--plugin and --lockstep", self.refused(f"{options.plugins}/events.so,x", 64, "--lockstep"))


class Examples(Plugins):
    def test_coverage(self) -> None:
        """A kernel with line numbers: how often each ran, by lcov's tracefile."""
        source = self.path / "loop.asm"
        source.write_text((HERE / "loop.asm").read_text())
        subprocess.run(["nasm", "-f", "elf32", "-g", "-F", "dwarf", "-o", "loop.o", source], cwd=self.path, check=True)
        subprocess.run(["ld", "-m", "elf_i386", "-N", "-Ttext", "0x100000", "-e", "start", "-o", "loop.elf", "loop.o"], cwd=self.path, check=True)
        lines = source.read_text().splitlines()
        expected = {number: int(match.group(1)) for number, line in enumerate(lines, 1) if (match := re.search(r"; (\d+)$", line))}
        for engine, arguments in ENGINES.items():
            with self.subTest(engine):
                done = self.run_guest(self.path / "loop.elf", "--plugin", f"{options.examples}/coverage.so,{self.path}/coverage", *arguments)
                self.assertEqual(done.returncode, 1, done.stderr)
                script = HERE.parent.parent / "plugins/coverage_to_lcov.py"
                made = subprocess.run([sys.executable, "-B", script, self.path / "coverage", self.path / "loop.elf"],
                                      capture_output=True, text=True, check=False)
                self.assertEqual(made.returncode, 0, made.stderr)
                self.assertIn("SF:", made.stdout)
                counts = {int(line): int(count) for line, count in re.findall(r"^DA:(\d+),(\d+)$", made.stdout, re.MULTILINE)}
                self.assertEqual({line: counts.get(line) for line in expected}, expected)

    def test_coverage_needs_a_file(self) -> None:
        done = self.run_guest(guest_image.write_kernel(self.path / "kernel", guest_image.debug_exit(0)), "--plugin", f"{options.examples}/coverage.so")
        self.assertEqual(done.returncode, 65)
        self.assertIn("write --plugin coverage.so,FILE", done.stderr)

    def test_system_calls(self) -> None:
        file = self.path / "calls"
        done = self.run_system("syscall64", "--plugin", f"{options.examples}/syscalls.so,{file}")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertRegex(file.read_text(), r"^0\.\d{6} [0-9a-f]{8} \w+\(.*\) = ")


def load_tests(loader: unittest.TestLoader, _tests: unittest.TestSuite, _pattern: str | None) -> unittest.TestSuite:
    suite = unittest.TestSuite(SameEvents(source.stem) for source in sorted(SOURCES.glob("*.asm"))
                               if not re.search("^; (boot|floppy|seconds|status): ", source.read_text(), re.MULTILINE))
    for tests in (Hooks, Refused, Examples):
        suite.addTests(loader.loadTestsFromTestCase(tests))
    return suite


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("bantam")
    for name in ("plugins", "examples", "images"):
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
    _, rest = parser.parse_known_args(namespace=options)
    options.bantam = os.path.abspath(options.bantam)
    unittest.main(argv=[sys.argv[0], *rest])
