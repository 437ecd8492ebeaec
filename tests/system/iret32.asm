; Expects (SDM vol. 2, IRET; vol. 3, 6.12.1): IRETD to CPL 3 loads IF and IOPL at CPL 0 only; checks of CS (null #GP(0), DPL, type,
; presence), SS (null, RPL, type, presence #SS), EIP limit; a fault leaves everything as it was; nulling of data registers; IRETW;
; VM set at CPL 0 enters virtual-8086 mode, at CPL 3 it is ignored; RF is loaded; stack that ends in the frame #SS(0); NMI aside.
        %include "lib.inc"
%macro FRAME 5                      ; SS, ESP, EFLAGS, CS, EIP
        push dword %1
        push dword %2
        push dword %3
        push dword %4
        push dword %5
%endmacro
main:
        mov [top], esp
        FRAME U_DATA, U_STACK, 0x3202, U_CODE32, .user
        ARM .user_done
        iretd
.user:  int NO_FAULT
.user_done:
        EXPECT_SEEN NO_FAULT, 0
        EXPECT_EQ dword [seen_flags], 0x3202
        mov ax, ds
        EXPECT_EQ ax, K_DATA
        ; data registers of an inner level are nulled, conforming code and DPL 3 data stay
        SET_DESCRIPTOR SPARE, 0x0000FFFF, 0x00CF9E00
        mov ax, SPARE
        mov es, ax
        mov ax, U_DATA
        mov fs, ax
        mov ax, K_DATA
        mov gs, ax
        FRAME U_DATA, U_STACK, 2, U_CODE32, .nulled
        ARM .nulled_done
        iretd
.nulled:
        mov ax, ds
        mov bx, es
        mov cx, fs
        mov dx, gs
        int NO_FAULT
.nulled_done:
        EXPECT_EQ ax, 0
        EXPECT_EQ bx, SPARE
        EXPECT_EQ cx, U_DATA
        EXPECT_EQ dx, 0
        mov esp, [top]
        ; refused frames
%macro REFUSED 7                    ; vector, error, SS, ESP, EFLAGS, CS, EIP
        FRAME %3, %4, %5, %6, %7
        mov ebx, esp
        FAULTS %1, %2, iretd
        EXPECT_EQ ebx, esp
        EXPECT_EQ dword [seen_cs], K_CODE
        mov esp, [top]
%endmacro
        SET_DESCRIPTOR SPARE, 0x0000FFFF, 0x00CF7A00        ; code DPL 3, not present
        SET_DESCRIPTOR (SPARE + 8), 0x0000FFFF, 0x00CF7200  ; data DPL 3, not present
        SET_DESCRIPTOR (SPARE + 16), 0x0000FFFF, 0x00CFF000 ; data DPL 3, read-only
        SET_DESCRIPTOR (SPARE + 24), 0x00000FFF, 0x0040FA00 ; code DPL 3, limit FFFh
        REFUSED 13, 0, U_DATA, U_STACK, 2, 0, .user
        REFUSED 13, 0, U_DATA, U_STACK, 2, 3, .user
        REFUSED 13, U_DATA & 0xFFF8, U_DATA, U_STACK, 2, U_DATA, .user
        REFUSED 13, GDT_BYTES, U_DATA, U_STACK, 2, GDT_BYTES + 3, .user
        REFUSED 13, K_CODE, U_DATA, U_STACK, 2, K_CODE + 3, .user
        REFUSED 13, U_CODE32 & 0xFFF8, U_DATA, U_STACK, 2, U_CODE32 & 0xFFF8, .user
        REFUSED 11, SPARE, U_DATA, U_STACK, 2, SPARE + 3, .user
        REFUSED 13, 0, 0, U_STACK, 2, U_CODE32, .user
        REFUSED 13, 0, 3, U_STACK, 2, U_CODE32, .user
        REFUSED 13, K_DATA, K_DATA, U_STACK, 2, U_CODE32, .user
        REFUSED 13, U_DATA & 0xFFF8, U_DATA & 0xFFF8, U_STACK, 2, U_CODE32, .user
        REFUSED 13, SPARE + 16, SPARE + 16 + 3, U_STACK, 2, U_CODE32, .user
        REFUSED 12, SPARE + 8, SPARE + 8 + 3, U_STACK, 2, U_CODE32, .user
        REFUSED 13, 0, U_DATA, U_STACK, 2, SPARE + 24 + 3, 0x1000
        ; same level, not present; beyond its limit
        SET_DESCRIPTOR SPARE, 0x0000FFFF, 0x00CF1A00
        REFUSED 11, SPARE, 0, 0, 2, SPARE, main
        SET_DESCRIPTOR SPARE, 0x00000FFF, 0x00409A00
        REFUSED 13, 0, 0, 0, 2, SPARE, 0x1000
        ; the stack ends within the frame
        SET_DESCRIPTOR SPARE, 0x000001FF, 0x00C09200        ; limit 1FFFFFh
        mov ax, SPARE
        mov ss, ax
        mov esp, 0x200000 - 8
        mov dword [esp + 4], K_CODE
        ARM .short
.short_at:
        iretd
.short: EXPECT_SEEN 12, 0, .short_at
        mov esp, [top]
        ; RF and AC, ID by IRETD; not by IRETW
        push dword 0x00250002
        push dword K_CODE
        push dword .rf
        iretd
.rf:    pushfd
        pop eax
        EXPECT_EQ eax, 0x00240002, 'AC and ID; RF reads 0'
        ; at CPL 3: IF, IOPL, VM stay
        FRAME U_DATA, U_STACK, 0x202, U_CODE32, .inner
        ARM .inner_done
        iretd
.inner: push dword 0x00023C03
        push dword U_CODE32
        push dword .inner2
        iretd
.inner2: int NO_FAULT
.inner_done:
        EXPECT_SEEN NO_FAULT, 0
        EXPECT_EQ dword [seen_flags], 0x0E03
        mov esp, [top]
        push dword 2
        popfd
        ; CPL 3 to CPL 0 is refused
        ARM .inward
        TO_USER .user_inward, 2
.user_inward:
        push dword 2
        push dword K_CODE
        push dword main
.inward_at:
        iretd
.inward: EXPECT_SEEN 13, K_CODE, .inward_at
        ret
top:    dd 0
