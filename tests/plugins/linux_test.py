#!/usr/bin/env python3
"""Plugins with a Debian kernel: both engines tell the same blocks and the same system calls, and the machine is as without."""
import argparse
import pathlib
import subprocess
import sys
import tempfile

FETCH = pathlib.Path(__file__).resolve().parent / "fetch"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--bantam", "--plugins", "--examples"):
        parser.add_argument(name, type=pathlib.Path, required=True)
    parser.add_argument("kernels", nargs="+", help="686 or amd64")
    arguments = parser.parse_args()
    fetched = subprocess.run([FETCH, *arguments.kernels], stdout=subprocess.PIPE, text=True, check=True)
    cache = pathlib.Path(fetched.stdout.strip())

    def boot(kernel: str, engine: str, plugins: dict[str, str], folder: pathlib.Path) -> list[str]:
        """What the plugins have written, then the hash of the machine's state."""
        initrd = cache / f"initramfs-{'amd64' if 'amd64' in kernel else 'i386'}.cpio.gz"
        command = [arguments.bantam, "run", "--kernel", cache / f"vmlinuz-{kernel}", "--initrd", initrd, "--headless", "--print-hash",
                   "--append", "console=ttyS0 quiet bantam.test=boot", "--serial", f"file:{folder}/serial", "--engine", engine]
        for number, (plugin, words) in enumerate(plugins.items()):
            command += ["--plugin", f"{plugin},{folder}/{number}{words}"]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"{kernel}, {engine}: status {done.returncode}")
        return [(folder / str(number)).read_text() for number in range(len(plugins))] + [done.stdout]

    plugins = {f"{arguments.plugins}/events.so": " sum decoded call", f"{arguments.examples}/syscalls.so": ""}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for kernel in arguments.kernels:
            first = boot(kernel, "jit", plugins, folder)
            if "execve(" not in first[1]:
                sys.exit(f"{kernel}: no system calls:\n{first[1]}")
            if boot(kernel, "interpreter", plugins, folder) != first:
                sys.exit(f"{kernel}: the engines' events differ")
            if boot(kernel, "jit", {}, folder)[-1] != first[-1]:
                sys.exit(f"{kernel}: the state differs from that without plugins")
            print(f"{kernel}: {first[0].splitlines()[-2]}, {len(first[1].splitlines())} system calls")
    return 0


if __name__ == "__main__":
    sys.exit(main())
