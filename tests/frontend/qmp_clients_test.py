#!/usr/bin/env python3
"""Controls `bantam run` through QMP clients that others wrote, as Debian packages them: go-qemu and labgrid. Without their packages
it fails (./check installs them)."""
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

import guest_image

BANTAM = ""
CLIENTS = pathlib.Path(__file__).parent / "qmp_clients"
WAIT_FOR_KEY = bytes.fromhex("e464 a801 74fa e460")


class ClientsTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)
        self.kernel = guest_image.write_kernel(self.path / "kernel", guest_image.write_text("Hello") + WAIT_FOR_KEY + guest_image.RESET)

    def succeeds(self, command: list, **options) -> str:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=150, check=False, **options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_go_qemu(self) -> None:
        environment = {**os.environ, "GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOCACHE": str(self.path / "cache"), "GOFLAGS": ""}
        client = self.path / "client"
        self.succeeds(["/usr/bin/go", "build", "-o", client, CLIENTS / "with_go_qemu.go"], env=environment)
        for name, size in (("disk", 1 << 20), ("disc", 65536)):
            (self.path / name).write_bytes(bytes(size))
        socket = self.path / "qmp"
        machine = subprocess.Popen([BANTAM, "run", "--headless", "--kernel", self.kernel, "--memory", "16M", "--serial", "none", "--disk",
                                    self.path / "disk", "--cdrom", self.path / "disc", "--qmp", f"unix:{socket}", "--monitor", "none"])
        self.addCleanup(machine.wait)
        self.addCleanup(machine.kill)
        deadline = time.monotonic() + 30
        while not socket.exists():
            self.assertLess(time.monotonic(), deadline, "no socket")
            time.sleep(0.02)
        self.assertEqual(self.succeeds([client, socket]), "done\n")
        self.assertEqual(machine.wait(timeout=20), 0)

    def test_labgrid(self) -> None:
        said = self.succeeds(["/usr/bin/python3", CLIENTS / "with_labgrid.py", BANTAM, "run", "--headless", "--kernel", self.kernel, "--memory",
                              "16M", "--serial", "none", "--qmp", "stdio", "--paused"])
        self.assertEqual(said, "done\n")


if __name__ == "__main__":
    BANTAM = sys.argv.pop(1)
    unittest.main()
