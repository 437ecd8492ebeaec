; Expects: x87 errors with CR0.NE = 1 are #MF before the next waiting x87 instruction, FNINIT, FNSTSW and FNCLEX do not wait (SDM
; vol. 1, 8.7; vol. 3, 6.15, vector 16); with NE = 0 FERR# raises IRQ 13 at the slave 8259 and writing port F0h lets the handler
; go on; #XM needs CR4.OSXMMEXCPT, without it #UD (vol. 3, 6.15, vector 19); the exception flags of MXCSR; #NM by TS before #UD of
; the operands; LDMXCSR with reserved bits #GP(0); MOVAPS misaligned #GP(0); SSE with CR4.OSFXSR = 0 or CR0.EM #UD.
        %include "lib.inc"
main:
        fninit
        mov eax, cr0
        or eax, 0x22                                        ; NE, MP
        mov cr0, eax
        mov word [FREE], 0x037B                             ; ZM unmasked
        fldcw [FREE]
        fld1
        fldz
        WORKS fdivp                                         ; 1/0: the error waits for the next one
        WORKS fnstsw ax
        test al, 4
        EXPECT nz, 'ZE'
        test ax, 0x8080
        EXPECT nz, 'ES and B'
        FAULTS 16, 0, fld1
        FAULTS 16, 0, fwait
        FAULTS 16, 0, fstp dword [FREE + 16]
        WORKS fnstcw [FREE + 4]
        WORKS fnclex
        WORKS fld1
        ; SSE before CR4.OSFXSR
        FAULTS 6, 0, xorps xmm0, xmm0
        mov eax, cr4
        or eax, 0x200
        mov cr4, eax
        WORKS xorps xmm0, xmm0
        FAULTS 13, 0, movaps xmm0, [FREE + 4]
        WORKS movups xmm0, [FREE + 4]
        mov dword [FREE], 0x10000
        FAULTS 13, 0, ldmxcsr [FREE]
        mov dword [FREE], 0x1D80                            ; ZM unmasked
        WORKS ldmxcsr [FREE]
        mov dword [FREE], 0x3F800000
        movss xmm1, [FREE]
        xorps xmm0, xmm0
        FAULTS 6, 0, divss xmm1, xmm0                       ; no OSXMMEXCPT: #UD
        mov eax, cr4
        or eax, 0x400
        mov cr4, eax
        FAULTS 19, 0, divss xmm1, xmm0
        stmxcsr [FREE + 4]
        EXPECT_MEM FREE + 4, 0x1D84
        movd eax, xmm1
        EXPECT_EQ eax, 0x3F800000, 'destination changed by an unmasked exception'
        ; EM, TS
        mov eax, cr0
        or eax, 8
        mov cr0, eax
        FAULTS 7, 0, xorps xmm0, xmm0
        FAULTS 7, 0, fld1
        FAULTS 7, 0, fxsave [FREE]
        clts
        mov eax, cr0
        or eax, 4
        mov cr0, eax
        FAULTS 6, 0, xorps xmm0, xmm0
        and eax, ~4
        mov cr0, eax
        FAULTS 13, 0, fxsave [FREE + 8]
        ; MMX with a pending x87 error
        fninit
        mov word [FREE], 0x037B
        fldcw [FREE]
        fld1
        fldz
        fdivp
        FAULTS 16, 0, movd mm0, eax
        fnclex
        emms
        ; NE = 0: IRQ 13 is vector 75h here
        fninit
        mov word [FREE], 0x037B
        fldcw [FREE]
        mov eax, cr0
        and eax, ~0x20
        mov cr0, eax
        SET_UP_8259S 0x68, 0x70, 0xFB, 0xDF
        mov dword [hook], on_irq13
        sti
        fld1
        fldz
        fdivp
.waits: fld1
        cli
        EXPECT_EQ dword [irqs], 1
        EXPECT_EQ dword [seen_ip], .waits, 'IRQ 13 must come before the waiting instruction'
        fnstsw ax
        test al, 0x80
        EXPECT z, 'ES after the handler'
        mov dword [hook], 0
        ret
on_irq13:
        cmp dword [seen_vector], 0x75
        je .right
        mov dword [hook], 0
        jmp unexpected
.right: inc dword [irqs]
        xor eax, eax
        out 0xF0, al
        fnclex
        mov al, 0x20
        out 0xA0, al
        out 0x20, al
        ret
irqs:   dd 0
