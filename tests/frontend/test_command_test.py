#!/usr/bin/env python3
"""`bantam test --stop-at-failure --gdb`: the machine stands at the failure until gdb lets it go on, ends it, or Ctrl-C does; and scenarios
that `bantam test --record` wrote. Machines that are expected to be refused."""
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

import guest_image
import qmp_client

BANTAM = ""


class StopAtFailureTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)
        self.kernel = guest_image.write_kernel(self.path / "kernel", guest_image.write_text("here") + guest_image.SPIN)

    def scenario(self, name: str, steps: str) -> pathlib.Path:
        file = self.path / f"{name}.toml"
        file.write_text(f'[machine]\nkernel = "{self.kernel}"\nmemory = "16M"\n{steps}')
        return file

    def start(self, *words) -> subprocess.Popen:
        process = subprocess.Popen([BANTAM, "test", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def stopped(self, *more) -> tuple[subprocess.Popen, socket.socket]:
        failing = self.scenario("failing", '[[step]]\nwait-screen = "here"\n[[step]]\nexpect-screen = "there"\n')
        process = self.start(failing, "--stop-at-failure", "--gdb", f"unix:{self.path}/gdb", *more)
        self.assertRegex(process.stderr.readline(), r"stopped at the failure after \d+ ns of guest time: line 7: expect-screen")
        self.assertRegex(process.stderr.readline(), "gdb may come")
        client = socket.socket(socket.AF_UNIX)
        self.addCleanup(client.close)
        client.settimeout(20)
        client.connect(f"{self.path}/gdb")
        return process, client

    def ask(self, client: socket.socket, packet: str) -> str:
        client.sendall(f"${packet}#{sum(packet.encode()) % 256:02x}".encode())
        answer = b""
        while b"#" not in answer or len(answer) < answer.index(b"#") + 3:
            answer += client.recv(65536)
        client.sendall(b"+")
        return answer[answer.index(b"$") + 1:answer.index(b"#")].decode()

    def test_gdb_looks_and_ends_it(self) -> None:
        process, client = self.stopped("--artifacts", self.path / "out")
        self.assertEqual(self.ask(client, "mb8000,8"), "6807650772076507")  # "here" in text memory
        self.assertEqual(self.ask(client, f"Z0,{guest_image.LOAD + guest_image.HEADER_BYTES + 36:x},1"), "OK")
        self.assertRegex(self.ask(client, "c"), "^T05")
        client.sendall(b"$k#6b")
        output, _ = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 1)
        self.assertIn("line 7: expect-screen \"there\": the text is not on the screen", output)
        self.assertIn("failed", (self.path / "out/failing/trace.txt").read_text())

    def test_a_signal_ends_it(self) -> None:
        process, _ = self.stopped()
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 1)
        self.assertIn("the text is not on the screen", output)

    def test_what_passes_ends_by_itself(self) -> None:
        passing = self.scenario("passing", '[[step]]\nwait-screen = "here"\n')
        process = self.start(passing, "--stop-at-failure", "--gdb", f"unix:{self.path}/gdb")
        self.assertIn("1 passed", process.communicate(timeout=30)[0])
        self.assertEqual(process.returncode, 0)

    def test_refusals(self) -> None:
        a = self.scenario("a", '[[step]]\nwait-screen = "here"\n')
        for words, says in (((a, "--stop-at-failure"), "go together"), ((a, "--gdb", "tcp:1"), "go together"),
                            ((a, a, "--stop-at-failure", "--gdb", "tcp:1"), "one scenario"),
                            ((a, "--stop-at-failure", "--gdb", "stdio"), "stdio")):
            process = self.start(*words)
            self.assertIn(says, process.communicate(timeout=30)[1])
            self.assertEqual(process.returncode, 64)


