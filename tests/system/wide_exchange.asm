; Expects (SDM vol. 2, CMPXCHG8B/CMPXCHG16B): equal: ZF and the new value; unequal: no ZF and the old value in the registers; other flags
; stay; the destination is written in both cases, so a read-only page is a page fault for writing either way, with the registers
; as they were; CMPXCHG16B off a 16-byte boundary is #GP(0), on the stack segment too; CMPXCHG8B takes any address, LOCKed across
; a page as well; the register form is #UD; a non-canonical address is #GP(0).
%define LONG_MODE
        %include "lib.inc"
ALL_FLAGS equ 0x8D5             ; OF SF ZF AF PF CF
main:
        mov eax, 1
        cpuid
        bt ecx, 13
        EXPECT c, 'no CMPXCHG16B'
        ; equal
        call load
        push qword 0x897                                    ; all but ZF
        popfq
        lock cmpxchg16b [FREE]
        pushfq
        pop rdi
        and edi, ALL_FLAGS
        EXPECT_EQ edi, ALL_FLAGS, 'ZF alone is set'
        EXPECT_EQ qword [FREE], rbx
        EXPECT_EQ qword [FREE + 8], rcx
        ; unequal in the upper half
        call load
        inc rdx
        push qword ALL_FLAGS | 2
        popfq
        cmpxchg16b [FREE]
        pushfq
        pop rdi
        and edi, ALL_FLAGS
        EXPECT_EQ edi, ALL_FLAGS & ~0x40, 'ZF alone is cleared'
        call same
        EXPECT_EQ rax, rsi, 'old value, lower half'
        EXPECT_EQ rdx, rbp, 'old value, upper half'
        ; 8 bytes: REX.W clear keeps the upper halves out
        call load
        lock cmpxchg8b [FREE]
        EXPECT nz, 'EDX:EAX is not the quadword'
        EXPECT_EQ eax, dword [FREE]
        EXPECT_EQ edx, dword [FREE + 4]
        mov ebx, 0x11111111
        mov ecx, 0x22222222
        lock cmpxchg8b [FREE]
        EXPECT z, 'EDX:EAX is the quadword'
        mov rdi, 0x2222222211111111
        EXPECT_EQ qword [FREE], rdi
        EXPECT_EQ qword [FREE + 8], rbp
        ; alignment
        call load
        FAULTS 13, 0, cmpxchg16b [FREE + 8]
        FAULTS 13, 0, lock cmpxchg16b [FREE + 1]
        lea rdi, [rsp - 72]
        or rdi, 8
        FAULTS 13, 0, db 0x36, 0x48, 0x0F, 0xC7, 0x0F       ; SS: CMPXCHG16B [RDI]
        WORKS cmpxchg8b [FREE + 1]
        mov qword [FREE + 0x1FFFFC], 7
        mov eax, 7
        xor edx, edx
        lock cmpxchg8b [FREE + 0x1FFFFC]                    ; from one 2 MiB page into the next
        EXPECT z, 'across pages'
        EXPECT_EQ dword [FREE + 0x200000], ecx
        ; faults
        call load
        mov rdi, 1 << 60
        FAULTS 13, 0, cmpxchg16b [rdi]
        FAULTS 6, 0, db 0x48, 0x0F, 0xC7, 0xC9              ; CMPXCHG16B RCX
        FAULTS 6, 0, db 0x0F, 0xC7, 0xC9                    ; CMPXCHG8B ECX
        and dword [TABLES + 0x2000 + (FREE >> 21) * 8], ~2
        mov rdi, cr3
        mov cr3, rdi
        USER_FAULTS 14, 7, lock cmpxchg16b [FREE]           ; equal
        inc rax
        USER_FAULTS 14, 7, lock cmpxchg16b [FREE]           ; unequal
        dec rax
        EXPECT_EQ rax, rsi, 'RAX changed by a fault'
        EXPECT_EQ rdx, rbp, 'RDX changed by a fault'
        USER_FAULTS 14, 7, cmpxchg8b [FREE]
        EXPECT_EQ rax, rsi
        ret

; [FREE] = RDX:RAX = RBP:RSI, new value RCX:RBX.
load:   mov rsi, 0x0123456789ABCDEF
        mov rbp, 0xFEDCBA9876543210
        mov rax, rsi
        mov rdx, rbp
        mov [FREE], rax
        mov [FREE + 8], rdx
        mov rbx, 0x5555555566666666
        mov rcx, 0x7777777788888888
        ret

same:   EXPECT_EQ qword [FREE], rsi, 'memory changed'
        EXPECT_EQ qword [FREE + 8], rbp, 'memory changed'
        ret
