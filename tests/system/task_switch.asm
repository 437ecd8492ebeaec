; Expects (SDM vol. 3, 8.2-8.4, table 8-2): JMP clears busy of the old and sets it of the new TSS, no NT, no link; CALL nests:
; link, NT, old stays busy; IRET with NT goes back, clears busy and NT in the saved image; INT through a task gate nests; state
; saved and loaded for 32- and 16-bit TSSs (upper halves FFFFh), LDT, CR3 of 32-bit TSSs; CR0.TS set; T bit raises #DB with
; DR6.BT before the first instruction; L bits of DR7 cleared; busy target #GP, wrong type #GP, not present #NP, short #TS;
; faults of the new task's data segments are #TS or #NP in it; DPL and RPL checks; task gates in the GDT.
        %include "lib.inc"
T32  equ SPARE
T16  equ SPARE + 8
GATE equ SPARE + 16
BAD  equ SPARE + 24
LDT2 equ SPARE + 32
NP   equ SPARE + 40
%macro TSS_AT 4                     ; selector, address, limit, access
        mov eax, %2
        mov word [gdt + %1], %3
        mov [gdt + %1 + 2], ax
        shr eax, 16
        mov [gdt + %1 + 4], al
        mov byte [gdt + %1 + 5], %4
        mov byte [gdt + %1 + 6], 0
        mov [gdt + %1 + 7], ah
%endmacro
%macro NEW_TASK 1                   ; 32-bit task entered at %1
        mov dword [tss2], 0
        mov dword [tss2 + 32], %1
        mov dword [tss2 + 36], 2
        mov dword [tss2 + 56], K_STACK - 0x8000
        mov dword [tss2 + 72], K_DATA
        mov dword [tss2 + 76], K_CODE
        mov dword [tss2 + 80], K_DATA
        mov dword [tss2 + 84], K_DATA
        mov dword [tss2 + 88], 0
        mov dword [tss2 + 92], 0
        mov dword [tss2 + 96], 0
        mov dword [tss2 + 100], 0x680000
        mov byte [gdt + T32 + 5], 0x89
%endmacro
main:
        TSS_AT T32, tss2, 0x67, 0x89
        TSS_AT T16, tss16, 0x2B, 0x81
        mov word [gdt + GATE + 2], T32
        mov dword [gdt + GATE + 4], 0x0000E500
        ; JMP to and fro
        NEW_TASK .jumped
        mov dword [tss2 + 40], 0xA0A0A0A0
        mov dword [tss2 + 44], 0xC0C0C0C0
        mov dword [tss2 + 68], 0xD1D1D1D1
        mov ebx, 0x0B0B0B0B
        mov esi, 0x05050505
        mov ax, K_DATA
        mov fs, ax
        stc
        jmp T32:0x12345678
.back:  EXPECT c, 'flags of the task that came back'
        EXPECT_EQ ebx, 0x0B0B0B0B
        jmp .after_jump
.jumped:
        EXPECT_EQ eax, 0xA0A0A0A0
        EXPECT_EQ ecx, 0xC0C0C0C0
        EXPECT_EQ edi, 0xD1D1D1D1
        EXPECT_EQ esp, K_STACK - 0x8000
        pushfd
        pop eax
        and eax, 0x4000
        EXPECT z, 'NT after JMP'
        mov eax, cr0
        test eax, 8
        EXPECT nz, 'CR0.TS'
        clts
        str ax
        EXPECT_EQ ax, T32
        mov ax, fs
        EXPECT_EQ ax, 0
        EXPECT_EQ dword [tss + 32], .back
        EXPECT_EQ dword [tss + 52], 0x0B0B0B0B
        EXPECT_EQ dword [tss + 64], 0x05050505
        EXPECT_EQ word [tss + 88], K_DATA
        EXPECT_EQ word [tss + 76], K_CODE
        EXPECT_EQ byte [gdt + TSS_SEL + 5], 0x89
        EXPECT_EQ byte [gdt + T32 + 5], 0x8B
        EXPECT_EQ word [tss2], 0
        FAULTS 13, T32, jmp T32:0                           ; busy: itself
        jmp TSS_SEL:0