class RefusalTest(unittest.TestCase):
    def test_machines_that_cannot_be_built(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            kernel = guest_image.write_kernel(folder / "kernel", guest_image.SPIN)
            file = folder / "refused.toml"
            for memory, words, status, says in (("1M", "at least [0-9]+ MiB", 0, "1 passed"), ("1M", "no disk", 1, "needs at least"),
                                                ("16M", "at least", 1, "the machine could be built")):
                with self.subTest(memory=memory, words=words):
                    file.write_text(f'[machine]\nkernel = "{kernel}"\nmemory = "{memory}"\n[[step]]\nexpect-refusal = "{words}"\n')
                    done = subprocess.run([BANTAM, "test", file], stdout=subprocess.PIPE, text=True, timeout=60, check=False)
                    self.assertEqual(done.returncode, status, done.stdout)
                    self.assertIn(says, done.stdout)


class RecognitionTest(unittest.TestCase):
    def test_without_tesseract_the_package_is_named(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            kernel = guest_image.write_kernel(folder / "kernel", guest_image.SPIN)
            file = folder / "needy.toml"
            file.write_text(f'[machine]\nkernel = "{kernel}"\nmemory = "16M"\n[[step]]\nwait-screen = "x"\nocr = true\n')
            done = subprocess.run([BANTAM, "test", file], stdout=subprocess.PIPE, text=True, timeout=60, check=False,
                                  env={**os.environ, "PATH": name})
            self.assertEqual(done.returncode, 1)
            self.assertIn("install the Debian package tesseract-ocr", done.stdout)


class RecordTest(unittest.TestCase):
    def test_what_is_done_becomes_a_scenario_that_passes(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            # Prints, takes the scan codes of a key, prints, takes those of three keys, and turns itself off.
            take = bytes.fromhex("e464 a801 74fa e460")
            kernel = guest_image.write_kernel(folder / "kernel", guest_image.write_text("login: ") + take * 2
                                              + guest_image.write_text("ready $ ") + take * 8 + guest_image.POWER_OFF)
            (folder / "disc.iso").write_bytes(bytes(65536))
            record = folder / "recorded.toml"
            process = subprocess.Popen([BANTAM, "test", "--record", record, "--headless", "--kernel", kernel, "--memory", "16M", "--cdrom", "none", "--serial", "none",
                                        "--qmp", f"unix:{folder}/qmp", "--audio", f"wav:{folder}/sound.wav", "--print-hash"],
                                       stdout=subprocess.DEVNULL)
            self.addCleanup(process.wait)
            self.addCleanup(process.kill)
            client = qmp_client.Client(folder / "qmp")
            self.addCleanup(client.close)
            client.ask("qmp_capabilities")
            self.until_screen(client, "login:")
            client.ask("human-monitor-command", **{"command-line": f"change ide1-cd0 {folder}/disc.iso"})
            client.ask("human-monitor-command", **{"command-line": "sendkey a"})
            self.until_screen(client, "ready")
            time.sleep(2)  # the keys of one second are one step
            client.ask("system_powerdown")
            for key in ("shift-b", "esc"):
                client.ask("human-monitor-command", **{"command-line": f"sendkey {key}"})
            client.ask("human-monitor-command", **{"command-line": "sendkey c"})
            self.assertEqual(process.wait(timeout=30), 0)
            text = record.read_text()
            steps = [part.strip() for part in text.split("[[step]]")[1:]]
            self.assertEqual(steps, ['wait-screen = "login:"', f'insert = "ide1-cd0={folder}/disc.iso"', 'wait-stable = "500ms"', 'type = "a"',
                                     'wait-screen = "ready $$"', "power-button = true", 'wait-stable = "500ms"', 'type = "B"', 'keys = "esc"',
                                     'type = "c"', "wait-power-off = true"], text)
            done = subprocess.run([BANTAM, "test", record], capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def until_screen(self, client: qmp_client.Client, text: str) -> None:
        for _ in range(600):
            if text in client.ask("human-monitor-command", **{"command-line": "screentext"})["return"]:
                return
            time.sleep(0.05)
        self.fail(f"never on the screen: {text}")


if __name__ == "__main__":
    BANTAM = sys.argv.pop(1)
    unittest.main()
