; Expects (SDM vol. 2, SYSCALL, SYSRET, SYSENTER, SYSEXIT, SWAPGS, RDFSBASE; vol. 3, 5.8.7, 5.8.8): SYSCALL saves RIP in RCX and
; RFLAGS in R11, clears by FMASK, loads CS and SS from STAR; SYSRET restores, by operand size; non-canonical RCX at SYSRET is
; #GP(0) at CPL 0; SCE = 0 is #UD; compatibility mode is #UD; SYSENTER with a null CS is #GP(0); SYSEXIT to both widths,
; non-canonical #GP(0); SWAPGS at CPL 3 #GP(0), in compatibility mode #UD; FSGSBASE needs CR4 bit 16 and canonical bases.
%define LONG_MODE
        %include "lib.inc"
%macro WRITE_MSR 2
        mov ecx, %1
        mov rax, %2
        mov rdx, rax
        shr rdx, 32
        wrmsr
%endmacro
main:
        USER_FAULTS 6, 0, syscall                           ; EFER.SCE = 0
        FAULTS 6, 0, o64 sysret
        mov ecx, 0xC0000080
        rdmsr
        or eax, 1
        wrmsr
        WRITE_MSR 0xC0000081, (0x1B << 48) | (K_CODE << 32)
        WRITE_MSR 0xC0000082, .entry
        WRITE_MSR 0xC0000084, 0x40700
        mov dword [user_flags], 0xED7
        ARM .called
        TO_USER .user, [user_flags]
.user:  syscall
.user_after:
        int NO_FAULT
.entry: mov [.ss], ss
        mov [.cs], cs
        pushfq
        pop qword [.flags]
        mov [.rcx], rcx
        mov [.r11], r11
        mov [.rsp], rsp
        o64 sysret
.called:
        EXPECT_SEEN NO_FAULT, 0
        EXPECT_EQ qword [.rcx], .user_after
        EXPECT_EQ qword [.r11], 0xED7
        EXPECT_EQ dword [.flags], 0x8D7, 'FMASK'
        EXPECT_EQ word [.cs], K_CODE
        EXPECT_EQ word [.ss], K_CODE + 8
        EXPECT_EQ qword [.rsp], U_STACK
        EXPECT_EQ dword [seen_cs], U_CODE64
        EXPECT_EQ dword [seen_ss], U_DATA
        EXPECT_EQ dword [seen_flags], 0xED7
        mov dword [user_flags], 2
        ; SYSRET with 32-bit operand size: compatibility mode, EIP from ECX
        mov rcx, 0x1234567800000000 + .compat
        mov r11d, 2
        ARM .from_compat
        sysret
        bits 32
.compat:
        mov eax, cs
        syscall                                             ; #UD here on Intel
        bits 64
.from_compat:
        EXPECT_SEEN 6, 0
        EXPECT_EQ dword [seen_cs], U_CODE32
        EXPECT_EQ eax, U_CODE32
        ; SYSRET: reserved flags, RF and VM are not loaded
        mov rcx, .flags_there
        mov r11, 0xFFFFFFFFFFFFFEFF
        ARM .flags_back
        o64 sysret
.flags_there:
        int NO_FAULT
.flags_back:
        EXPECT_EQ dword [seen_flags], 0x3C7ED7
        ; non-canonical RCX: #GP(0) with CPL 0
        mov rcx, 0x0000800000000000
        mov r11d, 2
        FAULTS 13, 0, o64 sysret
        EXPECT_EQ dword [seen_cs], K_CODE
        USER_FAULTS 13, 0, o64 sysret
        ; LSTAR must be canonical; STAR not
        mov ecx, 0xC0000082
        mov edx, 0x00008000
        xor eax, eax
        FAULTS 13, 0, wrmsr
        mov ecx, 0xC0000083
        FAULTS 13, 0, wrmsr
        mov ecx, 0xC0000102
        FAULTS 13, 0, wrmsr
        mov ecx, 0xC0000084
        mov edx, 1
        FAULTS 13, 0, wrmsr                                 ; FMASK has 32 bits
        ; SYSENTER and SYSEXIT
        USER_FAULTS 13, 0, sysenter
        FAULTS 13, 0, sysexit
        WRITE_MSR 0x174, K_CODE
        WRITE_MSR 0x175, K_STACK - 0x5000
        WRITE_MSR 0x176, .sysenter
        mov dword [user_flags], 0x202
        ARM .sysentered
        TO_USER .user_enter, [user_flags]
