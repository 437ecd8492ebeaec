; Expects (SDM vol. 3, 20.1, 9.9, 6.12): real-address mode: segments are 16 * selector, offsets beyond FFFFh #GP (13) or #SS (12) with
; no error code, through the vector table; INT n pushes FLAGS, CS, IP and clears IF, TF; IRET; far CALL and RET; a limit set in
; protected mode stays ("unreal" mode) in FS and is used with 32-bit addresses; a selector load changes the base only; FFFF:0010h
; reaches 100000h with A20 open and 0 with it closed (both keyboard controller and port 92h off); LIDT moves the table, its limit counts: INT beyond it is #GP (13);
; #UD for LLDT, LTR, LAR, ARPL, SYSEXIT #GP; PUSHF shows IOPL; 386 instructions with 32-bit operands work.
        %include "lib.inc"
        %include "real.inc"
main:
        ; vectors 6, 8, 12, 13, 40h of the 8086 world
%macro VECTOR 2
        mov word [%1 * 4], %2 - real_code
        mov word [%1 * 4 + 2], REAL_BASE >> 4
%endmacro
        VECTOR 6, r_fault6
        VECTOR 8, r_fault8
        VECTOR 12, r_fault12
        VECTOR 13, r_fault13
        VECTOR 0x40, r_int40
        mov byte [0x12345], 0x5A
        mov dword [FREE], 0xCAFEBABE
        xor eax, eax
        call run_real
        movzx esi, ax
        cmp eax, 0xFFFF
        EXPECT e, 'real-mode check number'
        ; unreal mode: FS with a 4 GiB limit
        mov ax, K_DATA
        mov eax, r_unreal - real_code
        call run_real_big
        EXPECT_EQ eax, 0xCAFEBABE, 'unreal mode'
        ; the same access with FS reloaded: the limit still stays
        ret
; As run_real, but DS of the stub stays flat in FS: the stub loads FS with a 64 KiB segment, so give that one a 4 GiB limit.
run_real_big:
        SET_DESCRIPTOR K_DATA16, 0x0000FFFF, 0x008F9300
        call run_real
        SET_DESCRIPTOR K_DATA16, 0x0000FFFF, 0x00009300
        ret

        bits 16
%macro R_CHECK 2                    ; condition, number
        j%+1 %%ok
        mov eax, %2
        jmp 0:REAL_EXIT
%%ok:
%endmacro
%macro R_FAULTS 3+                  ; vector, number, instruction
        mov word [r_seen - real_code], 0
        mov word [r_next - real_code], %%next - real_code
%%at:   %3
%%next: cmp word [r_seen - real_code], %1
        R_CHECK e, %2
        cmp word [r_ip - real_code], %%at - real_code
        R_CHECK e, %2 + 0x1000
        cmp sp, 0xF000
        R_CHECK e, %2 + 0x2000
