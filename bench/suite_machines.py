"""What the suite's program runs on: this host, Bantam, QEMU. Each hears requests and answers with marks that are stamped here.

All of them are kept alive at once and only one works at a time: Bantam is stopped by SIGSTOP, QEMU through its monitor (so
that its guest does not see time pass), and the native program waits in read(). So rounds can alternate between them within
seconds. Whatever is measured runs on one processor, which the harness leaves alone, at the best priority it may have.
"""
import contextlib
import gzip
import importlib.util
import json
import os
import pathlib
import re
import selectors
import signal
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
MEMORY_MIB = 256
KERNELS = {"amd64": "amd64", "i386": "686"}
QUICK_KERNELS = {"amd64": "cloud-amd64", "i386": "686"}
APPEND = "console=ttyS0 mitigations=off"
BOOT_LIMIT_S, REQUEST_LIMIT_S = 300, 300
COM2 = 0x2F8

INIT = f"""#!/bin/sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t devtmpfs devtmpfs /dev
/bin/busybox mount -t tmpfs tmpfs /tmp
/bench/suite --port {COM2} --folder /tmp --path /bench/suite
/bin/busybox poweroff -f
"""


class MachineError(Exception):
    """A machine did not do what it was asked to; the text says which and what it said last."""


class Processors:
    """One processor to measure on, the others for the harness; the steal time of the first as the host's kernel tells it."""

    def __init__(self, come_first: bool) -> None:
        """Without `come_first` nothing is placed or preferred: for runs whose times do not count."""
        self.all = sorted(os.sched_getaffinity(0))
        self.measured = self.all[-1]
        self.come_first = come_first
        if not come_first:
            return
        self.avoid()
        with contextlib.suppress(PermissionError):
            # The harness sleeps, and must stamp at once what wakes it.
            os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(1))

    def avoid(self) -> None:
        os.sched_setaffinity(0, self.all[:-1] or self.all)

    def start(self, command: list[str], **options) -> subprocess.Popen:
        if not self.come_first:
            return subprocess.Popen(command, start_new_session=True, **options)
        # Children inherit the affinity; taskset or preexec_fn would cost milliseconds before the first instruction.
        os.sched_setaffinity(0, {self.measured})
        try:
            process = subprocess.Popen(command, start_new_session=True, **options)
        finally:
            self.avoid()
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, process.pid, -20)
            # Where sessions share processors as equals, a process's own priority counts only inside its session.
            pathlib.Path(f"/proc/{process.pid}/autogroup").write_text("-20")
        return process

    def steal(self) -> float:
        with open("/proc/stat", encoding="ascii") as file:
            for line in file:
                if line.startswith(f"cpu{self.measured} "):
                    return int(line.split()[8]) / os.sysconf("SC_CLK_TCK")
        return 0.0


def make_initramfs(base: pathlib.Path, suite: pathlib.Path, output: pathlib.Path) -> None:
    """The guests' busybox archive, and a second one after it that holds the suite: Linux unpacks both."""
    spec = importlib.util.spec_from_file_location("make_initramfs", ROOT / "tests/guests/make_initramfs.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    archive = module.Cpio()
    archive.add("bench", 0o040755)
    archive.add("bench/suite", 0o100755, suite.read_bytes())
    archive.add("bench/init", 0o100755, INIT.encode())
    output.write_bytes(base.read_bytes() + gzip.compress(archive.finish(), mtime=0))


class Machine:
    """A running program of the suite. `fd_in` and `fd_out` are the link to it."""

    name = ""

    def __init__(self, name: str, processors: Processors) -> None:
        self.name, self.processors = name, processors
        self.process: subprocess.Popen | None = None
        self.fd_in = self.fd_out = -1
        self.pending = b""

    # --- what the kinds of machines differ in
    def pause(self) -> None:
        pass

    def resume(self) -> None:
        pass

    def last_words(self) -> str:
        return ""

    # --- the conversation
    def take(self, deadline: float) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self.fd_in, selectors.EVENT_READ)
            if not selector.select(max(0.0, deadline - time.monotonic())):
                raise MachineError(f"{self.name}: no answer in time; {self.last_words()}")
        chunk = os.read(self.fd_in, 4096)
        if not chunk:
            raise MachineError(f"{self.name} ended; {self.last_words()}")
        self.pending += chunk

    def until(self, end: bytes, limit_s: float) -> tuple[bytes, float]:
        """Everything up to `end`, and when `end` was there."""
        deadline = time.monotonic() + limit_s
        while end not in self.pending:
            self.take(deadline)
        now = time.monotonic()
        found, self.pending = self.pending.split(end, 1)
        return found, now

    def say(self, line: str) -> None:
        os.write(self.fd_out, line.encode() + b"\n")

    def names(self) -> list[str]:
        self.say("list")
        return self.until(b".\n", REQUEST_LIMIT_S)[0].decode().split()

    def request(self, name: str, percent: int) -> tuple[float, float, str]:
        """Seconds of the work, seconds stolen meanwhile, checksum."""
        self.resume()
        self.say(f"{name} {percent}")
        before, begin = self.until(b"<", REQUEST_LIMIT_S)
        stolen = self.processors.steal()
        if before:
            raise MachineError(f"{self.name}: {name}: {before!r}")
        middle, end = self.until(b">", REQUEST_LIMIT_S)
        stolen = self.processors.steal() - stolen
        words = self.until(b"\n", REQUEST_LIMIT_S)[0].decode(errors="replace").split()
        self.pause()
        if middle or len(words) != 2 or words[0] != name:
            raise MachineError(f"{self.name}: {name}: {middle!r} {words}")
        return end - begin, stolen, words[1]

    def peak_over_ram_mib(self) -> float | None:
        return None

    def quit(self) -> None:
        """Asks for the end; kills what does not follow within a minute."""
        assert self.process is not None
        try:
            self.resume()
            self.say("quit")
            self.process.wait(60)
        except (OSError, MachineError, subprocess.TimeoutExpired):
            self.kill()

    def kill(self) -> None:
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


