; Expects: call gates of 16 and 32 bits (SDM vol. 3, 5.8.3-5.8.6): DPL and presence checks with the gate's selector, those
; of the code segment with its own; stack switch by the TSS with parameter copy; far RET to the outer ring releases the
; parameters on both stacks and nulls data registers of an inner ring; a bad stack segment in the TSS raises #TS with its
; selector, a stack limit #SS with its selector (5.8.5, vol. 2 CALL).
        %include "lib.inc"
GATE  equ SPARE
GATE16 equ SPARE + 8
GATE_NP equ SPARE + 16
GATE_DATA equ SPARE + 24
GATE_DPL0 equ SPARE + 32
GATE_CONF equ SPARE + 40
CONF  equ SPARE + 48
STACK1 equ SPARE + 56
CODE1 equ SPARE + 64
GATE1 equ SPARE + 72
INNER equ K_STACK - 0x4000
%macro GATE_AT 4            ; selector, code selector, offset, attributes with parameter count
        mov eax, %3
        mov [gdt + %1], ax
        mov word [gdt + %1 + 2], %2
        mov word [gdt + %1 + 4], %4
        shr eax, 16
        mov [gdt + %1 + 6], ax
%endmacro
main:
        GATE_AT GATE, K_CODE, entry32, 0xEC03
        GATE_AT GATE_NP, K_CODE, entry32, 0x6C00
        GATE_AT GATE_DATA, K_DATA, entry32, 0xEC00
        GATE_AT GATE_DPL0, K_CODE, entry32, 0x8C00
        GATE_AT GATE_CONF, CONF, entry_conforming, 0xEC02
        GATE_AT GATE1, CODE1, entry_ring1, 0xEC00
        SET_DESCRIPTOR CONF, 0x0000FFFF, 0x00CF9E00
        SET_DESCRIPTOR STACK1, 0x0000FFFF, 0x00CFB200       ; data, DPL 1
        SET_DESCRIPTOR CODE1, 0x0000FFFF, 0x00CFBA00        ; code, DPL 1
        mov dword [tss + 12], K_STACK - 0x6000
        mov dword [tss + 16], STACK1 + 1
        ; from CPL 0: same level, no switch
        ARM .same
        push dword 0x77
        call GATE:0
.same_back:
        jmp .after_same
.same:  EXPECT_SEEN NOTHING, 0
.after_same:
        mov nword [recover], 0
        EXPECT_EQ dword [entry_esp], K_STACK - 4 - 4 - 4 - 4, 'ESP at the gate entry, same level'
        EXPECT_EQ dword [entry_stack], .same_back
        EXPECT_EQ dword [entry_stack + 4], K_CODE
        add esp, 4
        ; from CPL 3
        ARM .outer
        TO_USER .user, 0x202
.user:  push dword 0x33333333
        push dword 0x22222222
        push dword 0x11111111
        mov ebx, esp
        call GATE + 3:0x12345678                            ; the offset is not used
.user_back:
        mov ecx, esp
        int NO_FAULT
.outer: EXPECT_SEEN NO_FAULT, 0
        EXPECT_EQ dword [entry_esp], INNER - 4 * 7, 'ESP at the gate entry'
        EXPECT_EQ dword [entry_stack], .user_back
        EXPECT_EQ dword [entry_stack + 4], U_CODE32
        EXPECT_EQ dword [entry_stack + 8], 0x11111111
        EXPECT_EQ dword [entry_stack + 12], 0x22222222
        EXPECT_EQ dword [entry_stack + 16], 0x33333333
        EXPECT_EQ dword [entry_stack + 20], U_STACK - 12
        EXPECT_EQ dword [entry_stack + 24], U_DATA
        EXPECT_EQ ecx, U_STACK, 'far RET n to the outer ring releases the parameters there'
        EXPECT_EQ dword [seen_cs], U_CODE32
        EXPECT_EQ dword [seen_ss], U_DATA
        test dword [entry_flags], 0x200
        EXPECT nz, 'a call gate changed IF'
        mov ax, fs
        EXPECT_EQ ax, 0, 'FS of the inner ring was not nulled'
        mov ax, K_DATA
        mov fs, ax
        mov gs, ax
        ; 16-bit gate: words are copied and pushed
        GATE_AT GATE16, K_CODE, 0, 0xE402
        mov word [gdt + GATE16 + 2], SPARE + 80
        SET_DESCRIPTOR (SPARE + 80), 0x0000FFFF, 0x00409A10 ; 32-bit code at 100000h so that 16 bits reach it
        mov word [gdt + GATE16], entry16 - image
        ARM .outer16
        TO_USER .user16, 2
