; An option ROM of 1 KiB. Its initialization, called by the firmware, prints NAME by INT 10h and on debug port 402h, checks
; that it can write to its own memory, as firmware allows before it locks it (PCI Firmware Specification 3.0, 5.2.1.20), and
; counts the ROMs that ran in the word at 0040h:00F0h (inter-application area). The last byte is for the checksum.
        bits 16
        org 0
%ifndef NAME
%define NAME "option rom"
%endif
        db 0x55, 0xAA, 2
        jmp initialize

initialize:
        pusha
        push ds
        mov ax, 0x40
        mov ds, ax
        inc word [0xF0]
        mov al, [0xF0]
        add al, '0'
        push cs
        pop ds
        mov [number], al
        mov si, text
.next:  lodsb
        test al, al
        jz .done
        push ax
        mov dx, 0x402
        out dx, al
        pop ax
        mov ah, 0x0E
        mov bx, 7
        int 0x10
        jmp .next
.done:  pop ds
        popa
        retf

text:   db "ROM "
number: db "-: ", NAME, 13, 10, 0
        times 1024 - ($ - $$) db 0
