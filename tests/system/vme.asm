; Expects (SDM vol. 3, 20.3 and table 20-2): with CR4.VME and IOPL < 3, CLI and STI change VIF, PUSHF shows VIF as IF with IOPL 3,
; POPF and IRET write VIF; STI and POPF that enable with VIP set, and POPF with TF, are #GP(0); INT n whose bit in the redirection
; map is clear goes through the 8086 program's vector table without leaving virtual-8086 mode, with VIF cleared and IF pushed as
; VIF, IOPL as 3; a set bit goes to the monitor (#GP with IOPL < 3); with IOPL 3 redirection clears IF itself.
        %include "lib.inc"
        %include "v86.inc"
VIF equ 0x80000
VIP equ 0x100000
main:
        COPY_V86
        mov eax, cr4
        or eax, 1
        mov cr4, eax
        mov byte [tss + 104 + 0x40 / 8], 0xFE               ; INT 40h to the program
        mov word [0x40 * 4], handler - v86_code
        mov word [0x40 * 4 + 2], 0x1000
        V86 cli_sti, VIF
        EXPECT_SEEN 13, 0, V86_IP(cli_sti_end)
        EXPECT_EQ cx, 0x3202, 'PUSHF with VIF set'
        EXPECT_EQ dx, 0x3002, 'PUSHF with VIF clear'
        test dword [seen_flags], VIF
        EXPECT nz, 'VIF after STI'
        test dword [seen_flags], 0x3200
        EXPECT z, 'IF or IOPL changed'
        V86 sti_only, VIP
        EXPECT_SEEN 13, 0, V86_IP(sti_only)
        V86 cli_only, VIP | VIF
        EXPECT_SEEN 13, 0, V86_IP(cli_only) + 1
        test dword [seen_flags], VIF
        EXPECT z, 'CLI with VIP'
        V86 popf_if, 0
        EXPECT_SEEN 13, 0, V86_IP(popf_if_end)
        test dword [seen_flags], VIF
        EXPECT nz, 'POPF sets VIF'
        V86 popf_if, VIP
        EXPECT_SEEN 13, 0, V86_IP(popf_if_end) - 1
        V86 popf_tf, 0
        EXPECT_SEEN 13, 0, V86_IP(popf_tf_at)
        V86 popfd_, 0
        EXPECT_SEEN 13, 0, V86_IP(popfd_at)
        V86 pushfd_, 0
        EXPECT_SEEN 13, 0, V86_IP(pushfd_)
        ; INT 40h redirected
        V86 int40, VIF
        EXPECT_SEEN 13, 0, V86_IP(handler_end)
        EXPECT_EQ cx, V86_IP(int40_end)
        EXPECT_EQ dx, 0x1000
        EXPECT_EQ bx, 0x3202
        test dword [seen_flags], VIF
        EXPECT z, 'VIF in the handler'
        V86 int40, 0x3200
        EXPECT_SEEN 13, 0, V86_IP(handler_end)
        test dword [seen_flags], 0x200
        EXPECT z, 'IF in the handler with IOPL 3'
        ; not redirected
        V86 int41, 0
        EXPECT_SEEN 13, 0, V86_IP(int41)
        ; IRET in the 8086 program
        V86 iret_, 0
        EXPECT_SEEN 13, 0, V86_IP(iret_end)
        test dword [seen_flags], VIF
        EXPECT nz, 'IRET sets VIF'
        V86 iret_, VIP
        EXPECT_SEEN 13, 0, V86_IP(iret_end) - 1
        ; protected-mode virtual interrupts (CR4.PVI) at CPL 3
        mov eax, cr4
        or eax, 2
        mov cr4, eax
        mov dword [user_flags], 2
        USER_WORKS sti
        test dword [seen_flags], VIF
        EXPECT nz, 'PVI: STI'
        mov dword [user_flags], VIF | 2
        USER_WORKS cli
        test dword [seen_flags], VIF
        EXPECT z, 'PVI: CLI'
        mov dword [user_flags], VIP | 2
        USER_FAULTS 13, 0, sti
        mov eax, cr4
        and eax, ~3
        mov cr4, eax
        mov dword [user_flags], 2
        USER_FAULTS 13, 0, sti
        ret
        bits 16
v86_code:
cli_sti: pushf
        pop cx
        cli
        pushf
        pop dx
        sti
cli_sti_end: hlt
sti_only: sti
        hlt
cli_only: cli
        hlt
popf_if: push word 0x0202
        popf
popf_if_end: hlt
popf_tf: push word 0x0102
popf_tf_at: popf
        hlt
popfd_: push dword 2
popfd_at: popfd
        hlt
pushfd_: pushfd
        hlt
int40:  int 0x40
int40_end: hlt
handler: pop cx
        pop dx
        pop bx
handler_end: hlt
int41:  int 0x41
        hlt
iret_:  push word 0x0202
        push cs
        push word iret_end - v86_code
        iret
iret_end: hlt
v86_end:
        bits 32
