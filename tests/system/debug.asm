; Expects (SDM vol. 3, 18.2-18.3): instruction breakpoints are faults before the instruction, once with RF = 0 and not with
; RF = 1, which the next instruction clears; data breakpoints are traps after it, by kind, length and alignment, for both
; halves of a crossing access; I/O breakpoints need CR4.DE; DR6 has B0-B3, BS, BD set and is never cleared by the CPU; DR7.GD
; faults MOV DR and is cleared; TF traps after the instruction that follows POPF; no trap after MOV SS, whose successor
; executes first; pending data breakpoints of MOV SS are delayed likewise; DR4, DR5 alias or #UD; high halves #GP; TF in INT.
        %include "lib.inc"
%macro NO_DR6 0
        push eax
        xor eax, eax
        mov dr6, eax
        mov dword [count], 0
        pop eax
%endmacro
%macro HITS 3                       ; how many, DR6's low 16 bits, EIP of the last
        EXPECT_EQ dword [count], %1
        EXPECT_EQ word [dr6_seen], %2
        EXPECT_EQ dword [ip_seen], %3
%endmacro
%macro DR7 1
        mov eax, %1
        mov dr7, eax
%endmacro
main:
        mov dword [hook], trap
        mov eax, dr6
        EXPECT_EQ eax, 0xFFFF0FF0
        mov eax, dr7
        EXPECT_EQ eax, 0x400
        ; instruction breakpoint
        NO_DR6
        mov eax, .here
        mov dr0, eax
        DR7 0x402
.here:  mov ecx, 1
        nop
        HITS 1, 0x0FF1, .here
        test dword [flags_seen], 0x10000
        EXPECT z, 'RF was set on entry to the program'
        ; the hook sets RF in the image (as IRETD to a fault handler does), so the instruction ran
        EXPECT_EQ ecx, 1
        ; enabled by L as well; a disabled one that matches shows in DR6 only together with an enabled one
        NO_DR6
        mov eax, .here2
        mov dr0, eax
        mov dr1, eax
        DR7 0x401
.here2: nop
        HITS 1, 0x0FF3, .here2
        DR7 0x400
        ; a breakpoint on a prefix byte counts; one inside an instruction does not
        NO_DR6
        mov eax, .here3 + 1
        mov dr0, eax
        mov dr1, eax
        DR7 0x402
.here3: lock inc dword [FREE]
        EXPECT_EQ dword [count], 0, 'breakpoint inside an instruction'
        ; data write, 4 bytes, DR1
        NO_DR6
        mov eax, FREE + 8
        mov dr1, eax
        DR7 0x00D00408
        mov eax, [FREE + 8]
        EXPECT_EQ dword [count], 0, 'read met a write breakpoint'
        mov [FREE + 8], eax
.w1:    HITS 1, 0x0FF2, .w1
        mov byte [FREE + 11], 1
.w2:    HITS 2, 0x0FF2, .w2
        mov byte [FREE + 12], 1
        mov byte [FREE + 7], 1
        EXPECT_EQ dword [count], 2, 'beside the breakpoint'
        mov dword [FREE + 5], 1
.w3:    HITS 3, 0x0FF2, .w3
        inc word [FREE + 10]
.w4:    HITS 4, 0x0FF2, .w4
        push dword [FREE + 8]
        EXPECT_EQ dword [count], 4
        pop dword [FREE + 8]
.w5:    HITS 5, 0x0FF2, .w5
        xchg [FREE + 8], eax
.w6:    HITS 6, 0x0FF2, .w6
        ; read or write, 1 byte, DR2
        NO_DR6
        mov eax, FREE + 0x21
        mov dr2, eax
        DR7 0x03000420
        mov al, [FREE + 0x21]
.r1:    HITS 1, 0x0FF4, .r1
        mov eax, [FREE + 0x20]
.r2:    HITS 2, 0x0FF4, .r2
        mov al, [FREE + 0x20]
        mov al, [FREE + 0x22]
        EXPECT_EQ dword [count], 2
        fld dword [FREE + 0x20]
.r3:    HITS 3, 0x0FF4, .r3
        fstp st0
        ; REP MOVSB: a trap after the iteration that hit, with EIP on the instruction
        NO_DR6
        mov esi, FREE + 0x20
        mov edi, FREE + 0x40
        mov ecx, 4
