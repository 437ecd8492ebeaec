#!/usr/bin/env python3
"""Lets a guest run for a day of its own time, and looks at how much memory Bantam has after the first hour and at the end.

    soak.py --bantam FILE [--hours N]

The guest (Debian's 686 kernel, busybox) uses all of its memory once, then works for a moment every ten seconds (new processes, files,
a compressor) and says how long it has been up. In virtual time idling costs nothing, so a day takes minutes. Fails when resident
memory and page tables grew by more than 4 MiB between the first hour and the last, or the guest fell silent.
"""
import argparse
import os
import pathlib
import re
import selectors
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
MOST_GROWTH_KIB = 4096
SILENCE_SECONDS = 120
# The first program, by itself and from the command line: a shell that waits for no input, so idling is skipped.
WORK = ("/bin/busybox --install -s; mount -t proc proc /proc; head -c 16m /dev/zero >/all; rm /all; "
        "while sleep 10; do ls -lR /bin /proc/1 >/list; gzip -c /list | md5sum >/sum; cut -d. -f1 /proc/uptime; done")


def memory_kib(process: int) -> int:
    """Resident memory and page tables."""
    status = pathlib.Path(f"/proc/{process}/status").read_text()
    return sum(int(re.search(rf"^{name}:\s+(\d+) kB$", status, re.MULTILINE)[1]) for name in ("VmRSS", "VmPTE"))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bantam", required=True)
    parser.add_argument("--hours", type=int, default=24)
    arguments = parser.parse_args()
    fetched = subprocess.run([HERE / "fetch", "686"], stdout=subprocess.PIPE, text=True, check=False)
    if fetched.returncode != 0:
        sys.exit("soak: cannot fetch the guest")
    guests = pathlib.Path(fetched.stdout.strip())
    began = time.monotonic()
    process = subprocess.Popen([arguments.bantam, "run", "--headless", "--clock", "virtual", "--memory", "64M", "--kernel",
                                guests / "vmlinuz-686", "--initrd", guests / "initramfs-i386.cpio.gz", "--append",
                                f'console=ttyS0 quiet rdinit=/bin/busybox -- sh -c "{WORK}"', "--serial", "stdio"],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    selector = selectors.DefaultSelector()
    selector.register(process.stdout, selectors.EVENT_READ)
    said, hour, after_first = b"", 0, 0
    try:
        while hour < arguments.hours:
            if not selector.select(timeout=SILENCE_SECONDS):
                sys.exit(f"soak: nothing for {SILENCE_SECONDS} s after {hour} hours: {said[-500:].decode(errors='replace')}")
            chunk = os.read(process.stdout.fileno(), 65536)
            if not chunk:
                sys.exit(f"soak: it ended by itself with {process.wait()}: {said[-500:].decode(errors='replace')}")
            said = (said + chunk)[-4096:]
            times = re.findall(rb"^(\d+)\r$", said, re.MULTILINE)
            if not times or int(times[-1]) < 3600 * (hour + 1):
                continue
            hour += 1
            now = memory_kib(process.pid)
            after_first = after_first or now
            print(f"{hour} h: {now / 1024:.1f} MiB, {time.monotonic() - began:.0f} s of ours", flush=True)
    finally:
        process.kill()
        process.wait()
    growth = now - after_first
    print(f"{growth} KiB more than after the first hour{'' if growth <= MOST_GROWTH_KIB else f': FAILED, at most {MOST_GROWTH_KIB}'}")
    return 0 if growth <= MOST_GROWTH_KIB else 1


if __name__ == "__main__":
    sys.exit(main())
