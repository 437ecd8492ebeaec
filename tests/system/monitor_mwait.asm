; Expects (SDM vol. 2, MONITOR, MWAIT, CLFLUSH, PAUSE, WBINVD, INVD): MONITOR reads its byte (page fault, non-canonical #GP(0), segment of
; the prefix), ECX other than 0 is #GP(0); MWAIT takes ECX 0 and 1 only; both are #UD at CPL 3; an MWAIT without MONITOR goes on;
; one with it is left by an interrupt, with RIP behind it, and with ECX = 1 by a masked one that is not taken; CLFLUSH faults like
; a load, in a write-protected page it works; PAUSE is a NOP; LOCK CLFLUSH is #UD.
; run: --cpu core2
%define LONG_MODE
        %include "lib.inc"
APIC    equ 0xFEE00000
HOLE    equ 0x7F000000          ; not mapped
main:
        mov eax, 1
        cpuid
        bt ecx, 3
        EXPECT c, 'no MONITOR'
        mov eax, 5
        cpuid
        EXPECT_EQ eax, 64, 'smallest line'
        bt ecx, 1
        EXPECT c, 'ECX bit 0 of MWAIT is enumerated'
        ; MONITOR
        mov eax, FREE
        xor ecx, ecx
        xor edx, edx
        WORKS monitor
        mov eax, HOLE
        FAULTS 14, 0, monitor
        mov rax, cr2
        EXPECT_EQ rax, HOLE
        mov rax, 1 << 60
        FAULTS 13, 0, monitor
        mov eax, FREE
        mov ecx, 1
        FAULTS 13, 0, monitor
        xor ecx, ecx
        USER_FAULTS 6, 0, monitor
        USER_FAULTS 6, 0, mwait
        mov ecx, 0xC0000100                                 ; IA32_FS_BASE
        mov eax, 0x1000
        xor edx, edx
        wrmsr
        mov eax, HOLE - 0x1000
        xor ecx, ecx
        FAULTS 14, 0, db 0x64, 0x0F, 0x01, 0xC8           ; FS
        mov rax, cr2
        EXPECT_EQ rax, HOLE
        ; MWAIT
        mov ecx, 2
        FAULTS 13, 0, mwait
        mov ecx, 3
        FAULTS 13, 0, mwait
        ; The local APIC's timer, one shot. Its page is beyond the first GiB: map it.
        mov dword [TABLES + 0x1000 + 24], TABLES + 0x8000 + 3
        mov dword [TABLES + 0x8000 + ((APIC >> 21) & 511) * 8], (APIC & ~0x1FFFFF) + 0x9B
        mov dword [TABLES + 0x8000 + ((APIC >> 21) & 511) * 8 + 4], 0
        mov rax, cr3
        mov cr3, rax
        mov ebp, APIC
        mov dword [rbp + 0xF0], 0x1FF                       ; software enable
        mov dword [rbp + 0x3E0], 0xB                        ; divide by 1
        mov dword [rbp + 0x320], 0x40                       ; one shot, vector 40h
        mov nword [hook], count_interrupt
        mov eax, FREE
        xor ecx, ecx
        xor edx, edx
        monitor
        mov dword [rbp + 0x380], 100000
        sti
        mwait
.behind:
        cli
        EXPECT_EQ dword [interrupts], 1, 'MWAIT was not left by an interrupt'
        mov rax, [seen_at]
        EXPECT_EQ rax, .behind, 'RIP in the frame'
        ; without MONITOR it does not wait: the test would not end otherwise
        mwait
        mwait
        ; ECX = 1: a masked interrupt ends the wait and stays pending
        mov eax, FREE
        monitor
        mov dword [rbp + 0x380], 100000
        mov ecx, 1
        xor eax, eax
        mwait
        EXPECT_EQ dword [interrupts], 1, 'the masked interrupt was taken'
        EXPECT_EQ dword [rbp + 0x390], 0, 'MWAIT was left before the timer ended'
        sti
        nop
        cli
        EXPECT_EQ dword [interrupts], 2, 'the masked interrupt was lost'
        mov nword [hook], 0
        ; CLFLUSH, PAUSE
        WORKS clflush [FREE]
        mov ebx, HOLE
        FAULTS 14, 0, clflush [rbx]
        USER_FAULTS 14, 4, clflush [rbx]
        USER_WORKS clflush [FREE]
        mov rbx, 1 << 60
        FAULTS 13, 0, clflush [rbx]
        FAULTS 6, 0, db 0xF0, 0x0F, 0xAE, 0x3C, 0x25, 0, 0, 0x40, 0
        and dword [TABLES + 0x2000 + (FREE >> 21) * 8], ~2  ; read-only
        mov rax, cr3
        mov cr3, rax
        USER_FAULTS 14, 7, mov [FREE], al
        USER_WORKS clflush [FREE]
        USER_WORKS pause
        WORKS wbinvd
        WORKS invd
        USER_FAULTS 13, 0, invd
        ret

count_interrupt:
        cmp dword [nbp + FRAME_VECTOR], 0x40
        jne .done
        inc dword [interrupts]
        mov rax, [nbp + FRAME_VECTOR + 16]
        mov [seen_at], rax
        mov ecx, APIC
        mov dword [rcx + 0xB0], 0                           ; EOI
.done:  ret
interrupts: dd 0
seen_at: dq 0
