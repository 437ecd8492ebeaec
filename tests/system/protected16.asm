; Expects: 16-bit code and stack segments in protected mode (SDM vol. 1, 6.2.3; vol. 3, 20.4, 21): stack pushes use SP and leave the
; upper half of ESP; IRETD to a 16-bit stack of an
; outer ring loads SP only (bits 31:16 of ESP keep the handler's); PUSHA, ENTER, LEAVE, LOOP by SS.B and address size; code
; that runs beyond its limit is #GP(0); a 16-bit far return truncates EIP.
        %include "lib.inc"
CODE16 equ SPARE                    ; base = image: labels minus image are offsets
STACK16 equ SPARE + 8               ; base FREE, B = 0
main:
        SET_DESCRIPTOR CODE16, 0x0000FFFF, 0x00009A10
        SET_DESCRIPTOR STACK16, 0x0000FFFF + ((FREE & 0xFFFF) << 16), 0x00009200 | (FREE >> 16)
        mov [saved_esp], esp
        mov ax, STACK16
        mov ss, ax
        mov esp, 0x55553000
        jmp CODE16:(code - image)
back:   mov ax, K_DATA
        mov ss, ax
        mov edx, esp
        mov esp, [saved_esp]
        EXPECT_EQ dword [numbers], 0x55552FFE, 'PUSH changed the upper half of ESP'
        EXPECT_EQ dword [numbers + 4], 0x55552FFC
        EXPECT_EQ word [FREE + 0x2FFE], 0x1234
        EXPECT_EQ dword [FREE + 0x2FF8], 0x12345678
        EXPECT_EQ dword [numbers + 8], 0x55550FF0, 'PUSHA'
        EXPECT_EQ word [FREE + 0xFF6], 0x1000, 'SP image of PUSHA'
        EXPECT_EQ dword [numbers + 12], 0x55551FF0
        EXPECT_EQ word [FREE + 0x1FFE], 0xBBBB
        EXPECT_EQ dword [numbers + 16], 0x5555FFFE, 'SP wraps to FFFEh'
        EXPECT_EQ word [FREE + 0xFFFE], 0x7777
        EXPECT_EQ dword [numbers + 20], 1, 'LOOP with CX'
        EXPECT_EQ dword [numbers + 24], 0xABCD0000, 'CX only'
        EXPECT_EQ dword [numbers + 28], 0x66661000, 'LEAVE with a 16-bit stack'
        ; IRETD to CPL 3 with a 16-bit stack
        ARM .outer
        push dword U_DATA16
        push dword 0x77778000
        push dword 2
        push dword U_CODE32
        push dword .user
        iretd
.user:  mov eax, esp
        int NO_FAULT
.outer: EXPECT_SEEN NO_FAULT, 0
        EXPECT_EQ ax, 0x8000
        mov ebx, esp
        shr eax, 16
        shr ebx, 16
        EXPECT_EQ eax, ebx, 'ESP bits 31:16 after IRETD to a 16-bit stack'
        ; 16-bit code that runs into its limit
        SET_DESCRIPTOR (SPARE + 16), ending_limit - ending - 1, 0x00009A10
        mov eax, ending
        mov [gdt + SPARE + 16 + 2], ax
        shr eax, 16
        mov [gdt + SPARE + 16 + 4], al
        ARM .ended
        jmp (SPARE + 16):0
.ended: EXPECT_SEEN 13, 0, (ending_limit - ending)
        ; a 16-bit far return to 32-bit code loses the upper half of EIP
        SET_DESCRIPTOR (SPARE + 24), 0x0000FFFF, 0x00409A10
        mov ebx, esp
        push word SPARE + 24
        push word .low - image
        o16 retf
.low:   mov esp, ebx
        jmp K_CODE:.high
.high:  mov eax, cs
        EXPECT_EQ eax, K_CODE
        ret
        bits 16
code:   push word 0x1234
        mov [dword numbers], esp
        a32 push word 0x1234
        mov [dword numbers + 4], esp
        mov esp, 0x55552FFC
        push dword 0x12345678
        mov esp, 0x55551000
        pusha
        mov [dword numbers + 8], esp
        mov bp, 0xBBBB
        mov esp, 0x55552000
        enter 14, 0
        mov [dword numbers + 12], esp
        mov esp, 0x55550000
        push word 0x7777
        mov [dword numbers + 16], esp
        mov ecx, 0xABCD0002
        xor edx, edx
.loop:  inc edx
        cmp edx, 2
        ja .out
        loop .loop
.out:   dec edx
        mov [dword numbers + 20], edx
        mov [dword numbers + 24], ecx
        mov esp, 0x66660000
        mov ebp, 0x99990FFE
        leave
        mov [dword numbers + 28], esp
        call .sub
        jmp dword K_CODE:back
.sub:   ret
ending: nop
        nop
ending_limit:
        nop
        bits 32
saved_esp: dd 0
numbers: times 8 dd 0
