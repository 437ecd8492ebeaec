; Expects (SDM vol. 3, 6.14): in 64-bit mode SS:RSP is pushed always, on a stack aligned to 16 bytes; IST stacks; RSP0 from
; CPL 3, SS null with RPL 0 then; DPL of INT n; error codes with IDT bit; compatibility-mode code interrupted; IRETQ to a null
; SS at CPL 0 only; handlers must be 64-bit code; non-canonical RSP0 or IST: #SS(0) becomes #DF on its IST; INTO, BOUND,
; PUSH ES and far JMP ptr16:32 are #UD.
%define LONG_MODE
        %include "lib.inc"
main:
        SET_GATE 0x30, K_CODE, entry, 0x8E00
        mov rbx, rsp
        sub rsp, 4                                          ; misaligned
        int 0x30
        mov rsp, rbx
        mov rax, rbx
        sub rax, 4
        EXPECT_EQ [inside + 24], rax, 'RSP image'
        and rax, ~15
        sub rax, 40
        EXPECT_EQ [inside_rsp], rax, 'alignment of the frame'
        EXPECT_EQ qword [inside + 32], K_DATA
        EXPECT_EQ qword [inside + 8], K_CODE
        ; IST 1
        SET_GATE 0x30, K_CODE, entry, 0x8E00, 1
        int 0x30
        EXPECT_EQ qword [inside_rsp], IST_STACK - 40
        EXPECT_EQ [inside + 24], rsp
        EXPECT_EQ dword [inside_ss], K_DATA
        ; trap gate keeps IF
        SET_GATE 0x30, K_CODE, entry, 0x8F00
        sti
        int 0x30
        cli
        test dword [inside_flags], 0x200
        EXPECT nz, 'trap gate cleared IF'
        test dword [inside + 16], 0x200
        EXPECT nz, 'image without IF'
        ; from CPL 3
        SET_GATE 0x30, K_CODE, entry, 0xEE00
        USER_WORKS int 0x30
        EXPECT_EQ qword [inside_rsp], K_STACK - 0x4000 - 40
        EXPECT_EQ dword [inside_ss], 0, 'SS must be null with RPL = CPL'
        EXPECT_EQ qword [inside + 32], U_DATA
        EXPECT_EQ qword [inside + 8], U_CODE64
        EXPECT_EQ qword [inside + 24], U_STACK
        SET_GATE 0x30, K_CODE, entry, 0xEE00, 2
        USER_WORKS int 0x30
        EXPECT_EQ qword [inside_rsp], IST_STACK + 0x1000 - 40
        SET_GATE 0x30, K_CODE, entry, 0x8E00
        USER_FAULTS 13, 0x30 * 8 + 2, int 0x30
        ; compatibility mode: 32-bit code at CPL 3 and CPL 0
        ARM .compat
        push nword U_DATA
        push nword U_STACK
        push nword 2
        push nword U_CODE32
        push nword .code32
        iretq
        bits 32
.code32:
        mov eax, 0x12345678
        push eax
        int NO_FAULT
        bits 64
.compat:
        EXPECT_SEEN NO_FAULT, 0
        EXPECT_EQ dword [seen_cs], U_CODE32
        EXPECT_EQ qword [seen_sp], U_STACK - 4
        EXPECT_EQ eax, 0x12345678
        ARM .compat0
        push nword K_CODE32
        push nword .code32_0
        retfq
        bits 32
.code32_0:
        ud2
        bits 64