.after_jump:
        EXPECT_EQ byte [gdt + T32 + 5], 0x89
        EXPECT_EQ byte [gdt + TSS_SEL + 5], 0x8B
        ; CALL through a task gate, IRET back, and again: the task goes on behind its IRET
        NEW_TASK .called
        call GATE:0
        jmp .first_return
.called:
        EXPECT_EQ word [tss2], TSS_SEL
        pushfd
        pop eax
        test eax, 0x4000
        EXPECT nz, 'NT after CALL'
        EXPECT_EQ byte [gdt + TSS_SEL + 5], 0x8B
        EXPECT_EQ byte [gdt + T32 + 5], 0x8B
        FAULTS 13, TSS_SEL, call TSS_SEL:0                  ; busy
        push dword 0x4002
        popfd
        iretd
        EXPECT_EQ word [tss2], TSS_SEL
        mov edx, 0x2222
        pushfd
        pop dword [FREE]
        iretd
.first_return:
        EXPECT_EQ byte [gdt + T32 + 5], 0x89
        test dword [tss2 + 36], 0x4000
        EXPECT z, 'NT in the image IRET saved'
        pushfd
        pop eax
        test eax, 0x4000
        EXPECT z, 'NT after return'
        call T32:0
        test dword [FREE], 0x4000
        EXPECT nz, 'NT on the second CALL'
        EXPECT_EQ dword [tss2 + 48], 0x2222
        ; INT through a task gate
        NEW_TASK .interrupted
        mov word [idt + 0x40 * 8 + 2], T32
        mov dword [idt + 0x40 * 8 + 4], 0x00008500
        sti
        int 0x40
.after_int:
        pushfd
        pop eax
        cli
        test eax, 0x200
        EXPECT nz, 'IF of the interrupted task'
        jmp .sixteen
.interrupted:
        EXPECT_EQ dword [tss + 32], .after_int
        EXPECT_EQ word [tss2], TSS_SEL
        iretd
.sixteen:
        ; exceptions push their error code on the new task's stack
        clts
        NEW_TASK .fault_task
        mov word [idt + 13 * 8 + 2], T32
        mov dword [idt + 13 * 8 + 4], 0x00008500
        mov ax, GDT_BYTES
.bad_load:
        mov fs, ax
.past_bad:
        jmp .task16
.fault_task:
        pop eax
        EXPECT_EQ eax, GDT_BYTES
        EXPECT_EQ esp, K_STACK - 0x8000
        EXPECT_EQ dword [tss + 32], .bad_load
        mov dword [tss + 32], .past_bad
        iretd
.task16:
        call build_idt
        clts
        ; 16-bit TSS
        mov ebx, 0x12345678
        mov word [tss16 + 14], .in16 - image
        mov word [tss16 + 34], K_DATA
        SET_DESCRIPTOR BAD, 0x0000FFFF, 0x00409A10          ; 32-bit code, base 100000h
        mov word [tss16 + 36], BAD
        SET_DESCRIPTOR LDT2, 0xF000FFFF, 0x00CF9200 | ((K_STACK - 0x1000) >> 16)
        mov word [tss16 + 38], K_DATA
        mov word [tss16 + 40], K_DATA
        call T16:0
.after16:
        EXPECT_EQ ebx, 0x12345678
        jmp .ldt
.in16:  ; SS:SP is flat with ESP FFFFxxxxh: no RAM, so nothing is pushed here before it is set
        mov [esp16], esp
        mov [eax16], eax
        mov esp, K_STACK - 0x9000
        EXPECT_EQ dword [eax16], 0xFFFF1111
        EXPECT_EQ dword [esp16], 0xFFFF8000
        EXPECT_EQ word [tss16], TSS_SEL
        EXPECT_EQ dword [tss + 32], .after16
        mov ax, fs
        EXPECT_EQ ax, 0
        iretd