.user16:
        sub esp, 4
        mov dword [esp], 0x4444BBBB
        call GATE16 + 3:0
.outer16:
        EXPECT_SEEN 0x80, 0
        EXPECT_EQ dword [entry_esp], INNER - 2 * 6, 'ESP at the 16-bit gate'
        EXPECT_EQ word [entry_stack + 2], U_CODE32
        EXPECT_EQ word [entry_stack + 4], 0xBBBB
        EXPECT_EQ word [entry_stack + 6], 0x4444
        EXPECT_EQ word [entry_stack + 10], U_DATA
        EXPECT_EQ word [entry_stack + 8], (U_STACK - 4) & 0xFFFF
        ; conforming target: no stack switch
        ARM .conf
        TO_USER .user_conf, 2
.user_conf:
        call GATE_CONF + 3:0
        int NO_FAULT
.conf:  EXPECT_SEEN NO_FAULT, 0
        EXPECT_EQ dword [entry_esp], U_STACK - 8
        ; to ring 1, and faults there
        ARM .ring1
        TO_USER .user_ring1, 2
.user_ring1:
        call GATE1 + 3:0
        int NO_FAULT
.ring1: EXPECT_SEEN 13, 0
        EXPECT_EQ dword [seen_cs], CODE1 + 1
        EXPECT_EQ dword [seen_ss], STACK1 + 1
        EXPECT_EQ dword [seen_sp], K_STACK - 0x6000 - 16
        ; faults of the gate and of what it leads to
        USER_FAULTS 11, GATE_NP, call GATE_NP + 3:0
        USER_FAULTS 13, GATE_DPL0, call GATE_DPL0 + 3:0
        USER_FAULTS 13, GATE_DPL0, jmp GATE_DPL0:0
        USER_FAULTS 13, K_DATA, call GATE_DATA + 3:0
        USER_FAULTS 13, K_CODE, jmp GATE + 3:0              ; JMP may not change the CPL
        mov word [gdt + GATE_DATA + 2], 0
        USER_FAULTS 13, 0, call GATE_DATA + 3:0
        mov word [gdt + GATE_DATA + 2], GDT_BYTES
        USER_FAULTS 13, GDT_BYTES, call GATE_DATA + 3:0
        mov word [gdt + GATE_DATA + 2], U_CODE32 & 0xFFF8
        FAULTS 13, U_CODE32 & 0xFFF8, call GATE_DATA:0      ; DPL above CPL
        SET_DESCRIPTOR (SPARE + 80), 0x0000FFFF, 0x00401A10
        mov word [gdt + GATE_DATA + 2], SPARE + 80
        USER_FAULTS 11, SPARE + 80, call GATE_DATA + 3:0
        SET_DESCRIPTOR (SPARE + 80), 0x0000000F, 0x00409A10
        GATE_AT GATE_DATA, (SPARE + 80), 0x10, 0xEC00
        USER_FAULTS 13, 0, call GATE_DATA + 3:0             ; offset beyond the code limit
        ; the TSS's stack for ring 1
        mov word [tss + 16], 0
        USER_FAULTS 10, 0, call GATE1 + 3:0
        mov word [tss + 16], 1
        USER_FAULTS 10, 0, call GATE1 + 3:0
        mov word [tss + 16], K_DATA + 1
        USER_FAULTS 10, K_DATA, call GATE1 + 3:0
        mov word [tss + 16], STACK1
        USER_FAULTS 10, STACK1, call GATE1 + 3:0            ; RPL
        mov word [tss + 16], GDT_BYTES + 1
        USER_FAULTS 10, GDT_BYTES, call GATE1 + 3:0
        SET_DESCRIPTOR STACK1, 0x0000FFFF, 0x00CFB000       ; read-only
        mov word [tss + 16], STACK1 + 1
        USER_FAULTS 10, STACK1, call GATE1 + 3:0
        SET_DESCRIPTOR STACK1, 0x0000FFFF, 0x00CF3200       ; not present
        USER_FAULTS 12, STACK1, call GATE1 + 3:0
        SET_DESCRIPTOR STACK1, 0x00000FFF, 0x0040B200       ; too small for the stack pointer there
        USER_FAULTS 12, STACK1, call GATE1 + 3:0
        mov dword [tss + 12], 12                            ; room for three dwords, four are pushed
        USER_FAULTS 12, STACK1, call GATE1 + 3:0
        EXPECT_EQ dword [seen_sp], U_STACK, 'a failed gate call moved the caller ESP'
        ; the TSS is too short for the ring 1 stack
        mov word [gdt + TSS_SEL], 12
        mov byte [gdt + TSS_SEL + 5], 0x89
        mov ax, TSS_SEL
        ltr ax
        USER_FAULTS 10, TSS_SEL, call GATE1 + 3:0
        ; far RET: to an inner ring, null, not present
        push dword U_CODE32
        push dword .never
        FAULTS 13, ANY, retf                                 ; the outer SS is what lies above, no selector
        add esp, 8
        push dword 0
        push dword .never
        FAULTS 13, 0, retf
        add esp, 8
        push dword K_CODE + 1
        push dword .never
        FAULTS 13, K_CODE, retf
        add esp, 8
        SET_DESCRIPTOR (SPARE + 80), 0x0000FFFF, 0x00401A10
        push dword SPARE + 80
        push dword .never
        FAULTS 11, SPARE + 80, retf
        add esp, 8
        ARM .inward
        TO_USER .user_inward, 2
