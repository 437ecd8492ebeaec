; Expects (SDM vol. 3, 6.15, vector 8; 8.2): a stack fault of an inner delivery becomes #DF, taken through a task gate in a
; task of its own: NT set there, back link to the interrupted task, error code 0 on its stack, the old TSS holds EIP of the
; instruction that started it; IRET goes back; a page fault while delivering a page fault is #DF; INT n with a bad inner
; stack is #TS with EXT = 0 taken by a task gate, for an exception EXT = 1.
        %include "lib.inc"
DF_TSS equ SPARE
DF_STACK equ K_STACK - 0x8000
main:
        mov eax, df_tss
        mov word [gdt + DF_TSS], 0x67
        mov [gdt + DF_TSS + 2], ax
        shr eax, 16
        mov [gdt + DF_TSS + 4], al
        mov byte [gdt + DF_TSS + 5], 0x89
        mov [gdt + DF_TSS + 7], ah
        mov dword [df_tss + 32], df_task
        ; #DF and #TS through the task gate
%macro TASK_GATE 1
        mov word [idt + %1 * 8 + 2], DF_TSS
        mov dword [idt + %1 * 8 + 4], 0x00008500
%endmacro
        TASK_GATE 8
        ; #UD at CPL 3 while SS0 is bad: #UD is benign, so #TS is delivered, which needs SS0 again: #TS in #TS, #DF
        mov word [tss + 8], U_DATA
        mov dword [df_seen], 0
        ARM .resumed
        TO_USER .user, 2
.user:  ud2
.resumed:
        mov word [tss + 8], K_DATA
        mov nword [recover], 0
        EXPECT_EQ dword [df_seen], 1
        EXPECT_EQ dword [df_error], 0
        EXPECT_EQ dword [old_eip], .user, 'EIP in the TSS of the task that failed'
        EXPECT_EQ word [old_cs], U_CODE32
        EXPECT_EQ word [df_link], TSS_SEL
        EXPECT_EQ dword [df_esp], DF_STACK - 4
        test dword [df_flags], 0x4000
        EXPECT nz, 'NT in the new task'
        EXPECT_EQ byte [gdt + DF_TSS + 5], 0x89, 'IRET must have cleared busy of the task it left'
        EXPECT_EQ byte [gdt + TSS_SEL + 5], 0x8B, 'the interrupted task stays busy'
        ; #TS through the task gate: the error code names SS0
        TASK_GATE 10
        mov word [tss + 8], U_DATA
        mov dword [df_seen], 0
        ARM .resumed2
        TO_USER .user2, 2
.user2: int 0x80
.resumed2:
        EXPECT_EQ dword [df_seen], 1
        EXPECT_EQ dword [df_error], U_DATA & 0xFFF8
        mov dword [df_seen], 0
        ARM .resumed3
        TO_USER .user3, 2
.user3: ud2
.resumed3:
        mov nword [recover], 0
        EXPECT_EQ dword [df_seen], 1
        EXPECT_EQ dword [df_error], (U_DATA & 0xFFF8) + 1, 'EXT of #TS while delivering #UD'
        mov word [tss + 8], K_DATA
        call build_idt
        TASK_GATE 8
        ; paging on; the stack's page goes away: #PF while delivering #PF
        CLEAR_TABLES
        mov dword [TABLES], 0x83
        mov dword [TABLES + 4], 0x400083
        mov eax, TABLES
        mov [df_tss + 28], eax
        mov [tss + 28], eax
        mov cr3, eax
        mov eax, cr0
        or eax, 0x80000000
        mov cr0, eax
        mov dword [df_seen], 0
        mov ebx, esp
        ARM .resumed4
        mov esp, 0x40000000                                 ; not mapped
.fault: mov al, [0x50000000]
.resumed4:
        mov nword [recover], 0
        EXPECT_EQ dword [df_seen], 1
        EXPECT_EQ dword [df_error], 0
        EXPECT_EQ dword [df_cr2], 0x3FFFFFFC, 'CR2 of the second page fault'
        EXPECT_EQ dword [old_eip], .fault
        ret

; The task of #DF (and of #TS in part): notes what it sees, then sends the interrupted task to [recover] at CPL 0.
df_task:
        inc dword [df_seen]
        mov [df_esp], esp
        pop dword [df_error]
        mov eax, cr2
        mov [df_cr2], eax
        pushfd
        pop dword [df_flags]
        mov ax, [df_tss]
        mov [df_link], ax
        mov eax, [tss + 32]
        mov [old_eip], eax
        mov eax, [tss + 76]
        mov [old_cs], eax
        mov eax, [recover]
        mov [tss + 32], eax
        mov eax, [recover_sp]
        mov [tss + 56], eax
        mov dword [tss + 36], 2
        mov dword [tss + 72], K_DATA
        mov dword [tss + 76], K_CODE
        mov dword [tss + 80], K_DATA
        mov dword [tss + 84], K_DATA
        mov esp, DF_STACK
        iretd
        jmp df_task                                         ; the next one goes on here
old_eip:  dd 0
old_cs:   dd 0
df_seen:  dd 0
df_error: dd 0
df_esp:   dd 0
df_link:  dd 0
df_flags: dd 0
df_cr2:   dd 0
        align 16
df_tss: times 7 dd 0
        dd 0, 0, 2                                          ; CR3, EIP, EFLAGS
        dd 0, 0, 0, 0, DF_STACK, 0, 0, 0
        dd K_DATA, K_CODE, K_DATA, K_DATA, K_DATA, K_DATA, 0, 0x680000
