; Expects (SDM vol. 2, RDTSC, RDTSCP, RDPID; vol. 3, 18.17.1; vol. 4, table 2-2): IA32_TSC is written as a whole, goes on from there
; and RDTSC and RDTSCP read it; RDTSCP and RDPID give IA32_TSC_AUX, whose upper half is reserved (#GP(0)); CR4.TSD makes RDTSCP
; #GP(0) at CPL 3, not RDPID; IA32_MISC_ENABLE: its MONITOR bit goes with CPUID, LOCK RDTSCP is #UD.
%define LONG_MODE
        %include "lib.inc"
main:
        mov eax, 0x80000001
        xor ecx, ecx
        cpuid
        bt edx, 27
        EXPECT c, 'no RDTSCP'
        ; IA32_TSC
        mov ecx, 0x10
        mov eax, 0xFFFFFF00
        mov edx, 0x12
        wrmsr
        rdtsc
        EXPECT_EQ edx, 0x12
        cmp eax, 0xFFFFFF00
        EXPECT ae, 'RDTSC before what was written'
        mov ecx, 10000
.wait:  loop .wait
        rdtsc
        mov ebx, eax
        mov edi, edx
        EXPECT_EQ edi, 0x13, 'the carry reaches the upper half'
        cmp ebx, 0x1000000
        EXPECT b, 'TSC far from what was written'
        mov ecx, 0x10
        rdmsr
        shl rdx, 32
        or rax, rdx
        shl rdi, 32
        or rdi, rbx
        cmp rax, rdi
        EXPECT a, 'RDMSR after RDTSC gives no later time'
        ; RDTSCP, RDPID
        mov ecx, 0xC0000103
        mov eax, 0x89ABCDEF
        xor edx, edx
        WORKS wrmsr
        mov edx, 1
        FAULTS 13, 0, wrmsr
        rdmsr
        EXPECT_EQ eax, 0x89ABCDEF
        EXPECT_EQ edx, 0
        mov rcx, -1
        mov rax, -1
        mov rdx, -1
        rdtscp
        mov ebx, 0x89ABCDEF
        EXPECT_EQ rcx, rbx, 'RDTSCP: RCX'
        bt rax, 32
        EXPECT nc, 'RDTSCP: RAX[63:32] is 0'
        EXPECT_EQ edx, 0x13, 'RDTSCP: EDX'
        FAULTS 6, 0, db 0xF0, 0x0F, 0x01, 0xF9              ; LOCK
        mov eax, 7
        xor ecx, ecx
        cpuid
        bt ecx, 22
        jnc .no_rdpid
        mov rax, -1
        WORKS db 0xF3, 0x0F, 0xC7, 0xF8                     ; RDPID RAX
        mov ebx, 0x89ABCDEF
        EXPECT_EQ rax, rbx, 'RDPID'
.no_rdpid:
        mov rax, cr4
        or eax, 4
        mov cr4, rax
        USER_FAULTS 13, 0, rdtscp
        WORKS rdtscp
        mov eax, 7
        xor ecx, ecx
        cpuid
        bt ecx, 22
        jnc .tsd_done
        USER_WORKS db 0xF3, 0x0F, 0xC7, 0xF8
.tsd_done:
        mov rax, cr4
        and eax, ~4
        mov cr4, rax
        USER_WORKS rdtscp
        ; IA32_MISC_ENABLE, bit 18: MONITOR
        mov ecx, 0x1A0
        rdmsr
        mov esi, eax
        mov edi, edx
        bt eax, 18
        jnc .no_monitor
        mov eax, 1
        cpuid
        bt ecx, 3
        EXPECT c, 'MISC_ENABLE says MONITOR, CPUID does not'
        mov ecx, 0x1A0
        mov eax, esi
        btr eax, 18
        mov edx, edi
        WORKS wrmsr
        mov eax, 1
        cpuid
        bt ecx, 3
        EXPECT nc, 'CPUID.MONITOR follows MISC_ENABLE'
        mov ecx, 0x1A0
        mov eax, esi
        mov edx, edi
        wrmsr
.no_monitor:
        ret
