; Expects (SDM vol. 1, 13.2-13.12; vol. 2 XSAVE, XSAVEC, XSAVEOPT, XRSTOR, XGETBV): without CR4.OSXSAVE #UD, with CR0.TS #NM, off a
; 64-byte boundary #GP(0); XSAVE writes what XCR0 and EDX:EAX both name, legacy region and header, and nothing else; XRSTOR brings it back,
; initializes what XSTATE_BV leaves out, and is #GP(0) for components beyond XCR0, a bad MXCSR or a bad header; XSAVEC compacts;
; XGETBV 1 shows what is in use; AVX is #UD until XCR0 enables it; CPUID leaf 0Dh follows XCR0.
%define LONG_MODE
        %include "lib.inc"
AREA    equ FREE                ; 832 bytes: legacy 512, header 64, YMM_Hi128 256
HEADER  equ AREA + 512
main:
        mov eax, 1
        cpuid
        and ecx, 1 << 28 | 1 << 26
        cmp ecx, 1 << 28 | 1 << 26
        je .there
        ret                                                 ; a host without AVX
.there: FAULTS 6, 0, xsave [AREA]
        FAULTS 6, 0, xrstor [AREA]
        xor ecx, ecx
        FAULTS 6, 0, xgetbv
        mov rax, cr4
        or eax, 1 << 18 | 1 << 10 | 1 << 9
        mov cr4, rax
        WORKS xgetbv
        EXPECT_EQ eax, 1, 'XCR0 at reset'
        FAULTS 6, 0, vpxor ymm0, ymm0, ymm0
        mov eax, 0xD
        xor ecx, ecx
        cpuid
        EXPECT_EQ ebx, 576, 'bytes with XCR0 = 1'
        xor ecx, ecx
        xor edx, edx
        mov eax, 7
        WORKS xsetbv
        WORKS vpxor ymm0, ymm0, ymm0
        mov eax, 0xD
        xor ecx, ecx
        cpuid
        EXPECT_EQ ebx, 832, 'bytes with XCR0 = 7'
        mov eax, 0xD
        mov ecx, 2
        cpuid
        EXPECT_EQ eax, 256
        EXPECT_EQ ebx, 576
        ; faults
        mov rax, cr0
        or eax, 8
        mov cr0, rax
        FAULTS 7, 0, xsave [AREA]
        FAULTS 7, 0, xrstor [AREA]
        FAULTS 7, 0, vpxor ymm0, ymm0, ymm0
        clts
        call all
        FAULTS 13, 0, xsave [AREA + 8]
        FAULTS 13, 0, xrstor [AREA + 32]
        FAULTS 13, 0, xsave64 [AREA + 16]
        mov ebx, 0x7F000000                                 ; not mapped
        FAULTS 14, 2, xsave [rbx]
        FAULTS 14, 0, xrstor [rbx]
        FAULTS 6, 0, db 0xF0, 0x0F, 0xAE, 0x24, 0x25, 0, 0, 0x40, 0 ; LOCK
        ; saved: only what is asked for
        call poison
        call patterns
        mov eax, 2                                          ; SSE
        xor edx, edx
        WORKS xsave [AREA]
        EXPECT_MEM AREA + 160, 0x11111111
        EXPECT_MEM AREA + 576, 0xCCCCCCCC
        EXPECT_MEM AREA + 32, 0xCCCCCCCC
        EXPECT_MEM AREA + 24, 0x1F80
        EXPECT_MEM HEADER, 0xCCCCCCCE                       ; bit 1 set, bits 0 and 2 as they were
        call poison
        mov qword [HEADER], 0
        call all
        WORKS xsave [AREA]
        EXPECT_MEM HEADER, 7
        EXPECT_MEM HEADER + 4, 0
        EXPECT_MEM HEADER + 8, 0xCCCCCCCC                   ; XSAVE leaves the rest of the header alone
        EXPECT_MEM AREA + 160, 0x11111111
        EXPECT_MEM AREA + 576, 0x22222222
        EXPECT_MEM AREA + 416, 0xCCCCCCCC                   ; behind XMM15
        ; the state in use
        mov ecx, 1
        WORKS xgetbv
        EXPECT_EQ eax, 7, 'XINUSE'
        ; restored
        mov qword [HEADER + 8], 0
        mov edi, HEADER + 16
        mov ecx, 12
        xor eax, eax
        rep stosd
        call all
        WORKS xrstor [AREA]
        vmovdqu [FREE + 0x1000], ymm0
        EXPECT_MEM FREE + 0x1000, 0x11111111
        EXPECT_MEM FREE + 0x1010, 0x22222222
        mov dword [HEADER], 3                               ; no YMM_Hi128: zeros
        WORKS xrstor [AREA]
        vmovdqu [FREE + 0x1000], ymm0
        EXPECT_MEM FREE + 0x1000, 0x11111111
        EXPECT_MEM FREE + 0x1010, 0
        mov eax, 4                                          ; SSE stays when it is not asked for
        mov dword [HEADER], 0
        WORKS xrstor [AREA]
        vmovdqu [FREE + 0x1000], xmm0
        EXPECT_MEM FREE + 0x1000, 0x11111111
        ; bad headers and MXCSR
        call all
        mov dword [HEADER], 7 | 1 << 9
        FAULTS 13, 0, xrstor [AREA]
        mov dword [HEADER], 7
        mov dword [HEADER + 4], 0x80000000
        FAULTS 13, 0, xrstor [AREA]
        mov dword [HEADER + 4], 0
        mov dword [HEADER + 8], 1                           ; XCOMP_BV[62:0] in the standard form
        FAULTS 13, 0, xrstor [AREA]
        mov dword [HEADER + 8], 0
        mov dword [HEADER + 16], 1
        FAULTS 13, 0, xrstor [AREA]
        mov dword [HEADER + 16], 0
        or dword [AREA + 24], 1 << 16
        FAULTS 13, 0, xrstor [AREA]
        and dword [AREA + 24], 0xFFFF
        WORKS xrstor [AREA]
        mov dword [HEADER + 12], 0x80000000                 ; compacted, but XSTATE_BV beyond XCOMP_BV
        FAULTS 13, 0, xrstor [AREA]
        ; compacted
        mov eax, 0xD
        mov ecx, 1
        cpuid
        bt eax, 1
        jnc .no_xsavec
        call poison
        call patterns
        mov eax, 5                                          ; x87 and YMM_Hi128
        xor edx, edx
        WORKS xsavec [AREA]
        EXPECT_MEM HEADER + 8, 5
        EXPECT_MEM HEADER + 12, 0x80000000
        EXPECT_MEM AREA + 160, 0xCCCCCCCC
        EXPECT_MEM AREA + 576, 0x22222222
        vpxor ymm0, ymm0, ymm0
        call all
        mov eax, 4
        FAULTS 13, 0, xrstor [AREA + 4]
        mov edi, HEADER + 16
        mov ecx, 12
        xor eax, eax
        rep stosd
        mov eax, 4
        WORKS xrstor [AREA]
        vmovdqu [FREE + 0x1000], ymm0
        EXPECT_MEM FREE + 0x1010, 0x22222222
.no_xsavec:
        ; XSAVEOPT: what is in its initial configuration may stay unwritten, its XSTATE_BV bit is 0
        call patterns
        vzeroupper
        call poison
        mov qword [HEADER], 0
        call all
        WORKS xsaveopt [AREA]
        bt dword [HEADER], 2
        EXPECT nc, 'XSAVEOPT: YMM_Hi128 is in its initial configuration'
        EXPECT_MEM AREA + 576, 0xCCCCCCCC
        call all
        USER_WORKS xsave [AREA]
        ret

all:    mov eax, 7
        xor edx, edx
        ret

poison: mov edi, AREA
        mov ecx, 832 / 4
        mov eax, 0xCCCCCCCC
        rep stosd
        ret

; YMM0 = 22222222h above 11111111h; the x87 and the SSE state differ from their initial ones.
patterns:
        fninit
        fld1
        mov dword [FREE + 0x1100], 0x11111111
        mov dword [FREE + 0x1104], 0x22222222
        vbroadcastss xmm1, [FREE + 0x1100]
        vbroadcastss xmm2, [FREE + 0x1104]
        vinsertf128 ymm0, ymm1, xmm2, 1
        ret
