#!/usr/bin/env python3
"""Plugins with a Debian kernel: both engines tell the same blocks and the same system calls, and the machine is as without."""
import argparse
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "guests"))
import boots  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--bantam", "--plugins", "--examples"):
        parser.add_argument(name, type=pathlib.Path, required=True)
    parser.add_argument("kernels", nargs="+", help="686 or amd64")
    arguments = parser.parse_args()

    def boot(scenario: str, engine: str, given: dict[str, str], folder: pathlib.Path) -> str:
        """The scenario's trace, with the hash of the machine's state."""
        done = subprocess.run([arguments.bantam, "test", HERE / f"{scenario}.toml", "--engine", engine, "--artifacts", folder], stdout=subprocess.PIPE,
                              text=True, env=boots.environment(given), check=False)
        if done.returncode != 0:
            sys.exit(f"{scenario}, {engine}: status {done.returncode}\n{done.stdout}")
        return (folder / scenario / "trace.txt").read_text()

    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for kernel in arguments.kernels:
            given = boots.made_ready(kernel, "", folder) | {
                "kernel": kernel, "initrd": "amd64" if "amd64" in kernel else "i386", "out": name,
                "events": f"{arguments.plugins}/events.so", "syscalls": f"{arguments.examples}/syscalls.so"}

            def watched(engine: str) -> list[str]:
                trace = boot("linux", engine, given, folder)
                return [*((folder / plugin).read_text() for plugin in ("0", "1")), trace]

            first = watched("jit")
            if "execve(" not in first[1]:
                sys.exit(f"{kernel}: no system calls:\n{first[1]}")
            if watched("interpreter") != first:
                sys.exit(f"{kernel}: the engines' events differ")
            if boot("linux_alone", "jit", given, folder) != first[2]:
                sys.exit(f"{kernel}: the state differs from that without plugins")
            print(f"{kernel}: {first[0].splitlines()[-2]}, {len(first[1].splitlines())} system calls")
    return 0


if __name__ == "__main__":
    sys.exit(main())