class Native(Machine):
    def __init__(self, suite: pathlib.Path, processors: Processors) -> None:
        super().__init__("native", processors)
        self.process = processors.start([str(suite), "--folder", "/dev/shm", "--path", str(suite)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, bufsize=0)
        self.fd_in, self.fd_out = self.process.stdout.fileno(), self.process.stdin.fileno()
        self.until(b"ready\n", BOOT_LIMIT_S)


class Emulator(Machine):
    """A guest whose COM1 is the kernel's console, kept in a file, and whose COM2 is the link."""

    def __init__(self, name: str, processors: Processors, folder: pathlib.Path) -> None:
        super().__init__(name, processors)
        self.console = folder / "console"
        self.errors = folder / "errors"
        self.link_path = folder / "link"
        self.socket = socket.socket(socket.AF_UNIX)

    def last_words(self) -> str:
        said = [path.read_text(errors="replace")[-1500:] for path in (self.errors, self.console) if path.exists()]
        return "last words: " + "\n".join(said)

    def connect(self, to: socket.socket, path: pathlib.Path) -> None:
        deadline = time.monotonic() + 20
        while True:
            try:
                return to.connect(str(path))
            except OSError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise MachineError(f"{self.name} did not start; {self.last_words()}") from None
                time.sleep(0.01)

    def boot(self, command: list[str]) -> None:
        with open(self.errors, "wb") as errors:
            self.process = self.processors.start(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors)
        self.connect(self.socket, self.link_path)
        self.fd_in = self.fd_out = self.socket.fileno()

    def wait_ready(self) -> None:
        self.until(b"ready\n", BOOT_LIMIT_S)


class Bantam(Emulator):
    def __init__(self, name: str, processors: Processors, folder: pathlib.Path, program: str, options: list[str],
                 kernel: pathlib.Path, initrd: pathlib.Path) -> None:
        super().__init__(name, processors, folder)
        self.boot([program, "run", "--headless", "--no-reboot", "--memory", f"{MEMORY_MIB}M", "--kernel", str(kernel),
                   "--initrd", str(initrd), "--append", APPEND + " rdinit=/bench/init", "--serial", f"file:{self.console}",
                   "--serial", f"unix:{self.link_path}", *options])
        self.wait_ready()

    def pause(self) -> None:
        os.kill(self.process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self.process.pid, signal.SIGCONT)

    def peak_over_ram_mib(self) -> float:
        """What it has besides the guest's RAM, page tables included. Mappings of RAM are not counted, however many there
        are of a page, and of the code cache's two the executable one alone; everything else only grows."""
        proc = pathlib.Path(f"/proc/{self.process.pid}")
        status = dict(re.findall(r"^(VmRSS|VmPTE):\s+(\d+) kB", (proc / "status").read_text(), re.M))
        again = sum(int(rss) for rss in re.findall(r"(?:memfd:bantam-ram| rw-s [^\n]*/dev/zero)[^\n]*\nSize:[^\n]*\n.*?^Rss:\s+(\d+) kB",
                                                   (proc / "smaps").read_text(), re.M | re.S))
        return (int(status["VmRSS"]) + int(status["VmPTE"]) - again) / 1024


class Qemu(Emulator):
    def __init__(self, name: str, processors: Processors, folder: pathlib.Path, kernel: pathlib.Path,
                 initrd: pathlib.Path) -> None:
        super().__init__(name, processors, folder)
        self.monitor = socket.socket(socket.AF_UNIX)
        monitor_path = folder / "qmp"
        self.boot(["qemu-system-x86_64", "-accel", "tcg", "-machine", "pc", "-cpu", "max", "-display", "none", "-no-reboot",
                   "-m", str(MEMORY_MIB), "-kernel", str(kernel), "-initrd", str(initrd), "-append",
                   APPEND + " rdinit=/bench/init", "-serial", f"file:{self.console}",
                   "-serial", f"unix:{self.link_path},server=on,wait=off", "-qmp", f"unix:{monitor_path},server=on,wait=off"])
        self.connect(self.monitor, monitor_path)
        self.answers = self.monitor.makefile("r")
        self.answers.readline()  # the greeting
        self.order("qmp_capabilities")
        self.wait_ready()

    def order(self, what: str) -> None:
        self.monitor.sendall(json.dumps({"execute": what}).encode())
        for line in self.answers:
            if "return" in (answer := json.loads(line)):
                return
            if "error" in answer:
                break
        raise MachineError(f"{self.name}: its monitor refused '{what}'")

    def pause(self) -> None:
        self.order("stop")

    def resume(self) -> None:
        self.order("cont")
