#!/usr/bin/env python3
"""Times the guests of tests/guests/guests.toml to their criterion, side by side on Bantam, QEMU TCG and Bochs.

    bench/guest_times.py [--runs 1] [--bantam FILE] [--emulators bantam,qemu,bochs] [--json FILE] [GUEST...]

The criterion is the guest's last `expect`, on its serial line or, for a `screen` guest, in its text memory (bench/sessions.py). From the
start of the process to the moment the text is there; `answers` are typed and keys of the `dialogue` pressed on each of them.
The texts before it must have come too, but only on Bantam: Bochs loses bytes of long ones, and each has other chips to name. Not timed: what is meant to be refused, what
needs real time, and what is seen in SeaBIOS's log only.
Every round runs the emulators one after the other, so a disturbance of the host meets all of them; the table gives medians and
ratios. Bochs takes what has a disk or a CD, and a kernel from a CD whose GRUB starts it (bench/boot_times.py); it has no flash
memory and its firmware must be its own, so such cells are empty.
Needs the Debian packages that bench/boot_times.py names.
"""
import argparse
import datetime
import json
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests/guests"), str(ROOT / "bench")]
import boot_times  # noqa: E402
import run_guest  # noqa: E402
import sessions  # noqa: E402


def timed(guest: dict) -> bool:
    looks_at_firmware = any(pattern.startswith("firmware: ") for pattern, _ in guest.get("dialogue", []))
    return not (set(guest["status"]) <= {64, 65, 66} or guest.get("clock") or looks_at_firmware)


def runs_on(emulator: str, guest: dict) -> bool:
    """Bochs's firmware is its own and it has no flash memory."""
    return emulator != "bochs" or not ("firmware" in guest or "flash" in guest or guest["about"].startswith("SeaBIOS"))


def measure(emulator: str, guest: dict, cache: pathlib.Path, program: str) -> float | None:
    """Seconds to the criterion; None: this emulator does not run the guest, or did not come so far in its time."""
    if not runs_on(emulator, guest):
        return None
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        if "new_disk" in guest:
            run_guest.make_disk(guest, folder)
        if "new_floppy" in guest:
            run_guest.make_floppy(folder)
        session = None
        try:
            if emulator == "bochs":
                session = sessions.Bochs(guest, cache, folder)
            elif emulator == "qemu":
                session = sessions.qemu(guest, cache, folder)
            else:
                session = sessions.bantam(guest, cache, folder, program)
            expect = guest["expect"] if emulator == "bantam" else guest["expect"][-1:]
            watch = sessions.Watch(session, guest, guest["seconds"])
            reached = watch.screen(expect) if guest.get("screen") else watch.serial(expect)
            return time.monotonic() - session.started if reached else None
        except (RuntimeError, OSError, EOFError) as problem:
            print(f"{emulator}: {problem}", file=sys.stderr)
            return None
        finally:
            if session is not None:
                session.close()


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
                seconds = measure(emulator, guests[name], cache, arguments.bantam)
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
