#!/usr/bin/env python3
"""Debugs guests with Debian's gdb through `bantam run --gdb`: a boot sector from the firmware on, a kernel of our own with symbols in
32 and 64 bits; looks whether gdb leaves traces in a run; comes and goes beside QMP; then sends the stub what no gdb would."""
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time
import unittest

import qmp_client

BANTAM = ""
# A multiboot kernel that counts, in 32-bit code, and in 64-bit code if LONG is defined. Linked at 1 MiB.
KERNEL = """
section .text
bits 32
header:
    dd 1BADB002h, 10000h, -(1BADB002h + 10000h), header, header, 0, stack_top, start
start:
    mov esp, stack_top
%ifdef LONG
    mov dword [pml4], pdpt + 3
    mov dword [pdpt], directory + 3
    xor ecx, ecx
map:                                ; 1 GiB in pages of 2 MiB
    mov eax, ecx
    shl eax, 21
    or eax, 83h
    mov [directory + ecx * 8], eax
    inc ecx
    cmp ecx, 512
    jne map
    mov eax, pml4
    mov cr3, eax
    mov eax, 20h
    mov cr4, eax
    mov ecx, 0C0000080h
    rdmsr
    or eax, 100h
    wrmsr
    mov eax, 80000001h
    mov cr0, eax
    lgdt [gdt_pointer]
    jmp 8:long_start
bits 64
long_start:
%endif
    mov ecx, 1234h
again:
    call count
    cmp dword [counter], 5
    jne again
    mov al, '5'
    out 0E9h, al
    jmp again
count:
    inc dword [counter]
    ret
wrong:
    ud2
trap:
    int3
fill:
    mov ecx, 6000
    mov edi, filled
    rep stosb
    jmp again
section .data
align 8
gdt: dq 0, 00209A0000000000h
gdt_pointer: dw 15
    dd gdt
counter: dd 0
section .bss
align 4096
pml4: resb 4096
pdpt: resb 4096
directory: resb 4096
filled: resb 8192
stack: resb 4096
stack_top:
"""


class GdbTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)

    def make_kernel(self, bits: int) -> None:
        (self.path / "kernel.asm").write_text(KERNEL)
        long = ["-dLONG"] if bits == 64 else []
        for command in (["nasm", "-f", f"elf{bits}", "-g", "-F", "dwarf", *long, "-o", "kernel.o", "kernel.asm"],
                        ["ld", "-m", "elf_x86_64" if bits == 64 else "elf_i386", "-Ttext=0x100000", "-Tdata=0x101000", "-Tbss=0x102000", "-e", "start", "-o", "kernel.elf", "kernel.o"],
                        ["objcopy", "-O", "binary", "kernel.elf", "kernel.bin"]):
            subprocess.run(command, cwd=self.path, check=True, stderr=subprocess.DEVNULL)

    def make_disk(self) -> None:
        sector = bytes.fromhex("b83412 bb7856 01d8 a30080 ebfe")  # mov ax,1234h; mov bx,5678h; add ax,bx; mov [8000h],ax; jmp $
        (self.path / "disk").write_bytes(sector.ljust(510, b"\0") + b"\x55\xaa" + bytes(512 * 63))

    def start(self, *more: str, engine: str = "jit", where: str | None = None) -> subprocess.Popen:
        self.process = subprocess.Popen([BANTAM, "run", "--headless", "--memory", "16M", "--serial", "none", "--engine", engine, "--gdb",
                                         where or f"unix:{self.path}/gdb", "--debugcon", f"file:{self.path}/heard", *more],
                                        stdin=subprocess.DEVNULL)
        self.addCleanup(self.process.wait)
        self.addCleanup(self.process.kill)
        self.await_socket()
        return self.process

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        (self.path / "gdb").unlink()

    def await_socket(self) -> None:
        deadline = time.monotonic() + 30
        while not (self.path / "gdb").exists():
            self.assertLess(time.monotonic(), deadline, "no socket")
            time.sleep(0.02)

    def start_kernel(self, *more: str, **options: str) -> None:
        self.start("--kernel", str(self.path / "kernel.bin"), *more, **options)

    def gdb(self, *commands: str, symbols: bool = True, where: str | None = None) -> str:
        arguments = ["gdb", "-nx", "-q", "-batch", "-ex", "set confirm off", "-ex", "set tcp connect-timeout 20"]
        for command in ((f"file {self.path}/kernel.elf",) if symbols else ()) + (f"target remote {where or self.path / 'gdb'}", *commands):
            arguments += ["-ex", command]
        done = subprocess.run(arguments, capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL, check=False)
        return done.stdout + done.stderr

    def in_long_mode(self) -> None:
        deadline = time.monotonic() + 30
        while not (self.path / "heard").exists() or not (self.path / "heard").stat().st_size:
            self.assertLess(time.monotonic(), deadline, "the guest never came so far")
            time.sleep(0.02)

    def test_boot_sector(self) -> None:
        self.make_disk()
        self.start("--disk", str(self.path / "disk"), "--paused")
        said = self.gdb("p/x $pc", "p/x $cs_base", "b *0x7c00", "c", "x/i $pc", "x/3xb 0x7c00", "stepi", "stepi", "p/x $eax & 0xffff", "stepi",
                        "p/x $eax & 0xffff", "watch *(short*)0x8000", "c", "x/xh 0x8000", "p/x $eip", symbols=False)
        self.assertIn("$1 = 0xfff0", said)
        self.assertRegex(said, r"=> 0x7c00:\s+mov +\$0x1234,%ax", "16-bit code is disassembled as such")
        self.assertIn("$2 = 0xffff0000", said)
        self.assertRegex(said, r"0x7c00:\s+0xb8\s+0x34\s+0x12")
        self.assertIn("$3 = 0x1234", said)
        self.assertIn("$4 = 0x68ac", said)
        self.assertIn("Hardware watchpoint 2", said)
        self.assertRegex(said, r"0x8000:\s+0x68ac")
        self.assertIn("$5 = 0x7c0b", said, "after the access")

    def test_kernel_32(self) -> None:
        self.make_kernel(32)
        for engine in ("interpreter", "jit"):
            self.start_kernel("--paused", engine=engine)
            said = self.gdb("b count if *(int*)&counter == 7", "c", "p *(int*)&counter", "p/x *(int*)$esp == (int)&again + 5", "delete", "watch *(int*)&counter", "c", "c", "delete", "p *(int*)&counter",
                            "stepi", "x/i $pc", "p/x $ecx", "set var *(int*)&counter = 0", "p *(int*)&counter", "p $xmm0.v4_int32[0]", "p $eflags",
                            "info threads", "monitor info registers", "p/x $cr0", "detach")
            self.assertRegex(said, r"Breakpoint 1, .*count")
            self.assertIn("$1 = 7", said)
            self.assertIn("$2 = 0x1", said, "the return address is on the stack")
            self.assertRegex(said, r"(?s)Old value = 7\nNew value = 8.*Old value = 8\nNew value = 9")
            self.assertIn("$3 = 9", said)
            self.assertIn("$4 = 0x1234", said)
            self.assertIn("$5 = 0", said)
            self.assertIn("CPU 0", said)
            self.assertIn("RIP=", said, "the monitor's registers")
            self.assertRegex(said, r"\$8 = 0x\w*11\n", "CR0: protected mode")
            self.assertIsNone(self.process.poll(), "detached, it runs on")
            self.end()

    def test_kernel_64(self) -> None:
        self.make_kernel(64)
        for engine in ("interpreter", "jit"):
            (self.path / "heard").unlink(missing_ok=True)
            self.start_kernel(engine=engine)
            self.in_long_mode()
            said = self.gdb("show architecture", "p/x $efer", "hbreak count if *(int*)&counter == 1000", "set var *(int*)&counter = 990", "c", "p *(int*)&counter",
                            "p/x $rcx", "p (long)$rsp - (long)&stack_top", "delete", "rwatch *(int*)&counter", "c", "p *(int*)&counter", "delete",
                            "maintenance packet Qqemu.PhyMemMode:1", "x/xw &pml4", "detach")
            self.assertIn("i386:x86-64", said)
            self.assertIn("$1 = 0x500", said)
            self.assertRegex(said, r"Breakpoint 1, .*count")
            self.assertIn("$2 = 1000", said)
            self.assertIn("$3 = 0x1234", said)
            self.assertIn("$4 = -8", said)
            self.assertRegex(said, r"Hardware read watchpoint 2: .*counter\n\nValue = ")
            self.assertIn('received: "OK"', said)
            self.assertRegex(said, r"<pml4>:\s+0x00103023", "accessed")
            self.end()

    def test_a_watch_within_rep(self) -> None:
        self.make_kernel(32)
        for engine in ("interpreter", "jit"):
            self.start_kernel("--paused", engine=engine)
            said = self.gdb("b *&again", "c", "delete", "set $pc = fill", "set $eax = 0x77", "watch *(char*)((int)&filled + 5000)", "c", "p $ecx", "p $edi - (int)&filled",
                            "delete", "hbreak *&again", "c", "p $ecx", "detach")
            self.assertRegex(said, r"Old value = 0.*\nNew value = 119")
            self.assertIn("$1 = 999", said, "after the element that was written")
            self.assertIn("$2 = 5001", said)
            self.assertIn("$3 = 0", said, "the fill has ended")
            self.end()

    def test_segments_and_control_registers(self) -> None:
        self.make_kernel(32)
        self.start_kernel("--paused")
        said = self.gdb("b count", "c", "p/x $ds", "set $ds = 0x1230", "set $fs = 0", "p/x $fs", "set $cr2 = 0x1234", "p/x $cr2",
                        "set $cr4 = $cr4 | 0x10", "p/x $cr4", "stepi", "detach")
        self.assertRegex(said, "Could not write register \"ds\"; remote failure reply 'E.the processor refuses this value of ds: general-protection, error code 1230h'")
        self.assertRegex(said, r"\$2 = 0x0\n")
        self.assertRegex(said, r"\$3 = 0x1234\n")
        self.assertRegex(said, r"\$4 = 0x\w*1\w\n")

    def test_exceptions_and_interruption(self) -> None:
        self.make_kernel(64)
        self.start_kernel("--no-reboot")
        self.in_long_mode()
        said = self.gdb("monitor catch breakpoint", "set $pc = trap", "c", "x/i $pc", "monitor catch invalid-opcode", "set $pc = wrong", "c", "x/i $pc",
                        "monitor catch nonsense", "monitor catch none", "c")
        self.assertRegex(said, r"(?s)SIGTRAP.*<trap>:\s+int3", "before it is delivered")
        self.assertIn("caught: invalid-opcode\n", said)
        self.assertRegex(said, "SIGILL.*\n.*wrong")
        self.assertIn("'nonsense' cannot be caught", said)
        self.assertIn("SIGABRT", said, "no IDT: the processor shuts down")
        self.assertEqual(self.process.wait(timeout=20), 76, "gdb has let it go on")

    def test_kernel_64_from_its_32_bit_beginning(self) -> None:
        self.make_kernel(64)
        self.start_kernel("--paused", where=f"unix:{self.path}/gdb,bits=64")
        said = self.gdb("p/x $cs", "p/x $rip == &start", "hbreak count if *(int*)&counter == 3", "c", "p *(int*)&counter", "p/x $efer", "info registers xmm1", "detach")
        self.assertNotIn("rejected", said)
        self.assertIn("$2 = 0x1", said)
        self.assertRegex(said, r"Breakpoint 1, .*count")
        self.assertIn("$3 = 3", said)
        self.assertIn("$4 = 0x500", said)

    def test_pipe_and_port(self) -> None:
        self.make_kernel(32)
        run = f"{BANTAM} run --headless --memory 16M --serial none --kernel {self.path}/kernel.bin --paused"
        said = self.gdb("b count", "c", "kill", where=f"| {run} --gdb stdio")
        self.assertRegex(said, r"Breakpoint 1, .*count")
        process = subprocess.Popen([*run.split(), "--gdb", "tcp:0"], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.addCleanup(process.stderr.close)
        port = re.search(r"listening on tcp:127\.0\.0\.1:(\d+)", process.stderr.readline())[1]
        said = self.gdb("b count", "c", "kill", where=f":{port}")
        self.assertRegex(said, r"Breakpoint 1, .*count")
        self.assertEqual(process.wait(timeout=20), 0, "killed")

    def test_refusals(self) -> None:
        for arguments, complaint in ((["--gdb", "tcp:0.0.0.0:0"], "use 127.0.0.1"), (["--gdb", "1234"], "tcp:127.0.0.1:PORT"),
                                     (["--gdb", "tcp:1234,bits=8"], "bits is 16, 32 or 64"), (["--paused"], "add --gdb"),
                                     (["--gdb", "stdio", "--monitor", "stdio"], "can be on stdio")):
            done = subprocess.run([BANTAM, "run", "--headless", "--serial", "none", *arguments], capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL, check=False)
            self.assertEqual(done.returncode, 64, arguments)
            self.assertIn(complaint, done.stderr)

    def final_hash(self, *commands: str, engine: str) -> str:
        arguments = [BANTAM, "run", "--headless", "--memory", "16M", "--serial", "none", "--engine", engine, "--print-hash", "--time-limit", "1500ms",
                     "--disk", f"{self.path}/disk,readonly"]
        if commands:
            arguments += ["--paused", "--gdb", f"unix:{self.path}/gdb"]
        process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(process.kill)
        if commands:
            self.await_socket()
            said = self.gdb(*commands, symbols=False)
            self.assertIn("exited normally", said)
            self.assertIn("Value = ", said, "the last command's watchpoint")
        text = process.communicate(timeout=60)[0]
        self.assertIn("hash", text)
        return re.sub(r".*(hash.*)", r"\1", text, flags=re.DOTALL)

    def test_a_run_is_the_same_with_gdb(self) -> None:
        """Firmware and boot sector, with timer interrupts and REP: stops, steps and watches do not count."""
        self.make_disk()
        alone = self.final_hash(engine="jit")
        for engine in ("interpreter", "jit"):
            self.assertEqual(self.final_hash("stepi 500", "b *0x7c00", "watch *(int*)0x46c", "c", "c", "c", "delete", "stepi 100", "rwatch *(char*)0x417", "awatch *(int*)0x46c", "c", "delete", "c",
                                             engine=engine), alone)

    # --- by hand

    def packet(self, text: str) -> bytes:
        return b"$" + text.encode("latin-1") + b"#%02x" % (sum(text.encode("latin-1")) & 255)

    def connect(self, wait: bool = True) -> socket.socket:
        line = socket.socket(socket.AF_UNIX)
        self.addCleanup(line.close)
        line.settimeout(20)
        line.connect(str(self.path / "gdb"))
        line.sendall(self.packet("QStartNoAckMode"))
        if wait:
            self.assertEqual(self.receive(line), "OK")
        return line

    def receive(self, line: socket.socket) -> str:
        data = b""
        while not re.search(rb"\$([^#]*)#..$", data):
            part = line.recv(65536)
            if not part:
                raise EOFError(data)
            data += part
        return re.search(rb"\$([^#]*)#..$", data)[1].decode("latin-1")

    def ask(self, line: socket.socket, text: str) -> str:
        line.sendall(self.packet(text))
        return self.receive(line)

    def test_comes_and_goes_beside_qmp(self) -> None:
        self.make_kernel(32)
        self.start_kernel("--qmp", f"unix:{self.path}/qmp")
        qmp = qmp_client.Client(self.path / "qmp")
        self.addCleanup(qmp.close)
        qmp.ask("qmp_capabilities")

        def status() -> str:
            return qmp.ask("query-status")["return"]["status"]

        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(self.path / "gdb"))
        line = self.connect()
        self.assertEqual(status(), "paused")
        self.assertEqual(len([event for event in qmp.events if event["event"] == "STOP"]), 1, "the probe did not stop it")
        line.sendall(self.packet("c"))
        qmp.event("RESUME")
        qmp.ask("stop")
        self.assertEqual(self.receive(line), "T02thread:01;")
        self.assertEqual(self.ask(line, "Z0,10003e,1"), "OK")  # count
        qmp.ask("cont")
        deadline = time.monotonic() + 30
        while status() != "paused":
            self.assertLess(time.monotonic(), deadline, "no breakpoint")
        self.assertEqual(self.ask(line, "qC"), "QC01", "nothing is sent that gdb does not wait for")
        self.assertEqual(self.ask(line, "?"), "T05thread:01;")
        self.assertEqual(self.ask(line, "z0,10003e,1"), "OK")
        line.sendall(self.packet("c"))
        second = self.connect(wait=False)
        line.close()  # while it runs
        self.assertEqual(self.receive(second), "OK", "its turn has come")
        self.assertEqual(status(), "paused")
        second.close()  # while it is stopped
        line = self.connect()
        self.assertEqual(status(), "paused", "it stays so")
        self.assertEqual(self.ask(line, "D"), "OK")
        line.close()
        self.assertEqual(status(), "running")

    def test_what_no_gdb_sends(self) -> None:
        self.make_kernel(32)
        self.start_kernel("--paused")
        line = self.connect()
        for text, answer in (("", ""), ("vMustReplyEmpty", ""), ("p", "E16"), ("pffff", "E16"), ("P0=12", "E.eax has 32 bits"), ("P0=1234567", "E16"),
                             ("P0=78563412", "OK"), ("p0", "78563412"), ("Pa=00000000", "E.the processor refuses this value of cs: general-protection, error code 0h"), ("G12", "E16"), ("Gxy", "E16"),
                             ("m", "E16"), ("m100000", "E16"), ("m100000,4", "02b0ad1b"), ("M200000,2:abcd", "OK"),
                             ("m200000,2", "abcd"), ("M200000,3:abcd", "E16"), ("X200000,1:}\x03", "OK"), ("m200000,1", "23"),
                             ("Z0", "E16"), ("Z9,0,1", ""), ("Z2,0,0", "E16"), ("Z2,0,ffffffff", "E16"), ("z3,123,4", "OK"),
                             ("vCont", ""), ("vCont;x", "E16"), ("Mfffffff0,1:00", "E0e"), ("qXfer:features:read:target.xml:99999,10", "E16"),
                             ("qXfer:features:read:target.xml:0,5", "m<?xml"), ("qRcmd,zz", "E16"), ("mffffffffffffffffff,1", "E16"),
                             ("Qqemu.PhyMemMode:1", "OK"), ("qqemu.PhyMemMode", "1"), ("M200000,1:55", "OK"), ("m200000,1", "55"),
                             ("?", "T02thread:01;")):
            self.assertEqual(self.ask(line, text), answer, text)
        line.sendall(self.packet("c"))
        line.sendall(b"\x03")
        self.assertEqual(self.receive(line), "T02thread:01;")
        for page in range(12):
            self.assertEqual(self.ask(line, f"Z2,{0x400000 + 0x1000 * page:x},4"), "OK")
        self.assertEqual(self.ask(line, "Z2,800000,4"), "E16", "one too many")
        line.sendall(b"$" + b"x" * 100_000 + self.packet("qC"))
        self.assertEqual(self.receive(line), "QC01", "the packet that was not finished is forgotten")
        self.assertEqual(self.ask(line, "x" * 100_000), "E16", "too long")
        line.sendall(b"$g#00")
        self.assertEqual(self.receive(line), "E16")
        line.close()
        line = self.connect()
        self.assertEqual(self.ask(line, "qAttached"), "1", "the next one")
        line.sendall(self.packet("k"))
        self.assertEqual(self.process.wait(timeout=20), 0)


if __name__ == "__main__":
    BANTAM = sys.argv.pop(1)
    unittest.main()
