#!/usr/bin/env python3
"""Kills the process while its guest writes to an ext4 disk, and looks at the image that is left.

    kill_test.py --bantam FILE [--seed N] KILLS

The guest (/init, bantam.test=flush) writes file after file and says "bantam: safe N" when sync has returned for file N. At a
random moment after the first one the process gets SIGKILL. Then e2fsck -p must accept the image, as at the boot after a power
cut (it replays the journal), e2fsck -fn must find nothing more, and every file that was said to be safe must have its contents.
"""
import argparse
import os
import pathlib
import random
import re
import selectors
import subprocess
import sys
import tempfile
import time

import boots

KEPT = 20  # the guest removes older files
BOOT_SECONDS = 600


def contents(number: int) -> bytes:
    line = b"file-%06d-\n" % number
    size = 4096 + number * 7919 % 200000
    return (line * (size // len(line) + 1))[:size]


def run_and_kill(command: list[str], delay: float) -> list[int]:
    """The numbers of the files that were safe at the moment of the kill; the kill comes `delay` seconds after the first."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    selector = selectors.DefaultSelector()
    selector.register(process.stdout, selectors.EVENT_READ)
    raw = bytearray()
    deadline = time.monotonic() + BOOT_SECONDS
    armed = False
    while (left := deadline - time.monotonic()) > 0:
        if not selector.select(timeout=left):
            break
        chunk = os.read(process.stdout.fileno(), 65536)
        if not chunk:
            break
        raw += chunk
        if not armed and b"bantam: safe 1\r" in raw:
            armed, deadline = True, time.monotonic() + delay
    process.kill()
    raw += process.stdout.read()
    status = process.wait()
    if not armed or status != -9:
        print(raw.decode(errors="replace")[-2000:])
        sys.exit(f"kill_test: the guest never wrote, or ended by itself with {status}")
    return [int(number) for number in re.findall(rb"bantam: safe (\d+)\r", raw)]


def complaints(image: pathlib.Path, safe: list[int]) -> list[str]:
    found = []
    for options, good in (("-p", (0, 1)), ("-fn", (0,))):
        check = subprocess.run(["e2fsck", options, str(image)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=boots.TOOLS,
                               check=False)
        if check.returncode not in good:
            found.append(f"e2fsck {options}: status {check.returncode}: {check.stdout[-500:]}")
    for number in range(max(1, safe[-1] - KEPT + 1), safe[-1] + 1):
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
            guest = pathlib.Path(boots.made_ready("disk-amd64", "mke2fs -q -t ext4 disk.img 64M", work)["guests"]) / "disk-amd64"
            image = work / "disk.img"
            safe = run_and_kill([arguments.bantam, "run", "--headless", "--memory", "128M", "--kernel", str(guest / "vmlinuz"),
                                 "--initrd", str(guest / "initramfs.cpio.gz"), "--append", "console=ttyS0 quiet bantam.test=flush",
                                 "--disk", str(image), "--serial", "stdio", "--no-reboot"], chance.uniform(0, 4))
            found = complaints(image, safe)
        files += len(safe)
        failed += bool(found)
        print(f"kill {turn + 1}: {safe[-1]} files safe{''.join(chr(10) + '  ' + line for line in found)}", flush=True)
    print(f"{arguments.kills} kills, {files} files safe before them, {failed} FAILED" if failed else
          f"{arguments.kills} kills, {files} files safe before them, none lost")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
