; Expects (SDM vol. 3, 6.8.3; vol. 2 STI, MOV, POP; 6.7.1): an external interrupt that is pending comes after the instruction
; behind STI, MOV SS or POP SS, not before it; STI with IF already 1 has no shadow to extend; POPF with IF has none; HLT behind
; STI is left with EIP behind HLT; NMI (by the local APIC) comes with IF = 0 and blocks further NMI until IRET;
; an interrupt pending at IRET that sets IF comes before the instruction returned to; CLI right behind STI keeps it out.
        %include "lib.inc"
APIC equ 0xFEE00000
%macro PEND 0                       ; a self-IPI of vector 50h waits
        mov dword [APIC + 0x310], 0
        mov dword [APIC + 0x300], 0x00044050
        mov dword [count], 0
%endmacro
main:
        mov dword [hook], note
        mov dword [APIC + 0xF0], 0x1FF
        mov dword [APIC + 0x80], 0
        ; STI
        PEND
        sti
.sti1:  mov eax, 1
.sti2:  cli
        EXPECT_EQ dword [count], 1
        EXPECT_EQ dword [ip_at], .sti2
        PEND
        sti
        cli
        nop
        EXPECT_EQ dword [count], 0, 'STI; CLI let an interrupt in'
        ; with IF = 1 already, STI casts no shadow
        sti
.if1:   nop
.if2:   EXPECT_EQ dword [count], 1
        EXPECT_EQ dword [ip_at], .if2
        mov dword [count], 0
        mov dword [APIC + 0x300], 0x00044050
        nop
        nop
        cli
        EXPECT_EQ dword [count], 1
        ; POPF: no shadow
        PEND
        push dword 0x202
        popfd
.popf:  nop
        cli
        EXPECT_EQ dword [ip_at], .popf
        ; MOV SS and POP SS
        PEND
        mov eax, ss
        push dword 0x202
        popfd
        nop
        cli
        EXPECT_EQ dword [count], 1
        PEND
        mov eax, ss
        sti
        mov ss, ax
.movss1: nop
.movss2: nop
        cli
        EXPECT_EQ dword [count], 1
        EXPECT_EQ dword [ip_at], .movss2, 'MOV SS in the shadow of STI'
        ; IRET to IF = 1
        PEND
        push dword 0x202
        push dword K_CODE
        push dword .returned
        iretd
.returned:
        nop
        cli
        EXPECT_EQ dword [ip_at], .returned
        ; STI; HLT with the interrupt pending: HLT is left at once
        PEND
        sti
        hlt
.halted: cli
        EXPECT_EQ dword [count], 1
        EXPECT_EQ dword [ip_at], .halted
        ; NMI: not masked by IF
        mov dword [hook], note_nmi
        mov dword [count], 0
        mov dword [most], 0
        mov dword [APIC + 0x310], 0
        mov eax, [APIC + 0x20]
        and eax, 0xFF000000
        mov [APIC + 0x310], eax
        mov dword [APIC + 0x300], 0x00004400                ; NMI to ourselves by physical destination
        nop
        nop
        EXPECT_EQ dword [count], 2, 'the NMI and the one sent from its handler'
        EXPECT_EQ dword [most], 1, 'NMIs nested although blocked until IRET'
        EXPECT_EQ dword [seen_vector], 2
        ret
note:
        inc dword [count]
        mov eax, [ebp + FRAME_IP]
        mov [ip_at], eax
        cmp dword [ebp + FRAME_VECTOR], 2
        je .out
        mov dword [APIC + 0xB0], 0
        cmp dword [ebp + FRAME_VECTOR], 0x50
        je .out
        mov dword [hook], 0
        jmp unexpected
.out:   ret
note_nmi:
        inc dword [count]
        inc dword [depth]
        mov eax, [depth]
        cmp eax, [most]
        jbe .less
        mov [most], eax
.less:  cmp dword [count], 1
        jne .second
        mov dword [APIC + 0x300], 0x00004400
        nop
        nop
.second:
        dec dword [depth]
        ret
count: dd 0
ip_at: dd 0
depth: dd 0
most:  dd 0
