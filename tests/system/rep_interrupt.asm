; Expects: a long REP STOS or REP MOVS is interrupted between elements (SDM vol. 2, REP): EIP pushed is that of the instruction with its
; prefixes, ECX and the index registers say what is left, and after IRET it goes on to the right end; a loop that faults on every page
; and has it mapped by the handler (demand paging) ends with every byte written; external interrupts leave virtual-8086 mode with IF
; and IOPL as they were.
        %include "lib.inc"
        %include "v86.inc"
APIC  equ 0xFEE00000
BYTES equ 0x1000000
main:
        mov dword [hook], on_timer
        mov dword [APIC + 0xF0], 0x1FF
        mov dword [APIC + 0x80], 0
        mov dword [APIC + 0x3E0], 0xB
        mov dword [APIC + 0x320], 0x50                      ; one-shot, armed again by the handler
        mov edi, FREE
        mov eax, 0x5A5A5A5A
        mov ecx, BYTES / 4
        mov dword [APIC + 0x380], 20
        sti
.stos:  rep stosd
        cli
        cmp dword [inside], 0
        EXPECT ne, 'no interrupt in REP STOS'
        EXPECT_EQ dword [wrong], 0, 'ECX and EDI disagree at an interrupt'
        EXPECT_EQ edi, FREE + BYTES
        EXPECT_EQ ecx, 0
        mov edi, FREE
        mov ecx, BYTES / 4
        repe scasd
        EXPECT e, 'memory after REP STOS'
        mov dword [APIC + 0x380], 0
        ; in virtual-8086 mode
        mov dword [hook], 0
        COPY_V86
        mov dword [APIC + 0x310], 0
        mov dword [APIC + 0x300], 0x00044051
        V86 v_nops, 0x0200
        EXPECT_SEEN 0x51, 0, 0
        EXPECT_EQ dword [seen_flags], 0x20202
        mov dword [APIC + 0xB0], 0
        mov dword [APIC + 0x300], 0x00044051
        V86 v_nops, 0x0000
        EXPECT_SEEN 13, 0, V86_IP(v_hlt)                    ; IF = 0: it waits
        mov dword [seen_vector], NOTHING
        ARM .taken
        sti
        nop
        nop
.taken: cli
        EXPECT_SEEN 0x51, 0
        mov dword [APIC + 0xB0], 0
        ; demand paging: 64 pages at 80000000h, each mapped by the fault handler
        CLEAR_TABLES
        xor ebx, ebx
        mov eax, 0x83
.map:   mov [TABLES + ebx * 4], eax
        add eax, 0x400000
        inc ebx
        cmp ebx, 16
        jb .map
        mov dword [TABLES + 0x800], TABLES + 0x1003
        PAGING_ON
        mov dword [hook], on_page_fault
        mov dword [count], 0
        mov edi, 0x80000FFD
        mov ecx, 63 * 0x1000
        mov al, 0x77
        rep stosb
        EXPECT_EQ dword [count], 64
        mov esi, 0x80000FFD
        mov edi, 0x80040FFE
        mov ecx, 0x3000
        rep movsb
        EXPECT_EQ dword [count], 64 + 4
        mov edi, 0x80040FFE
        mov ecx, 0x3000
        mov al, 0x77
        repe scasb
        EXPECT e, 'memory after REP MOVS'
        ret
on_timer:
        inc dword [count]
        mov dword [APIC + 0xB0], 0
        mov dword [APIC + 0x380], 20
        cmp dword [ebp + FRAME_IP], main.stos
        jne .out
        inc dword [inside]
        mov eax, [ebp + FRAME_CX]
        shl eax, 2
        add eax, [ebp + 8]                                  ; EDI
        cmp eax, FREE + BYTES
        je .out
        inc dword [wrong]
.out:   ret
on_page_fault:
        cmp dword [ebp + FRAME_VECTOR], 14
        je .page
        mov dword [hook], 0
        jmp unexpected
.page:  inc dword [count]
        mov eax, cr2
        mov ecx, eax
        shr ecx, 12
        and ecx, 0x3FF
        lea edx, [ecx + (FREE >> 12)]
        shl edx, 12
        or edx, 3
        mov [TABLES + 0x1000 + ecx * 4], edx
        ret
count:  dd 0
inside: dd 0
wrong:  dd 0
        bits 16
v86_code:
v_nops: nop
        nop
v_hlt:  hlt
v86_end:
        bits 32