.rep:   rep movsb
.r4:    EXPECT_EQ dword [count], 1
        EXPECT_EQ dword [ip_seen], .rep
        EXPECT_EQ dword [cx_seen], 2
        ; word breakpoint crossing access
        NO_DR6
        mov eax, FREE + 0x1000 - 2
        mov dr3, eax
        DR7 0x70000480
        mov eax, [FREE + 0x1000 - 3]
.x1:    HITS 1, 0x0FF8, .x1
        mov eax, [FREE + 0x1000 - 1]
.x2:    HITS 2, 0x0FF8, .x2
        mov eax, [FREE + 0x1000]
        EXPECT_EQ dword [count], 2
        ; I/O breakpoints
        NO_DR6
        mov eax, 0x80
        mov dr0, eax
        DR7 0x00020402
        in al, 0x80
        EXPECT_EQ dword [count], 0, 'I/O breakpoint without CR4.DE'
        mov eax, cr4
        or eax, 8
        mov cr4, eax
        in al, 0x80
.io1:   HITS 1, 0x0FF1, .io1
        out 0x80, al
.io2:   HITS 2, 0x0FF1, .io2
        mov dx, 0x7F
        in ax, dx
.io3:   HITS 3, 0x0FF1, .io3
        in al, 0x81
        EXPECT_EQ dword [count], 3
        ; DR4 and DR5 with DE
        mov dword [hook], 0
        FAULTS 6, 0, mov eax, dr4
        FAULTS 6, 0, mov dr5, eax
        mov dword [hook], trap
        mov eax, cr4
        and eax, ~8
        mov cr4, eax
        DR7 0x400
        mov eax, dr4
        mov ebx, dr6
        EXPECT_EQ eax, ebx
        mov eax, dr5
        EXPECT_EQ eax, 0x400
        ; GD
        NO_DR6
        DR7 0x2400
.gd:    mov eax, dr0
        HITS 1, 0x2FF0, .gd
        mov eax, dr7
        EXPECT_EQ eax, 0x400, 'GD was not cleared'
        ; bits of DR6 and DR7 that are fixed
        mov eax, 0xFFFFFFFF
        mov dr6, eax
        mov eax, dr6
        EXPECT_EQ eax, 0xFFFFEFFF
        mov eax, 0xFFFFDF00
        mov dr7, eax
        mov eax, dr7
        EXPECT_EQ eax, 0xFFFF0700
        xor eax, eax
        mov dr7, eax
        mov eax, dr7
        EXPECT_EQ eax, 0x400
        ; single-step
        NO_DR6
        pushfd
        or dword [esp], 0x100
        popfd
.s0:    nop
.s1:    nop
.s2:    pushfd
.s3:    and dword [esp], ~0x100
.s4:    popfd
.s5:    nop
        EXPECT_EQ dword [count], 5
        EXPECT_EQ word [dr6_seen], 0x4FF0
        EXPECT_EQ dword [ip_seen], .s5                      ; POPF that clears TF is still traced
        EXPECT_EQ dword [trace], .s1
        EXPECT_EQ dword [trace + 16], .s5
        test dword [flags_seen], 0x100
        EXPECT z, 'image of the last trap has TF'
        ; MOV SS shadows the trap after it
        NO_DR6
        mov ecx, ss
        pushfd
        or dword [esp], 0x100
        popfd
        mov ss, cx
.ss1:   nop
.ss2:   pushfd
        and dword [esp], ~0x100
        popfd
.ss3:   EXPECT_EQ dword [trace], .ss2, 'trap between MOV SS and its successor'
        ; POP SS as well, LSS not
        NO_DR6
        push ss
        pushfd
        or dword [esp], 0x100
        popfd
        pop ss
.ps1:   nop
.ps2:   pushfd
        and dword [esp], ~0x100
        popfd
        EXPECT_EQ dword [trace], .ps2
        NO_DR6
        mov [FREE + 0x60], esp
        mov [FREE + 0x64], ss
        pushfd
        or dword [esp], 0x100
        popfd
        lss esp, [FREE + 0x60]
