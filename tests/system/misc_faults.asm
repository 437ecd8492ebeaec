; Expects: LOCK on what does not allow it, or with a register destination, is #UD (SDM vol. 2, LOCK); instructions longer than 15
; bytes are #GP(0), of 15 bytes work (vol. 3, 6.15, vector 13); undefined opcodes #UD; #UD comes before #GP of the operand; REP MOVS
; and STOS stop at a page fault with registers at the element that failed and restart (vol. 2, REP); PUSHA, ENTER, CALL, XCHG, CMPXCHG
; and POP fault without changing registers; #AC with CR0.AM and EFLAGS.AC at CPL 3 only, error code 0 (vol. 3, 6.15, vector 17).
        %include "lib.inc"
main:
        FAULTS 6, 0, db 0xF0, 0x90                          ; LOCK NOP
        FAULTS 6, 0, db 0xF0, 0x01, 0xD8                    ; LOCK ADD EAX, EBX
        FAULTS 6, 0, db 0xF0, 0x8B, 0x05, 0, 0, 0x40, 0     ; LOCK MOV EAX, [400000h]
        FAULTS 6, 0, db 0xF0, 0x03, 0x05, 0, 0, 0x40, 0     ; LOCK ADD EAX, [400000h]
        FAULTS 6, 0, db 0xF0, 0x38, 0x05, 0, 0, 0x40, 0     ; LOCK CMP [400000h], AL
        FAULTS 6, 0, db 0xF0, 0xF6, 0x05, 0, 0, 0x40, 0, 1  ; LOCK TEST
        FAULTS 6, 0, db 0xF0, 0xA4                          ; LOCK MOVSB
        FAULTS 6, 0, db 0xF0, 0xEB, 0x00                    ; LOCK JMP
        WORKS lock inc dword [FREE]
        WORKS lock bts dword [FREE], 3
        FAULTS 6, 0, db 0xF0, 0x0F, 0xA3, 0x05, 0, 0, 0x40, 0 ; LOCK BT
        WORKS db 0xF0, 0x86, 0x05, 0, 0, 0x40, 0            ; LOCK XCHG
        ; length
        WORKS db 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x90
        FAULTS 13, 0, db 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x90
        WORKS db 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0xB8, 1, 0
        FAULTS 13, 0, db 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0xB8, 1, 0
        ; undefined
        FAULTS 6, 0, ud2
        FAULTS 6, 0, db 0x0F, 0x04
        FAULTS 6, 0, db 0x0F, 0xA6, 0xC0
        FAULTS 6, 0, db 0x8C, 0xF0                          ; MOV EAX, segment 6
        FAULTS 6, 0, db 0x8E, 0xC8                          ; MOV CS, EAX
        FAULTS 6, 0, db 0x8D, 0xC0                          ; LEA with a register
        FAULTS 6, 0, db 0xFF, 0xF8                          ; group 5, /7
        FAULTS 6, 0, db 0x0F, 0xC7, 0xC8                    ; CMPXCHG8B with a register
        FAULTS 6, 0, db 0xFF, 0xE8                          ; far JMP with a register
        FAULTS 6, 0, db 0xC4, 0xC0                          ; LES with a register
        FAULTS 6, 0, rsm
        ; paging on, one page present, the next not
        CLEAR_TABLES
        mov dword [TABLES], 0x87
        mov dword [TABLES + 4], 0x400087
        mov dword [TABLES + 0x800], TABLES + 0x1007
        mov dword [TABLES + 0x1000], FREE + 7
        PAGING_ON
PAGE equ 0x80000000
HOLE equ 0x80001000
        ; REP STOSD across: stops at the hole, goes on when it is filled
        mov edi, PAGE + 0xFF0
        mov ecx, 8
        mov eax, 0x77
        FAULTS 14, 2, rep stosd
        EXPECT_EQ edi, HOLE
        EXPECT_EQ ecx, 4
        EXPECT_EQ dword [seen_cr2], HOLE
        EXPECT_MEM FREE + 0xFFC, 0x77
        mov esi, FREE
        mov edi, PAGE + 0xFFE
        mov ecx, 5
        FAULTS 14, 2, rep movsb
        EXPECT_EQ ecx, 3
        EXPECT_EQ esi, FREE + 2
        EXPECT_EQ edi, HOLE
        mov esi, PAGE + 0xFFC
        mov edi, FREE + 0x100
        mov ecx, 3
        FAULTS 14, 0, rep movsd
        EXPECT_EQ ecx, 2
        EXPECT_EQ esi, HOLE
        EXPECT_EQ edi, FREE + 0x104
        std
        mov edi, HOLE
        mov ecx, 2
        mov al, 0
        ARM .down