.ldt:   EXPECT_EQ word [tss16 + 18], 0
        EXPECT_EQ byte [gdt + T16 + 5], 0x81
        ; LDT and CR3 of the new task, CR3 only with paging
        SET_DESCRIPTOR LDT2, 0x00000007 + ((FREE & 0xFFFF) << 16), 0x00008200 | (FREE >> 16)
        mov dword [FREE], 0x0000FFFF
        mov dword [FREE + 4], 0x00CF9200
        NEW_TASK .with_ldt
        mov word [tss2 + 96], LDT2
        mov word [tss2 + 84], 4                             ; DS from it
        call T32:0
        sldt ax
        EXPECT_EQ ax, 0
        jmp .trap_bit
.with_ldt:
        sldt ax
        EXPECT_EQ ax, LDT2
        mov ax, ds
        EXPECT_EQ ax, 4
        mov ax, K_DATA
        mov ds, ax
        iretd
.trap_bit:
        NEW_TASK .trapped
        mov word [tss2 + 100], 1
        xor eax, eax
        mov dr6, eax
        mov eax, 0x455
        mov dr7, eax
        mov eax, K_CODE
        mov dr0, eax
        mov dr1, eax
        mov dr2, eax
        mov dr3, eax
        ARM .bt
        call T32:0
.trapped:
        nop
.bt:    EXPECT_SEEN 1, 0, .trapped
        mov eax, dr6
        EXPECT_EQ ax, 0x8FF0
        mov eax, dr7
        EXPECT_EQ eax, 0x400, 'L bits of DR7'
        str ax
        EXPECT_EQ ax, T32
        jmp .leave_trap
.leave_trap:
        mov dword [tss + 32], .bad_targets
        mov [tss + 56], esp
        jmp $ + 2
        mov byte [gdt + TSS_SEL + 5], 0x89
        jmp TSS_SEL:0
.bad_targets:
        clts
        ; targets that are refused in the old task
        mov byte [gdt + T32 + 5], 0x09
        FAULTS 11, T32, call T32:0
        mov byte [gdt + T32 + 5], 0x89
        mov word [gdt + T32], 0x66
        FAULTS 10, T32, call T32:0
        mov word [gdt + T32], 0x67
        EXPECT_EQ byte [gdt + T32 + 5], 0x89, 'busy although refused'
        mov word [gdt + GATE + 2], K_DATA
        FAULTS 13, K_DATA, call GATE:0
        mov word [gdt + GATE + 2], 0x4 | T32                ; in the LDT
        FAULTS 13, T32 | 4, call GATE:0
        mov word [gdt + GATE + 2], T32
        mov word [gdt + GATE + 4], 0x6500
        FAULTS 11, GATE, jmp GATE:0
        mov word [gdt + GATE + 4], 0x8500
        USER_FAULTS 13, T32, call T32 + 3:0
        USER_FAULTS 13, GATE, call GATE + 3:0
        push dword 0x4002                                   ; NT with a link to what is no busy TSS
        popfd
        mov word [tss], T32
        FAULTS 10, T32, iretd
        mov word [tss], 0
        ; faults in the new task: its segments
%macro IN_NEW_TASK 4                                        ; offset in TSS, selector, vector, error
        NEW_TASK main
        mov dword [tss2 + %1], %2
        ARM %%seen
        jmp T32:0
%%seen: EXPECT_SEEN %3, %4, main
        str ax
        EXPECT_EQ ax, T32, 'the fault must belong to the new task'
        mov dword [tss + 32], %%home
        mov [tss + 56], esp
        mov dword [tss + 36], 2
        jmp TSS_SEL:0
%%home: clts
%endmacro
        SET_DESCRIPTOR NP, 0x0000FFFF, 0x00CF1200
        IN_NEW_TASK 84, GDT_BYTES, 10, GDT_BYTES
        IN_NEW_TASK 84, TSS_SEL, 10, TSS_SEL
        IN_NEW_TASK 84, NP, 11, NP
        IN_NEW_TASK 72, T32, 10, T32
        IN_NEW_TASK 92, NP, 11, NP
        ret
eax16:  dd 0
esp16:  dd 0
        align 16
tss2:   times 104 db 0
        align 16
tss16:  times 7 dw 0
        dw 0, 2, 0x1111, 0, 0, 0, 0x8000, 0, 0, 0
        dw K_DATA, 0, K_DATA, K_DATA, 0
