; Expects (SDM vol. 3, 18.3.1.1; table 6-1): the image of EFLAGS pushed for a fault has RF = 1, for a trap, INT n and an interrupt RF = 0
; (but the one it had, for traps in the middle of a REP); IRETD that loads RF = 1 skips the breakpoint of the next instruction once, POPFD
; cannot; RF is cleared by the instruction that follows; a fault of the instruction keeps it for the retry.
        %include "lib.inc"
main:
        FAULTS 6, 0, ud2
        test dword [seen_flags], 0x10000
        EXPECT nz, 'RF in the image of #UD'
        xor ebx, ebx
        FAULTS 0, 0, div ebx
        test dword [seen_flags], 0x10000
        EXPECT nz, 'RF in the image of #DE'

        ARM .int3
        int3
.int3:  test dword [seen_flags], 0x10000
        EXPECT z, 'RF in the image of INT3'
        ARM .int80
        int 0x80
.int80: test dword [seen_flags], 0x10000
        EXPECT z, 'RF in the image of INT n'
        ; an instruction breakpoint on an instruction that faults: the handler returns with RF, then with the fault's RF
        mov dword [hook], trap
        mov eax, .divide
        mov dr0, eax
        mov eax, 0x402
        mov dr7, eax
        xor ebx, ebx
.divide: div ebx                                            ; #DB, then #DE; the hook sets EBX through its frame
        EXPECT_EQ dword [breakpoints], 1, 'RF must hold for the retry'
        EXPECT_EQ dword [divides], 1
        ; POPFD cannot set RF
        mov dword [breakpoints], 0
        mov eax, .nop
        mov dr0, eax
        push dword 0x10002
        popfd
.nop:   nop
        EXPECT_EQ dword [breakpoints], 1
        ; IRETD can, for one instruction
        mov eax, .nop2
        mov dr0, eax
        push dword 0x10002
        push dword K_CODE
        push dword .nop2
        iretd
.nop2:  nop
        EXPECT_EQ dword [breakpoints], 1, 'RF by IRETD'
        mov ecx, 2
        mov eax, .loop
        mov dr0, eax
        push dword 0x10002
        push dword K_CODE
        push dword .loop
        iretd
.loop:  dec ecx
        jnz .loop
        EXPECT_EQ dword [breakpoints], 2, 'RF holds for one instruction only'
        ; an instruction that jumps to itself
        mov dword [breakpoints], 0
        mov ecx, 3
        mov eax, .self
        mov dr0, eax
        push dword 0x10002
        push dword K_CODE
        push dword .self
        iretd
.self:  loop .self
        EXPECT_EQ dword [breakpoints], 2, 'RF and a jump to itself'
        ; traps between the elements of a REP that writes the code it runs in: an element over what is there already
        xor eax, eax
        mov dr7, eax
        mov dword [hook], step
        mov esi, .code
        mov edi, esi
        mov ecx, 3
        push dword 0x102
        popfd
        rep movsb
.code:  nop
        nop
        nop
        push dword 2
        popfd
        EXPECT_EQ dword [resumed], 2, 'RF in the image of a trap between elements'
        ret
step:
        test dword [ebp + FRAME_FLAGS], 0x10000
        jz .last
        inc dword [resumed]
.last:  ret
trap:
        cmp dword [ebp + FRAME_VECTOR], 0
        je .divide
        inc dword [breakpoints]
        or dword [ebp + FRAME_FLAGS], 0x10000
        ret
.divide:
        inc dword [divides]
        mov dword [ebp + 24], 1                             ; EBX
        ret
breakpoints: dd 0
divides: dd 0
resumed: dd 0
