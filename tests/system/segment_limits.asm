; Expects: accesses through DS, ES, FS, GS beyond a segment's limit, below an expand-down segment's, or against its type
; raise #GP(0), through SS #SS(0); reading or writing up to the last byte works (SDM vol. 3, 5.3 and 5.5; vol. 2 MOV).
; Loading a segment register raises #GP, #NP or #SS with the selector as error code (vol. 3, 5.4, 5.6, table 6-1).
; QEMU's TCG checks no segment limits, so it is no reference here.
        %include "lib.inc"
main:
        ; byte granular, limit 0FFFh, base FREE, writable data
        SET_DESCRIPTOR SPARE, 0x00000FFF + ((FREE & 0xFFFF) << 16), 0x00409200 | (FREE >> 16)
        mov ax, SPARE
        WORKS mov fs, ax
        EXPECT_MEM gdt + SPARE + 4, 0x00409300 | (FREE >> 16)     ; A was set
        WORKS mov al, [fs:0xFFF]
        WORKS mov eax, [fs:0xFFC]
        FAULTS 13, 0, mov al, [fs:0x1000]
        FAULTS 13, 0, mov eax, [fs:0xFFD]
        FAULTS 13, 0, mov [fs:0xFFD], eax
        FAULTS 13, 0, mov ax, [fs:0xFFFFFFFF]
        FAULTS 13, 0, mov al, [fs:0xFFFFFFFF]
        WORKS mov [fs:0xFFC], eax
        FAULTS 13, 0, fld tword [fs:0xFF8]
        FAULTS 13, 0, lock add [fs:0xFFE], eax
        FAULTS 13, 0, push dword [fs:0x1000]
        ; page granular: limit field 0 means 0FFFh
        SET_DESCRIPTOR SPARE, (FREE & 0xFFFF) << 16, 0x00C09200 | (FREE >> 16)
        mov ax, SPARE
        mov fs, ax
        WORKS mov al, [fs:0xFFF]
        FAULTS 13, 0, mov al, [fs:0x1000]
        ; expand-down, B = 1, limit 0FFFh: 1000h-FFFFFFFFh
        SET_DESCRIPTOR SPARE, 0x00000FFF + ((FREE & 0xFFFF) << 16), 0x00409600 | (FREE >> 16)
        mov ax, SPARE
        mov fs, ax
        FAULTS 13, 0, mov al, [fs:0xFFF]
        FAULTS 13, 0, mov eax, [fs:0xFFE]
        WORKS mov al, [fs:0x1000]
        WORKS mov [fs:0x20000], al
        FAULTS 13, 0, mov eax, [fs:0xFFFFFFFD]
        ; expand-down, B = 0: upper bound FFFFh
        SET_DESCRIPTOR SPARE, 0x00000FFF + ((FREE & 0xFFFF) << 16), 0x00009600 | (FREE >> 16)
        mov ax, SPARE
        mov fs, ax
        WORKS mov eax, [fs:0xFFFC]
        FAULTS 13, 0, mov eax, [fs:0xFFFD]
        FAULTS 13, 0, mov al, [fs:0x10000]
        ; expand-down with limit FFFFFFFFh (G = 1): nothing may be accessed
        SET_DESCRIPTOR SPARE, 0x0000FFFF, 0x00CF9600
        mov ax, SPARE
        mov fs, ax
        FAULTS 13, 0, mov al, [fs:0]
        FAULTS 13, 0, mov al, [fs:0xFFFFFFFF]
        ; read-only data
        SET_DESCRIPTOR SPARE, 0x0000FFFF, 0x00CF9000
        mov ax, SPARE
        mov fs, ax
        WORKS mov al, [fs:FREE]
        FAULTS 13, 0, mov [fs:FREE], al
        FAULTS 13, 0, cmpxchg [fs:FREE], al
        ; readable code in a data register: no writes; execute-only code: cannot be loaded, and not read through CS
        mov ax, K_CODE
        mov fs, ax
        WORKS mov al, [fs:FREE]
        FAULTS 13, 0, mov [fs:FREE], al
        FAULTS 13, 0, mov [cs:FREE], al
        SET_DESCRIPTOR SPARE, 0x0000FFFF, 0x00CF9800
        mov ax, SPARE
        FAULTS 13, SPARE, mov fs, ax
        ARM .executed
        jmp SPARE:.execute_only
