#!/usr/bin/env python3
"""Ten guests, driven by scenarios (bench/flows) again and again on a busy host: how often does one fail, and how long does it
take? The same flows under QEMU's TCG, driven by scripts as one writes them for expect, for comparison.

usage: flows.py [--bantam BANTAM] [--runs N] [--load N] [--limit SECONDS] [--engine auto|interpreter|jit] [--without-qemu]

Each round runs every flow once under Bantam, if it is named, then once under QEMU; --load (default: twice the processors) is the number of
busy processes beside them. Nothing is tried again. A scenario's trace must moreover be the same in every run. After each round the table of
all runs so far is printed; Ctrl-C or SIGTERM ends the series with it. Needs python3-pexpect and qemu-system-x86 unless --without-qemu; the guests come
from tests/guests/fetch. Status 1: a scenario failed, or had another trace.
"""
import argparse
import dataclasses
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
FETCH = HERE.parent / "tests/guests/fetch"
GUESTS = ["amd64", "686", "686-pae", "memtest", "grub-rescue", "grub-firmware", "ipxe", "u-boot", "ovmf"]
SCREEN = ["-display", "curses"]
SERIAL = ["-display", "none", "-serial", "stdio", "-monitor", "none"]
GRUB = [("GNU GRUB", "c"), ("grub>", "echo for''ty-two\r"), ("forty-two", "")]
SHELL = [("# ", "echo $((6*7)) answers\r"), ("42 answers", "poweroff -f\r"), (None, "")]


def linux(kernel: str, initrd: str, console: str) -> list[str]:
    return ["-m", "256M", "-kernel", f"{{}}/vmlinuz-{kernel}", "-initrd", f"{{}}/initramfs-{initrd}.cpio.gz", "-append", f"{console} quiet"]


# The flow of bench/flows, QEMU's arguments ({}: where the guests lie), and [what must appear, what is typed then] in turn; None: the end.
FLOWS: dict[str, tuple[list[str], list[tuple[str | None, str]]]] = {
    "seabios": ([*SCREEN, "-m", "16M"], [("No bootable device", "")]),
    "grub-cd": ([*SCREEN, "-m", "64M", "-cdrom", "{}/grub-rescue.iso"], GRUB),
    "grub-rom": ([*SCREEN, "-m", "64M", "-bios", "{}/grub.rom"], GRUB),
    "memtest": ([*SCREEN, "-m", "64M", "-cdrom", "{}/memtest64.iso"], [("Memtest86", "")]),
    "ipxe": ([*SCREEN, "-m", "64M", "-cdrom", "{}/ipxe.iso"],
             [("iPXE initialising devices", "\x02"), ("iPXE>", "set n two && echo forty-${n}\r"), ("forty-two", "")]),
    "u-boot": ([*SERIAL, "-m", "128M", "-bios", "{}/u-boot-x86.rom"],
               [("Hit any key to stop autoboot", " "), ("=> ", "setenv n two; echo forty-${n}\r"), ("forty-two", "")]),
    "ovmf": ([*SERIAL, "-m", "128M", "-drive", "if=pflash,unit=0,format=raw,readonly=on,file={}/ovmf-code.fd",
              "-drive", "if=pflash,unit=1,format=raw,snapshot=on,file={}/ovmf-vars.fd"],
             [("seconds to skip", "\r"), ("Shell> ", "set -v n two\r"), ("Shell> ", "echo forty-%n%\r"), ("forty-two", "")]),
    "linux-amd64": ([*SERIAL, *linux("amd64", "amd64", "console=ttyS0")], SHELL),
    "linux-686": ([*SERIAL, *linux("686", "i386", "console=ttyS0")], SHELL),
    "linux-686-pae": ([*SCREEN, *linux("686-pae", "i386", "console=tty0 vga=normal nomodeset")], [("/ #", SHELL[0][1]), *SHELL[1:]]),
}


@dataclasses.dataclass
class Tally:
    runs: int = 0
    seconds: float = 0
    failures: list[str] = dataclasses.field(default_factory=list)

    def add(self, seconds: float, failure: str | None) -> None:
        self.runs += 1
        self.seconds += seconds
        if failure is not None:
            self.failures.append(failure)


