; Expects (SDM vol. 3, 11.4.3, 11.6.1, 11.8): clearing IA32_APIC_BASE.EN takes the local APIC off the bus and CPUID.1:EDX[9] away, setting
; it brings both back; BSP is set; the base can be moved; reserved bits #GP(0); the ICR's delivery status reads idle after an IPI;
; a self-IPI, priorities of two pending vectors, EOI, ISR and IRR bits; illegal vectors; software disable.
        %include "lib.inc"
APIC  equ 0xFEE00000
main:
        mov ecx, 0x1B
        rdmsr
        EXPECT_EQ eax, 0xFEE00900
        EXPECT_EQ edx, 0
        mov ebx, [APIC + 0x30]
        mov eax, 1
        cpuid
        bt edx, 9
        EXPECT c, 'CPUID.APIC'
        ; off
        mov ecx, 0x1B
        mov eax, 0xFEE00100
        xor edx, edx
        WORKS wrmsr
        mov eax, 1
        cpuid
        bt edx, 9
        EXPECT nc, 'CPUID.APIC while disabled'
        mov eax, [APIC + 0x30]
        cmp eax, [APIC + 0x20]
        EXPECT e, 'a disabled APIC still answers'
        mov ecx, 0x1B
        mov eax, 0xFEE00900
        xor edx, edx
        WORKS wrmsr
        mov eax, [APIC + 0x30]
        movzx ebx, al
        and ebx, 0xF0
        EXPECT_EQ ebx, 0x10, 'version'
        mov eax, 1
        cpuid
        bt edx, 9
        EXPECT c, 'CPUID.APIC after enabling again'
        ; moved
        mov ecx, 0x1B
        mov eax, 0xFED80900
        xor edx, edx
        WORKS wrmsr
        mov eax, [0xFED80030]
        and eax, 0xF0
        EXPECT_EQ eax, 0x10
        mov eax, 0xFEE00900
        wrmsr
        or eax, 2
        FAULTS 13, 0, wrmsr
        mov eax, 0xFEE00900
        mov edx, 0x80000000
        FAULTS 13, 0, wrmsr
        ; IPIs
        mov dword [hook], note
        mov dword [APIC + 0xF0], 0x1FF
        mov dword [APIC + 0x80], 0
        mov dword [APIC + 0x310], 0
        mov dword [APIC + 0x300], 0x00044041
        mov eax, [APIC + 0x300]
        test eax, 0x1000
        EXPECT z, 'delivery status'
        mov dword [APIC + 0x300], 0x00044093
        mov eax, [APIC + 0x220]
        EXPECT_EQ eax, 2, 'IRR of 41h'
        mov eax, [APIC + 0x240]
        EXPECT_EQ eax, 1 << 19, 'IRR of 93h'
        sti
        nop
        nop
        cli
        EXPECT_EQ dword [count], 2
        EXPECT_EQ dword [log], 0x93, 'the higher vector first'
        EXPECT_EQ dword [log + 4], 0x41
        EXPECT_EQ dword [in_service], 1 << 19
        mov eax, [APIC + 0x140]
        EXPECT_EQ eax, 0, 'ISR after EOI'
        ; without EOI, the same class waits
        mov dword [count], 0
        mov dword [keep], 1
        mov dword [APIC + 0x300], 0x00044093
        mov dword [APIC + 0x300], 0x00044091
        sti
        nop
        nop
        cli
        EXPECT_EQ dword [count], 1
        mov eax, [APIC + 0xA0]
        EXPECT_EQ eax, 0x90, 'PPR'
        mov dword [keep], 0
        mov dword [APIC + 0xB0], 0
        sti
        nop
        nop
        cli
        EXPECT_EQ dword [count], 2
        EXPECT_EQ dword [log + 4], 0x91
        ; a vector below 10h sets the error status (bit 5: send illegal vector)
        mov dword [APIC + 0x280], 0
        mov dword [APIC + 0x300], 0x00044008
        mov dword [APIC + 0x280], 0
        mov eax, [APIC + 0x280]
        test eax, 0x60
        EXPECT nz, 'illegal vector'
        ; software-disabled: LVT masked, IPIs refused
        mov dword [APIC + 0xF0], 0xFF
        mov eax, [APIC + 0x350]
        test eax, 0x10000
        EXPECT nz, 'LVT mask of a software-disabled APIC'
        mov dword [APIC + 0x350], 0x700
        mov eax, [APIC + 0x350]
        test eax, 0x10000
        EXPECT nz, 'the mask cannot be cleared then'
        ret
note:   mov edx, [count]
        and edx, 7
        mov eax, [seen_vector]
        mov [log + edx * 4], eax
        cmp edx, 0
        jne .later
        mov eax, [APIC + 0x140]
        mov [in_service], eax
.later: inc dword [count]
        cmp dword [keep], 0
        jne .out
        mov dword [APIC + 0xB0], 0
.out:   ret
count:  dd 0
keep:   dd 0
in_service: dd 0
log:    times 8 dd 0