.execute_only:
        mov al, [cs:FREE]
.executed:
        EXPECT_SEEN 13, 0, .execute_only
        EXPECT_EQ dword [seen_cs], SPARE
        ; null: loading works for data registers, using it is #GP(0)
        xor eax, eax
        WORKS mov fs, ax
        FAULTS 13, 0, mov al, [fs:0]
        mov ax, 3
        WORKS mov gs, ax
        FAULTS 13, 0, mov [gs:0], al
        xor eax, eax
        FAULTS 13, 0, mov ss, ax
        mov ax, 3
        FAULTS 13, 0, mov ss, ax
        ; beyond the GDT, and in an LDT that is not there
        mov ax, GDT_BYTES
        FAULTS 13, GDT_BYTES, mov fs, ax
        mov ax, GDT_BYTES + 3
        FAULTS 13, GDT_BYTES, mov fs, ax
        mov ax, 0xC
        FAULTS 13, 0xC, mov fs, ax
        ; system descriptors
        mov eax, TSS_SEL
        FAULTS 13, TSS_SEL, mov fs, ax
        FAULTS 13, TSS_SEL, mov ss, ax
        ; not present: type and privilege are looked at first
        SET_DESCRIPTOR SPARE, 0x0000FFFF, 0x00CF1200
        mov ax, SPARE
        FAULTS 11, SPARE, mov fs, ax
        FAULTS 12, SPARE, mov ss, ax
        EXPECT_MEM gdt + SPARE + 4, 0x00CF1200                   ; A was not set
        mov ax, SPARE + 3
        FAULTS 13, SPARE, mov fs, ax
        ; SS: writable data with DPL = RPL = CPL only
        mov ax, K_CODE
        FAULTS 13, K_CODE, mov ss, ax
        mov ax, U_DATA
        FAULTS 13, U_DATA & 0xFFF8, mov ss, ax
        mov ax, K_DATA + 1
        FAULTS 13, K_DATA, mov ss, ax
        SET_DESCRIPTOR SPARE, 0x0000FFFF, 0x00CF9000
        mov ax, SPARE
        FAULTS 13, SPARE, mov ss, ax
        ; the stack segment's limit: #SS(0). The handler needs a stack: the access goes through EBP, with ESP inside
        SET_DESCRIPTOR SPARE, 0x000001FF, 0x00C09200              ; limit 1FFFFFh, base 0
        mov ax, SPARE
        mov ss, ax
        mov ebp, 0x1FFFFD
        FAULTS 12, 0, mov eax, [ebp]
        FAULTS 13, 0, mov eax, [fs:ebp]
        mov ax, SPARE
        mov ss, ax
        mov ebp, 0x1FFFFC
        WORKS mov eax, [ebp]
        mov ebp, 0x200000
        FAULTS 12, 0, mov [ebp], al
        mov ax, K_DATA
        mov ss, ax
        ; LES, LSS, POP and LAR family
        mov dword [FREE], 0x1234
        mov word [FREE + 4], GDT_BYTES
        mov ebx, 0x5555
        FAULTS 13, GDT_BYTES, les ebx, [FREE]
        EXPECT_EQ ebx, 0x5555, 'LES changed its register before the fault'
        push dword TSS_SEL
        mov ecx, esp
        FAULTS 13, TSS_SEL, pop es
        EXPECT_EQ ecx, esp, 'POP ES moved ESP before the fault'
        add esp, 4
        ; at CPL 3: DPL >= max(CPL, RPL)
        mov ax, K_DATA
        USER_FAULTS 13, K_DATA, mov fs, ax
        mov ax, U_DATA
        USER_WORKS mov fs, ax
        mov ax, U_DATA & 0xFFF8
        USER_WORKS mov fs, ax
        USER_FAULTS 13, U_DATA & 0xFFF8, mov ss, ax
        mov ax, K_CODE
        USER_FAULTS 13, K_CODE, mov fs, ax
        SET_DESCRIPTOR SPARE, 0x0000FFFF, 0x00CF9E00              ; conforming readable code, DPL 0
        mov ax, SPARE + 3
        USER_WORKS mov fs, ax
        ; an LDT: base, limit, table indicator in the error code
        mov dword [FREE + 0x100], 0
        mov dword [FREE + 0x104], 0
        mov dword [FREE + 0x108], 0x0000FFFF
        mov dword [FREE + 0x10C], 0x00CFF200
        mov dword [FREE + 0x110], 0x0000FFFF
        mov dword [FREE + 0x114], 0x00CF7200                      ; not present
        SET_DESCRIPTOR LDT_SEL, 0x0000001F + (((FREE + 0x100) & 0xFFFF) << 16), 0x00008200 | ((FREE + 0x100) >> 16)
        mov ax, K_DATA
        FAULTS 13, K_DATA, lldt ax
        mov ax, 0xC
        FAULTS 13, 0xC, lldt ax
        mov ax, LDT_SEL
        WORKS lldt ax
        mov ax, 0xC
        WORKS mov fs, ax
        mov ax, 0xF
        USER_WORKS mov fs, ax
        mov ax, 0x14
        FAULTS 11, 0x14, mov fs, ax
        mov ax, 0x24
        FAULTS 13, 0x24, mov fs, ax
        mov ax, 4                                                 ; entry 0 of an LDT is not null, here it is no data
        FAULTS 13, 4, mov fs, ax
        SET_DESCRIPTOR LDT_SEL, 0x0000001F, 0x00000200
        mov ax, LDT_SEL
        FAULTS 11, LDT_SEL, lldt ax
        USER_FAULTS 13, 0, lldt ax
        USER_FAULTS 13, 0, ltr ax
        mov ax, TSS_SEL                                           ; busy by now
        FAULTS 13, TSS_SEL, ltr ax
        ; far jumps: limit, type, privilege, presence
        FAULTS 13, K_DATA, jmp K_DATA:0
        FAULTS 13, 0, jmp 0:0
        FAULTS 13, U_CODE32 & 0xFFF8, jmp U_CODE32:0
        FAULTS 13, K_CODE, jmp K_CODE + 1:0
        FAULTS 13, GDT_BYTES, jmp GDT_BYTES:0
        FAULTS 13, 0, jmp K_CODE16:0x10000
        SET_DESCRIPTOR SPARE, 0x0000FFFF, 0x00CF1A00
        FAULTS 11, SPARE, jmp SPARE:0
        FAULTS 11, SPARE, call SPARE:0
        USER_FAULTS 13, K_CODE, jmp K_CODE + 3:main
        ; conforming code keeps the CPL
        SET_DESCRIPTOR SPARE, 0x0000FFFF, 0x00CF9E00
        ARM .conformed
        TO_USER .to_conforming, [user_flags]
.to_conforming:
        jmp SPARE:.in_conforming
.in_conforming:
        int NO_FAULT
.conformed:
        EXPECT_SEEN NO_FAULT, 0
        EXPECT_EQ dword [seen_cs], SPARE + 3
        ; execution beyond the CS limit: #GP(0) with the IP of what could not be fetched
        SET_DESCRIPTOR SPARE, main.past_limit - image - 1, 0x00409A10
        ARM .limited
        jmp SPARE:(.before_limit - image)
.before_limit:
        nop
.past_limit:
        nop
.limited:
        EXPECT_SEEN 13, 0, (.past_limit - image)
        ret
