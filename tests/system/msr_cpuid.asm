; Expects (SDM vol. 4, table 2-2; vol. 2 RDMSR, WRMSR, CPUID; vol. 3, 2.2.1, 2.5): unknown MSRs, reserved bits and CPL 3 are
; #GP(0); EFER: LMA cannot be written, LME cannot change with paging on; CR0, CR4, CR8 rules; CPUID leaves agree with CR4 bits
; that can be set and with what executes; RDTSC grows, CR4.TSD makes it #GP(0) at CPL 3; XSETBV rules; UMIP.
%define LONG_MODE
        %include "lib.inc"
main:
        mov ecx, 0x12345
        FAULTS 13, 0, rdmsr
        FAULTS 13, 0, wrmsr
        mov ecx, 0xC0001FFF
        FAULTS 13, 0, rdmsr
        mov ecx, 0x1B
        USER_FAULTS 13, 0, rdmsr
        USER_FAULTS 13, 0, wrmsr
        mov ecx, 0x1B
        rdmsr
        and eax, 0xFFFFFD00
        EXPECT_EQ eax, 0xFEE00900 & 0xFFFFFD00
        ; EFER
        mov ecx, 0xC0000080
        rdmsr
        test eax, 0x400
        EXPECT nz, 'LMA'
        mov ebx, eax
        and eax, ~0x100
        FAULTS 13, 0, wrmsr                                 ; LME with paging on
        mov eax, ebx
        xor eax, 0x400
        WORKS wrmsr                                         ; LMA ignored
        rdmsr
        EXPECT_EQ eax, ebx
        mov eax, ebx
        or eax, 2
        FAULTS 13, 0, wrmsr
        mov eax, ebx
        mov edx, 1
        FAULTS 13, 0, wrmsr
        ; PAT, MTRRs
        mov ecx, 0x277
        mov eax, 0x00070406
        mov edx, eax
        WORKS wrmsr
        mov eax, 2
        FAULTS 13, 0, wrmsr
        mov ecx, 0x200
        mov eax, 2
        xor edx, edx
        FAULTS 13, 0, wrmsr
        mov ecx, 0xFE
        FAULTS 13, 0, wrmsr
        ; control registers
        mov rax, cr0
        mov rbx, rax
        bts rax, 32
        FAULTS 13, 0, mov cr0, rax
        mov rax, rbx
        btr rax, 0
        FAULTS 13, 0, mov cr0, rax                          ; PG without PE
        mov rax, rbx
        btr rax, 30
        bts rax, 29
        FAULTS 13, 0, mov cr0, rax                          ; NW without CD
        mov rax, cr4
        mov rbx, rax
        bts rax, 63
        FAULTS 13, 0, mov cr4, rax
        mov rax, rbx
        bts rax, 13                                         ; VMXE: no VMX here
        FAULTS 13, 0, mov cr4, rax
        FAULTS 6, 0, db 0x0F, 0x20, 0xC8                    ; MOV EAX, CR1
        FAULTS 6, 0, db 0x0F, 0x20, 0xE8                    ; CR5
        FAULTS 6, 0, db 0x44, 0x0F, 0x20, 0xC8              ; CR9
        mov eax, 5
        WORKS mov cr8, rax
        mov rax, cr8
        EXPECT_EQ eax, 5
        mov eax, 16
        FAULTS 13, 0, mov cr8, rax
        xor eax, eax
        mov cr8, rax
        USER_FAULTS 13, 0, mov rax, cr0
        USER_FAULTS 13, 0, mov cr3, rax
        USER_FAULTS 13, 0, hlt
        USER_FAULTS 13, 0, cli
        USER_FAULTS 13, 0, lgdt [gdt_pointer]
        USER_FAULTS 13, 0, wbinvd
        USER_FAULTS 13, 0, clts
        USER_FAULTS 13, 0, mov rax, cr8
        ; CPUID: the highest leaves, long mode, XCR0 size, and CR4 bits that can be set go with feature bits
        xor eax, eax
        cpuid
        cmp eax, 7
        EXPECT ae, 'basic leaves'
        mov eax, 0x80000000
        cpuid
        cmp eax, 0x80000008
        EXPECT ae, 'extended leaves'
        mov eax, 0x80000001
        cpuid
        bt edx, 29
        EXPECT c, 'CPUID says no long mode'
        mov eax, 7
        xor ecx, ecx
        cpuid
        mov edi, ebx
        mov esi, ecx
%macro FOLLOWS 2                                            ; CR4 bit, CPUID register and bit in CF
        %2
        setc bl
        mov rax, cr4
        bts rax, %1
        ARM %%done
        mov cr4, rax
%%done: mov nword [recover], 0
        cmp dword [seen_vector], NOTHING
        sete bh
        mov rcx, cr4
        btr rcx, %1
        mov cr4, rcx
        EXPECT_EQ bl, bh, 'CR4 bit and CPUID disagree'
%endmacro
        FOLLOWS 16, {bt edi, 0}                             ; FSGSBASE
        FOLLOWS 11, {bt esi, 2}                             ; UMIP
        FOLLOWS 22, {bt esi, 3}                             ; PKE
        FOLLOWS 12, {bt esi, 16}                            ; LA57 cannot be set in 64-bit mode
        ; TSC
        rdtsc
        mov ebx, eax
        mov ecx, 100
.wait:  loop .wait
        rdtsc
        sub eax, ebx
        cmp eax, 0
        EXPECT g, 'TSC does not grow'
        mov rax, cr4
        or eax, 4
        mov cr4, rax
        USER_FAULTS 13, 0, rdtsc
        WORKS rdtsc
        mov rax, cr4
        and eax, ~4
        mov cr4, rax
        USER_WORKS rdtsc
        mov ecx, 0
        USER_FAULTS 13, 0, rdpmc
        ; OSXSAVE and XSETBV
        mov eax, 1
        cpuid
        bt ecx, 26
        jnc .no_xsave
        bt ecx, 27
        EXPECT nc, 'OSXSAVE before CR4.OSXSAVE'
        xor ecx, ecx
        FAULTS 6, 0, xgetbv
        mov rax, cr4
        bts rax, 18
        mov cr4, rax
        mov eax, 1
        cpuid
        bt ecx, 27
        EXPECT c, 'OSXSAVE follows CR4'
        xor ecx, ecx
        xor edx, edx
        mov eax, 1
        WORKS xsetbv
        xor eax, eax
        FAULTS 13, 0, xsetbv                                ; x87 must stay
        mov eax, 5
        FAULTS 13, 0, xsetbv                                ; AVX without SSE
        mov edx, 0x80000000
        mov eax, 1
        FAULTS 13, 0, xsetbv
        xor edx, edx
        mov ecx, 1
        FAULTS 13, 0, xsetbv
        xor ecx, ecx
        mov eax, 3
        xor edx, edx
        USER_FAULTS 13, 0, xsetbv
        WORKS xsetbv
.no_xsave:
        ; UMIP
        bt esi, 2
        jnc .no_umip
        USER_WORKS sgdt [FREE]
        mov rax, cr4
        bts rax, 11
        mov cr4, rax
        USER_FAULTS 13, 0, sgdt [FREE]
        USER_FAULTS 13, 0, sidt [FREE]
        USER_FAULTS 13, 0, sldt ax
        USER_FAULTS 13, 0, str ax
        USER_FAULTS 13, 0, smsw ax
        WORKS sgdt [FREE]
.no_umip:
        ret
