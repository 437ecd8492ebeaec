; Expects (SDM vol. 3, 6.12-6.15, vol. 2 INT n): interrupt gates clear IF, trap gates keep it, both clear TF, NT, RF, VM;
; INT n with gate DPL < CPL is #GP(vector * 8 + 2), exceptions ignore the DPL; gates not present #NP(vector * 8 + 2),
; beyond the IDT limit or of the wrong type #GP(same); EXT is set in error codes of faults met while delivering what the
; program did not ask for; 16-bit gates push words; INTO, BOUND, INT3, INT1, #DE, #UD, #NM; stack faults of inner
; deliveries; #DF(0) for contributory pairs, none for benign ones.
        %include "lib.inc"
main:
        SET_GATE 0x30, K_CODE, gate_entry, 0x8E00
        SET_GATE 0x31, K_CODE, gate_entry, 0x8F00
        push dword 0x0ED7                                   ; IF, DF, OF, status flags
        popfd
        int 0x30
        pushfd
        pop eax
        push dword 2
        popfd
        EXPECT_EQ eax, 0x0ED7, 'IRET did not restore EFLAGS'
        EXPECT_EQ dword [inside_flags], 0x0CD7, 'interrupt gate keeps all but IF'
        push dword 0x0202
        popfd
        int 0x31
        pushfd
        pop eax
        cli
        EXPECT_EQ eax, 0x0202
        EXPECT_EQ dword [inside_flags], 0x0202, 'trap gate keeps IF'
        EXPECT_EQ dword [inside_esp], K_STACK - 12
        ; software interrupts and DPL; exceptions ignore it
        USER_FAULTS 13, 0x30 * 8 + 2, int 0x30
        EXPECT_EQ dword [seen_frame], K_STACK - 0x4000 - 24
        USER_FAULTS 13, 0 * 8 + 2, int 0
        USER_FAULTS 13, 14 * 8 + 2, int 14
        USER_FAULTS 6, 0, ud2
        FAULTS 6, 0, ud2
        xor ebx, ebx
        FAULTS 0, 0, div ebx
        mov eax, 0x80000000
        cdq
        mov ebx, -1
        FAULTS 0, 0, idiv ebx
        ; INT n of a vector that has an error code pushes none: the recorder's frame is a dword short, so count by ESP
        SET_GATE 13, K_CODE, gate_entry, 0x8E00
        int 13
        EXPECT_EQ dword [inside_esp], K_STACK - 12, 'INT 13 pushed an error code'
        call build_idt
        ; INT3, INTO, INT1: traps, RIP behind; BOUND: fault
        ARM .int3
        int3
.after_int3:
.int3:  EXPECT_SEEN 3, 0, .after_int3
        ARM .into
        mov al, 0x7F
        add al, 1
        into
.after_into:
.into:  EXPECT_SEEN 4, 0, .after_into
        xor eax, eax
        WORKS into
        ARM .int1
        db 0xF1
.after_int1:
.int1:  EXPECT_SEEN 1, 0, .after_int1
        mov dword [FREE], -5
        mov dword [FREE + 4], 7
        mov eax, 7
        WORKS bound eax, [FREE]
        mov eax, -5
        WORKS bound eax, [FREE]
        mov eax, 8
        FAULTS 5, 0, bound eax, [FREE]
        mov eax, -6
        FAULTS 5, 0, bound eax, [FREE]
        USER_FAULTS 5, 0, bound eax, [FREE]
        SET_GATE 3, K_CODE, stubs + 3 * 16, 0x8E00
        USER_FAULTS 13, 3 * 8 + 2, int3
        SET_GATE 1, K_CODE, stubs + 1 * 16, 0x8E00
        ARM .icebp
        TO_USER .user_icebp, 2
.user_icebp:
        db 0xF1                                             ; no DPL check