.ls1:   nop
        pushfd
        and dword [esp], ~0x100
        popfd
        EXPECT_EQ dword [trace], .ls1, 'LSS has no shadow'
        ; a data breakpoint hit by MOV SS comes after the next instruction
        NO_DR6
        mov dword [FREE + 8], K_DATA
        mov eax, FREE + 8
        mov dr1, eax
        DR7 0x00F00408
        mov ss, [FREE + 8]
.ds1:   nop
.ds2:   HITS 1, 0x0FF2, .ds2
        DR7 0x400
        ; INT n with TF: the handler's first instruction is not traced, the trap comes after IRETD's successor
        NO_DR6
        SET_GATE 0x30, K_CODE, .int_handler, 0x8E00
        pushfd
        or dword [esp], 0x100
        popfd
        int 0x30
.after_int:
        nop
.after2: pushfd
        and dword [esp], ~0x100
        popfd
        EXPECT_EQ dword [trace], .after2
        ; a fault in a traced instruction: no trap for it, TF clear in the handler, set in the image
        NO_DR6
        mov dword [hook], trap_or_skip
        xor ebx, ebx
        pushfd
        or dword [esp], 0x100
        popfd
.div:   div ebx
.div2:  nop
        pushfd
        and dword [esp], ~0x100
        popfd
        EXPECT_EQ dword [skipped], 1
        EXPECT_EQ dword [trace], .div2 + 1
        ; two reasons in one #DB: step and data
        mov dword [hook], trap
        NO_DR6
        mov eax, FREE + 8
        mov dr1, eax
        DR7 0x00D00408
        pushfd
        or dword [esp], 0x100
        popfd
        mov [FREE + 8], eax
.both:  pushfd
        and dword [esp], ~0x100
        popfd
        EXPECT_EQ dword [trace], .both
        EXPECT_EQ word [dr6_first], 0x4FF2
        DR7 0x400
        ; REP with TF: a trap after each iteration
        NO_DR6
        mov edi, FREE + 0x80
        mov ecx, 3
        pushfd
        or dword [esp], 0x100
        popfd
.reps:  rep stosb
.reps2: pushfd
        and dword [esp], ~0x100
        popfd
        EXPECT_EQ dword [trace], .reps
        EXPECT_EQ dword [trace + 4], .reps
        EXPECT_EQ dword [trace + 8], .reps2
        ; CPL 3
        mov dword [hook], 0
        USER_FAULTS 13, 0, mov eax, dr0
        USER_FAULTS 13, 0, mov dr7, eax
        ARM .user_step
        TO_USER .user, 0x102
.user:  nop
.user2: nop
        int NO_FAULT
.user_step:
        EXPECT_SEEN 1, 0, .user2
        ret
.int_handler:
        nop
        nop
        iretd

; The hook: counts, logs; sets RF in the image when the breakpoint is a fault.
trap:
        cmp dword [ebp + FRAME_VECTOR], 1
        je .debug
        mov dword [hook], 0
        jmp unexpected
.debug:
        mov eax, dr6
        mov [dr6_seen], eax
        cmp dword [count], 0
        jne .later
        mov [dr6_first], eax
.later: mov ecx, [ebp + FRAME_IP]
        mov [ip_seen], ecx
        mov edx, [count]
        and edx, 15
        mov [trace + edx * 4], ecx
        mov ecx, [ebp + FRAME_CX]
        mov [cx_seen], ecx
        mov ecx, [ebp + FRAME_FLAGS]
        mov [flags_seen], ecx
        inc dword [count]
        test al, 1
        jz .out
        mov edx, dr7
        test edx, 0x30000                                   ; DR0 is an instruction breakpoint
        jnz .out
        or dword [ebp + FRAME_FLAGS], 0x10000
.out:   ret
trap_or_skip:
        cmp dword [ebp + FRAME_VECTOR], 0
        jne trap
        add dword [ebp + FRAME_IP], 2
        inc dword [skipped]
        ret
count: dd 0
dr6_seen: dd 0
dr6_first: dd 0
ip_seen: dd 0
cx_seen: dd 0
flags_seen: dd 0
skipped: dd 0
trace: times 16 dd 0
