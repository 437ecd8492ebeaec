; Expects: 4-level paging: all combinations of rights with XD in every level, error codes, A and D as SDM vol. 3, 4.6-4.8;
; reserved bits of PML4E, PDPTE, PDE, PTE and of 2 MiB pages (tables 4-14 to 4-19); XD reserved while EFER.NXE = 0.
%define LONG_MODE
%define HAS_NX 1
%define ENTRY 8
        %include "lib.inc"
        %include "paging.inc"
main:
        ; the first 512 MiB supervisor; ALIAS, the upper 512 MiB of the first GiB: the same, user
        mov rdi, TABLES + 0x4000
        mov ecx, 0x800
        xor eax, eax
        rep stosd
        mov rsi, TABLES + 0x2000
        mov ecx, 256
.map:   mov rax, [rsi]
        mov [rsi + 0x800], rax
        and dword [rsi], ~4
        add rsi, 8
        loop .map
        mov dword [TABLES + 0x1008], TABLES + 0x4007
        mov dword [TABLES + 0x4000], TABLES + 0x5007
        mov dword [TABLES + 0x5000], FREE + 7
        mov rax, cr3
        mov cr3, rax
        mov ecx, 0xC0000080
        rdmsr
        or eax, 0x800
        wrmsr
        call run_all_rights
        call run_not_present
        mov rsi, TABLES + 0x1008
        mov rdi, .reserved_high
        call run_reserved
        mov rsi, TABLES + 0x4000
        call run_reserved
        mov rsi, TABLES + 0x5000
        call run_reserved
        mov rax, [TABLES]
        mov [TABLES + 8], rax                               ; a second PML4 entry to spoil: 80_0000_0000h
        mov rsi, TABLES + 8
        bts qword [rsi], 7
        mov rbx, 0x8040000000
        FAULTS 14, 9, mov al, [rbx]
        btr qword [rsi], 7
        bts qword [rsi], 50
        FAULTS 14, 9, mov al, [rbx]
        btr qword [rsi], 50
        bts qword [rsi], 52                                 ; ignored
        WORKS mov al, [rbx]
        ; 2 MiB page
        mov dword [TABLES + 0x4000], FREE + 0x87
        mov rax, cr3
        mov cr3, rax
        mov rsi, TABLES + 0x4000
        mov rdi, .reserved_large
        call run_reserved
        mov dword [FREE + 0x1FFFFC], 0x2468ACE0
        EXPECT_MEM PAGE + 0x1FFFFC, 0x2468ACE0
        ; bits 52-62 and 9-11 are ignored
        mov dword [TABLES + 0x4004], 0x7FF00000
        or dword [TABLES + 0x4000], 0x1F00
        mov rax, cr3
        mov cr3, rax
        EXPECT_MEM PAGE + 0x1FFFFC, 0x2468ACE0
        mov dword [TABLES + 0x4004], 0x80000000
        mov rax, cr3
        mov cr3, rax
        WORKS mov al, [PAGE]
        mov ecx, 0xC0000080
        rdmsr
        and eax, ~0x800
        wrmsr
        mov rax, cr3
        mov cr3, rax
        FAULTS 14, 9, mov al, [PAGE]
        ret
.reserved_high:  dq 0x000FFF0000000000
.reserved_large: dq 0x000FFF00001FE000
path:   dq TABLES + 0x1008, TABLES + 0x4007, TABLES + 0x4000, TABLES + 0x5007, TABLES + 0x5000, FREE + 7, 0
