; Expects: PAE paging with 4 KiB pages: rights with XD, error codes, A and D as SDM vol. 3, 4.6-4.8; reserved bits of PDE
; and PTE (tables 4-9 to 4-11), XD reserved while EFER.NXE = 0; PDPTEs are loaded by MOV CR3 only, and #GP(0) when a
; present one has a reserved bit set (4.4.1), in which case CR3 keeps its value.
%define HAS_NX 1
%define ENTRY 8
        %include "lib.inc"
        %include "paging.inc"
%macro CR3_AGAIN 0
        mov eax, cr3
        mov cr3, eax
%endmacro
main:
        mov edi, TABLES
        mov ecx, 0x2000
        xor eax, eax
        rep stosd
        mov dword [TABLES], TABLES + 0x1001
        mov dword [TABLES + 8], TABLES + 0x2001
        mov dword [TABLES + 16], TABLES + 0x3001
        mov ebx, 0
        mov eax, 0x83
.map:   mov [TABLES + 0x1000 + ebx * 8], eax
        mov [TABLES + 0x3000 + ebx * 8], eax
        or dword [TABLES + 0x3000 + ebx * 8], 4
        add eax, 0x200000
        inc ebx
        cmp ebx, 8
        jb .map
        mov eax, cr4
        or eax, 0x20
        mov cr4, eax
        mov eax, TABLES
        mov cr3, eax
        mov ecx, 0xC0000080
        xor edx, edx
        mov eax, 0x800                                      ; NXE
        wrmsr
        mov dword [TABLES + 0x2000], TABLES + 0x4007
        mov dword [TABLES + 0x4000], FREE + 7
        mov eax, cr0
        or eax, 0x80000000
        mov cr0, eax
        call run_all_rights
        call run_not_present
        mov esi, TABLES + 0x2000
        mov edi, .reserved_high
        call run_reserved
        mov esi, TABLES + 0x4000
        call run_reserved
        ; 2 MiB page: bits 13-20 too
        mov dword [TABLES + 0x2000], FREE + 0x87
        CR3_AGAIN
        mov esi, TABLES + 0x2000
        mov edi, .reserved_large
        call run_reserved
        mov dword [FREE + 0x1FFFFC], 0x2468ACE0
        EXPECT_MEM PAGE + 0x1FFFFC, 0x2468ACE0
        ; XD is reserved while EFER.NXE = 0, also for reads
        mov dword [TABLES + 0x2004], 0x80000000
        CR3_AGAIN
        WORKS mov al, [PAGE]
        mov ecx, 0xC0000080
        xor edx, edx
        xor eax, eax
        wrmsr
        CR3_AGAIN
        FAULTS 14, 9, mov al, [PAGE]
        mov dword [TABLES + 0x2004], 0
        CR3_AGAIN
        ; PDPTEs: a changed one in memory is not looked at before MOV CR3
        mov dword [TABLES + 8], 0
        invlpg [PAGE]
        WORKS mov al, [PAGE]
        CR3_AGAIN
        FAULTS 14, 0, mov al, [PAGE]
        mov dword [TABLES + 8], TABLES + 0x2001
        CR3_AGAIN
        WORKS mov al, [PAGE]
        ; reserved bits of PDPTEs: 1, 2, 5-8 and above the physical address; only in present ones
        mov eax, [TABLES]
        mov [TABLES + 0x20], eax                            ; a second PDPT at TABLES + 20h
        mov dword [TABLES + 0x28], 1
        xor ebx, ebx
.bit:   bt [.reserved_pdpte], ebx
        jnc .next
        bts [TABLES + 0x20 + 8], ebx
        mov eax, TABLES + 0x20
        FAULTS 13, 0, mov cr3, eax
        mov eax, cr3
        EXPECT_EQ eax, TABLES, 'CR3 changed although its load faulted'
        and dword [TABLES + 0x20 + 8], ~1
        mov eax, TABLES + 0x20
        WORKS mov cr3, eax
        mov eax, TABLES
        mov cr3, eax
        btr [TABLES + 0x20 + 8], ebx
        or dword [TABLES + 0x20 + 8], 1
.next:  inc ebx
        cmp ebx, 64
        jb .bit
        ret
.reserved_high:  dq 0x7FFFFF0000000000
.reserved_large: dq 0x7FFFFF00001FE000
.reserved_pdpte: dq 0xFFFFFF00000001E6
path:   dd TABLES + 0x2000, TABLES + 0x4007, TABLES + 0x4000, FREE + 7, 0
