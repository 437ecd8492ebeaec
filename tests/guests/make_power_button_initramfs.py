#!/usr/bin/env python3
"""Makes the initramfs of boots/power-button.toml: the small guests' own and what it takes to act on the ACPI power button.

    make_power_button_initramfs.py INITRAMFS MODULES OUTPUT

The small guests do not react to the button, under QEMU neither: Debian builds the driver as a module, and their initramfs has none.
This one adds `button` and `evdev` of the kernel's own package, from the folder MODULES, and an init that starts busybox's acpid.
"""
import gzip
import pathlib
import stat
import sys

from make_initramfs import Cpio

# The counter is the kernel's own count of the fixed event; acpid runs the script that it names.
INIT = """#!/bin/sh
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
echo "bantam: listening for the power button"
wait
"""


def main() -> None:
    base, modules, output = map(pathlib.Path, sys.argv[1:])
    # The kernel unpacks archives that follow each other; what comes later wins.
    more = Cpio()
    more.add("modules", stat.S_IFDIR | 0o755)
    for name in ("button.ko", "evdev.ko"):
        more.add(f"modules/{name}", stat.S_IFREG | 0o644, (modules / name).read_bytes())
    more.add("init", stat.S_IFREG | 0o755, INIT.encode())
    output.write_bytes(base.read_bytes() + gzip.compress(more.finish()))


if __name__ == "__main__":
    main()