.icebp: EXPECT_SEEN 1, 0
        call build_idt
        ; #NM
        mov eax, cr0
        or eax, 8
        mov cr0, eax
        FAULTS 7, 0, fld1
        WORKS fwait
        or eax, 2
        mov cr0, eax
        FAULTS 7, 0, fwait
        clts
        WORKS fwait
        mov eax, cr0
        or eax, 4
        mov cr0, eax
        FAULTS 7, 0, fld1
        and eax, ~4
        mov cr0, eax
        ; bad gates
        SET_GATE 0x32, K_CODE, gate_entry, 0x0E00
        FAULTS 11, 0x32 * 8 + 2, int 0x32
        SET_GATE 0x32, K_CODE, gate_entry, 0x8C00           ; call gate
        FAULTS 13, 0x32 * 8 + 2, int 0x32
        SET_GATE 0x32, K_DATA, gate_entry, 0x8E00
        FAULTS 13, K_DATA, int 0x32
        SET_GATE 0x32, 0, gate_entry, 0x8E00
        FAULTS 13, 0, int 0x32
        SET_GATE 0x32, GDT_BYTES, gate_entry, 0x8E00
        FAULTS 13, GDT_BYTES, int 0x32
        SET_GATE 0x32, U_CODE32 & 0xFFF8, gate_entry, 0x8E00
        FAULTS 13, U_CODE32 & 0xFFF8, int 0x32
        SET_DESCRIPTOR SPARE, 0x0000FFFF, 0x00CF1A00
        SET_GATE 0x32, SPARE, gate_entry, 0x8E00
        FAULTS 11, SPARE, int 0x32
        SET_DESCRIPTOR SPARE, 0x0000000F, 0x00409A00
        FAULTS 13, 0, int 0x32                              ; offset beyond the limit
        ; the same on delivery of an exception: EXT = 1
        SET_GATE 6, K_CODE, gate_entry, 0x0E00
        FAULTS 11, 6 * 8 + 3, ud2
        SET_GATE 6, K_DATA, gate_entry, 0x8E00
        FAULTS 13, K_DATA + 1, ud2
        SET_GATE 6, 0, gate_entry, 0x8E00
        FAULTS 13, 1, ud2
        call build_idt
        ; IDT limit
        mov word [idt_pointer], 0x30 * 8 + 6
        lidt [idt_pointer]
        FAULTS 13, 0x30 * 8 + 2, int 0x30
        mov word [idt_pointer], 256 * 8 - 1
        lidt [idt_pointer]
        ; contributory while delivering contributory: #DF(0). #DE's gate is not present
        SET_GATE 0, K_CODE, gate_entry, 0x0E00
        xor ebx, ebx
        FAULTS 8, 0, div ebx
        ; INT n is benign: its gate's fault is delivered as itself
        FAULTS 11, 0 * 8 + 2, int 0
        call build_idt
        ; 16-bit gate
        SET_DESCRIPTOR (SPARE + 8), 0x0000FFFF, 0x00409A10
        mov eax, gate_entry16 - image
        mov [idt + 0x33 * 8], ax
        mov dword [idt + 0x33 * 8 + 4], 0x0000E600
        mov word [idt + 0x33 * 8 + 2], SPARE + 8
        jmp SPARE + 8:(.low_code - image)                   ; where 16 bits of IP are enough to come back
.low_code:
        int 0x33
        jmp K_CODE:.back
.back:
        EXPECT_EQ dword [inside_esp], K_STACK - 6
        EXPECT_EQ word [inside_esp + 4], SPARE + 8
        ; trap gate to conforming code from CPL 3 stays at CPL 3 on the same stack
        SET_DESCRIPTOR (SPARE + 16), 0x0000FFFF, 0x00CF9E00
        SET_GATE 0x34, (SPARE + 16), .conforming, 0xEF00
        ARM .conformed
        TO_USER .user_conforming, 2
.user_conforming:
        int 0x34
.conforming:
        mov eax, esp
        int NO_FAULT
.conformed:
        EXPECT_SEEN NO_FAULT, 0
        EXPECT_EQ eax, U_STACK - 12
        EXPECT_EQ dword [seen_cs], SPARE + 16 + 3
        ; error codes on the stack: a page fault's frame has one dword more than that of #UD
        FAULTS 6, 0, ud2
        mov ebx, [seen_frame]
        SET_DESCRIPTOR SPARE, 0, 0
        FAULTS 13, 0, mov [cs:main], al
        sub ebx, [seen_frame]
        EXPECT_EQ ebx, 0
        EXPECT_EQ dword [seen_frame], K_STACK - 4 - 16      ; return address of main, then error, EIP, CS, EFLAGS
        ret

gate_entry:
        pushfd
        pop dword [inside_flags]
        mov [inside_esp], esp
        add dword [inside_esp], 4                           ; main's return address
        iretd
gate_entry16:
        mov [inside_esp], esp
        add dword [inside_esp], 4
        push eax
        mov eax, [esp + 4]
        mov ax, [esp + 6]
        mov [inside_esp + 4], ax
        pop eax
        o16 iret
inside_flags: dd 0
inside_esp:   dd 0, 0