.down_at:
        rep stosb
.down:  cld
        EXPECT_SEEN 14, 2, .down_at
        EXPECT_EQ ecx, 2
        mov edi, PAGE + 0xFFE
        mov ecx, 100
        mov al, 0xFF
        mov word [PAGE + 0xFFE], 0
        cmp al, al                                          ; ZF = 1; the two comparisons before the fault give 0
        FAULTS 14, 0, repne scasb
        EXPECT_EQ ecx, 98
        test dword [seen_flags], 0x40
        EXPECT nz, 'a fault leaves the flags from before the REP'
        ; nothing changes before a fault
        mov eax, 0x11
        mov ebx, 0x22
        FAULTS 14, 2, xchg [HOLE], eax
        EXPECT_EQ eax, 0x11
        FAULTS 14, 2, cmpxchg [HOLE], ebx
        EXPECT_EQ eax, 0x11
        FAULTS 14, 2, xadd [HOLE], ebx
        EXPECT_EQ ebx, 0x22
        mov ebx, esp
        FAULTS 14, 2, pop dword [HOLE]
        EXPECT_EQ ebx, esp, 'POP to memory moved ESP'
        FAULTS 14, 0, push dword [HOLE]
        EXPECT_EQ ebx, esp
        FAULTS 14, 0, call [HOLE]
        EXPECT_EQ ebx, esp
        FAULTS 14, 2, sgdt [HOLE - 2]
        mov dword [PAGE + 0xFFC], 0x12345678
        FAULTS 14, 2, mov [HOLE - 2], eax
        EXPECT_MEM PAGE + 0xFFC, 0x12345678
        FAULTS 14, 2, add [HOLE - 2], eax
        EXPECT_MEM PAGE + 0xFFC, 0x12345678
        FAULTS 14, 2, fnsave [HOLE - 4]
        EXPECT_MEM PAGE + 0xFFC, 0x12345678
        ; the same at CPL 3, where the handler has a stack of its own
        ARM .user_pusha
        TO_USER .user, 2
.user:  mov esp, PAGE + 8
        mov ecx, 0x99
.user_at:
        pushad
.user_pusha:
        EXPECT_SEEN 14, 6, .user_at
        EXPECT_EQ dword [seen_cr2], PAGE - 4
        EXPECT_EQ dword [seen_sp], PAGE + 8
        ARM .user_enter
        TO_USER .user2, 2
.user2: mov esp, PAGE + 8
        mov ebp, 0x1234
.user_enter_at:
        enter 0x20, 0
.user_enter:
        EXPECT_SEEN 14, 6, .user_enter_at
        EXPECT_EQ ebp, 0x1234
        EXPECT_EQ dword [seen_sp], PAGE + 8
        ; #AC
        mov eax, cr0
        or eax, 0x40000
        mov cr0, eax
        mov dword [user_flags], 0x40002
        USER_FAULTS 17, 0, mov eax, [FREE + 1]
        USER_FAULTS 17, 0, mov [FREE + 2], eax
        USER_FAULTS 17, 0, mov ax, [FREE + 1]
        USER_FAULTS 17, 0, fld qword [FREE + 4]
        USER_FAULTS 17, 0, inc dword [FREE + 3]
        USER_WORKS mov ax, [FREE + 2]
        USER_WORKS mov al, [FREE + 3]
        USER_FAULTS 14, 4, mov eax, [HOLE]
        mov dword [user_flags], 2
        USER_WORKS mov eax, [FREE + 1]
        push dword 0x40002
        popfd
        WORKS mov eax, [FREE + 1]                           ; CPL 0
        mov eax, cr0
        and eax, ~0x40000
        mov cr0, eax
        mov dword [user_flags], 0x40002
        USER_WORKS mov eax, [FREE + 1]
        ret
