#!/usr/bin/env python3
"""Times the guests of tests/guests/boots to their criterion, side by side on Bantam, QEMU TCG and Bochs.

    bench/guest_times.py [--runs 1] [--bantam FILE] [--emulators bantam,qemu,bochs] [--json FILE] [GUEST...]

The criterion is what the guest's scenario waits for last, on its serial line or in its text memory (bench/sessions.py). From the start of
the process to the moment the text is there; what the scenario sends and types is sent and typed on each of them. What else it waits for must
have come too, but only on Bantam: Bochs loses bytes of long texts, and each has other chips to name. Not timed: what is meant to be refused,
and scenarios with other steps, such as those that let guest time pass.
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
import boots  # noqa: E402
import sessions  # noqa: E402


ANSWERS = ("send", "keys", "type")
LEFT_OUT = ("wait-power-off", "wait-halt", "run", "hash")  # what comes behind the criterion


def timed(boot: boots.Boot) -> bool:
    return all(any(name in step for name in (*sessions.WAITS, *ANSWERS, *LEFT_OUT)) for step in boot.steps)


def runs_on(emulator: str, boot: boots.Boot) -> bool:
    """Bochs's firmware is its own and it has no flash memory."""
    return emulator != "bochs" or not ("firmware" in boot.machine or "flash" in boot.machine or boot.name.startswith("seabios-"))


def steps_to_criterion(boot: boots.Boot, every_wait: bool) -> list[dict]:
    """Up to the last wait; not `every_wait`: of the others only those that something is answered to."""
    def has(step: dict, names: tuple[str, ...]) -> bool:
        return any(name in step for name in names)

    steps = [step for step in boot.steps if has(step, (*sessions.WAITS, *ANSWERS))]
    while not has(steps[-1], sessions.WAITS):
        steps.pop()
    return [step for step, after in zip(steps, [*steps[1:], None])
            if every_wait or after is None or has(step, ANSWERS) or has(after, ANSWERS)]


def measure(emulator: str, file: pathlib.Path, program: str) -> float | None:
    """Seconds to the criterion; None: this emulator does not run the guest, or did not come so far in its time."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        boot = boots.read(file, {})
        if not runs_on(emulator, boot):
            return None
        boot = boots.read(file, boot.made_ready(folder))
        session = None
        try:
            if emulator == "bochs":
                session = sessions.Bochs(boot, folder)
            elif emulator == "qemu":
                session = sessions.qemu(boot, folder)
            else:
                session = sessions.bantam(boot, folder, program)
            watch = sessions.Watch(session, boot.wall_seconds)
            reached = all(watch.take(step) for step in steps_to_criterion(boot, emulator == "bantam"))
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
    guests = {name: boot for name, boot in boots.load().items() if timed(boot)}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--bantam", default=str(ROOT / "build/release/frontend/bantam"))
    parser.add_argument("--emulators", default="bantam,qemu,bochs", help="comma-separated; ratios are to the first")
    parser.add_argument("--json", type=pathlib.Path, help="write every measurement there")
    parser.add_argument("guests", nargs="*", metavar="GUEST", help=f"of {' '.join(guests)}; default: all but the slow ones")
    arguments = parser.parse_args()
    chosen = arguments.guests or [name for name, boot in guests.items() if not boot.slow]
    emulators = arguments.emulators.split(",")
    if unknown := [name for name in chosen if name not in guests]:
        parser.error(f"unknown guest {unknown[0]}: choose from {' '.join(guests)}")
    if missing := [name for name, program in (("qemu", "qemu-system-x86_64"), ("bochs", "bochs"))
                   if name in emulators and not shutil.which(program)]:
        parser.error(f"{missing[0]} is not installed: install it, or leave it away with --emulators")
    results: dict[str, dict[str, list[float | None]]] = {name: {emulator: [] for emulator in emulators} for name in chosen}
    for name in chosen:
        for turn in range(arguments.runs):
            for emulator in emulators:
                seconds = measure(emulator, guests[name].file, arguments.bantam)
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
