; Expects: 1 GiB pages (CPUID 80000001h EDX bit 26): the whole page maps, A and D in the PDPTE, bits 13-29 reserved (SDM vol. 3, 4.5.4,
; table 4-16), INVLPG with any address in it; without the feature PS in a PDPTE would be reserved (see paging_4level for the rest).
%define LONG_MODE
        %include "lib.inc"
main:
        mov eax, 0x80000001
        cpuid
        bt edx, 26
        jnc .absent
        mov qword [TABLES + 0x1008], 0x87                   ; 1 GiB at 40000000h to physical 0
        mov rax, cr3
        mov cr3, rax
        mov dword [FREE + 0x1FFFFC], 0x600DF00D
        EXPECT_MEM 0x40000000 + FREE + 0x1FFFFC, 0x600DF00D
        EXPECT_MEM TABLES + 0x1008, 0xA7
        mov [0x40000000 + FREE], eax
        EXPECT_MEM TABLES + 0x1008, 0xE7
        mov ebx, 13
.bit:   bts [TABLES + 0x1008], ebx
        invlpg [0x7FFFF000]
        FAULTS 14, 9, mov al, [0x40000000 + FREE]
        btr [TABLES + 0x1008], ebx
        inc ebx
        cmp ebx, 30
        jb .bit
        mov byte [TABLES + 0x1008], 0x85
        invlpg [0x40000000]
        mov rax, cr0
        or eax, 0x10000
        mov cr0, rax
        FAULTS 14, 3, mov [0x40000000 + FREE], al
        ret
.absent:
        mov qword [TABLES + 0x1008], 0x87
        mov rax, cr3
        mov cr3, rax
        FAULTS 14, 9, mov al, [0x40000000]
        ret
