#!/usr/bin/env python3
"""Measures the suite of bench/guest natively, under Bantam and under QEMU's TCG, side by side; bench/run builds it first.

Each benchmark is measured `--runs` times on each machine, in turns: native three times, then each emulator once, so that
a disturbance of the host meets all of them. Its checksum must be the native one. Times are the host's, from one mark on the
guest's second serial port to the next, without the time that was stolen from the processor meanwhile; where much was
stolen it is measured again. Where an emulator would take longer than a second it does fewer rounds, and its time is scaled
up. The tables show medians.
"""
import argparse
import contextlib
import json
import pathlib
import re
import shlex
import signal
import subprocess
import sys
import tempfile

import suite_report
import suite_startup
from suite_machines import KERNELS, QUICK_KERNELS, ROOT, Bantam, Machine, MachineError, Native, Processors, Qemu, make_initramfs

NATIVE_TURNS, MOST_TRIES, STOLEN_SHARE = 3, 3, 0.05
SECTOR_TURNS = 5  # a round: it takes some tens of milliseconds
LONG_ENOUGH_S, PROBE_PERCENT = 1.0, 2
QUICK = ("int/hash", "fp/x87-bodies", "mem/rep-movs", "system/ping-pong", "smc/jit")
QUICK_PERCENT = 3


