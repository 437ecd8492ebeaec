; Expects: 32-bit paging with 4 MiB pages: rights, error codes, A and D as SDM vol. 3, 4.6-4.8; PSE-36 address bits 13-20
; and the reserved bit 21 of a 4 MiB PDE (table 4-4); the offset has 22 bits.
%define HAS_NX 0
%define ENTRY 4
        %include "lib.inc"
        %include "paging.inc"
main:
        mov edi, TABLES
        mov ecx, 0x400
        xor eax, eax
        rep stosd
        mov dword [TABLES], 0x83
        mov dword [TABLES + 4], 0x400083
        mov dword [TABLES + 0x800], 0x87
        mov dword [TABLES + 0x400], FREE + 0x87
        mov eax, TABLES
        mov cr3, eax
        mov eax, cr4
        or eax, 0x10
        mov cr4, eax
        mov eax, cr0
        or eax, 0x80000000
        mov cr0, eax
        call run_all_rights
        call run_not_present
        mov esi, TABLES + 0x400
        mov edi, .reserved
        call run_reserved
        mov dword [FREE + 0x3FFFFC], 0x13579BDF
        EXPECT_MEM PAGE + 0x3FFFFC, 0x13579BDF
        ; PAT (bit 12), PCD, PWT, G and ignored bits change nothing that can be seen
        mov dword [TABLES + 0x400], FREE + 0x1F9F
        mov eax, cr3
        mov cr3, eax
        EXPECT_MEM PAGE + 0x3FFFFC, 0x13579BDF
        ; PSE-36: 4 GiB and above, where this machine has no RAM: reads give all ones
        mov dword [TABLES + 0x400], 0x100087 | FREE
        mov eax, cr3
        mov cr3, eax
        EXPECT_MEM PAGE + 0x3FFFFC, 0xFFFFFFFF
        ret
.reserved: dd 1 << 21
path:   dd TABLES + 0x400, FREE + 0x87, 0
