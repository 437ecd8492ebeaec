"""A guest for tests of the remote display: it shows what the keyboard sends and changes its screen on demand."""
import pathlib
import subprocess

import guest_image

# Each byte of the keyboard goes to port E9h and, as a character on blue, to the second row of the text screen. R down changes to
# 800x600 with 32 bits a dot (Bochs VBE, ports 1CEh and 1CFh) and fills its first 64 KiB with colours; M down changes these over and
# over until the next one; H halts for ever.
SOURCE = """
bits 32
    mov edi, 0B8000h
    mov ecx, 80 * 25
    mov eax, 0720h
    rep stosw                   ; an empty screen
    mov esi, 0B80A0h
again:
    in al, 64h
    test al, 1
    jz again
    in al, 60h
key:
    out 0E9h, al
    mov [esi], al
    mov byte [esi + 1], 1Fh
    cmp al, 13h                 ; R
    je graphics
    cmp al, 32h                 ; M
    je motion
    cmp al, 23h                 ; H
    jne again
    cli
    hlt
graphics:
    mov ebx, modes
    mov ecx, 5
set_next:
    mov dx, 1CEh
    mov ax, [ebx]
    out dx, ax
    inc dx
    mov ax, [ebx + 2]
    out dx, ax
    add ebx, 4
    loop set_next
    xor eax, eax
    call fill
    jmp again
motion:
    in al, 64h
    test al, 1
    jz change
    in al, 60h
    test al, 80h                ; a key that goes up
    jz key
change:
    inc ebp
    mov eax, ebp
    call fill
    jmp motion
fill:
    mov edi, 0A0000h
    mov ecx, 16384
dot:
    mov [edi], eax
    add eax, 30507
    add edi, 4
    loop dot
    ret
align 4
modes: dw 4, 0, 1, 800, 2, 600, 3, 32, 4, 1
"""


def write(folder: pathlib.Path) -> str:
    """Assembles the guest; the path of its kernel."""
    (folder / "guest.asm").write_text(f"org {guest_image.LOAD + guest_image.HEADER_BYTES:#x}\n" + SOURCE)
    subprocess.run(["nasm", "-f", "bin", "-o", folder / "code", folder / "guest.asm"], check=True)
    return guest_image.write_kernel(folder / "kernel", (folder / "code").read_bytes())