class Bantam:
    def __init__(self, program: str, guests: str, engine: str) -> None:
        self.program, self.guests, self.engine = program, guests, engine
        self.traces: dict[str, str] = {}

    def run(self, name: str, limit: int) -> str | None:
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run([self.program, "test", HERE / "flows" / f"{name}.toml", "--engine", self.engine, "--artifacts", folder],
                                  env={**os.environ, "BANTAM_VAR_guests": self.guests}, capture_output=True, text=True, timeout=limit, check=False)
            if done.returncode != 0:
                return f"status {done.returncode}: {done.stdout}{done.stderr}"
            trace = (pathlib.Path(folder) / name / "trace.txt").read_text()
        return None if self.traces.setdefault(name, trace) == trace else f"another trace than the first run:\n{trace}"


class Qemu:
    def __init__(self, guests: str) -> None:
        import pexpect  # not needed without QEMU
        self.pexpect, self.guests = pexpect, guests

    def run(self, name: str, limit: int) -> str | None:
        arguments, dialogue = FLOWS[name]
        command = ["-accel", "tcg", "-machine", "pc", "-cpu", "max", "-no-reboot", "-nic", "none", *(word.replace("{}", self.guests) for word in arguments)]
        child = self.pexpect.spawn("qemu-system-x86_64", command, timeout=limit, dimensions=(25, 80), encoding="latin-1",
                                   env={**os.environ, "TERM": "xterm"})
        try:
            for wanted, answer in dialogue:
                child.expect(self.pexpect.EOF) if wanted is None else child.expect_exact(wanted)
                if answer:
                    child.send(answer)
        except (self.pexpect.TIMEOUT, self.pexpect.EOF) as failure:
            return f"waiting for {wanted!r}: {type(failure).__name__}, the last words: {(child.before or '')[-400:]!r}"
        finally:
            child.close(force=True)
        return None


def measure(tally: Tally, run, name: str, limit: int) -> None:
    begin = time.monotonic()
    try:
        failure = run(name, limit)
    except subprocess.TimeoutExpired:
        failure = f"took more than {limit} s"
    tally.add(time.monotonic() - begin, failure)


def report(tallies: dict[str, dict[str, Tally]], loads: list[float]) -> None:
    print(f"\nload average between the rounds: {min(loads):.1f} to {max(loads):.1f}, {statistics.median(loads):.1f} in the median")
    print("| guest | " + " | ".join(f"{side}: runs, failed, s a run" for side in tallies) + " |")
    print("|---|" + "---:|" * len(tallies))
    cell = "{0.runs}, {1}, {2:.1f}".format
    for name in FLOWS:
        print(f"| {name} | " + " | ".join(cell(t[name], len(t[name].failures), t[name].seconds / max(t[name].runs, 1)) for t in tallies.values()) + " |")
    totals = [(sum(t.runs for t in side.values()), sum(len(t.failures) for t in side.values()), sum(t.seconds for t in side.values()))
              for side in tallies.values()]
    print("| all | " + " | ".join(f"{runs}, {failed}, {seconds:.0f} in all" for runs, failed, seconds in totals) + " |", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bantam", help="the program; QEMU's side alone without it")
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--load", type=int, default=2 * (os.cpu_count() or 1))
    parser.add_argument("--limit", type=int, default=300, help="seconds that one run may take")
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--without-qemu", action="store_true")
    arguments = parser.parse_args()
    fetched = subprocess.run([FETCH, *GUESTS], stdout=subprocess.PIPE, text=True, check=False)
    if fetched.returncode != 0:
        return 66
    guests = fetched.stdout.strip()
    sides = {}
    if arguments.bantam:
        sides["Bantam"] = Bantam(os.path.abspath(arguments.bantam), guests, arguments.engine).run
    if not arguments.without_qemu:
        sides["QEMU"] = Qemu(guests).run
    tallies = {side: {name: Tally() for name in FLOWS} for side in sides}
    load = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(arguments.load)]
    loads: list[float] = []
    for number in (signal.SIGINT, signal.SIGTERM):  # SIGINT is ignored in the background else
        signal.signal(number, signal.default_int_handler)
    try:
        for turn in range(arguments.runs):
            for name in FLOWS:
                for side, run in sides.items():
                    tally = tallies[side][name]
                    failed = len(tally.failures)
                    measure(tally, run, name, arguments.limit)
                    if len(tally.failures) > failed:
                        print(f"round {turn + 1}, {side}, {name}: {tally.failures[-1]}", flush=True)
            loads.append(os.getloadavg()[0])
            report(tallies, loads)
    except KeyboardInterrupt:
        report(tallies, [*loads, os.getloadavg()[0]])
    finally:
        for process in load:
            process.kill()
            process.wait()
    return int(any(tally.failures for tally in tallies.get("Bantam", {}).values()))


if __name__ == "__main__":
    sys.exit(main())
