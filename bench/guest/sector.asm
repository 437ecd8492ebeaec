; A boot sector whose first act is a byte on COM1: measures how long a machine takes from its process to a guest's first
; instruction through the firmware (bench/suite_startup.py). Polls nothing: the transmitter is empty after power-on.
bits 16
org 0x7c00
        mov     dx, 0x3f8
        mov     al, '!'
        out     dx, al
.wait:  mov     dx, 0x3fd               ; until it has gone out: a machine that ends on HLT must not lose it
        in      al, dx
        test    al, 0x40
        jz      .wait
        cli
        hlt
        times   510-($-$$) db 0
        dw      0xaa55
        times   65536-512 db 0          ; a disk of 128 sectors
