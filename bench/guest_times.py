#!/usr/bin/env python3
"""Times the guests of tests/guests/guests.toml to their criterion, side by side on Bantam, QEMU TCG and Bochs.

    bench/guest_times.py [--runs 1] [--bantam FILE] [--emulators bantam,qemu,bochs] [--json FILE] [GUEST...]

The criterion is the guest's last `expect` in what it sends to its serial line, so a guest is timed if it has one there: no
`screen`, not meant to be refused. From the start of the process to the moment the text arrives; `answers` are typed on each of them.
The texts before it must have come too, but not on Bochs, which loses bytes of long ones.
Every round runs the emulators one after the other, so a disturbance of the host meets all of them; the table gives medians and
ratios. Bochs takes what has a disk or a CD, and a kernel from a CD whose GRUB starts it (bench/boot_times.py); it has no flash
memory and its firmware must be its own, so such cells are empty.
Needs the Debian packages that bench/boot_times.py names.
"""
import argparse
import datetime
import json
import os
import pathlib
import re
import selectors
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests/guests"), str(ROOT / "bench")]
import boot_times  # noqa: E402
import run_guest  # noqa: E402


def timed(guest: dict) -> bool:
    return not (guest.get("screen") or guest["status"] != [0] or guest.get("clock") or "new_disk" in guest or "new_floppy" in guest)


def mebibytes(text: str) -> int:
    return int(text[:-1]) * {"M": 1, "G": 1024}[text[-1]]


def bochs_media(guest: dict, cache: pathlib.Path, folder: pathlib.Path) -> list[str] | None:
    """Lines of bochsrc for the guest's drives; None: Bochs cannot run it."""
    if "firmware" in guest or "flash" in guest:
        return None
    if "kernel" in guest:
        append = boot_times.APPEND
        boot_times.APPEND = guest.get("append", "")
        try:
            image = boot_times.bochs_iso(folder, cache / guest["kernel"], cache / guest["initrd"]) if "initrd" in guest else None
        finally:
            boot_times.APPEND = append
        return image and [f"ata0-slave: type=cdrom, path={image}, status=inserted", "boot: cdrom"]
    lines = []
    if "disk" in guest:
        # Bochs locks its image by a file beside it and writes to it: a copy, sparse as the original.
        copy = folder / "disk.img"
        subprocess.run(["cp", "--sparse=always", cache / guest["disk"], copy], check=True)
        lines += [f"ata0-master: type=disk, path={copy}, mode=flat, status=inserted"]
    if "cdrom" in guest:
        lines += [f"ata0-slave: type=cdrom, path={cache / guest['cdrom']}, status=inserted"]
    return [*lines, f"boot: {'disk' if 'disk' in guest else 'cdrom'}"]


class Bochs:
    """A guest under Bochs, its COM1 on a socket that we listen on."""
    def __init__(self, guest: dict, cache: pathlib.Path, folder: pathlib.Path) -> None:
        media = bochs_media(guest, cache, folder)
        self.process = None
        if media is None:
            return
        with socket.create_server(("127.0.0.1", 0)) as server:
            architecture = "i386" if re.search(r"i386|686", str(guest)) else "amd64"
            memory = mebibytes(guest["memory"])
            (folder / "bochsrc").write_text("\n".join([
                "config_interface: textconfig", "display_library: x", "romimage: file=/usr/share/bochs/BIOS-bochs-latest",
                "vgaromimage: file=/usr/share/vgabios/vgabios.bin",
                f"cpu: model={boot_times.BOCHS_CPU[architecture]}, count=1, ips=50000000", f"megs: {memory}", *media,
                f"com1: enabled=1, mode=socket-client, dev=127.0.0.1:{server.getsockname()[1]}", f"log: {folder}/log",
                "panic: action=fatal", "error: action=ignore", "info: action=ignore", "debug: action=ignore", "clock: sync=none",
                "sound: driver=dummy, waveoutdrv=dummy", "speaker: enabled=0, mode=none", ""]))
            (folder / "commands").write_text("c\n")
            self.process = subprocess.Popen(["xvfb-run", "-a", "bochs", "-q", "-f", folder / "bochsrc", "-rc", folder / "commands"],
                                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                            start_new_session=True)
            server.settimeout(60)
            try:
                self.line, _ = server.accept()
            except TimeoutError:  # so much memory, for one, is more than it can have
                self.process.kill()
                self.process = None
                return
        self.input = self.output = self.line.fileno()


class Piped:
    """A guest under Bantam or QEMU, its COM1 on standard input and output."""
    def __init__(self, command: list[str]) -> None:
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                        start_new_session=True)
        self.input, self.output = self.process.stdin.fileno(), self.process.stdout.fileno()