%endmacro
real_code:
        ; segment arithmetic
        mov ax, 0x1234
        mov fs, ax
        cmp byte [fs:5], 0x5A
        R_CHECK e, 1
        ; limits
        mov bx, 0xFFFF
        R_FAULTS 13, 2, mov ax, [bx]
        mov bp, 0xFFFF
        R_FAULTS 12, 3, mov ax, [bp]
        mov ebx, 0x10000
        R_FAULTS 13, 4, mov al, [ebx]
        R_FAULTS 13, 5, mov [fs:ebx], al
        mov al, [bx]
        ; INT and IRET
        stc
        mov dx, sp
        int 0x40
        R_CHECK c, 6
        cmp cx, 0x4040
        R_CHECK e, 7
        cmp dx, sp
        R_CHECK e, 8
        ; not in real mode
        R_FAULTS 6, 9, lldt ax
        R_FAULTS 6, 10, ltr ax
        R_FAULTS 6, 11, lar ax, bx
        R_FAULTS 6, 12, db 0x63, 0xC0
        R_FAULTS 6, 13, ud2
        R_FAULTS 6, 14, str ax
        R_FAULTS 13, 15, sysexit
        R_FAULTS 13, 16, sysenter
        ; far CALL and RET n
        push word 0x1111
        call (REAL_BASE >> 4):(r_far - real_code)
        cmp ax, 0x1111
        R_CHECK e, 17
        cmp sp, 0xF000
        R_CHECK e, 18
        ; SP wraps: PUSH with SP = 0 goes to FFFEh; with SP = 1 it is #SS, whose delivery fails as well: not tried
        xor sp, sp
        push word 0x2222
        cmp word [0xFFFE], 0x2222
        mov sp, 0xF000
        R_CHECK e, 19
        ; flags: IOPL and NT can be set, bit 15 not, bit 1 is 1
        push word 0xFFFF & ~0x0300
        popf
        pushf
        pop ax
        push word 2
        popf
        cmp ax, 0x7CD7
        R_CHECK e, 20
        ; 32-bit operands
        mov eax, 0x12345678
        push eax
        pop bx
        pop cx
        cmp cx, 0x1234
        R_CHECK e, 21
        ; A20
        mov ax, 0xFFFF
        mov fs, ax
        xor ax, ax
        mov gs, ax
        mov word [gs:0x500], 0x1111
        mov eax, [fs:0x510]
        mov [r_saved - real_code], eax
        mov word [fs:0x510], 0x2222                         ; 100500h
        cmp word [gs:0x500], 0x1111
        R_CHECK e, 22
        mov ax, 0xDDD1                                      ; keyboard controller: A20 off
        call r_output_port
        in al, 0x92
        or al, 2
        out 0x92, al                                        ; either source opens the gate
        cmp word [fs:0x510], 0x2222
        R_CHECK e, 23
        in al, 0x92
        and al, 0xFC
        out 0x92, al
        cmp word [fs:0x510], 0x1111                         ; closed: 100500h is 500h
        R_CHECK e, 28
        mov word [fs:0x510], 0x3333
        cmp word [gs:0x500], 0x3333
        R_CHECK e, 29
        mov ax, 0xDFD1
        call r_output_port
        cmp word [fs:0x510], 0x2222
        R_CHECK e, 24
        mov eax, [r_saved - real_code]
        mov [fs:0x510], eax
        ; LIDT with a short limit: INT 40h beyond it is #GP
        lidt [r_idt - real_code]
        R_FAULTS 13, 25, int 0x40
        lidt [r_idt_full - real_code]
        ; SMSW, LMSW cannot clear what is not there; CLTS is allowed
        smsw ax
        test al, 1
        R_CHECK z, 26
        clts
        ; IP beyond FFFFh cannot happen by a jump; a 32-bit jump out of the limit is #GP
        R_FAULTS 13, 27, jmp dword 0x12345
        mov eax, 0xFFFF
        jmp 0:REAL_EXIT
r_fault6: mov word [cs:r_seen - real_code], 6
        jmp r_fault
r_fault8: mov word [cs:r_seen - real_code], 8
        jmp r_fault
r_fault12: mov word [cs:r_seen - real_code], 12
        jmp r_fault
r_fault13: mov word [cs:r_seen - real_code], 13
r_fault:
        push ax
        push bp
        mov bp, sp
        mov ax, [ss:bp + 4]
        mov [cs:r_ip - real_code], ax
        mov ax, [cs:r_next - real_code]
        mov [ss:bp + 4], ax
        pop bp
        pop ax
        iret
r_int40:
        mov cx, 0x4040
        stc
        iret
r_output_port:                      ; command al, data ah
        out 0x64, al
        call r_wait
        mov al, ah
        out 0x60, al
r_wait: push ax
.busy:  in al, 0x64
        test al, 2
        jnz .busy
        pop ax
        ret
r_far:  push bp
        mov bp, sp
        mov ax, [bp + 6]
        pop bp
        retf 2
r_seen: dw 0
r_next: dw 0
r_ip:   dw 0
r_saved: dd 0
r_idt:  dw 0x40 * 4 + 2
        dd 0
r_idt_full: dw 0x3FF
        dd 0
r_unreal:
        xor ax, ax
        mov fs, ax                                          ; base 0; the limit stays 4 GiB
        mov eax, [fs:dword FREE]
        jmp 0:REAL_EXIT
real_end:
        bits 32
