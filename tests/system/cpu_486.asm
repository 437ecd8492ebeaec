; Expects: the 486 model is one with CPUID (family 4): CR4 exists without features it lacks (PAE, PGE: #GP), RDTSC, RDMSR, CMPXCHG8B, CMOVcc, MMX, SYSENTER are #UD; EFLAGS.AC,
; CR0.WP, INVLPG, BSWAP, XADD and CMPXCHG exist (Intel486 Programmer's Reference; SDM vol. 3, 23.15-23.18).
; run: --cpu 486
        %include "lib.inc"
main:
        pushfd
        pop eax
        mov ebx, eax
        xor eax, 0x240000
        push eax
        popfd
        pushfd
        pop eax
        push ebx
        popfd
        xor eax, ebx
        EXPECT_EQ eax, 0x240000, 'AC and ID'
        mov eax, 1
        cpuid
        and eax, 0xF00
        EXPECT_EQ eax, 0x400
        mov eax, 0x20
        FAULTS 13, 0, mov cr4, eax
        mov eax, 0x80
        FAULTS 13, 0, mov cr4, eax
        mov eax, 4
        FAULTS 13, 0, mov cr4, eax
        FAULTS 6, 0, rdtsc
        FAULTS 6, 0, rdmsr
        FAULTS 6, 0, wrmsr
        FAULTS 6, 0, cmpxchg8b [FREE]
        FAULTS 6, 0, cmove eax, ebx
        FAULTS 6, 0, emms
        FAULTS 6, 0, sysenter
        FAULTS 6, 0, xorps xmm0, xmm0
        FAULTS 6, 0, rsm
        FAULTS 6, 0, db 0x0F, 0x1F, 0xC0                    ; NOP with ModRM came with the P6
        WORKS bswap eax
        mov dword [FREE], 5
        mov eax, 5
        mov ebx, 7
        WORKS cmpxchg [FREE], ebx
        EXPECT_MEM FREE, 7
        WORKS xadd [FREE], ebx
        EXPECT_MEM FREE, 14
        WORKS invlpg [FREE]
        mov eax, cr0
        or eax, 0x10000
        mov cr0, eax
        mov eax, cr0
        test eax, 0x10000
        EXPECT nz, 'CR0.WP'
        fninit
        fnstsw ax
        EXPECT_EQ ax, 0
        ret
