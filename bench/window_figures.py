#!/usr/bin/env python3
"""Measures the window of `bantam run` under Xvfb, by X events and the X server's frame buffer as a person has them:
how long a key takes from the X server to the guest's IN from port 60h, the guest halted in between; and what 60 different
pictures a second (32 bits, every dot) cost: 640x480 as it is, 640x400 in the shape that a monitor shows (DOS games), and enlarged.

    bench/window_figures.py build/release/frontend/bantam
"""
import argparse
import ctypes
import ctypes.util
import mmap
import os
import pathlib
import random
import statistics
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests/frontend"))
import guest_image  # noqa: E402
import x_display  # noqa: E402

# Both guests: the 8259A pair at vector 20h, one request line open, the handler at `serve`.
INTERRUPTS = """
bits 32
org 100020h
    mov esp, 180000h
    mov eax, serve
    mov word [200000h + 8 * VECTOR], ax
    mov word [200002h + 8 * VECTOR], cs
    mov word [200004h + 8 * VECTOR], 8E00h
    shr eax, 16
    mov word [200006h + 8 * VECTOR], ax
    lidt [table]
    mov al, 11h
    out 20h, al
    mov al, 20h
    out 21h, al
    mov al, 4
    out 21h, al
    mov al, 1
    out 21h, al
    mov al, MASK
    out 21h, al
    jmp begin
table: dw 7FFh
    dd 200000h
"""
KEYS = """
%define VECTOR 21h
%define MASK 0FDh
""" + INTERRUPTS + """
begin: sti
wait_here: hlt
    jmp wait_here
serve: push eax
    in al, 60h
    out 0E9h, al
    mov al, 20h
    out 20h, al
    pop eax
    iretd
"""
PICTURES = """
%define HEIGHT {height}
%define VECTOR 20h
%define MASK 0FEh
%macro dispi 2
    mov dx, 1CEh
    mov ax, %1
    out dx, ax
    inc dx
    mov ax, %2
    out dx, ax
%endmacro
""" + INTERRUPTS + """
begin: mov ebx, 80000008h       ; PCI: the device of class 0300h
find: mov eax, ebx
    mov dx, 0CF8h
    out dx, eax
    mov dx, 0CFCh
    in eax, dx
    shr eax, 16
    cmp eax, 300h
    je found
    add ebx, 800h
    jmp find
found: lea eax, [ebx + 8]       ; its frame buffer
    mov dx, 0CF8h
    out dx, eax
    mov dx, 0CFCh
    in eax, dx
    and eax, -16
    jnz placed
    mov eax, 0E0000000h
    out dx, eax
placed: mov ebp, eax
    lea eax, [ebx - 4]          ; memory space on
    mov dx, 0CF8h
    out dx, eax
    mov dx, 0CFCh
    in eax, dx
    or eax, 2
    out dx, eax
    dispi 4, 0
    dispi 1, 640
    dispi 2, HEIGHT
    dispi 3, 32
    dispi 4, 41h
    mov al, 34h                 ; 1193182 / 19886 = 60.0 Hz
    out 43h, al
    mov al, 0AEh
    out 40h, al
    mov al, 4Dh
    out 40h, al
    xor ebx, ebx
    sti
wait_here: hlt
    jmp wait_here
serve: mov al, 20h
    out 20h, al
    add ebx, 10307h
    mov eax, ebx
    mov edi, ebp
    mov ecx, 640 * HEIGHT
    cld
    rep stosd
    iretd
"""