def measure(emulator: str, guest: dict, cache: pathlib.Path, arguments: argparse.Namespace) -> float | None:
    """Seconds to the criterion; None: this emulator does not run the guest, or did not come so far in its time."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        started = time.monotonic()
        if emulator == "bochs":
            run = Bochs(guest, cache, folder)
        elif emulator == "qemu":
            run = Piped(run_guest.reference_command(guest, cache))
        else:
            run = Piped(run_guest.bantam_command(guest, cache, argparse.Namespace(bantam=arguments.bantam, engine="jit"), folder / "screen"))
        if run.process is None:
            return None
        try:
            if emulator == "bochs":
                return wait_for(run, {**guest, "expect": guest["expect"][-1:]}, started, guest["seconds"])
            return wait_for(run, guest, started, guest["seconds"])
        finally:
            try:
                os.killpg(run.process.pid, signal.SIGTERM)
            except ProcessLookupError:
                pass
            run.process.wait()


def wait_for(run: Bochs | Piped, guest: dict, started: float, limit: float) -> float | None:
    answers = list(guest.get("answers", []))
    raw, answered = bytearray(), 0
    selector = selectors.DefaultSelector()
    selector.register(run.output, selectors.EVENT_READ)
    while (left := limit - (time.monotonic() - started)) > 0:
        if not selector.select(timeout=left):
            break
        chunk = os.read(run.output, 65536)
        now = time.monotonic()
        if not chunk:
            break
        raw += chunk
        while answers and (found := re.search(answers[0][0].encode(), raw[answered:])):
            answered += found.end()
            os.write(run.input, answers.pop(0)[1].encode())
        if run_guest.matched(guest["expect"], raw.decode(errors="replace").replace("\r", "")) == len(guest["expect"]):
            return now - started
    return None


def table(results: dict[str, dict[str, list[float | None]]], emulators: list[str]) -> str:
    others = emulators[1:]
    lines = ["| guest | " + " | ".join([*(f"{name} / {emulators[0]}" for name in others), *(f"{name}, s" for name in emulators)]) + " |",
             "|---|" + "---:|" * (len(others) + len(emulators))]
    for guest, measured in results.items():
        median = {name: statistics.median(runs) if runs and None not in runs else None for name, runs in measured.items()}
        own = median[emulators[0]]
        ratios = [f"{median[name] / own:.2f}" if own and median[name] else "" for name in others]
        lines.append(f"| {guest} | " + " | ".join([*ratios, *(f"{median[name]:.1f}" if median[name] else "" for name in emulators)]) + " |")
    return "\n".join(lines)


def main() -> int:
    guests = {name: guest for name, guest in run_guest.load_guests().items() if timed(guest)}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--bantam", default=str(ROOT / "build/release/frontend/bantam"))
    parser.add_argument("--emulators", default="bantam,qemu,bochs", help="comma-separated; ratios are to the first")
    parser.add_argument("--json", type=pathlib.Path, help="write every measurement there")
    parser.add_argument("guests", nargs="*", metavar="GUEST", help=f"of {' '.join(guests)}; default: all but the slow ones")
    arguments = parser.parse_args()
    chosen = arguments.guests or [name for name, guest in guests.items() if not guest["slow"]]
    emulators = arguments.emulators.split(",")
    if unknown := [name for name in chosen if name not in guests]:
        parser.error(f"unknown guest {unknown[0]}: choose from {' '.join(guests)}")
    if missing := [name for name, program in (("qemu", "qemu-system-x86_64"), ("bochs", "bochs"))
                   if name in emulators and not shutil.which(program)]:
        parser.error(f"{missing[0]} is not installed: install it, or leave it away with --emulators")
    results: dict[str, dict[str, list[float | None]]] = {name: {emulator: [] for emulator in emulators} for name in chosen}
    for name in chosen:
        cache = run_guest.fetch(guests[name])
        for turn in range(arguments.runs):
            for emulator in emulators:
                seconds = measure(emulator, guests[name], cache, arguments)
                results[name][emulator].append(seconds)
                print(f"{name} {emulator} {turn + 1}: {'does not run' if seconds is None else f'{seconds:.2f} s'}", file=sys.stderr, flush=True)
                if arguments.json:
                    arguments.json.write_text(json.dumps(results))
    commit = subprocess.run(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
    print(f"`bench/guest_times.py --runs {arguments.runs} {' '.join(arguments.guests)}`, {datetime.date.today()}, commit {commit}; "
          f"{boot_times.versions(emulators)}\n")
    print(table(results, emulators))
    return 0 if all(None not in measured[emulators[0]] for measured in results.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
