#!/usr/bin/env python3
"""Runs one assembled guest of tests/system and judges it.

A guest passes when the process ends with the status its source asks for: 1 (debug-exit value 0) unless a comment line
`; status: N` says otherwise. `; run: ARGUMENTS` adds arguments to `bantam run`, `; reboot: allowed` lets resets happen,
`; floppy: BYTES` puts an empty diskette of that size in, `; boot: floppy` makes the guest itself the diskette that firmware boots,
`; seconds: N` is the wall time it may take (50). --reference runs the guest under QEMU
TCG instead, as a second opinion; `; reference: ARGUMENTS` adds arguments there.
"""
import argparse
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile


def directive(source, name, default=""):
    match = re.search(rf"^; {name}: (.*)$", source, re.MULTILINE)
    return match.group(1) if match else default


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bantam", default="bantam")
    parser.add_argument("--engine", default="")
    parser.add_argument("--reference", action="store_true", help="run under QEMU TCG")
    parser.add_argument("source", type=pathlib.Path)
    parser.add_argument("image")
    options = parser.parse_args()
    source = options.source.read_text()
    wanted = int(directive(source, "status", "1"))
    seconds = int(directive(source, "seconds", "50"))
    with tempfile.TemporaryDirectory() as folder:
        said = pathlib.Path(folder) / "said"
        booted = directive(source, "boot") == "floppy"
        diskette = pathlib.Path(folder) / "floppy"
        if booted:
            shutil.copyfile(options.image, diskette)
        elif directive(source, "floppy"):
            diskette.write_bytes(bytes(int(directive(source, "floppy"))))
        if options.reference:
            command = ["qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-display", "none",
                       *(["-boot", "a"] if booted else ["-kernel", options.image]), "-m", "64M", "-device", "isa-debug-exit,iobase=0xf4", "-debugcon", f"file:{said}"]
            if directive(source, "reboot") != "allowed":
                command.append("-no-reboot")
            if diskette.exists():
                command += ["-drive", f"if=floppy,format=raw,file={diskette}"]
            command += shlex.split(directive(source, "reference"))
        else:
            command = [options.bantam, "run", *(["--boot", "a"] if booted else ["--kernel", options.image]), "--memory", "64M",
                       "--headless", "--debug-exit", "--debugcon", f"file:{said}", "--wall-limit", f"{seconds}s", "--serial", "none"]
            if diskette.exists():
                command += ["--floppy", str(diskette)]
            if options.engine:
                command += ["--engine", options.engine]
            if options.engine == "jit":
                command += ["--jit-threshold", "0"]
            if directive(source, "reboot") != "allowed":
                command.append("--no-reboot")
            command += shlex.split(directive(source, "run"))
        try:
            process = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 5, stdin=subprocess.DEVNULL, check=False)
            status, errors = process.returncode, process.stderr
        except subprocess.TimeoutExpired:
            status, errors = "none: it did not end", ""
        output = said.read_text(errors="replace") if said.exists() else ""
    lines = [re.sub(r"line \(hex\) ([0-9A-F]+)", lambda m: f"{options.source.name}:{int(m.group(1), 16)}:", line)
             for line in output.splitlines()]
    if status == wanted:
        print(f"{options.source.stem}: passed")
        return 0
    print("\n".join(lines))
    print(errors, file=sys.stderr)
    print(f"{options.source.stem}: exit status {status}, expected {wanted}")
    return 1


sys.exit(main())
