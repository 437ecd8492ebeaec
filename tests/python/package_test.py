#!/usr/bin/env python3
"""The Python package: machines from start to end, what they refuse, scenarios that pass, fail and are wrong."""
import os
import pathlib
import sys
import tempfile
import unittest

import bantam
import guest_image
from bantam.machine import options_of

WAIT_FOR_KEY = bytes.fromhex("e464 a801 74fa e460")


class PackageTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)

    def kernel(self, code: bytes) -> pathlib.Path:
        return pathlib.Path(guest_image.write_kernel(self.path / "kernel", code))

    def start(self, code: bytes, **options) -> bantam.Machine:
        machine = bantam.Machine(kernel=self.kernel(code), memory="16M", **options)
        self.addCleanup(machine.close)
        return machine

    def test_options(self) -> None:
        self.assertEqual(options_of({"no_reboot": True, "debug_exit": False, "disk": ["a", pathlib.Path("b")], "memory": 5}),
                         ["--no-reboot", "--disk", "a", "--disk", "b", "--memory", "5"])

    def test_a_machine_from_start_to_end(self) -> None:
        machine = self.start(guest_image.write_text("Hello, Python") + WAIT_FOR_KEY + guest_image.POWER_OFF)
        self.assertTrue(machine.running)
        machine.stop()
        self.assertFalse(machine.running)
        self.assertEqual(machine.wait_event("STOP").data, {})
        machine.cont()
        self.assertIn("RAX=000000002badb0", machine.monitor("info registers"))
        self.assertEqual(machine.read_memory(guest_image.LOAD, 4), bytes.fromhex("02b0ad1b"))
        machine.screenshot(self.path / "screen.png")
        self.assertTrue((self.path / "screen.png").read_bytes().startswith(b"\x89PNG"))
        machine.send_keys("a")
        self.assertEqual(machine.wait_event("SHUTDOWN").data["reason"], "guest-shutdown")
        self.assertEqual(machine.wait(20), 0)
        with self.assertRaises(EOFError):
            machine.wait_event("RESET")

    def test_a_display(self) -> None:
        machine = self.start(guest_image.SPIN, display="vnc:0")
        self.assertTrue(machine.qmp.execute("query-vnc")["enabled"])
        self.assertTrue(machine.running)
        self.assertEqual(machine.quit(), 0)
        machine = self.start(guest_image.SPIN, display="none")
        self.assertFalse(machine.qmp.execute("query-vnc")["enabled"])

    def test_refusals(self) -> None:
        machine = self.start(guest_image.SPIN)
        with self.assertRaises(bantam.QmpError) as refused:
            machine.qmp.execute("no-such-command")
        self.assertEqual(refused.exception.error_class, "CommandNotFound")
        with self.assertRaises(bantam.QmpError):
            machine.qmp.execute("pmemsave", val=0)
        with self.assertRaisesRegex(bantam.QmpError, "unknown command 'fly'"):
            machine.monitor("fly")
        with self.assertRaises(TimeoutError):
            machine.wait_event(timeout=0.1)
        self.assertEqual(machine.quit(), 0)
        with self.assertRaises(bantam.MachineEnded) as ended:
            bantam.Machine(kernel=self.path / "missing")
        self.assertEqual(ended.exception.status, 65)
        self.assertIn("missing", str(ended.exception))
        with self.assertRaises(FileNotFoundError):
            bantam.Machine(program="/nowhere/bantam")

    def test_a_panic(self) -> None:
        panic = bytes.fromhex("66ba0505 ec e680 b001 ee") + guest_image.SPIN  # in al, 505h / out 80h / out 505h, 1
        machine = self.start(WAIT_FOR_KEY + panic, pvpanic="pause")
        machine.send_keys("a")
        self.assertEqual(machine.wait_event("GUEST_PANICKED").data, {"action": "pause"})
        machine.wait_event("STOP")
        self.assertEqual(machine.qmp.execute("query-status")["status"], "guest-panicked")
        machine.cont()
        self.assertTrue(machine.running)
        machine.quit()
        machine = self.start(WAIT_FOR_KEY + panic, pvpanic="shutdown")
        machine.send_keys("a")
        self.assertEqual(machine.wait_event("GUEST_PANICKED").data, {"action": "poweroff"})
        self.assertEqual(machine.wait_event("SHUTDOWN").data, {"guest": True, "reason": "guest-panic"})
        self.assertEqual(machine.wait(20), 76)
        self.assertIn("panicked", machine.errors())

    def scenario(self, name: str, step: str) -> pathlib.Path:
        file = self.path / f"{name}.toml"
        file.write_text(f'[variables]\nkernel = "none"\n[machine]\nkernel = "${{kernel}}"\nmemory = "16M"\n[[step]]\n{step}\n')
        return file

    def test_scenarios(self) -> None:
        kernel = {"kernel": str(self.kernel(guest_image.write_text("Hello, Python") + guest_image.SPIN))}
        files = [self.scenario("good", 'wait-screen = "Hello"'), self.scenario("bad", 'wait-screen = "Bye"\nlimit = "50ms"')]
        traces = []
        for engine in ("interpreter", "jit"):
            bad, good = bantam.run_scenarios(files, jobs=2, artifacts=self.path / engine, engine=engine, variables=kernel)
            self.assertTrue(good.passed)
            self.assertEqual((good.failure, good.report), ("", ""))
            self.assertFalse(bad.passed)
            self.assertIn("not within 0.050 s", bad.failure)
            self.assertIn("Hello, Python", bad.report)
            traces.append((bad.trace, good.trace))
        self.assertEqual(traces[0], traces[1])
        with self.assertRaisesRegex(bantam.ScenarioError, "wrong.toml:7: unknown key 'wait-scren'; did you mean 'wait-screen'"):
            bantam.run_scenarios([self.scenario("wrong", 'wait-scren = "x"')], variables=kernel)


if __name__ == "__main__":
    os.environ["BANTAM"] = sys.argv.pop(1)
    unittest.main()
