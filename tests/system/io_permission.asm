; Expects (SDM vol. 1, 19.5): IN and OUT at CPL 3 with CPL > IOPL look at the I/O bit map of the TSS: every bit of the ports must be
; 0; two bytes of the map are read, both within the TSS limit, or #GP(0); with CPL <= IOPL no map is used; INS and OUTS check
; before memory; CLI and STI need CPL <= IOPL; POPF and IRET at CPL 3 change IF by IOPL and IOPL not at all, silently.
        %include "lib.inc"
MAP equ tss + 136
main:
        USER_WORKS in al, 0x80
        or byte [MAP + 0x80 / 8], 1
        USER_FAULTS 13, 0, in al, 0x80
        USER_FAULTS 13, 0, out 0x80, al
        USER_FAULTS 13, 0, in ax, 0x80
        USER_WORKS in al, 0x81
        mov dx, 0x7F
        USER_FAULTS 13, 0, in ax, dx
        mov dx, 0x7D
        USER_FAULTS 13, 0, in eax, dx
        mov dx, 0x7C
        USER_WORKS in eax, dx
        mov dword [user_flags], 0x3002
        USER_WORKS in al, 0x80
        mov dword [user_flags], 0x2002
        USER_FAULTS 13, 0, in al, 0x80
        mov dword [user_flags], 2
        and byte [MAP + 0x80 / 8], ~1
        ; port FFFFh: its word in the map needs the byte behind the map
        mov dx, 0xFFFF
        USER_WORKS in al, dx
        USER_FAULTS 13, 0, in ax, dx                        ; the byte behind is FFh
        ; the TSS limit cuts the map: byte n + 1 must be there as well
        mov word [gdt + TSS_SEL], 136 + 0x10
        mov byte [gdt + TSS_SEL + 5], 0x89
        mov ax, TSS_SEL
        ltr ax
        mov dx, 0x78
        USER_WORKS in al, dx
        mov dx, 0x80
        USER_FAULTS 13, 0, in al, dx
        ; a map beyond the limit, and a 16-bit TSS has none
        mov word [tss + 102], 0xFFFF
        USER_FAULTS 13, 0, in al, 0x20
        mov word [tss + 102], 136
        mov word [gdt + TSS_SEL], 0xFFFF
        mov byte [gdt + TSS_SEL + 5], 0x89
        mov ax, TSS_SEL
        ltr ax
        ; string I/O: permission before the page or segment of the operand
        or byte [MAP + 0x80 / 8], 1
        mov dx, 0x80
        xor eax, eax
        mov edi, FREE
        mov esi, FREE
        mov ecx, 2
        USER_FAULTS 13, 0, rep insb
        USER_FAULTS 13, 0, rep outsb
        and byte [MAP + 0x80 / 8], ~1
        USER_WORKS rep outsb
        ; CLI, STI, POPF, IRET
        USER_FAULTS 13, 0, cli
        USER_FAULTS 13, 0, sti
        ARM .popped
        TO_USER .pop, 0x202
.pop:   push dword 0x3002
        popfd
        pushfd
        pop eax
        int NO_FAULT
.popped:
        EXPECT_EQ eax, 0x202, 'POPF at CPL 3 with IOPL 0'
        ARM .popped3
        TO_USER .pop3, 0x3202
.pop3:  push dword 0x0002
        popfd
        pushfd
        pop eax
        int NO_FAULT
.popped3:
        EXPECT_EQ eax, 0x3002, 'POPF at CPL 3 with IOPL 3'
        ARM .iret
        TO_USER .iret_user, 0x202
.iret_user:
        push dword 0x3003
        push dword U_CODE32
        push dword .iret_there
        iretd
.iret_there:
        int NO_FAULT
.iret:  EXPECT_SEEN NO_FAULT, 0
        EXPECT_EQ dword [seen_flags], 0x203
        mov dword [user_flags], 0x3002
        USER_WORKS sti
        test dword [seen_flags], 0x200
        EXPECT nz, 'STI with IOPL 3'
        ; at CPL 0 POPF changes all but VM, RF, VIP, VIF
        push dword 0x003F7ED7
        popfd
        pushfd
        pop eax
        push dword 2
        popfd
        and eax, ~0x200
        EXPECT_EQ eax, 0x00247CD7, 'POPFD at CPL 0'
        ret
