#!/usr/bin/env python3
"""Kills the process while its guest writes to an ext4 disk, and looks at the image that is left.

    kill_test.py --bantam FILE [--seed N] KILLS

The guest of kill.toml (/init, bantam.test=flush) writes file after file and says "bantam: safe N" when sync has returned for file N.
At a random moment after the first one the machine's process gets SIGKILL. Then e2fsck -p must accept the image, as at the boot after a power
cut (it replays the journal), e2fsck -fn must find nothing more, and every file that was said to be safe must have its contents.
"""
import argparse
import pathlib
import random
import subprocess
import sys
import tempfile

import boots

HERE = pathlib.Path(__file__).resolve().parent
KEPT = 18  # the guest removes those that are 20 older, and may be a file further than what was kept of its words


def contents(number: int) -> bytes:
    line = b"file-%06d-\n" % number
    size = 4096 + number * 7919 % 200000
    return (line * (size // len(line) + 1))[:size]


def run_and_kill(bantam: str, given: dict[str, str], work: pathlib.Path, delay: float) -> int:
    """How many files were safe before the kill, which comes `delay` seconds after the first was."""
    done = subprocess.run([bantam, "test", HERE / "kill.toml", "--artifacts", work / "artifacts"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, env=boots.environment(given | {"delay": f"{delay:.3f}"}), check=False)
    safe = work / "safe"
    if "its process died of signal 9" not in done.stdout or not safe.exists():
        sys.exit(f"kill_test: the guest never wrote, or ended by itself with {done.returncode}:\n{done.stdout}")
    return int(safe.read_text().split()[-1])


def complaints(image: pathlib.Path, safe: int) -> list[str]:
    found = []
    for options, good in (("-p", (0, 1)), ("-fn", (0,))):
        check = subprocess.run(["e2fsck", options, str(image)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=boots.TOOLS,
                               check=False)
        if check.returncode not in good:
            found.append(f"e2fsck {options}: status {check.returncode}: {check.stdout[-500:]}")
    for number in range(max(1, safe - KEPT + 1), safe + 1):
        got = subprocess.run(["debugfs", "-R", f"cat /{number}", str(image)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                             env=boots.TOOLS, check=False).stdout
        if got != contents(number):
            found.append(f"file {number} was safe, but holds {len(got)} bytes of {len(contents(number))} or others")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bantam", required=True)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32))
    parser.add_argument("kills", type=int)
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    print(f"seed {arguments.seed}")
    failed = files = 0
    for turn in range(arguments.kills):
        with tempfile.TemporaryDirectory() as folder:
            work = pathlib.Path(folder)
            given = boots.made_ready("disk-amd64", "mke2fs -q -t ext4 disk.img 64M", work)
            safe = run_and_kill(arguments.bantam, given, work, chance.uniform(0, 4))
            found = complaints(work / "disk.img", safe)
        files += safe
        failed += bool(found)
        print(f"kill {turn + 1}: {safe} files safe{''.join(chr(10) + '  ' + line for line in found)}", flush=True)
    print(f"{arguments.kills} kills, {files} files safe before them, {failed} FAILED" if failed else
          f"{arguments.kills} kills, {files} files safe before them, none lost")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
