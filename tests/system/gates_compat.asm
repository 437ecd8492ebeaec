; Expects (SDM vol. 3, 5.8.3.1, 5.8.5.1; vol. 2 CALL, RET, JMP): 64-bit call gates: 16 bytes, upper type field 0 or #GP(selector),
; target must be 64-bit code; stack switch to RSPn with null SS; no parameters; 64-bit far RET through compatibility mode; far
; JMP m16:64; direct far calls from compatibility code; non-canonical gate offsets; task gates and TSSs are #GP in IA-32e mode;
; segment limits do not count in 64-bit mode and do in compatibility mode; LAR, LSL of a 16-byte descriptor; LTR of 16 bytes.
%define LONG_MODE
        %include "lib.inc"
GATE equ SPARE
%macro GATE64 3                     ; code selector, offset, attributes
        mov rax, %2
        mov [gdt + GATE], ax
        mov word [gdt + GATE + 2], %1
        mov word [gdt + GATE + 4], %3
        shr rax, 16
        mov [gdt + GATE + 6], ax
        shr rax, 16
        mov [gdt + GATE + 8], eax
        mov dword [gdt + GATE + 12], 0
%endmacro
main:
        GATE64 K_CODE, entry, 0xEC00
        ; from 64-bit CPL 3
        ARM .called
        TO_USER .user, 2
.user:  call far dword [.pointer]
.user_back:
        int NO_FAULT
.called:
        EXPECT_SEEN NO_FAULT, 0
        EXPECT_EQ qword [entry_rsp], K_STACK - 0x4000 - 32
        EXPECT_EQ dword [entry_ss], 0
        EXPECT_EQ qword [entry_frame], .user_back
        EXPECT_EQ qword [entry_frame + 8], U_CODE64
        EXPECT_EQ qword [entry_frame + 16], U_STACK
        EXPECT_EQ qword [entry_frame + 24], U_DATA
        EXPECT_EQ qword [seen_sp], U_STACK
        ; from compatibility mode
        ARM .called32
        push nword U_DATA
        push nword U_STACK
        push nword 2
        push nword U_CODE32
        push nword .user32
        iretq
        bits 32
.user32: call GATE + 3:0
.user32_back:
        int NO_FAULT
        bits 64
.called32:
        EXPECT_SEEN NO_FAULT, 0
        EXPECT_EQ qword [entry_frame], .user32_back
        EXPECT_EQ qword [entry_frame + 8], U_CODE32
        EXPECT_EQ dword [seen_cs], U_CODE32
        ; same level: no switch
        mov rbx, rsp
        call far dword [.pointer]
        EXPECT_EQ rbx, rsp
        mov rax, rbx
        sub rax, 16
        EXPECT_EQ [entry_rsp], rax
        ; bad gates
        mov dword [gdt + GATE + 12], 0x00000100
        FAULTS 13, GATE, call far dword [.pointer]
        mov dword [gdt + GATE + 12], 0
        mov word [gdt + GATE + 2], K_CODE32
        FAULTS 13, K_CODE32, call far dword [.pointer]
        mov word [gdt + GATE + 2], K_DATA
        FAULTS 13, K_DATA, call far dword [.pointer]
        mov word [gdt + GATE + 2], 0
        FAULTS 13, 0, call far dword [.pointer]
        mov word [gdt + GATE + 2], K_CODE
        mov word [gdt + GATE + 4], 0x6C00
        FAULTS 11, GATE, call far dword [.pointer]
        mov word [gdt + GATE + 4], 0x8C00
        USER_FAULTS 13, GATE, call far dword [.pointer]
        mov word [gdt + GATE + 4], 0xE400                   ; 16-bit gate
        FAULTS 13, GATE, call far dword [.pointer]
        mov word [gdt + GATE + 4], 0xE500                   ; task gate
        FAULTS 13, GATE, call far dword [.pointer]
        GATE64 K_CODE, 0x0000800000000000, 0xEC00
        FAULTS 13, 0, call far dword [.pointer]
        mov word [.pointer + 4], TSS_SEL
        FAULTS 13, TSS_SEL, jmp far dword [.pointer]
        ; JMP m16:64
        mov rax, .jumped
        mov [.wide], rax
        mov word [.wide + 8], K_CODE
        mov rbx, .wide
        db 0x48, 0xFF, 0x2B                                 ; JMP m16:64 [rbx]
.jumped:
        mov rax, 0x0000800000000000
        mov [.wide], rax
        mov rbx, .wide
        FAULTS 13, 0, db 0x48, 0xFF, 0x2B                   ; JMP m16:64 [rbx]
        ; limits: FS with a limit of 0FFFh is not checked here, but in compatibility mode
        SET_DESCRIPTOR (SPARE + 16), 0x00000FFF, 0x00409200
        mov eax, SPARE + 16
        mov fs, eax
        WORKS mov al, [fs:0x2000]
        ARM .limited
        push nword K_CODE32
        push nword .limit_code
        retfq
        bits 32
.limit_code:
        mov al, [fs:0xFFF]
.limit_at:
        mov al, [fs:0x1000]
        bits 64
.limited:
        EXPECT_SEEN 13, 0, .limit_at
        ; null data registers do not matter in 64-bit mode
        xor eax, eax
        mov ds, eax
        mov es, eax
        WORKS mov al, [FREE]
        mov eax, K_DATA
        mov ds, eax
        mov es, eax
        ; LAR, LSL, VERR, VERW
        mov eax, TSS_SEL
        lar ebx, eax
        EXPECT z, 'LAR of the TSS'
        EXPECT_EQ ebx, 0x00008B00
        lsl ecx, eax
        EXPECT z, 'LSL of the TSS'
        EXPECT_EQ ecx, 0xFFFF
        mov eax, GATE
        mov word [gdt + GATE + 4], 0xEC00
        lsl ecx, eax
        EXPECT nz, 'LSL of a call gate'
        lar ecx, eax
        EXPECT z, 'LAR of a call gate'
        mov eax, K_DATA
        verw ax
        EXPECT z, 'VERW of writable data'
        mov eax, K_CODE
        verw ax
        EXPECT nz, 'VERW of code'
        verr ax
        EXPECT z, 'VERR of readable code'
        xor eax, eax
        verr ax
        EXPECT nz, 'VERR of null'
        ; LTR: upper half is checked for its type, base may be above 4 GiB
        SET_DESCRIPTOR (SPARE + 32), 0x00000067, 0x00008900
        SET_DESCRIPTOR (SPARE + 40), 0, 0x00000100
        mov eax, SPARE + 32
        FAULTS 13, SPARE + 32, ltr ax
        SET_DESCRIPTOR (SPARE + 40), 0x00008000, 0          ; base 0000_8000_0000_0000h is not canonical
        FAULTS 13, SPARE + 32, ltr ax
        SET_DESCRIPTOR (SPARE + 32), 0x00000067, 0x00008100 ; 16-bit TSS
        FAULTS 13, SPARE + 32, ltr ax
        ret
.pointer: dd 0
        dw GATE + 3
        align 8
.wide:  dq 0
        dw 0
entry:
        push rax
        push rsi
        push rdi
        push rcx
        lea rsi, [rsp + 32]
        mov [entry_rsp], rsi
        mov rdi, entry_frame
        mov ecx, 4
        rep movsq
        mov eax, ss
        mov [entry_ss], eax
        pop rcx
        pop rdi
        pop rsi
        pop rax
        retfq
        align 8
entry_rsp: dq 0
entry_ss: dq 0
entry_frame: dq 0, 0, 0, 0
