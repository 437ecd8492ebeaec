; Expects: while nobody has programmed the 8259s, the 8254 interrupts nobody through them: not by ExtINT at the local APIC's LINT0,
; and not while IA32_APIC_BASE.EN is clear and INTR leads straight to the core; programmed, the same timer interrupts at once. Intel
; 8259A datasheet, "Initialization": operation begins with ICW1.
        %include "lib.inc"
main:
        mov al, 0x34                    ; channel 0: rate generator, 1 kHz
        out 0x43, al
        mov al, 1193 & 0xFF
        out 0x40, al
        mov al, 1193 >> 8
        out 0x40, al
        mov dword [hook], on_irq
        mov dword [0xFEE000F0], 0x1FF
        mov dword [0xFEE00350], 0x700   ; LINT0: ExtINT
        call pause_10ms
        EXPECT_EQ dword [count], 0, 'interrupts by LINT0'
        mov ecx, 0x1B                   ; IA32_APIC_BASE
        rdmsr
        and ah, 0xF7
        wrmsr
        call pause_10ms
        EXPECT_EQ dword [count], 0, 'interrupts without the local APIC'
        SET_UP_8259S 0x60, 0x70, 0xFE, 0xFF
        call pause_10ms
        cmp dword [count], 7
        EXPECT a, 'interrupts of a programmed 8259'
        mov dword [hook], 0
        ret
; By the 8254's channel 2, interrupts on.
pause_10ms:
        in al, 0x61
        and al, 0xFC
        or al, 1
        out 0x61, al
        mov al, 0xB0
        out 0x43, al
        mov al, 11932 & 0xFF
        out 0x42, al
        mov al, 11932 >> 8
        out 0x42, al
        sti
.poll:  in al, 0x61
        test al, 0x20
        jz .poll
        cli
        ret
on_irq: inc dword [count]
        mov al, 0x20
        out 0x20, al
        ret
count:  dd 0