def note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class Suite:
    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments = arguments
        self.processors = Processors(come_first=not arguments.quick)
        self.build = pathlib.Path(arguments.suite)
        self.programs = {"bantam": arguments.bantam} | dict(each.split("=", 1) for each in arguments.emulators.split(",") if "=" in each)
        self.emulators = [each.split("=", 1)[0] for each in arguments.emulators.split(",") if each]
        self.results: dict = {"runs": arguments.runs, "suite": {}, "startup": {}, "peak_mib": {}}
        self.percents: dict[tuple[str, str, str], int] = {}
        self.sums: dict[tuple[str, str, int], str] = {}
        self.wrong = 0

    def guests(self, kernels: list[str]) -> pathlib.Path:
        done = subprocess.run([ROOT / "tests/guests/fetch", *kernels], stdout=subprocess.PIPE, text=True, check=True)
        return pathlib.Path(done.stdout.strip())

    def start(self, architecture: str, kernels: dict[str, str], folder: pathlib.Path) -> list[Machine]:
        guests = self.guests([kernels[architecture]])
        suite, initrd = self.build / f"suite-{architecture}", folder / "initrd"
        make_initramfs(guests / f"initramfs-{architecture}.cpio.gz", suite, initrd)
        kernel = guests / f"vmlinuz-{kernels[architecture]}"
        machines: list[Machine] = [Native(suite, self.processors)]
        for name in self.emulators:
            own = folder / name
            own.mkdir()
            note(f"{architecture}: booting under {name}")
            if name == "qemu":
                machine = Qemu(name, self.processors, own, kernel, initrd)
            else:
                options = shlex.split(self.arguments.options)
                machine = Bantam(name, self.processors, own, self.programs[name], options, kernel, initrd)
            machine.pause()
            machines.append(machine)
        return machines

    def measure(self, machine: Machine, benchmark: str, percent: int) -> tuple[float, str]:
        for _ in range(MOST_TRIES):
            seconds, stolen, checksum = machine.request(benchmark, percent)
            if stolen <= seconds * STOLEN_SHARE:
                break
        return max(seconds - stolen, seconds / 2), checksum

    def percent_of(self, architecture: str, machine: Machine, benchmark: str) -> int:
        """How much of the usual rounds this machine does: all, or as much as it does in LONG_ENOUGH_S."""
        key = (architecture, machine.name, benchmark)
        if key not in self.percents:
            self.percents[key] = self.arguments.percent
            if machine.name != "native" and self.arguments.percent > PROBE_PERCENT:
                seconds, _ = self.measure(machine, benchmark, PROBE_PERCENT)
                fits = int(LONG_ENOUGH_S / seconds * PROBE_PERCENT)
                self.percents[key] = max(PROBE_PERCENT, min(self.arguments.percent, fits))
        return self.percents[key]

    def turn(self, architecture: str, machines: list[Machine], benchmark: str, measured: dict[str, list[float]]) -> None:
        native = machines[0]
        for machine in machines:
            percent = self.percent_of(architecture, machine, benchmark)
            for _ in range(NATIVE_TURNS if machine is native else 1):
                seconds, checksum = self.measure(machine, benchmark, percent)
                measured.setdefault(machine.name, []).append(seconds * self.arguments.percent / percent)
                key = (architecture, benchmark, percent)
                if key not in self.sums:
                    self.sums[key] = checksum if machine is native else self.measure(native, benchmark, percent)[1]
                if checksum != self.sums[key]:
                    self.wrong += 1
                    note(f"WRONG {benchmark} by {machine.name}: {checksum}, natively {self.sums[key]}")

    def run(self, architecture: str, kernels: dict[str, str], only: re.Pattern) -> None:
        measured: dict[str, dict[str, list[float]]] = {}
        with tempfile.TemporaryDirectory(prefix="bantam-bench-") as folder, contextlib.ExitStack() as stack:
            machines = self.start(architecture, kernels, pathlib.Path(folder))
            for machine in machines:
                stack.callback(machine.kill)
            known = []
            for machine in machines:
                machine.resume()
                known.append(machine.names())
                machine.pause()
            names = [name for name in known[0] if only.search(name) and all(name in each for each in known)]
            for number in range(self.arguments.runs):
                for name in names:
                    self.turn(architecture, machines, name, measured.setdefault(name, {}))
                    last = {key: times[-1] for key, times in measured[name].items()}
                    note(f"{architecture} {number + 1}/{self.arguments.runs} {name}: " +
                         ", ".join(f"{key} {seconds * 1000:.1f} ms" for key, seconds in last.items()))
                self.results["suite"][architecture] = measured
                self.save()
            for machine in machines:
                peak = machine.peak_over_ram_mib()
                if peak is not None:
                    self.results["peak_mib"].setdefault(architecture, {})[machine.name] = peak
                machine.quit()
                if self.arguments.options and isinstance(machine, Bantam):
                    note(machine.errors.read_text(errors="replace"))

    def startup(self, architectures: list[str]) -> None:
        options = shlex.split(self.arguments.options)
        with tempfile.TemporaryDirectory(prefix="bantam-bench-") as folder:
            image = suite_startup.assemble(pathlib.Path(folder))
            for name in self.emulators * self.arguments.runs:
                command = suite_startup.sector_command(self.programs.get(name), image)
                times = [suite_startup.seconds_to(self.processors, command, b"!") for _ in range(SECTOR_TURNS)]
                self.results["startup"].setdefault("boot sector's first byte", {}).setdefault(name, []).extend(times)
                note(f"boot sector by {name}: {min(times) * 1000:.0f} ms at best")
            for architecture in architectures:
                guests = self.guests([KERNELS[architecture]])
                for name in self.emulators * self.arguments.runs:
                    command = suite_startup.boot_command(self.programs.get(name), options, guests, architecture)
                    seconds = suite_startup.seconds_to(self.processors, command, suite_startup.USER_SPACE)
                    self.results["startup"].setdefault(f"{architecture}: boot to user space", {}).setdefault(name, []).append(seconds)
                    note(f"{architecture} boot by {name}: {seconds:.2f} s")
                self.save()

    def save(self) -> None:
        if self.arguments.json:
            self.arguments.json.write_text(json.dumps(self.results, indent=1))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3, help="rounds (default 3)")
    parser.add_argument("--only", type=re.compile, default=re.compile(""), metavar="REGEX", help="benchmarks, e.g. ^fp/")
    parser.add_argument("--emulators", default="bantam,qemu", help="comma-separated: bantam, qemu, NAME=FILE for another build of Bantam")
    parser.add_argument("--arch", default="i386,amd64", help="comma-separated guests")
    parser.add_argument("--percent", type=int, default=100, help="of the usual rounds of each benchmark")
    parser.add_argument("--no-startup", action="store_true", help="leave out boot times and the boot sector")
    parser.add_argument("--startup-only", action="store_true", help="nothing else")
    parser.add_argument("--options", default="", metavar="TEXT", help="for `bantam run`, e.g. \"--log info\"; shows what it then said")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write every measurement there")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/PERFORMANCE.md")
    parser.add_argument("--quick", action="store_true", help="only compare checksums of a benchmark a group, by Bantam; for CTest")
    parser.add_argument("--bantam", default=str(ROOT / "build/release/frontend/bantam"), metavar="FILE")
    parser.add_argument("--suite", default=str(ROOT / "build/release/bench/guest"), metavar="FOLDER", help="with the suite's programs")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.runs, arguments.percent, arguments.emulators = 1, QUICK_PERCENT, "bantam"
        arguments.only = re.compile("|".join(f"^{name}$" for name in QUICK))
    return arguments


def without_paths(words: list[str]) -> list[str]:
    """The command line for the report: where files are, and that the report is kept, is of no interest there."""
    shown, skip = [], False
    for word in words:
        if not skip and not word.startswith(("--json", "--bantam", "--suite", "--write")):
            shown.append(re.sub(r"=[^,]*/", "=", word))
        skip = not skip and word in ("--json", "--bantam", "--suite")
    return shown


def main() -> int:
    arguments = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(75))  # so that machines are ended too
    suite = Suite(arguments)
    architectures = arguments.arch.split(",")
    try:
        if not arguments.quick and not arguments.no_startup and (arguments.startup_only or not arguments.only.pattern):
            suite.startup(architectures)
        for architecture in [] if arguments.startup_only else architectures:
            suite.run(architecture, QUICK_KERNELS if arguments.quick else KERNELS, arguments.only)
    except MachineError as error:
        note(f"bench: {error}")
        return 70
    if not arguments.quick:
        shown = shlex.join(["bench/run", *without_paths(sys.argv[1:])])
        report = suite_report.text(suite.results, shown, suite.emulators)
        print(report)
        if arguments.write:
            suite_report.write(report)
    if suite.wrong:
        note(f"bench: {suite.wrong} results differ from the native ones")
    return 1 if suite.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
