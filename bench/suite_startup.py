"""How long until something runs: a boot sector's first byte on the serial port, and a kernel's user space."""
import pathlib
import os
import selectors
import signal
import subprocess
import time

from suite_machines import APPEND, BOOT_LIMIT_S, KERNELS, MEMORY_MIB, MachineError, Processors

USER_SPACE = b"bantam: user space"


def seconds_to(processors: Processors, command: list[str], wanted: bytes) -> float:
    """From the start of the process until `wanted` is in its output, without stolen time."""
    stolen, began = processors.steal(), time.monotonic()
    process = processors.start(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0)
    said = b""
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while wanted not in said:
                if not selector.select(max(0.0, began + BOOT_LIMIT_S - time.monotonic())):
                    raise MachineError(f"no '{wanted.decode()}' in time: {' '.join(command)}")
                chunk = os.read(process.stdout.fileno(), 65536)
                if not chunk:
                    raise MachineError(f"ended before '{wanted.decode()}': {' '.join(command)}")
                said += chunk
        now = time.monotonic()
        return now - began - (processors.steal() - stolen)
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
        process.stdout.close()


def assemble(folder: pathlib.Path) -> pathlib.Path:
    image = folder / "sector.img"
    subprocess.run(["nasm", "-Wall", "-Werror", "-f", "bin", "-o", image, pathlib.Path(__file__).parent / "guest/sector.asm"], check=True)
    return image


def sector_command(program: str | None, image: pathlib.Path) -> list[str]:
    """By Bantam, or by QEMU when there is no `program`."""
    if program:
        return [program, "run", "--headless", "--memory", f"{MEMORY_MIB}M", "--disk", f"{image},overlay=temp", "--serial", "file:-"]
    return ["qemu-system-x86_64", "-accel", "tcg", "-machine", "pc", "-cpu", "max", "-display", "none", "-m", str(MEMORY_MIB), "-drive",
            f"file={image},format=raw,snapshot=on", "-serial", "file:/dev/stdout", "-monitor", "none"]


def boot_command(program: str | None, options: list[str], guests: pathlib.Path, architecture: str) -> list[str]:
    kernel, initrd = str(guests / f"vmlinuz-{KERNELS[architecture]}"), str(guests / f"initramfs-{architecture}.cpio.gz")
    append = APPEND + " bantam.test=boot"
    if program:
        return [program, "run", "--headless", "--no-reboot", "--memory", f"{MEMORY_MIB}M", "--kernel", kernel, "--initrd", initrd,
                "--append", append, "--serial", "file:-", *options]
    return ["qemu-system-x86_64", "-accel", "tcg", "-machine", "pc", "-cpu", "max", "-display", "none", "-no-reboot", "-m", str(MEMORY_MIB),
            "-kernel", kernel, "-initrd", initrd, "-append", append, "-serial", "file:/dev/stdout", "-monitor", "none"]