class Machine:
    def __init__(self, bantam: str, source: str, *options: str) -> None:
        self.folder = tempfile.TemporaryDirectory()
        path = pathlib.Path(self.folder.name)
        self.display = x_display.Display(path)
        (path / "guest.asm").write_text(source)
        subprocess.run(["nasm", "-f", "bin", "-o", path / "code", path / "guest.asm"], check=True)
        kernel = guest_image.write_kernel(path / "kernel", (path / "code").read_bytes())
        self.console = path / "console"
        os.mkfifo(self.console)
        self.reader = os.open(self.console, os.O_RDONLY | os.O_NONBLOCK)
        os.set_blocking(self.reader, True)
        self.process = subprocess.Popen([bantam, "run", "--kernel", kernel, "--memory", "16M", "--serial", "none", "--audio", "none",
                                         "--debugcon", f"file:{self.console}", *options], env=self.display.environment, stdin=subprocess.DEVNULL)
        self.window = None if options else self.display.window()
        time.sleep(1)

    def __enter__(self) -> "Machine":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait()
        os.close(self.reader)
        self.display.close()
        self.folder.cleanup()

    def processor_seconds(self, task: str = "") -> float:
        stat = pathlib.Path(f"/proc/{self.process.pid}/{task}stat").read_text().rpartition(")")[2].split()
        return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


def key_latency(bantam: str, presses: int) -> None:
    with Machine(bantam, KEYS) as machine:
        x11 = ctypes.CDLL(ctypes.util.find_library("X11"))
        test = ctypes.CDLL(ctypes.util.find_library("Xtst"))
        x11.XOpenDisplay.restype = ctypes.c_void_p
        display = ctypes.c_void_p(x11.XOpenDisplay(machine.display.name.encode()))
        code = x11.XKeysymToKeycode(display, ctypes.c_ulong(ord("a")))
        taken = []
        for _ in range(presses):
            for down in (1, 0):
                time.sleep(random.uniform(0.02, 0.06))
                begun = time.monotonic()
                test.XTestFakeKeyEvent(display, code, down, ctypes.c_ulong(0))
                x11.XFlush(display)
                os.read(machine.reader, 1)
                taken.append(1000 * (time.monotonic() - begun))
        taken.sort()
        print(f"key to guest, ms: median {statistics.median(taken):.2f}, 99 of 100 below {taken[len(taken) * 99 // 100]:.2f}, "
              f"most {taken[-1]:.2f} ({len(taken)} events)")


def picture_cost(bantam: str, seconds: float, lines: int, size: tuple[int, int] | None = None) -> None:
    """640 dots in so many lines; a window of that size, or as it opens."""
    source = PICTURES.replace("{height}", str(lines))
    with Machine(bantam, source) as machine, machine.display.frame_buffer.open("rb") as file:
        if size is not None:
            machine.display.xdotool("windowmove", "--sync", machine.window, 0, 0)
            machine.display.xdotool("windowsize", "--sync", machine.window, *size)
        x, y, width, height = machine.display.geometry(machine.window)
        shown = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
        header = struct.unpack(">25I", shown[:100])
        dot = header[0] + 12 * header[19] + (y + height // 2) * header[12] + 4 * (x + width // 2)
        begun, before, before_window = time.monotonic(), machine.processor_seconds(), machine.processor_seconds(f"task/{machine.process.pid}/")
        pictures, last = 0, b""
        while time.monotonic() < begun + seconds:
            now = shown[dot:dot + 4]
            pictures += now != last
            last = now
            time.sleep(0.001)
        passed = time.monotonic() - begun
        share = 100 * (machine.processor_seconds() - before) / passed
        window = 100 * (machine.processor_seconds(f"task/{machine.process.pid}/") - before_window) / passed
        del shown
        print(f"640x{lines} in {width}x{height}: {pictures / passed:.1f} pictures a second, {share:.1f} % of a core "
              f"({window:.1f} % the window's thread)")


def cost_without_window(bantam: str, seconds: float) -> None:
    with Machine(bantam, PICTURES.replace("{height}", "480"), "--headless", "--clock", "real") as machine:
        before = machine.processor_seconds()
        time.sleep(seconds)
        print(f"640x480 without a window: {100 * (machine.processor_seconds() - before) / seconds:.1f} % of a core")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bantam")
    parser.add_argument("--presses", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=15)
    options = parser.parse_args()
    bantam = os.path.abspath(options.bantam)
    key_latency(bantam, options.presses)
    for lines, size in ((480, None), (400, None), (480, (1000, 750)), (480, (1280, 960)), (480, (1600, 1200))):
        picture_cost(bantam, options.seconds, lines, size)
    cost_without_window(bantam, options.seconds)


if __name__ == "__main__":
    main()
