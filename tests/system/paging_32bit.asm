; Expects: 32-bit paging with 4 KiB pages. Every combination of R/W, U/S in PDE and PTE, CPL, WP, SMEP, SMAP, EFLAGS.AC and
; kind of access gives the outcome of SDM vol. 3, 4.6.1, with the error code of 4.7 (I/D only with SMEP) and the A and D
; bits of 4.8; not-present entries give error codes without bit 0; no bit is reserved; 4 GiB wrap of linear addresses.
%define HAS_NX 0
%define ENTRY 4
        %include "lib.inc"
        %include "paging.inc"
main:
        mov edi, TABLES
        mov ecx, 0x2000
        xor eax, eax
        rep stosd
        mov dword [TABLES], TABLES + 0x1003                 ; 0-4 MiB
        mov dword [TABLES + 4], TABLES + 0x2003             ; 4-8 MiB
        mov dword [TABLES + 0x800], TABLES + 0x3007         ; ALIAS
        mov eax, 3
        xor ebx, ebx
.map:   mov [TABLES + 0x1000 + ebx * 4], eax
        mov [TABLES + 0x3000 + ebx * 4], eax
        or dword [TABLES + 0x3000 + ebx * 4], 4
        mov [TABLES + 0x2000 + ebx * 4], eax
        add dword [TABLES + 0x2000 + ebx * 4], 0x400000
        add eax, 0x1000
        inc ebx
        cmp ebx, 1024
        jb .map
        mov eax, TABLES
        mov cr3, eax
        mov dword [TABLES + 0x400], TABLES + 0x4007
        mov dword [TABLES + 0x4000], FREE + 7
        mov eax, cr0
        or eax, 0x80000000
        mov cr0, eax
        call run_all_rights
        call run_not_present
        ; with CR4.PSE = 0, PDE.PS and bits 7, 9-11 are ignored; G in a PTE does nothing without CR4.PGE
        mov dword [TABLES + 0x400], TABLES + 0x4E87
        mov dword [TABLES + 0x4000], FREE + 0xF07
        mov eax, cr3
        mov cr3, eax
        mov dword [FREE], 0x12345678
        WORKS mov eax, [PAGE]
        EXPECT_MEM PAGE, 0x12345678
        mov dword [TABLES + 0x4000], FREE + 0x1F07
        mov dword [FREE + 0x1000], 0x87654321
        mov eax, cr3
        mov cr3, eax
        EXPECT_MEM PAGE, 0x87654321
        ; an access across two pages: CR2 names the part that is missing, nothing is written
        mov dword [TABLES + 0x4000], FREE + 7
        mov dword [TABLES + 0x4004], 6
        mov eax, cr3
        mov cr3, eax
        mov dword [FREE + 0xFFC], 0x11111111
        mov ecx, 0x22222222
        FAULTS 14, 2, mov [PAGE + 0xFFE], ecx
        EXPECT_EQ dword [seen_cr2], PAGE + 0x1000
        EXPECT_MEM FREE + 0xFFC, 0x11111111
        ; 4 GiB wrap: the last two bytes of FFFFFFFFh's page, then linear address 0
        mov dword [TABLES + 0xFFC], TABLES + 0x5007
        mov dword [TABLES + 0x5FFC], FREE + 0x2007
        mov eax, cr3
        mov cr3, eax
        mov dword [FREE + 0x2FFC], 0xBBAA0000
        mov eax, [0]
        mov [.low], eax
        mov eax, [0xFFFFFFFE]
        shl dword [.low], 16
        add dword [.low], 0xBBAA
        EXPECT_EQ eax, [.low]
        ret
.low:   dd 0
path:   dd TABLES + 0x400, TABLES + 0x4007, TABLES + 0x4000, FREE + 7, 0