.user_inward:
        push dword K_CODE
        push dword .never
.inward_at:
        retf
.inward:
        EXPECT_SEEN 13, K_CODE, .inward_at
        EXPECT_EQ dword [seen_sp], U_STACK - 8
        ; RET to the outer ring with a stack of the wrong DPL: #GP(selector); not present #SS(selector)
        push dword K_DATA
        push dword U_STACK
        push dword U_CODE32
        push dword .never
        FAULTS 13, K_DATA, retf
        SET_DESCRIPTOR (SPARE + 80), 0x0000FFFF, 0x00CF7200
        mov dword [esp + 12], SPARE + 80 + 3
        FAULTS 12, SPARE + 80, retf
        add esp, 16
        ret
.never: int NO_FAULT

entry32:
        push ds
        push eax
        pushfd
        mov ax, ss                                          ; flat, inner
        mov ds, ax
        mov es, ax
        pop dword [entry_flags]
        lea eax, [esp + 8]
        mov [entry_esp], eax
        push esi
        push edi
        push ecx
        lea esi, [esp + 20]
        mov edi, entry_stack
        mov ecx, 7
        rep movsd
        mov ax, K_DATA
        mov fs, ax
        pop ecx
        pop edi
        pop esi
        pop eax
        pop ds
        cmp dword [esp + 4], K_CODE
        je .same_level
        retf 12
.same_level:
        retf
entry16:
        mov ax, K_DATA
        mov ds, ax
        mov es, ax
        mov [entry_esp], esp
        mov esi, esp
        mov edi, entry_stack
        mov ecx, 12
        rep movsb
        int 0x80
entry_conforming:
        mov [entry_esp], esp
        retf
entry_ring1:
        hlt                                                 ; #GP(0) at CPL 1
entry_esp:   dd 0
entry_flags: dd 0
entry_stack: times 8 dd 0
