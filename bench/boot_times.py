#!/usr/bin/env python3
"""Times Linux guests side by side on Bantam, QEMU TCG and Bochs: boot to user space, then the same work inside the guest.

    bench/boot_times.py [--runs 3] [--bantam FILE] [--emulators bantam,qemu,bochs] [--json FILE] [KERNEL...]

Every round runs each emulator once, one after the other, with the same kernel, initramfs, command line and memory, so a
disturbance of the host meets all of them; the table gives medians. Boot is from the start of the process to the line
"bantam: user space" on the serial port; "kernel" is from the kernel's first line to there, since Bochs has to come up
through its BIOS and GRUB on a CD. Work is timed by the marks of tests/guests/init (bantam.test=bench), as they arrive.
Needs Debian's packages qemu-system-x86, bochs, bochs-x, bochsbios, vgabios, xvfb, grub-pc-bin, grub-common, xorriso, mtools.
"""
import argparse
import datetime
import json
import os
import pathlib
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import sessions

ROOT = pathlib.Path(__file__).resolve().parent.parent
KERNELS = {"amd64": "amd64", "cloud-amd64": "amd64", "686": "i386", "686-pae": "i386"}
APPEND = "console=ttyS0 bantam.test=bench"
MEMORY_MIB = 256
LIMIT_S = 900
WORKS = ("sha256sum", "gzip", "shell-loop", "awk", "find", "fork")


def command_of(emulator: str, folder: pathlib.Path, guests: pathlib.Path, name: str, bantam: str) -> list[str]:
    kernel, initrd = guests / f"vmlinuz-{name}", guests / f"initramfs-{KERNELS[name]}.cpio.gz"
    serial = folder / "serial"
    if emulator == "bochs":
        media = [f"ata0-master: type=cdrom, path={sessions.boot_cd(folder, kernel, initrd, APPEND)}, status=inserted", "boot: cdrom"]
        return ["xvfb-run", "-a", *sessions.bochs_command(folder, f"{MEMORY_MIB}M", media, f"mode=file, dev={serial}")]
    if emulator == "qemu":
        return ["qemu-system-x86_64", "-accel", "tcg", "-machine", "pc", "-cpu", "max", "-display", "none", "-no-reboot",
                "-m", str(MEMORY_MIB), "-kernel", str(kernel), "-initrd", str(initrd), "-append", APPEND,
                "-serial", f"file:{serial}", "-monitor", "none"]
    return [bantam, "run", "--headless", "--memory", f"{MEMORY_MIB}M", "--kernel", str(kernel), "--initrd", str(initrd),
            "--append", APPEND, "--serial", f"file:{serial}", "--no-reboot"]


def measure(command: list[str], serial: pathlib.Path) -> dict[str, float]:
    """Seconds per phase; the serial file is read every 2 ms and each line stamped."""
    started = time.monotonic()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               start_new_session=True)
    stamps: dict[str, float] = {}
    text, offset = "", 0
    try:
        while "bantam: end fork" not in stamps and time.monotonic() - started < LIMIT_S:
            time.sleep(0.002)
            ended = process.poll() is not None
            if serial.exists() and serial.stat().st_size > offset:
                with open(serial, "rb") as file:
                    file.seek(offset)
                    chunk = file.read()
                offset += len(chunk)
                now = time.monotonic()
                *lines, text = (text + chunk.decode(errors="replace")).replace("\r", "").split("\n")
                for line in lines:
                    mark = "first" if not stamps else line
                    if mark == "first" or line.startswith("bantam: "):
                        stamps.setdefault(mark, now)
            elif ended:
                break
    finally:
        try:
            os.killpg(process.pid, signal.SIGTERM)
        except ProcessLookupError:
            pass
        process.wait()
    if "bantam: end fork" not in stamps:
        sys.exit(f"boot_times: the guest did not finish: {' '.join(command)}")
    up = stamps["bantam: user space"]
    times = {"boot": up - started, "kernel": up - stamps["first"]}
    return times | {work: stamps[f"bantam: end {work}"] - stamps[f"bantam: begin {work}"] for work in WORKS}


def table(results: dict[str, dict[str, list[dict[str, float]]]], emulators: list[str]) -> str:
    phases = ("boot", "kernel", *WORKS)
    others = [name for name in emulators if name != emulators[0]]
    head = ["guest", "phase", *(f"{name} / {emulators[0]}" for name in others), *(f"{name}, s" for name in emulators)]
    lines = ["| " + " | ".join(head) + " |", "|---|---|" + "---:|" * (len(head) - 2)]
    for kernel, measured in results.items():
        for phase in phases:
            medians = {name: statistics.median(run[phase] for run in runs) for name, runs in measured.items()}
            ratios = [f"{medians[name] / medians[emulators[0]]:.2f}" for name in others]
            seconds = [f"{medians[name]:.2f}" for name in emulators]
            lines.append("| " + " | ".join([kernel, phase, *ratios, *seconds]) + " |")
    return "\n".join(lines)


def versions(emulators: list[str]) -> str:
    said = []
    if "qemu" in emulators:
        said.append(subprocess.run(["qemu-system-x86_64", "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0])
    if "bochs" in emulators:
        banner = subprocess.run(["bochs", "--help", "cpu"], capture_output=True, text=True, check=False)
        found = re.search(r"Bochs x86 Emulator [\d.]+", banner.stdout + banner.stderr)
        said.append(found.group(0) if found else "Bochs")
    return "; ".join(said)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--bantam", default=str(ROOT / "build/release/frontend/bantam"))
    parser.add_argument("--emulators", default="bantam,qemu,bochs", help="comma-separated; ratios are to the first")
    parser.add_argument("--json", type=pathlib.Path, help="write every measurement there")
    parser.add_argument("kernels", nargs="*", metavar="KERNEL", help=f"of {' '.join(KERNELS)}; default: all")
    arguments = parser.parse_args()
    kernels, emulators = arguments.kernels or list(KERNELS), arguments.emulators.split(",")
    if unknown := [name for name in kernels if name not in KERNELS]:
        parser.error(f"unknown kernel {unknown[0]}: choose from {' '.join(KERNELS)}")
    guests = pathlib.Path(subprocess.run([ROOT / "tests/guests/fetch", *kernels], stdout=subprocess.PIPE, text=True, check=True).stdout.strip())
    results: dict[str, dict[str, list[dict[str, float]]]] = {kernel: {name: [] for name in emulators} for kernel in kernels}
    for kernel in kernels:
        for turn in range(arguments.runs):
            for name in emulators:
                with tempfile.TemporaryDirectory() as folder:
                    command = command_of(name, pathlib.Path(folder), guests, kernel, arguments.bantam)
                    times = measure(command, pathlib.Path(folder) / "serial")
                results[kernel][name].append(times)
                print(f"{kernel} {name} {turn + 1}: " + ", ".join(f"{phase} {value:.2f}" for phase, value in times.items()), file=sys.stderr, flush=True)
                if arguments.json:
                    arguments.json.write_text(json.dumps(results))
    commit = subprocess.run(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
    print(f"`bench/boot_times.py --runs {arguments.runs} {' '.join(kernels)}`, {datetime.date.today()}, commit {commit}; {versions(emulators)}\n")
    print(table(results, emulators))
    return 0


if __name__ == "__main__":
    sys.exit(main())
