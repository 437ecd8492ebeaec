"""Small multiboot kernels for tests of the program: 32-bit protected mode, code at 1 MiB, no firmware."""
import pathlib
import struct

LOAD = 0x100000
HEADER_BYTES = 32

POWER_OFF = bytes.fromhex("66ba0406 66b80020 66ef f4")  # mov dx,604h; mov ax,2000h (SLP_EN, S5); out dx,ax; hlt
HALT = bytes.fromhex("fa f4")  # cli; hlt
SPIN = bytes.fromhex("ebfe")  # jmp $
IDLE = bytes.fromhex("fb f4 ebfd")  # sti; hlt; jmp back
# lidt of an empty table; int3: no handler, no double-fault handler
TRIPLE_FAULT = bytes.fromhex("6a00 6a00 0f011c24 cc")
RESET = bytes.fromhex("66baf90c b006 ee f4")  # mov dx,0CF9h; mov al,6; out dx,al


def debug_exit(value: int) -> bytes:
    """mov al,value; out 0F4h,al"""
    return bytes([0xB0, value, 0xE6, 0xF4])


def write_text(text: str) -> bytes:
    """Puts text on the first row of the text screen (mov word [B8000h+2n], 07xxh)."""
    return b"".join(b"\x66\xc7\x05" + struct.pack("<IH", 0xB8000 + 2 * n, 0x0700 | ord(c)) for n, c in enumerate(text))


def write_kernel(path: pathlib.Path, code: bytes) -> str:
    """A flat multiboot 1 image of `code`; gives its path as text."""
    flags = 1 << 16  # the address fields are valid
    end = LOAD + HEADER_BYTES + len(code)
    header = struct.pack("<8I", 0x1BADB002, flags, -(0x1BADB002 + flags) & 0xFFFFFFFF, LOAD, LOAD, end, end, LOAD + HEADER_BYTES)
    path.write_bytes(header + code)
    return str(path)
