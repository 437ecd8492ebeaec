#!/usr/bin/env python3
"""Talks QMP with `bantam run`: negotiation, every command and event, what is wrong, several clients, all transports; then says the
same to Debian's qemu-system-x86_64 and compares the answers."""
import base64
import json
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest

import guest_image
import qmp_client

BANTAM = ""
# Writes each byte of the keyboard and of the mouse to port E9h, as window_test.py's guest, without its power button.
WAIT_INPUT_EMPTY = bytes.fromhex("e464 a802 75fa")
GUEST = (
    guest_image.write_text("Hello, QMP")
    + bytes.fromhex("b0a8 e664") + WAIT_INPUT_EMPTY
    + bytes.fromhex("b0d4 e664") + WAIT_INPUT_EMPTY + bytes.fromhex("b0f4 e660")
    + bytes.fromhex("e464 a801 74fa 88c4 e460 86c4 2420 e6e9 88e0 e6e9 ebea"))


class QmpTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)
        (self.path / "disc.iso").write_bytes(bytes(65536))
        (self.path / "disk.img").write_bytes(bytes(1 << 20))

    def start(self, *more: str, code: bytes = GUEST, qmp: str | None = None, **options) -> subprocess.Popen:
        kernel = guest_image.write_kernel(self.path / "kernel", code)
        self.heard = self.path / "heard"
        self.process = subprocess.Popen([BANTAM, "run", "--headless", "--kernel", kernel, "--memory", "16M", "--serial", "none",
                                         "--disk", self.path / "disk.img", "--cdrom", self.path / "disc.iso", "--debugcon",
                                         f"file:{self.heard}", "--qmp", qmp or f"unix:{self.path}/qmp", *more], **options)
        self.addCleanup(self.process.wait)
        self.addCleanup(self.process.kill)
        return self.process

    def client(self, *more: str, **options) -> qmp_client.Client:
        self.start(*more, **options)
        return self.another_client()

    def another_client(self) -> qmp_client.Client:
        client = qmp_client.Client(self.path / "qmp")
        self.addCleanup(client.close)
        self.assertEqual(client.ask("qmp_capabilities"), {"return": {}})
        return client

    def until(self, condition, what: str) -> None:
        deadline = time.monotonic() + 30
        while not condition():
            self.assertLess(time.monotonic(), deadline, f"never: {what}")
            time.sleep(0.02)

    def heard_from(self, source: int) -> list[int]:
        data = self.heard.read_bytes() if self.heard.exists() else b""
        return [value for where, value in zip(data[0::2], data[1::2]) if where == source]

    def guest_runs(self) -> None:
        self.until(lambda: 0xFA in self.heard_from(0x20), "the guest has turned its mouse on")

    def failure(self, answer: dict) -> tuple[str, str]:
        self.assertEqual(set(answer["error"]), {"class", "desc"})
        return answer["error"]["class"], answer["error"]["desc"]

    def test_negotiation(self) -> None:
        self.start()
        client = qmp_client.Client(self.path / "qmp")
        self.addCleanup(client.close)
        self.assertEqual(client.greeting["QMP"]["capabilities"], ["oob"])
        self.assertRegex(client.greeting["QMP"]["version"]["package"], r"^bantam \d")
        self.assertEqual(self.failure(client.ask("query-status")),
                         ("CommandNotFound", "Expecting capabilities negotiation with 'qmp_capabilities'"))
        self.assertEqual(self.failure(client.ask("qmp_capabilities", enable=["fast"])),
                         ("GenericError", "Parameter 'null' does not accept value 'fast'"))
        self.assertEqual(client.ask("qmp_capabilities", enable=["oob"]), {"return": {}})
        self.assertEqual(self.failure(client.ask("qmp_capabilities"))[0], "CommandNotFound")
        self.assertEqual(client.send('{"exec-oob": "query-status", "id": 7}'),
                         {"id": 7, "error": {"class": "GenericError", "desc": "The command query-status does not support OOB"}})

    def test_input_in_every_shape(self) -> None:
        client = self.client()
        client.writer.write(b'{"execute": "query-status", "id": 1}{"execute":\n"query-name",\n "id": [2]} {\'execute\': \'stop\', \'id\': "3"}')
        self.assertEqual(client.read()["id"], 1)
        self.assertEqual(client.read(), {"id": [2], "return": {}})
        self.assertEqual(client.read()["event"], "STOP")
        self.assertEqual(client.read(), {"id": "3", "return": {}})
        for text in ("}", "nonsense", "[}", '{"execute": "query-status",}', '"\\""', "[" * 2000 + "{}"):
            self.assertEqual(client.send(text)["error"]["class"], "GenericError", text)

    def test_status_and_events(self) -> None:
        client = self.client()
        self.guest_runs()
        self.assertEqual(client.ask("query-status")["return"], {"running": True, "singlestep": False, "status": "running"})
        self.assertEqual(client.ask("stop"), {"return": {}})
        self.assertEqual(client.ask("stop"), {"return": {}})
        self.assertEqual([event["event"] for event in client.events], ["STOP"], "one for two")
        self.assertEqual(client.ask("query-status")["return"]["status"], "paused")
        self.assertLess(abs(client.event("STOP")["timestamp"]["seconds"] - time.time()), 60)
        self.assertEqual(client.ask("cont"), {"return": {}})
        client.event("RESUME")
        client.ask("system_powerdown")
        client.event("POWERDOWN")
        client.ask("system_reset")
        self.assertEqual(client.event("RESET")["data"], {"guest": False, "reason": "host-qmp-system-reset"})
        self.assertEqual(self.failure(client.ask("system_wakeup"))[0], "GenericError")
        self.assertEqual(client.ask("quit"), {"return": {}})
        self.assertEqual(client.event("SHUTDOWN")["data"], {"guest": False, "reason": "host-qmp-quit"})
        self.assertEqual(self.process.wait(timeout=20), 0)
        self.assertFalse((self.path / "qmp").exists(), "the socket was left behind")

    def test_a_machine_that_waits(self) -> None:
        client = self.client("--paused")
        self.assertEqual(client.ask("query-status")["return"]["status"], "prelaunch")
        client.ask("cont")
        self.guest_runs()
        client.ask("stop")
        self.assertEqual(client.ask("query-status")["return"]["status"], "paused")

    def test_the_guest_ends_the_machine(self) -> None:
        for code, more, reason, status in ((guest_image.POWER_OFF, (), "guest-shutdown", 0),
                                           (guest_image.TRIPLE_FAULT, ("--no-reboot",), "guest-reset", 76),
                                           (guest_image.RESET, ("--no-reboot",), "guest-reset", 0)):
            wait_for_key = bytes.fromhex("e464 a801 74fa e460")
            client = self.client(*more, code=wait_for_key + code)
            client.ask("send-key", keys=[{"type": "qcode", "data": "a"}])
            self.assertEqual(client.event("SHUTDOWN")["data"], {"guest": True, "reason": reason})
            self.assertEqual(self.process.wait(timeout=20), status)

    def test_a_guests_reset_and_a_signal(self) -> None:
        wait_for_key = bytes.fromhex("e464 a801 74fa e460")
        client = self.client(code=wait_for_key + guest_image.RESET)
        client.ask("send-key", keys=[{"type": "qcode", "data": "a"}])
        self.assertEqual(client.event("RESET")["data"], {"guest": True, "reason": "guest-reset"})
        self.process.terminate()
        self.assertEqual(client.event("SHUTDOWN")["data"], {"guest": False, "reason": "host-signal"})
        self.assertEqual(self.process.wait(timeout=20), 0)

    def test_keys(self) -> None:
        client = self.client()
        self.guest_runs()
        client.ask("send-key", keys=[{"type": "qcode", "data": "shift"}, {"type": "number", "data": 0x1E}], hold_time=30)
        self.until(lambda: self.heard_from(0) == [0x2A, 0x1E, 0x9E, 0xAA], "a chord")
        client.ask("send-key", keys=[{"type": "number", "data": 0xCD}])
        self.until(lambda: self.heard_from(0)[4:] == [0xE0, 0x4D, 0xE0, 0xCD], "a prefixed key by its number")
        down = lambda key, pressed: {"type": "key", "data": {"down": pressed, "key": {"type": "qcode", "data": key}}}
        client.ask("input-send-event", events=[down("b", True), down("b", False)])
        self.until(lambda: self.heard_from(0)[8:] == [0x30, 0xB0], "single events")
        for keys in ([{"type": "qcode", "data": "nokey"}], [{"type": "number", "data": 0x7FFF}]):
            self.assertRegex(self.failure(client.ask("send-key", keys=keys))[1], "does not accept value")
        self.assertRegex(self.failure(client.ask("send-key", keys=[], hold_time=-1))[1], "hold-time")

    def test_mouse(self) -> None:
        client = self.client()
        self.guest_runs()
        self.assertEqual([mouse["current"] for mouse in client.ask("query-mice")["return"]], [True, False])
        event = lambda kind, **data: {"type": kind, "data": data}
        client.ask("input-send-event", events=[event("rel", axis="x", value=5), event("rel", axis="y", value=3),
                                               event("btn", button="right", down=True)])
        self.until(lambda: [0x2A, 5, 0xFD] in [self.heard_from(0x20)[i:i + 3] for i in range(1, 12)], "movement with the button down")
        self.assertEqual(self.failure(client.ask("input-send-event", events=[event("abs", axis="x", value=5)])),
                         ("GenericError", "Input handler not found for event type abs"))
        self.assertEqual(self.failure(client.ask("input-send-event", events=[event("abs", axis="z", value=5)]))[1],
                         "Parameter 'axis' does not accept value 'z'")
        client.ask("stop")
        self.assertEqual(self.failure(client.ask("input-send-event", events=[]))[1], "VM not running")

    def test_screendump(self) -> None:
        client = self.client()
        self.assertEqual(client.ask("screendump", filename=f"{self.path}/a"), {"return": {}})
        self.assertTrue((self.path / "a").read_bytes().startswith(b"P6\n720 400\n255\n"))
        self.assertEqual(client.ask("screendump", filename=f"{self.path}/b", format="png"), {"return": {}})
        self.assertTrue((self.path / "b").read_bytes().startswith(b"\x89PNG"))
        self.assertRegex(self.failure(client.ask("screendump", filename=f"{self.path}/no/such"))[1], "No such file")
        self.assertEqual(self.failure(client.ask("screendump", filename="x", device="d"))[0], "DeviceNotFound")

    def test_memory(self) -> None:
        client = self.client()
        self.guest_runs()
        client.ask("pmemsave", val=0xB8000, size=20, filename=f"{self.path}/p")
        self.assertEqual((self.path / "p").read_bytes()[0::2], b"Hello, QMP")
        client.ask("memsave", val=0xB8000, size=3 << 20, filename=f"{self.path}/l")
        self.assertEqual((self.path / "l").read_bytes()[:20], (self.path / "p").read_bytes())
        self.assertEqual((self.path / "l").stat().st_size, 3 << 20)
        self.assertRegex(self.failure(client.ask("memsave", val=0, size=-1, filename=f"{self.path}/l"))[1], "^Invalid addr")
        self.assertEqual(self.failure(client.ask("memsave", val=0, size=1, filename="x", cpu_index=1))[1],
                         "Parameter 'cpu-index' expects a CPU number")

    def test_drives(self) -> None:
        client = self.client()
        drives = {drive["device"]: drive for drive in client.ask("query-block")["return"]}
        self.assertEqual(set(drives), {"ide0-hd0", "ide1-cd0"})
        self.assertEqual(drives["ide0-hd0"]["inserted"]["image"]["virtual-size"], 1 << 20)
        self.assertEqual(drives["ide1-cd0"]["inserted"]["file"], str(self.path / "disc.iso"))
        self.assertEqual(client.ask("eject", device="ide1-cd0"), {"return": {}})
        self.assertEqual(client.event("DEVICE_TRAY_MOVED")["data"],
                         {"device": "ide1-cd0", "id": "/machine/ide1-cd0", "tray-open": True})
        drive = client.ask("query-block")["return"][1]
        self.assertTrue(drive["tray_open"])
        self.assertNotIn("inserted", drive)
        self.assertRegex(self.failure(client.ask("blockdev-change-medium", device="ide1-cd0", filename="/no/such"))[1], "no such file")
        answer = client.ask("blockdev-change-medium", id=drive["qdev"], filename=f"{self.path}/disc.iso")
        self.assertEqual(answer, {"return": {}})
        self.assertFalse(client.event("DEVICE_TRAY_MOVED")["data"]["tray-open"])
        self.assertTrue(client.ask("query-block")["return"][1]["inserted"]["ro"])
        self.assertEqual(self.failure(client.ask("eject", device="ide0-hd0"))[1], "Device 'ide0-hd0' is not removable")
        self.assertEqual(self.failure(client.ask("eject", device="none"))[0], "DeviceNotFound")
        self.assertEqual(self.failure(client.ask("eject"))[1], "Need exactly one of 'device' and 'id'")
        self.assertEqual(self.failure(client.ask("blockdev-change-medium", device="ide1-cd0", filename="x", format="qcow2"))[1],
                         "Unknown driver 'qcow2'")

    def test_block_statistics(self) -> None:
        # Reads a sector and writes it back: LBA 1, READ SECTORS (20h), 256 words; WRITE SECTORS (30h); FLUSH CACHE (E7h).
        select = bytes.fromhex("66baf601 b0e0 ee 66baf201 b001 ee 66baf301 b001 ee 66baf401 b000 ee 66baf501 b000 ee")
        wait_data = bytes.fromhex("66baf701 eca808 74fb")
        wait_idle = bytes.fromhex("66baf701 eca880 75fb")
        command = lambda code: bytes.fromhex("66baf701 b0") + bytes([code, 0xEE])
        words = bytes.fromhex("66baf001 b900010000")
        code = (select + command(0x20) + wait_data + words + bytes.fromhex("bf00002000 f3666d") + select + command(0x30) + wait_data
                + words + bytes.fromhex("be00002000 f3666f") + wait_idle + command(0xE7) + wait_idle + bytes.fromhex("b0aa e6e9 ebfe"))
        client = self.client(code=code)
        self.until(lambda: self.heard.exists() and self.heard.read_bytes() == b"\xaa", "the guest is through")
        stats = client.ask("query-blockstats")["return"][0]["stats"]
        self.assertEqual([stats[name] for name in ("rd_operations", "rd_bytes", "wr_operations", "wr_bytes", "wr_highest_offset")],
                         [1, 512, 1, 512, 1024])
        self.assertEqual(stats["flush_operations"], 1)

    def test_what_the_machine_is(self) -> None:
        client = self.client()
        value = lambda command: client.ask(command)["return"]
        self.assertEqual(value("query-cpus-fast")[0]["cpu-index"], 0)
        self.assertEqual(value("query-chardev"), [{"label": "serial0", "filename": "null", "frontend-open": True}])
        self.assertIn("pentium", [model["name"] for model in value("query-cpu-definitions")])
        self.assertEqual(value("query-machines")[0]["name"], "pc")
        functions = {(f["slot"], f["function"]): f for f in value("query-pci")[0]["devices"]}
        self.assertEqual(functions[0, 0]["id"]["vendor"], 0x8086)
        self.assertEqual([region["size"] for region in functions[1, 1]["regions"]], [16])
        self.assertEqual(set(command["name"] for command in value("query-commands")),
                         set(entity["name"] for entity in value("query-qmp-schema") if entity["meta-type"] == "command"))
        self.assertIn("RIP=", client.send(json.dumps({"execute": "human-monitor-command",
                                                      "arguments": {"command-line": "info registers"}}))["return"])
        for command in ("query-name", "query-uuid", "query-kvm", "query-target", "query-vnc", "query-iothreads"):
            self.assertIn("return", client.ask(command))

    def check_by_schema(self, entities: dict, value, name: str, path: str) -> None:
        entity = entities[name]
        kind = entity["meta-type"]
        if kind == "builtin":
            types = {"string": str, "int": int, "boolean": bool, "value": object}
            self.assertIsInstance(value, types[entity["json-type"]], path)
            self.assertFalse(entity["json-type"] == "int" and isinstance(value, bool), path)
        elif kind == "enum":
            self.assertIn(value, entity["values"], path)
        elif kind == "array":
            self.assertIsInstance(value, list, path)
            for index, element in enumerate(value):
                self.check_by_schema(entities, element, entity["element-type"], f"{path}[{index}]")
        else:
            members = {member["name"]: member for member in entity["members"]}
            self.assertLessEqual(set(value), set(members), path)
            for member in members.values():
                if member["name"] in value:
                    self.check_by_schema(entities, value[member["name"]], member["type"], f"{path}.{member['name']}")
                else:
                    self.assertIn("default", member, f"{path}.{member['name']} is missing")

    def test_answers_are_what_the_schema_says(self) -> None:
        client = self.client()
        entities = {entity["name"]: entity for entity in client.ask("query-qmp-schema")["return"]}
        client.ask("chardev-add", id="ring", backend={"type": "ringbuf", "data": {"size": 64}})
        arguments = {"human-monitor-command": {"command-line": "info block"}, "ringbuf-read": {"device": "ring", "size": 4}}
        with_data = 0
        for name, entity in entities.items():
            if entity["meta-type"] != "command" or not (name.startswith("query-") or name in arguments):
                continue
            answer = json.loads(json.dumps(client.send(json.dumps({"execute": name, "arguments": arguments.get(name, {})}))))
            self.check_by_schema(entities, answer["return"], entity["ret-type"], name)
            with_data += 1
        self.assertGreater(with_data, 18)
        for name in ("stop", "cont", "chardev-remove"):
            self.assertEqual(entities[entities[name]["ret-type"]]["members"], [])

    def test_the_schema_holds_together(self) -> None:
        schema = self.client().ask("query-qmp-schema")["return"]
        entities = {entity["name"]: entity for entity in schema}
        self.assertEqual(len(entities), len(schema), "a name twice")
        for entity in schema:
            named = [entity[key] for key in ("arg-type", "ret-type", "element-type") if key in entity]
            named += [member["type"] for member in entity.get("members", []) if "type" in member]
            named += [variant["type"] for variant in entity.get("variants", [])]
            self.assertEqual([name for name in named if name not in entities], [], entity["name"])

    def test_what_the_host_refuses_is_counted(self) -> None:
        def out(port: int, value: int) -> bytes:
            return b"\x66\xba" + port.to_bytes(2, "little") + b"\xb0" + bytes([value]) + b"\xee"

        wait_for_key = bytes.fromhex("e464 a801 74fa e460")
        read_sector = out(0x1F2, 1) + out(0x1F3, 5) + out(0x1F4, 0) + out(0x1F5, 0) + out(0x1F6, 0xE0) + out(0x1F7, 0x20)
        wait_not_busy = bytes.fromhex("66baf701 ec a880 75fb")
        take_data = bytes.fromhex("66baf001 b900010000 bf00000200 fc 66f36d")  # 256 words to 20000h: only then it takes another command
        read = read_sector + wait_not_busy + take_data
        client = self.client(code=wait_for_key + read + wait_for_key + wait_for_key + read + guest_image.SPIN)  # pressed, released, pressed

        def counts(key: str) -> tuple:
            stats = client.ask("query-blockstats")["return"][0]["stats"]
            return tuple(stats[f"{key}{name}"] for name in ("rd_operations", "wr_operations", "flush_operations")) + (stats["rd_bytes"],)

        client.ask("send-key", keys=[{"type": "qcode", "data": "a"}])
        self.until(lambda: counts("") == (1, 0, 0, 512), "a read")
        (self.path / "disk.img").write_bytes(b"")  # it ends before that sector now
        client.ask("send-key", keys=[{"type": "qcode", "data": "b"}])
        self.until(lambda: counts("failed_") == (1, 0, 0, 512), "a failure")
        self.assertEqual(counts(""), (1, 0, 0, 512))

    def test_rings(self) -> None:
        client = self.client()
        add = lambda size: client.ask("chardev-add", id="r", backend={"type": "ringbuf", "data": {"size": size}})
        self.assertRegex(self.failure(add(24))[1], "power of two")
        self.assertEqual(add(16), {"return": {}})
        self.assertRegex(self.failure(add(16))[1], "already exists")
        client.ask("ringbuf-write", device="r", data="x" * 16)
        client.ask("ringbuf-write", device="r", data=base64.b64encode(b"\x00\xff!?").decode(), format="base64")
        self.assertEqual(client.ask("ringbuf-read", device="r", size=12)["return"], "x" * 12)
        self.assertEqual(base64.b64decode(client.ask("ringbuf-read", device="r", size=99, format="base64")["return"]), b"\x00\xff!?")
        self.assertRegex(self.failure(client.ask("ringbuf-write", device="r", data="?", format="base64"))[1], "Base64")
        self.assertIn("r", [device["label"] for device in client.ask("query-chardev")["return"]])
        self.assertEqual(client.ask("chardev-remove", id="r"), {"return": {}})
        self.assertRegex(self.failure(client.ask("ringbuf-read", device="r", size=1))[1], "not found")
        logged = {"type": "ringbuf", "data": {"logfile": "x"}}
        self.assertRegex(self.failure(client.ask("chardev-add", id="s", backend=logged))[1], "logfile' is unexpected")
        self.assertRegex(self.failure(client.ask("chardev-add", id="s", backend={"type": "tty", "data": {}}))[1], "does not accept")

    def test_several_clients(self) -> None:
        first = self.client()
        second = self.another_client()
        unready = qmp_client.Client(self.path / "qmp")
        self.addCleanup(unready.close)
        first.ask("stop")
        self.assertEqual(second.event("STOP")["event"], "STOP", "what one does, all are told")
        self.assertEqual(second.ask("query-status", id=1)["error"]["class"], "GenericError", "each has answers to itself")
        self.assertEqual(first.ask("query-status")["return"]["status"], "paused")
        first.close()
        second.ask("cont")
        self.assertEqual(second.events[0]["event"], "RESUME")
        self.assertEqual(unready.ask("qmp_capabilities"), {"return": {}})
        self.assertEqual(unready.events, [], "nothing before it was ready")
        third = self.another_client()
        self.assertEqual(third.ask("query-status")["return"]["status"], "running")
        for client in (second, third):
            client.close()
        taken = [BANTAM, "run", "--headless", "--qmp", f"unix:{self.path}/qmp"]
        done = subprocess.run(taken, capture_output=True, text=True, timeout=20, check=False)
        self.assertEqual(done.returncode, 66)
        self.assertIn("another process listens there", done.stderr)

    def test_standard_input(self) -> None:
        process = self.start(qmp="stdio", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        said, _ = process.communicate(b'{"execute":"qmp_capabilities"}\n{"execute":"quit"}', timeout=20)
        self.assertEqual([next(iter(json.loads(line))) for line in said.splitlines()], ["QMP", "return", "data", "return"])
        self.assertEqual(process.returncode, 0)

    def test_tcp(self) -> None:
        process = self.start(qmp="tcp:127.0.0.1:0", stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.stderr.close)
        port = int(re.fullmatch(r"bantam: listening on tcp:127.0.0.1:(\d+)\n", process.stderr.readline())[1])
        with socket.create_connection(("127.0.0.1", port), timeout=20) as line:
            self.assertTrue(line.makefile().readline().startswith('{"QMP"'))
        taken = [BANTAM, "run", "--headless", "--qmp", f"tcp:127.0.0.1:{port}"]
        done = subprocess.run(taken, capture_output=True, text=True, timeout=20, check=False)
        self.assertEqual(done.returncode, 66)
        self.assertIn("choose another port", done.stderr)
        for place, status, cause in (("tcp:0.0.0.0:0", 64, "ssh"), ("tcp:127.0.0.1:70000", 64, "no place to listen"),
                                     ("tcp:no.such.host.invalid:1", 66, "no.such.host.invalid"), ("udp:x", 64, "no place to listen")):
            done = subprocess.run([BANTAM, "run", "--headless", "--qmp", place], capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(done.returncode, status, place)
            self.assertIn(cause, done.stderr)

    def test_a_client_that_does_not_listen(self) -> None:
        self.start()
        deaf = socket.socket(socket.AF_UNIX)
        self.addCleanup(deaf.close)
        self.until(lambda: (self.path / "qmp").exists(), "the socket")
        deaf.connect(str(self.path / "qmp"))
        deaf.settimeout(1)
        request = b'{"execute":"qmp_capabilities"}' + b'{"execute":"query-qmp-schema"}' * 20_000
        try:
            while True:
                deaf.sendall(request)
        except OSError:  # dropped, or as much of it waits as is kept
            pass
        deaf.close()
        self.assertEqual(self.another_client().ask("query-status")["return"]["status"], "running")


    # --- bantam ctl

    def control(self, *words: object, status: int = 0) -> str:
        done = subprocess.run([BANTAM, "ctl", *words], capture_output=True, text=True, timeout=30, check=False)
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stderr if status else done.stdout

    def test_control_by_hand(self) -> None:
        self.start()
        self.until(lambda: (self.path / "qmp").exists(), "the socket")
        self.guest_runs()
        qmp = self.path / "qmp"
        self.assertIn('"status": "running"', self.control(qmp, "query-status"))
        self.assertEqual(self.control(f"unix:{qmp}", "pmemsave", "val=753664", "size=20", f"filename={self.path}/p"), "")
        self.assertEqual((self.path / "p").read_bytes()[0::2], b"Hello, QMP")
        self.assertIn("Hello, QMP", self.control(qmp, "screentext"), "a command of the monitor's")
        self.assertRegex(self.control(qmp, "info", "registers"), "RIP=")
        self.assertEqual(self.control(qmp, "eject", "ide1-cd0"), "", "the monitor's form of a command that both have")
        self.assertIn("not removable", self.control(qmp, "eject", "device=ide0-hd0", status=64))
        self.assertIn("unknown command 'fly'", self.control(qmp, "fly", status=64))
        self.assertIn("usage: info WHAT", self.control(qmp, "info", status=64))
        self.assertIn("needs the path", self.control(status=64))
        self.assertIn("--qmp unix:", self.control(self.path / "none", "quit", status=66))
        self.assertIn("--qmp tcp:", self.control("tcp:127.0.0.1:1", "quit", status=66))
        followers = [subprocess.Popen([BANTAM, "ctl", qmp, "events"], stdout=subprocess.PIPE, text=True) for _ in range(2)]
        for follow in followers:
            self.addCleanup(follow.stdout.close)
            self.addCleanup(follow.wait)
            self.addCleanup(follow.kill)
        time.sleep(0.2)
        self.control(qmp, "stop")  # they do not stand in the way of who has something to say
        self.control(qmp, "cont")
        self.process.terminate()
        for follow in followers:
            self.assertEqual([json.loads(follow.stdout.readline())["event"] for _ in range(3)], ["STOP", "RESUME", "SHUTDOWN"])
            self.assertEqual(follow.wait(timeout=20), 0)
        self.assertEqual(self.process.wait(timeout=20), 0)

    def test_control_of_something_else(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            wrong = subprocess.Popen([BANTAM, "ctl", f"tcp:127.0.0.1:{server.getsockname()[1]}", "stop"], stderr=subprocess.PIPE, text=True)
            client, _ = server.accept()
            client.sendall(b"220 mail.example ready\r\n")
            self.assertIn("does not talk QMP", wrong.communicate(timeout=20)[1])
            self.assertEqual(wrong.returncode, 66)
            client.close()


class ReferenceTest(unittest.TestCase):
    """The same talk with QEMU."""
    # Errors of these must be equal word by word; of the answers, ours must have what QEMU's schema calls mandatory.
    TALK = [
        '{"execute":"query-status"}', '{"execute":"qmp_capabilities","arguments":{"enable":["fast"]}}', '{"execute":"qmp_capabilities"}',
        '{"execute":"qmp_capabilities"}', '{"execute":"query-version"}', '{"execute":"query-status"}', '{"execute":"query-name"}',
        '{"execute":"query-uuid"}', '{"execute":"query-kvm"}', '{"execute":"query-block"}', '{"execute":"query-blockstats"}',
        '{"execute":"query-cpus-fast"}', '{"execute":"query-chardev"}', '{"execute":"query-mice"}', '{"execute":"query-machines"}',
        '{"execute":"query-cpu-definitions"}', '{"execute":"query-vnc"}', '{"execute":"query-target"}', '{"execute":"query-pci"}',
        '{"execute":"query-iothreads"}', '{"execute":"query-commands"}', '{"execute":"query-qmp-schema"}',
        '{"execute":"eject","arguments":{"device":"nope"}}', '{"execute":"eject","arguments":{"device":"ide1-cd0"}}',
        '{"execute":"eject","arguments":{"device":"ide0-hd0"}}', '{"execute":"eject"}', '{"execute":"eject","arguments":{"device":5}}',
        '{"execute":"send-key","arguments":{"keys":[{"type":"qcode","data":"nokey"}]}}',
        '{"execute":"send-key","arguments":{"keys":[{"type":"qcode"}]}}', '{"execute":"send-key","arguments":{"keys":[]}}',
        '{"execute":"send-key","arguments":{"keys":[{"data":"a"}]}}', '{"execute":"send-key","arguments":{"keys":[3]}}',
        '{"execute":"send-key","arguments":{"keys":3}}', '{"execute":"send-key"}', '{"execute":"send-key","arguments":{"key":[]}}',
        '{"execute":"send-key","arguments":{"keys":[{"type":"qcode","data":"a","more":1}]}}',
        '{"execute":"input-send-event","arguments":{"events":[],"device":"x"}}',
        '{"execute":"input-send-event","arguments":{"events":[{"type":"abs","data":{"axis":"z","value":3}}]}}',
        '{"execute":"screendump","arguments":{"filename":"x","format":"gif"}}', '{"execute":"pmemsave"}',
        '{"execute":"screendump","arguments":{"filename":"x","head":0}}',
        '{"execute":"pmemsave","arguments":{"val":0,"size":"16","filename":"x"}}',
        '{"execute":"memsave","arguments":{"val":0,"size":16,"filename":"x","cpu-index":3}}', '{"execute":"system_wakeup"}',
        '{"execute":"chardev-add","arguments":{"id":"r","backend":{"type":"ringbuf","data":{"size":16}}}}',
        '{"execute":"ringbuf-write","arguments":{"device":"r","data":"hello, ring buffer"}}',
        '{"execute":"ringbuf-read","arguments":{"device":"r","size":10}}', '{"execute":"ringbuf-read","arguments":{"device":"q","size":10}}',
        '{"execute":"ringbuf-read","arguments":{"device":"r","size":0}}', '{"execute":"chardev-remove","arguments":{"id":"r"}}',
        '{"execute":"chardev-remove","arguments":{"id":"r"}}', '{"execute":"object-add","arguments":{"qom-type":"nope","id":"o"}}',
        '{"execute":"object-add","arguments":{"id":"o"}}', '{"execute":"object-add"}', '{"execute":"object-del","arguments":{"id":"o"}}',
        '{"execute":"human-monitor-command","arguments":{"command-line":"nope"}}', '{"execute":"stop"}', '{"execute":"cont"}', '{"execute":"stop"}',
        '{"execute":"stop"}', '{"execute":"inject-nmi"}', '{"execute":"system_reset"}', '{"execute":"system_powerdown"}', '{"exec-oob":"query-status","id":3}',
        '{"execute":"query-name","id":{"a":[1,null]}}', '{"execute":"query-status","foo":1}', '{"execute":3}', '[]',
        '{"id":4}', '{"execute":"query-status","arguments":3}', '{"execute":"nope","id":"x"}', '{"execute":"quit","id":9}']

    def talk(self, command: list) -> tuple[list[dict], list[str]]:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.addCleanup(process.stdin.close)
        self.addCleanup(process.stdout.close)
        client = qmp_client.Client(process=process)
        return [client.send(text) for text in self.TALK], [event["event"] for event in client.events]

    def mandatory(self, schema: dict, name: str) -> tuple[dict, bool]:
        """Members that an answer of command `name` must have, by QEMU's schema, and whether it is a list."""
        entity = schema[schema[name]["ret-type"]]
        many = entity["meta-type"] == "array"
        if many:
            entity = schema[entity["element-type"]]
        return {member["name"]: member for member in entity.get("members", []) if "default" not in member}, many

    def test_answers(self) -> None:
        self.assertIsNotNone(shutil.which("qemu-system-x86_64"), "install qemu-system-x86 (./check does)")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = pathlib.Path(folder.name)
        (path / "disc.iso").write_bytes(bytes(65536))
        (path / "disk.img").write_bytes(bytes(1 << 20))
        kernel = guest_image.write_kernel(path / "kernel", GUEST)
        common = ["-kernel", kernel]
        theirs, their_events = self.talk(["qemu-system-x86_64", "-M", "pc", "-accel", "tcg", "-m", "16", "-display", "none", "-qmp", "stdio",
                                          "-serial", "null", "-monitor", "none", "-drive", f"file={path}/disk.img,format=raw,if=ide",
                                          "-cdrom", path / "disc.iso", *common])
        ours, our_events = self.talk([BANTAM, "run", "--headless", "--memory", "16M", "--disk", path / "disk.img", "--cdrom",
                                      path / "disc.iso", "--serial", "none", "--qmp", "stdio", "--kernel", kernel])
        self.assertEqual(our_events, their_events)
        schema = next({entity["name"]: entity for entity in answer["return"]} for text, answer in zip(self.TALK, theirs)
                      if "query-qmp-schema" in text)
        for text, our, their in zip(self.TALK, ours, theirs):
            with self.subTest(text):
                if "error" in their:
                    self.assertEqual(our, their)
                    continue
                self.assertEqual(our.get("id"), their.get("id"))
                self.assertIs(type(our["return"]), type(their["return"]))
                command = json.loads(text)["execute"]
                members, many = self.mandatory(schema, command)
                for answer in our["return"] if many else [our["return"]]:
                    if members:
                        self.assertEqual(set(members) - set(answer), set())


if __name__ == "__main__":
    BANTAM = sys.argv.pop(1)
    unittest.main()
