; Expects (SDM vol. 3, 20.2): virtual-8086 mode entered by IRETD; segments are 16 * selector, limit FFFFh; a fault pushes GS, FS,
; DS, ES, SS, ESP, EFLAGS with VM, CS, EIP on the ring 0 stack and nulls the data registers; IOPL-sensitive instructions (CLI,
; STI, PUSHF, POPF, INT n, IRET) are #GP(0) with IOPL < 3 and work with IOPL 3; INT3 and INTO follow the IDT; I/O goes by the
; bit map whatever IOPL; HLT, LGDT, MOV CR, LMSW are #GP(0); LLDT, LTR, LAR, ARPL #UD; addresses wrap by limit: #GP, #SS;
; a gate to a segment of DPL other than 0 is #GP(selector).
        %include "lib.inc"
        %include "v86.inc"
main:
        COPY_V86
        mov dword [V86_BASE + 0x8000], 0x55667788
        ; IOPL 3
        V86 basics, 0x3000
        EXPECT_SEEN NO_FAULT, 0, V86_IP(basics_end)
        test dword [seen_flags], 0x20000
        EXPECT nz, 'VM in the image'
        EXPECT_EQ dword [seen_cs], 0x1000
        EXPECT_EQ dword [seen_ss], 0x1000
        EXPECT_EQ dword [seen_sp], 0xF000
        EXPECT_EQ ebx, 0x55667788
        EXPECT_EQ ecx, 0x00001000, 'PUSH CS'
        mov nsi, [seen_frame]
        EXPECT_EQ dword [esi + 24], 0x2345                  ; ES
        EXPECT_EQ dword [esi + 28], 0x1000                  ; DS
        EXPECT_EQ dword [esi + 32], 0x3456                  ; FS
        EXPECT_EQ dword [esi + 36], 0x1000                  ; GS
        add esi, 40
        EXPECT_EQ esi, K_STACK - 0x4000
        ; IOPL 0: sensitive instructions
%macro REFUSED 1
        V86 %1, 0
        EXPECT_SEEN 13, 0, V86_IP(%1)
%endmacro
        REFUSED v_cli
        REFUSED v_sti
        REFUSED v_pushf
        REFUSED v_popf
        REFUSED v_int
        REFUSED v_iret
        REFUSED v_hlt
        REFUSED v_lgdt
        REFUSED v_cr0
        REFUSED v_lmsw
        REFUSED v_clts
        REFUSED v_wrmsr
        V86 v_lldt, 0x3000
        EXPECT_SEEN 6, 0, V86_IP(v_lldt)
        V86 v_lar, 0x3000
        EXPECT_SEEN 6, 0, V86_IP(v_lar)
        V86 v_arpl, 0x3000
        EXPECT_SEEN 6, 0, V86_IP(v_arpl)
        V86 v_int3, 0
        EXPECT_SEEN 3, 0, V86_IP(v_int3) + 1
        V86 v_hlt, 0x3000
        EXPECT_SEEN 13, 0, V86_IP(v_hlt)
        ; IOPL 3: they work, VM and IOPL stay
        V86 flags3, 0x3000
        EXPECT_SEEN NO_FAULT, 0
        EXPECT_EQ cx, 0x3202, 'FLAGS after STI'
        EXPECT_EQ dx, 0x3002, 'POPF cannot change IOPL'
        V86 iret3, 0x3000
        EXPECT_SEEN NO_FAULT, 0, V86_IP(iret3_end)
        test dword [seen_flags], 1
        EXPECT nz, 'IRET loads CF'
        ; I/O by the bit map
        V86 v_in, 0
        EXPECT_SEEN 13, 0, V86_IP(v_hlt2)                   ; the IN worked, the HLT did not
        or byte [tss + 136 + 0x80 / 8], 1
        V86 v_in, 0x3000
        EXPECT_SEEN 13, 0, V86_IP(v_in)
        and byte [tss + 136 + 0x80 / 8], ~1
        ; limits
        V86 v_limit, 0x3000
        EXPECT_SEEN 13, 0, V86_IP(v_limit_at)
        V86 v_stack_limit, 0x3000
        EXPECT_SEEN 12, 0, V86_IP(v_stack_limit_at)
        V86 v_far, 0x3000
        EXPECT_SEEN NO_FAULT, 0
        EXPECT_EQ dword [seen_cs], 0x0FFF
        ; a gate that would stay at CPL 3
        SET_GATE NO_FAULT, U_CODE32, main, 0xEE00
        V86 basics_end - 2, 0x3000
        EXPECT_SEEN 13, U_CODE32 & 0xFFF8
        call build_idt
        ; interrupt redirection needs CR4.VME; single-step works
        V86 v_step, 0x3100
        EXPECT_SEEN 1, 0, V86_IP(v_step) + 1
        ret

        bits 16
v86_code:
basics: mov ebx, [0x8000]
        mov ax, 0x2345
        mov es, ax
        mov ax, 0x3456
        mov fs, ax
        push cs
        pop cx
        movzx ecx, cx
        int NO_FAULT
basics_end:
v_cli:  cli
v_sti:  sti
v_pushf: pushf
v_popf: popf
v_int:  int NO_FAULT
v_iret: iret
v_hlt:  hlt
v_lgdt: lgdt [0]
v_cr0:  mov eax, cr0
v_lmsw: lmsw ax
v_clts: clts
v_wrmsr: wrmsr
v_lldt: lldt ax
v_lar:  lar ax, bx
v_arpl: arpl ax, bx
v_int3: int3
flags3: sti
        pushf
        pop cx
        cli
        push word 0x0002
        popf
        pushf
        pop dx
        int NO_FAULT
iret3:  push word 0x3003
        push cs
        push word iret3_here - v86_code
        iret
iret3_here:
        int NO_FAULT
iret3_end:
v_in:   in al, 0x80
v_hlt2: hlt
v_limit:
        mov bx, 0xFFFF
        mov al, [bx]
v_limit_at:
        mov ax, [bx]
v_stack_limit:
        mov bp, 0xFFFD
        mov ax, [bp]
v_stack_limit_at:
        mov eax, [bp]
v_far:  jmp 0x0FFF:(v_far_target - v86_code + 0x10)
v_far_target:
        int NO_FAULT
v_step: nop
        nop
v86_end:
        bits 32