.compat0:
        EXPECT_SEEN 6, 0, .code32_0
        EXPECT_EQ dword [seen_cs], K_CODE32
        ; bad gates
        SET_GATE 0x31, K_CODE, entry, 0x0E00
        FAULTS 11, 0x31 * 8 + 2, int 0x31
        SET_GATE 0x31, K_CODE32, entry, 0x8E00
        FAULTS 13, K_CODE32, int 0x31
        SET_GATE 0x31, K_CODE, entry, 0x8500                ; task gate: not in IA-32e mode
        FAULTS 13, 0x31 * 8 + 2, int 0x31
        SET_GATE 0x31, K_CODE, entry, 0x8600                ; 16-bit interrupt gate
        FAULTS 13, 0x31 * 8 + 2, int 0x31
        SET_GATE 0x31, 0, entry, 0x8E00
        FAULTS 13, 0, int 0x31
        SET_GATE 0x31, K_CODE, entry, 0x8E00
        mov dword [idt + 0x31 * 16 + 8], 0x00008000         ; non-canonical entry point
        FAULTS 13, 0, int 0x31
        mov word [idt_pointer], 0x30 * 16 + 14
        lidt [idt_pointer]
        FAULTS 13, 0x30 * 8 + 2, int 0x30
        mov word [idt_pointer], 256 * 16 - 1
        lidt [idt_pointer]
        ; #DE with a gate that is not present: #DF
        SET_GATE 0, K_CODE, entry, 0x0E00
        xor ebx, ebx
        FAULTS 8, 0, div ebx
        call build_idt
        ; page fault while a page fault is delivered: #DF on IST 1. The second: RSP points to nothing mapped
        SET_GATE 8, K_CODE, stubs + 8 * 16, 0x8E00, 1
        ARM .double
        mov rsp, 0x7000000000
.double_at:
        mov al, [0x60000000]
.double:
        EXPECT_SEEN 8, 0, .double_at
        ; non-canonical stack: #SS on delivery is contributory, after INT n (benign) it is #SS(0) itself
        or byte [idt + 12 * 16 + 4], 1
        ARM .bad_stack
        mov rsp, 0x0000900000000000
.bad_stack_at:
        int 0x30
.bad_stack:
        EXPECT_SEEN 12, 0, .bad_stack_at
        mov rax, 0x0000900000000000
        mov [tss + 4], rax
        USER_FAULTS 12, 0, int NO_FAULT
        mov qword [tss + 4], K_STACK - 0x4000
        ; IRETQ
        push nword 0                                        ; null SS with RPL 0 at CPL 0 in 64-bit mode
        push nword K_STACK - 128
        push nword 2
        push nword K_CODE
        push nword .null_ss
        iretq
.null_ss:
        mov eax, ss
        EXPECT_EQ eax, 0
        WORKS push rax
        mov rsp, K_STACK - 8
        mov eax, K_DATA
        mov ss, eax
        push nword 3
        push nword U_STACK
        push nword 2
        push nword U_CODE64
        push nword main
        FAULTS 13, 0, iretq                                 ; null SS towards CPL 3
        mov qword [rsp + 32], 0
        mov qword [rsp + 8], K_CODE32
        FAULTS 13, 0, iretq                                 ; null SS towards compatibility mode
        mov qword [rsp + 8], 0
        FAULTS 13, 0, iretq
        mov qword [rsp + 8], K_DATA
        FAULTS 13, K_DATA, iretq
        mov qword [rsp + 8], K_CODE
        mov qword [rsp + 32], U_DATA
        FAULTS 13, U_DATA & 0xFFF8, iretq
        add rsp, 40
        push nword 0x4002                                   ; NT: no task return in IA-32e mode
        popfq
        FAULTS 13, 0, iretq
        ; what 64-bit mode does not have
        FAULTS 6, 0, db 0xCE                                ; INTO
        FAULTS 6, 0, db 0x62, 0x00                          ; BOUND (EVEX where there is AVX-512)
        FAULTS 6, 0, db 0x06                                ; PUSH ES
        FAULTS 6, 0, db 0x9A, 0, 0, 0, 0, 8, 0              ; CALL ptr16:32
        FAULTS 6, 0, db 0xEA, 0, 0, 0, 0, 8, 0              ; JMP ptr16:32
        FAULTS 6, 0, db 0x27                                ; DAA
        FAULTS 6, 0, db 0xD4, 0x0A                          ; AAM
        FAULTS 6, 0, db 0x60                                ; PUSHA
        FAULTS 6, 0, db 0x82, 0xC0, 0x00                    ; alias of 80h
        ret

entry:
        push rax
        push rsi
        push rdi
        push rcx
        lea rax, [rsp + 32]
        mov [inside_rsp], rax
        mov rsi, rax
        mov rdi, inside
        mov ecx, 5
        rep movsq
        mov eax, ss
        mov [inside_ss], eax
        pushfq
        pop rax
        mov [inside_flags], eax
        pop rcx
        pop rdi
        pop rsi
        pop rax
        iretq
        align 8
inside:     dq 0, 0, 0, 0, 0
inside_rsp: dq 0
inside_ss:  dd 0
inside_flags: dd 0
