; Expects: port CF9h (82371AB datasheet: bit 2 rising resets, bit 1 hard), port 92h bit 0, the keyboard controller's pulse of output
; bit 0 (command FEh), and a triple fault each restart the machine: the loader enters this guest again. What
; counts them is CMOS RAM, which survives; the battery-backed byte 50h is 0 after power-on only.
; reboot: allowed
        %include "lib.inc"
main:
        mov al, 0x50
        out 0x70, al
        in al, 0x71
        movzx ebx, al
        lea eax, [ebx + 1]
        mov ecx, eax
        mov al, 0x50
        out 0x70, al
        mov al, cl
        out 0x71, al
        ; after every reset: power-on values of CR4, DR7, EFLAGS
        mov eax, cr4
        EXPECT_EQ eax, 0
        mov eax, dr7
        EXPECT_EQ eax, 0x400
        mov eax, cr4
        or eax, 8
        mov cr4, eax
        cmp ebx, 0
        je .cf9
        cmp ebx, 1
        je .port92
        cmp ebx, 2
        je .keyboard
        cmp ebx, 3
        je .triple
        EXPECT_EQ ebx, 4
        ret
.cf9:   mov dx, 0xCF9
        mov al, 2
        out dx, al
        mov al, 6
        out dx, al
        jmp .hang
.port92:
        in al, 0x92
        and al, 0xFE
        out 0x92, al
        or al, 1
        out 0x92, al
        jmp .hang
.keyboard:
        mov al, 0xFE
        out 0x64, al
        jmp .hang
.triple:
        mov word [.empty], 0
        lidt [.empty]
        ud2
.hang:  jmp .hang
.empty: dw 0
        dd 0
