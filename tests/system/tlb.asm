; Expects (SDM vol. 3, 4.10): translations may be used after the entry changed until INVLPG or MOV CR3, so this tests only
; what must be seen: after INVLPG the new one (any address in the page, large pages whole); after MOV CR3 the new one,
; global pages (CR4.PGE = 1) excepted, which CR4.PGE toggling and INVLPG drop; rights that grow and A, D set by software are
; seen after INVLPG; with PCIDs, MOV CR3 with bit 63 set keeps, INVPCID types 0-3 invalidate; CR3 and INVPCID rules.
%define LONG_MODE
        %include "lib.inc"
PAGE equ 0x40000000
%macro PTE 1
        mov qword [TABLES + 0x5000], %1
%endmacro
%macro CR3_AGAIN 0
        mov rax, cr3
        mov cr3, rax
%endmacro
A_PAGE equ FREE
B_PAGE equ FREE + 0x1000
main:
        mov rdi, TABLES + 0x4000
        mov ecx, 0x800
        xor eax, eax
        rep stosd
        mov dword [TABLES + 0x1008], TABLES + 0x4007
        mov dword [TABLES + 0x4000], TABLES + 0x5007
        mov dword [A_PAGE], 0xA
        mov dword [B_PAGE], 0xB
        PTE A_PAGE + 7
        EXPECT_MEM PAGE, 0xA
        PTE B_PAGE + 7
        invlpg [PAGE + 0x777]
        EXPECT_MEM PAGE, 0xB
        PTE A_PAGE + 7
        CR3_AGAIN
        EXPECT_MEM PAGE, 0xA
        ; D cleared by software must be set again by a write after INVLPG
        mov [PAGE + 4], eax
        test dword [TABLES + 0x5000], 0x40
        EXPECT nz, 'D not set'
        PTE A_PAGE + 7
        invlpg [PAGE]
        mov eax, [PAGE]
        EXPECT_MEM TABLES + 0x5000, A_PAGE + 0x27
        mov [PAGE + 4], eax
        EXPECT_MEM TABLES + 0x5000, A_PAGE + 0x67
        ; a fault does not leave a translation: P set and the access repeated without invalidation
        PTE 0
        invlpg [PAGE]
        FAULTS 14, 0, mov al, [PAGE]
        PTE A_PAGE + 5
        EXPECT_MEM PAGE, 0xA
        mov rax, cr0
        or eax, 0x10000
        mov cr0, rax
        FAULTS 14, 3, mov [PAGE], al
        PTE A_PAGE + 7                                      ; the fault dropped what was cached (4.10.4.1)
        mov eax, 0xA
        WORKS mov [PAGE], eax
        ; changes of an upper entry
        mov qword [TABLES + 0x6000], B_PAGE + 7
        mov dword [TABLES + 0x4000], TABLES + 0x6007
        invlpg [PAGE]
        EXPECT_MEM PAGE, 0xB
        mov dword [TABLES + 0x4000], TABLES + 0x5007
        ; a large page goes as a whole
        mov dword [TABLES + 0x4000], FREE + 0x87
        CR3_AGAIN
        EXPECT_MEM PAGE + 0x1000, 0xB
        EXPECT_MEM PAGE, 0xA
        mov dword [FREE + 0x200000], 0xC
        mov dword [FREE + 0x201000], 0xD
        mov dword [TABLES + 0x4000], (FREE + 0x200000) + 0x87
        invlpg [PAGE + 0x100000]
        EXPECT_MEM PAGE, 0xC
        EXPECT_MEM PAGE + 0x1000, 0xD
        mov dword [TABLES + 0x4000], TABLES + 0x5007
        invlpg [PAGE]
        ; global pages
        mov rax, cr4
        or eax, 0x80
        mov cr4, rax
        PTE A_PAGE + 0x107
        invlpg [PAGE]
        EXPECT_MEM PAGE, 0xA
        PTE B_PAGE + 0x107
        invlpg [PAGE]
        EXPECT_MEM PAGE, 0xB
        PTE A_PAGE + 0x107
        mov rax, cr4
        xor eax, 0x80
        mov cr4, rax
        EXPECT_MEM PAGE, 0xA
        xor eax, 0x80
        mov cr4, rax
        ; not global although PGE = 1: MOV CR3 is enough
        PTE A_PAGE + 7
        invlpg [PAGE]
        mov eax, [PAGE]
        PTE B_PAGE + 7
        CR3_AGAIN
        EXPECT_MEM PAGE, 0xB
        ; INVLPG: CPL 3 #GP(0), register operand #UD, a non-canonical address does nothing
        USER_FAULTS 13, 0, invlpg [PAGE]
        mov rax, 0x8000000000000000
        WORKS invlpg [rax]
        FAULTS 6, ANY, db 0x0F, 0x01, 0xFC                  ; 0F 01 /7 mod 3: CLZERO of others
        ; PCIDs
        mov rax, cr4
        bts rax, 17
        WORKS mov cr4, rax
        mov rax, TABLES + 5
        WORKS mov cr3, rax
        mov rbx, cr3
        EXPECT_EQ ebx, TABLES + 5
        mov rcx, cr4
        mov rdx, rcx
        btr rdx, 17
        WORKS mov cr4, rdx                                  ; PCIDE 1 -> 0 is always allowed
        FAULTS 13, 0, mov cr4, rcx                          ; 0 -> 1 needs CR3[11:0] = 0
        mov rax, TABLES
        mov cr3, rax
        bts rax, 63
        FAULTS 13, 0, mov cr3, rax                          ; bit 63 is reserved without PCIDE
        mov cr4, rcx
        WORKS mov cr3, rax
        mov rbx, cr3
        bt rbx, 63
        EXPECT nc, 'bit 63 of CR3 was kept'
        mov rax, 0x0010000000000000 + TABLES
        FAULTS 13, 0, mov cr3, rax
        ; paging may not be turned off in 64-bit mode
        mov rax, cr0
        btr rax, 31
        FAULTS 13, 0, mov cr0, rax
        mov rax, cr4
        btr rax, 5
        FAULTS 13, 0, mov cr4, rax
        ; another PCID has translations of its own; they must be dropped by MOV CR3 without bit 63
        mov rax, TABLES + 1
        mov cr3, rax
        PTE A_PAGE + 7
        EXPECT_MEM PAGE, 0xA
        mov rax, TABLES + 2
        mov cr3, rax
        PTE B_PAGE + 7
        EXPECT_MEM PAGE, 0xB
        mov rax, TABLES + 1
        mov cr3, rax                                        ; bit 63 clear: PCID 1 is flushed
        EXPECT_MEM PAGE, 0xB
        ; INVPCID
