; Expects: the 8254's channel 0 interrupts through the 8259s (IRQ 0, periodically, HLT woken each time), then through the I/O APIC
; (input 2) with the 8259 masked, edge-triggered, vector and mask of the redirection entry; with the local APIC's TPR at or above
; the vector's class it waits; virtual wire (ExtINT at LINT0); the local APIC timer. Intel 8259A,
; 8254 and 82093AA datasheets; SDM vol. 3, 11.5.1 and 11.8.
        %include "lib.inc"
APIC  equ 0xFEE00000
IOAPIC equ 0xFEC00000
%macro IO_APIC 2
        mov dword [IOAPIC], %1
        mov dword [IOAPIC + 0x10], %2
%endmacro
main:
        mov dword [hook], on_irq
        SET_UP_8259S 0x60, 0x70, 0xFE, 0xFF
        ; rate generator, 1 kHz
        mov al, 0x34
        out 0x43, al
        mov al, 1193 & 0xFF
        out 0x40, al
        mov al, 1193 >> 8
        out 0x40, al
        mov dword [APIC + 0xF0], 0x1FF
        mov dword [APIC + 0x350], 0x700                     ; LINT0: ExtINT
        mov dword [expected], 0x60
        mov ecx, 5
.wait:  sti
        hlt
        cli
        loop .wait
        EXPECT_EQ dword [count], 5
        ; masked LINT0: nothing comes through
        mov dword [APIC + 0x350], 0x10700
        mov dword [count], 0
        call pause_2ms
        EXPECT_EQ dword [count], 0, 'interrupt through a masked LINT0'
        mov al, 0xFF
        out 0x21, al
        mov dword [APIC + 0x350], 0x700
        ; the I/O APIC
        mov dword [IOAPIC], 1
        mov eax, [IOAPIC + 0x10]
        shr eax, 16
        and eax, 0xFF
        EXPECT_EQ eax, 23, 'redirection entries'
        mov eax, [APIC + 0x20]
        and eax, 0xFF000000
        IO_APIC 0x15, eax
        IO_APIC 0x14, 0x61
        mov dword [count], 0
        mov dword [expected], 0x61
        mov ecx, 5
.wait2: sti
        hlt
        cli
        loop .wait2
        EXPECT_EQ dword [count], 5
        ; TPR holds it back, and lets it through
        mov dword [APIC + 0x80], 0x60
        mov dword [count], 0
        call pause_2ms
        EXPECT_EQ dword [count], 0, 'interrupt above TPR'
        mov eax, [APIC + 0x200 + 0x30]
        test eax, 2
        EXPECT nz, 'IRR'
        sti
        mov dword [APIC + 0x80], 0
        nop
        nop
        cli
        cmp dword [count], 0
        EXPECT ne, 'interrupt after TPR was lowered'
        ; masked entry
        IO_APIC 0x14, 0x10061
        mov dword [count], 0
        call pause_2ms
        cmp dword [count], 1
        EXPECT be, 'masked redirection entry'
        ; local APIC timer
        mov dword [count], 0
        mov dword [expected], 0x62
        mov dword [APIC + 0x3E0], 0xB
        mov dword [APIC + 0x320], 0x62
        mov dword [APIC + 0x380], 10000
        sti
        hlt
        cli
        EXPECT_EQ dword [count], 1
        mov eax, [APIC + 0x390]
        EXPECT_EQ eax, 0, 'one-shot count'
        call pause_2ms
        EXPECT_EQ dword [count], 1
        ; periodic
        mov dword [APIC + 0x320], 0x20062
        mov dword [APIC + 0x380], 10000
        mov ecx, 3
.wait3: sti
        hlt
        cli
        loop .wait3
        EXPECT_EQ dword [count], 4
        mov dword [APIC + 0x380], 0
        mov dword [hook], 0
        ret
; Two milliseconds by the 8254's channel 2, interrupts on.
pause_2ms:
        in al, 0x61
        and al, 0xFC
        or al, 1
        out 0x61, al
        mov al, 0xB0
        out 0x43, al
        mov al, 2386 & 0xFF
        out 0x42, al
        mov al, 2386 >> 8
        out 0x42, al
        sti
.poll:  in al, 0x61
        test al, 0x20
        jz .poll
        cli
        ret
on_irq:
        mov eax, [seen_vector]
        cmp eax, [expected]
        je .right
        mov dword [hook], 0
        jmp unexpected
.right: inc dword [count]
        cmp eax, 0x60
        jne .apic
        mov al, 0x20
        out 0x20, al
        ret
.apic:  mov dword [APIC + 0xB0], 0
        ret
count:    dd 0
expected: dd 0
