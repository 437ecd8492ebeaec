; Expects: in 64-bit mode non-canonical addresses raise #GP(0), through RSP or RBP as base (and PUSH, POP, CALL, RET) #SS(0)
; (SDM vol. 1, 3.3.7.1; vol. 2, exceptions of each instruction); both halves next to the hole are page faults or work; near
; branches to non-canonical targets raise #GP(0) with the branch's own RIP; segment bases by MSR must be canonical.
%define LONG_MODE
        %include "lib.inc"
LOW_EDGE  equ 0x00007FFFFFFFFFFF
HIGH_EDGE equ 0xFFFF800000000000
main:
        mov rax, cr4
        or eax, 0x200                                       ; OSFXSR
        mov cr4, rax
        mov rbx, LOW_EDGE
        FAULTS 14, 0, mov al, [rbx]
        FAULTS 13, 0, mov ax, [rbx]
        FAULTS 13, 0, mov al, [rbx + 1]
        FAULTS 13, 0, mov [rbx + 1], al
        FAULTS 13, 0, mov rax, [rbx - 6]
        FAULTS 14, 0, mov rax, [rbx - 7]
        FAULTS 13, 0, movups xmm0, [rbx - 10]
        mov rbx, HIGH_EDGE
        FAULTS 14, 0, mov al, [rbx]
        FAULTS 14, 2, mov [rbx], rax
        FAULTS 13, 0, mov al, [rbx - 1]
        FAULTS 13, 0, inc qword [rbx - 1]
        mov rbp, HIGH_EDGE
        FAULTS 12, 0, mov al, [rbp - 1]
        FAULTS 14, 0, mov al, [rbp]
        ; the last byte of the address space: wraps to 0, which is mapped here
        mov rbx, 0xFFFFFFFFFFFFFFFF
        FAULTS 14, 0, mov al, [rbx]
        ; the stack. The handler must not use it: IST 1 for #SS and #GP
        or byte [idt + 12 * 16 + 4], 1
        or byte [idt + 13 * 16 + 4], 1
        or byte [idt + 14 * 16 + 4], 1
        ARM .push
        mov rsp, HIGH_EDGE
.push_at:
        push rax
.push:  EXPECT_SEEN 12, 0, .push_at
        ARM .pop
        mov rsp, LOW_EDGE - 6
.pop_at:
        pop rax
.pop:   EXPECT_SEEN 12, 0, .pop_at
        ARM .call
        mov rsp, HIGH_EDGE
.call_at:
        call main
.call:  EXPECT_SEEN 12, 0, .call_at
        ARM .ret
        mov rsp, LOW_EDGE - 6
.ret_at:
        ret
.ret:   EXPECT_SEEN 12, 0, .ret_at
        ARM .push2
        mov rsp, HIGH_EDGE + 8
.push2_at:
        push rax
.push2: EXPECT_SEEN 14, 2, .push2_at
        ; branches
        mov rbx, HIGH_EDGE - 1
        FAULTS 13, 0, jmp rbx
        FAULTS 13, 0, call rbx
        push rbx
        FAULTS 13, 0, ret
        pop rbx
        ARM .fetched
        mov rbx, HIGH_EDGE
        jmp rbx
.fetched:
        EXPECT_SEEN 14, ANY
        mov rax, HIGH_EDGE
        EXPECT_EQ [seen_ip], rax
        EXPECT_EQ [seen_cr2], rax
        ; IRETQ to a non-canonical RIP: #GP(0) before anything is loaded
        mov rbx, HIGH_EDGE - 1
        push nword K_DATA
        push nword K_STACK - 64
        push nword 2
        push nword K_CODE
        push rbx
        FAULTS 13, 0, iretq
        add rsp, 40
        ; FS and GS bases
        mov ecx, 0xC0000100
        mov edx, 0x00008000
        xor eax, eax
        FAULTS 13, 0, wrmsr
        mov edx, 0xFFFF8000
        WORKS wrmsr
        FAULTS 14, 0, mov al, [fs:0]
        mov rbx, -1
        FAULTS 13, 0, mov al, [fs:rbx]
        xor edx, edx
        xor eax, eax
        wrmsr
        ; descriptor table registers
        mov rax, HIGH_EDGE - 1
        mov [.pseudo + 2], rax
        FAULTS 13, 0, lgdt [.pseudo]
        FAULTS 13, 0, lidt [.pseudo]
        ret
.pseudo: dw 0xFFFF
        dq 0