.user_enter:
        sysenter
.sysenter:
        mov [.rsp], rsp
        mov [.cs], cs
        mov [.ss], ss
        pushfq
        pop qword [.flags]
        mov rdx, .exited
        mov rcx, U_STACK - 0x100
        o64 sysexit
.exited:
        int NO_FAULT
.sysentered:
        EXPECT_SEEN NO_FAULT, 0
        EXPECT_EQ qword [.rsp], K_STACK - 0x5000
        EXPECT_EQ word [.cs], K_CODE
        EXPECT_EQ word [.ss], K_CODE + 8
        EXPECT_EQ dword [.flags], 2, 'SYSENTER clears IF'
        EXPECT_EQ qword [seen_sp], U_STACK - 0x100
        EXPECT_EQ dword [seen_cs], (K_CODE + 32) | 3
        EXPECT_EQ dword [seen_ss], (K_CODE + 40) | 3
        ARM .exited32
        mov rdx, .exit32
        mov rcx, U_STACK
        sysexit
        bits 32
.exit32: mov eax, esp
        int NO_FAULT
        bits 64
.exited32:
        EXPECT_SEEN NO_FAULT, 0
        EXPECT_EQ dword [seen_cs], (K_CODE + 16) | 3
        EXPECT_EQ eax, U_STACK
        mov rdx, 0x0000800000000000
        FAULTS 13, 0, o64 sysexit
        mov rdx, .exit32
        mov rcx, 0x0000800000000000
        FAULTS 13, 0, o64 sysexit
        USER_FAULTS 13, 0, o64 sysexit
        ; SWAPGS
        WRITE_MSR 0xC0000101, FREE
        WRITE_MSR 0xC0000102, FREE + 0x1000
        mov dword [FREE], 1
        mov dword [FREE + 0x1000], 2
        swapgs
        mov eax, [gs:0]
        EXPECT_EQ eax, 2
        swapgs
        mov eax, [gs:0]
        EXPECT_EQ eax, 1
        mov dword [user_flags], 2
        USER_FAULTS 13, 0, swapgs
        ; FSGSBASE
        FAULTS 6, 0, rdgsbase rax
        mov rax, cr4
        bts rax, 16
        mov cr4, rax
        WORKS rdgsbase rax
        EXPECT_EQ rax, FREE
        mov rbx, FREE + 0x1000
        WORKS wrfsbase rbx
        mov eax, [fs:0]
        EXPECT_EQ eax, 2
        mov rbx, 0x0000800000000000
        FAULTS 13, 0, wrgsbase rbx
        mov rbx, -1
        WORKS wrfsbase ebx                                  ; 32-bit operand: zero-extended
        rdfsbase rax
        mov edx, 0xFFFFFFFF
        EXPECT_EQ rax, rdx
        USER_WORKS rdfsbase rcx
        ; loading a selector replaces the base, a null one keeps FS.base's descriptor part at zero or as it was
        mov eax, K_DATA
        mov fs, eax
        rdfsbase rax
        EXPECT_EQ rax, 0
        ; CS.L and CS.D both set cannot be loaded
        SET_DESCRIPTOR SPARE, 0x0000FFFF, 0x00EF9A00
        push nword SPARE
        push nword main
        FAULTS 13, SPARE, retfq
        add rsp, 16
        ret
        align 8
.rcx:   dq 0
.r11:   dq 0
.flags: dq 0
.rsp:   dq 0
.cs:    dd 0
.ss:    dd 0