%macro INVPCID_CHECK 3                                      ; type, PCID, address
        PTE A_PAGE + 7
        mov rax, TABLES + 1
        mov cr3, rax
        EXPECT_MEM PAGE, 0xA
        PTE B_PAGE + 7
        mov qword [.descriptor], %2
        mov rax, %3
        mov [.descriptor + 8], rax
        mov ebx, %1
        WORKS invpcid rbx, [.descriptor]
        EXPECT_MEM PAGE, 0xB
%endmacro
        INVPCID_CHECK 0, 1, PAGE + 0x123
        INVPCID_CHECK 1, 1, 0
        INVPCID_CHECK 2, 0, 0
        INVPCID_CHECK 3, 0, 0
        mov ebx, 4
        FAULTS 13, 0, invpcid rbx, [.descriptor]
        mov qword [.descriptor], 0x1000
        mov ebx, 0
        FAULTS 13, 0, invpcid rbx, [.descriptor]
        mov ebx, 1
        FAULTS 13, 0, invpcid rbx, [.descriptor]
        mov rax, 0x8000000000000000
        mov [.descriptor + 8], rax
        mov qword [.descriptor], 1
        mov ebx, 0
        FAULTS 13, 0, invpcid rbx, [.descriptor]
        USER_FAULTS 13, 0, invpcid rbx, [.descriptor]
        ; the page walk reads tables the same instruction stream has just written
        mov rax, TABLES
        mov cr3, rax
        mov rax, cr4
        btr rax, 17
        mov cr4, rax
        PTE 0
        invlpg [PAGE]
        PTE A_PAGE + 7
        EXPECT_MEM PAGE, 0xA
        ret
        align 16
.descriptor: dq 0, 0
