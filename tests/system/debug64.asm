; Expects (SDM vol. 3, 18.2; vol. 2 SYSCALL): breakpoints at 64-bit linear addresses, length 8; DR6 and DR7 bits 63:32 must be
; written 0 (#GP(0)); FS base counts (linear, not effective addresses); SYSCALL with TF and FMASK clearing TF takes no trap in
; the kernel, SYSRET that sets TF traps before the next user instruction; MOV SS shadows; RF.
%define LONG_MODE
        %include "lib.inc"
HIGH_PAGE equ 0xFFFF800000000000
main:
        mov dword [hook], trap
        ; the first 2 MiB of FREE at FFFF8000_00000000h too
        mov rax, [TABLES]
        mov [TABLES + 0x800], rax
        mov rax, cr3
        mov cr3, rax
        mov rax, HIGH_PAGE + FREE + 0x18
        mov dr0, rax
        mov rbx, dr0
        EXPECT_EQ rax, rbx
        mov ecx, 0x000B0402                                 ; read or write, 8 bytes
        mov dr7, rcx
        mov rbx, HIGH_PAGE + FREE
        mov rax, [FREE + 0x18]
        EXPECT_EQ dword [count], 0, 'another linear address'
        mov al, [rbx + 0x1F]
        EXPECT_EQ dword [count], 1
        mov rax, [rbx + 0x11]
        EXPECT_EQ dword [count], 2
        mov [rbx + 0x20], rax
        mov al, [rbx + 0x17]
        EXPECT_EQ dword [count], 2
        ; by FS base
        mov ecx, 0xC0000100
        mov rax, HIGH_PAGE + FREE
        mov rdx, rax
        shr rdx, 32
        wrmsr
        mov al, [fs:0x18]
        EXPECT_EQ dword [count], 3
        ; reserved halves
        mov qword [hook], 0
        mov rax, 0x100000000
        FAULTS 13, 0, mov dr7, rax
        FAULTS 13, 0, mov dr6, rax
        mov eax, 0x400
        mov dr7, rax
        mov qword [hook], trap
        ; SYSCALL and SYSRET under TF
        mov ecx, 0xC0000080
        rdmsr
        or eax, 1
        wrmsr
        mov ecx, 0xC0000081
        mov edx, (0x1B << 16) | K_CODE
        xor eax, eax
        wrmsr
        mov ecx, 0xC0000082
        mov eax, .entry
        xor edx, edx
        wrmsr
        mov ecx, 0xC0000084
        mov eax, 0x100
        wrmsr
        mov dword [count], 0
        mov nword [after], .done
        TO_USER .user, 0x102
.user:  nop
.u1:    syscall
.u2:    nop
.u3:    int NO_FAULT
.entry: nop
        nop
        o64 sysret
.done:  EXPECT_EQ dword [count], 3
        EXPECT_EQ dword [trace], .u1
        EXPECT_EQ dword [trace + 4], .u2, 'first trap after SYSRET'
        EXPECT_EQ dword [trace + 8], .u3
        ; with TF outside FMASK the trap of SYSCALL is taken before the first kernel instruction
        mov ecx, 0xC0000084
        xor eax, eax
        wrmsr
        mov ecx, 0xC0000082
        mov eax, .traced
        wrmsr
        mov dword [count], 0
        mov nword [after], .kernel
        TO_USER .call, 0x102
.call:  syscall
        int NO_FAULT
.traced:
        nop
.traced_on:
        int NO_FAULT
.kernel:
        EXPECT_EQ dword [count], 2
        EXPECT_EQ dword [trace], .traced, 'SYSCALL that keeps TF'
        EXPECT_EQ dword [trace + 4], .traced_on
        ; MOV SS
        mov dword [count], 0
        mov ecx, ss
        pushfq
        or dword [rsp], 0x100
        popfq
        mov ss, ecx
.s1:    nop
.s2:    pushfq
        and dword [rsp], ~0x100
        popfq
        EXPECT_EQ dword [trace], .s2
        ; execute breakpoint in 64-bit code, resumed by RF through IRETQ
        mov dword [count], 0
        mov eax, .here
        mov dr1, rax
        mov eax, 0x408
        mov dr7, rax
        mov ecx, 5
.here:  dec ecx
        jnz .here
        mov eax, 0x400
        mov dr7, rax
        EXPECT_EQ dword [count], 5, 'an execute breakpoint in a loop'
        ; CPL 3 code whose memory operand is on a page with a breakpoint it does not touch
        mov eax, FREE
        mov dr0, rax
        mov eax, 0x00030402
        mov dr7, rax
        mov qword [hook], 0
        USER_WORKS mov al, [FREE + 1]
        ARM .hit
        TO_USER .user_hit, 2
.user_hit:
        mov al, [FREE]
.user_after:
        int NO_FAULT
.hit:   EXPECT_SEEN 1, 0, .user_after
        ; implicit accesses match as well: a descriptor
        SET_DESCRIPTOR SPARE, 0x0000FFFF, 0x00CF9300
        mov eax, gdt + SPARE
        mov dr0, rax
        mov ebx, SPARE
        ARM .gdt
        mov fs, ebx
.gdt_after:
        nop
.gdt:   mov nword [recover], 0
        EXPECT_SEEN 1, 0, .gdt_after
        ret
trap:
        cmp dword [rbp + FRAME_VECTOR], 1
        je .debug
        cmp dword [rbp + FRAME_VECTOR], NO_FAULT
        je .user_end
        mov qword [hook], 0
        jmp unexpected
.user_end:
        mov rsp, K_STACK - 8
        mov eax, K_DATA
        mov ss, eax
        jmp [after]
.debug: mov rax, dr6
        mov ecx, [count]
        and ecx, 15
        mov rdx, [rbp + FRAME_IP]
        mov [trace + rcx * 4], edx
        inc dword [count]
        test al, 2
        jz .out
        or dword [rbp + FRAME_FLAGS], 0x10000
        xor eax, eax
        mov dr6, rax
.out:   ret
        align 8
after:  dq 0
count:  dd 0
trace:  times 16 dd 0
