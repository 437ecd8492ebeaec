#!/usr/bin/env python3
"""The ACPI power button reaches user space: `system_powerdown` on the monitor makes Debian's kernel with its driver `button`
report a key, busybox's acpid act on it, and the machine turn off.

    power_button.py --bantam FILE | --reference      the same guest under Bantam or under qemu-system-x86_64 (TCG)

The small guests of guests.toml do not react to the button, under QEMU neither: Debian builds the driver as a module, and
their initramfs has none. This one adds `button` and `evdev` of the kernel's own package.
"""
import argparse
import gzip
import pathlib
import re
import socket
import stat
import subprocess
import sys
import tempfile
import time

from make_initramfs import Cpio
from run_guest import HERE, ROOT, matched

LIMIT_S = 300
READY = "bantam: listening for the power button"
# The counter is the kernel's own count of the fixed event; acpid runs the script that it names.
EXPECT = ["ACPI: button: Power Button \\[PWRF\\]", READY, "bantam: pressed, events +1 +EN +enabled", "reboot: Power down"]
INIT = f"""#!/bin/sh
/bin/busybox --install -s
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
insmod /modules/evdev.ko && insmod /modules/button.ko || echo "bantam: FAILED insmod"
mkdir -p /etc/acpi/PWRF
cat >/etc/acpi/PWRF/00000080 <<'END'
#!/bin/sh
echo "bantam: pressed, events $(cat /sys/firmware/acpi/interrupts/ff_pwr_btn)"
poweroff -f
END
chmod +x /etc/acpi/PWRF/00000080
acpid -f -l /dev/console &
until [ "$(ls -l /proc/$!/fd | grep -c /dev/input/event)" = "$(ls /dev/input/event* | wc -l)" ]; do sleep 1; done
echo "{READY}"
wait
"""


def make_initramfs(base: pathlib.Path, modules: pathlib.Path, output: pathlib.Path) -> None:
    """The kernel unpacks archives that follow each other; what comes later wins."""
    more = Cpio()
    more.add("modules", stat.S_IFDIR | 0o755)
    for name in ("button.ko", "evdev.ko"):
        more.add(f"modules/{name}", stat.S_IFREG | 0o644, (modules / name).read_bytes())
    more.add("init", stat.S_IFREG | 0o755, INIT.encode())
    output.write_bytes(base.read_bytes() + gzip.compress(more.finish()))


def command_of(arguments: argparse.Namespace, kernel: pathlib.Path, initrd: pathlib.Path, monitor: pathlib.Path) -> list[str]:
    boot = {"kernel": str(kernel), "initrd": str(initrd), "append": "console=ttyS0"}
    if arguments.reference:
        return ["qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-display", "none", "-m", "128M", "-serial", "stdio",
                "-monitor", f"unix:{monitor},server,nowait", *(word for key in boot for word in (f"-{key}", boot[key]))]
    return [arguments.bantam, "run", "--headless", "--memory", "128M", "--serial", "stdio", "--monitor", f"unix:{monitor}",
            "--wall-limit", f"{LIMIT_S}s", *(word for key in boot for word in (f"--{key}", boot[key]))]


def press(monitor: pathlib.Path) -> None:
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(str(monitor))
        line.settimeout(20)
        received = b""
        while not re.search(rb"\((qemu|bantam)\) $", received):
            received += line.recv(4096)
        line.sendall(b"system_powerdown\n")
        line.recv(4096)  # the answer's beginning: the command has been read


def run(arguments: argparse.Namespace, cache: pathlib.Path, folder: pathlib.Path) -> tuple[int, str]:
    initrd, monitor = folder / "initrd", folder / "monitor"
    make_initramfs(cache / "initramfs-amd64.cpio.gz", cache / "power-button", initrd)
    text, pressed, started = "", False, time.monotonic()
    with subprocess.Popen(command_of(arguments, cache / "power-button/vmlinuz", initrd, monitor), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        for raw in process.stdout:
            text += raw.decode(errors="replace").replace("\r", "")
            if READY in text and not pressed:
                press(monitor)
                pressed = True
            if time.monotonic() - started > LIMIT_S:
                process.kill()
        return process.wait(), text


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bantam", default=str(ROOT / "build/release/frontend/bantam"))
    parser.add_argument("--reference", action="store_true")
    arguments = parser.parse_args()
    fetched = subprocess.run([HERE / "fetch", "power-button"], stdout=subprocess.PIPE, text=True, check=False)
    if fetched.returncode != 0:
        sys.exit("power_button: cannot fetch the guest")
    with tempfile.TemporaryDirectory() as folder:
        status, text = run(arguments, pathlib.Path(fetched.stdout.strip()), pathlib.Path(folder))
    count = matched(EXPECT, text)
    if count == len(EXPECT) and status == 0:
        print("power button: ok")
        return 0
    missing = f"'{EXPECT[count]}' did not appear" if count < len(EXPECT) else "all appeared"
    print(f"power button: FAILED: {missing}, exit status {status}\n" + "\n".join(text.splitlines()[-30:]))
    return 1


if __name__ == "__main__":
    sys.exit(main())
