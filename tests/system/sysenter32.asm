; Expects (SDM vol. 2, SYSENTER, SYSEXIT; vol. 3, 5.8.7): in 32-bit mode SYSENTER takes CS, EIP, ESP from its MSRs, SS = CS + 8,
; clears IF and VM, flat segments whatever the GDT says; SYSEXIT goes to CPL 3 with EIP = EDX, ESP = ECX, CS + 16, CS + 24;
; a null SYSENTER_CS is #GP(0) for both, SYSEXIT at CPL 3 and in real mode #GP(0); SYSENTER leaves virtual-8086 mode; SYSCALL
; is #UD outside 64-bit mode.
        %include "lib.inc"
        %include "v86.inc"
%macro WRITE_MSR 2
        mov ecx, %1
        mov eax, %2
        xor edx, edx
        wrmsr
%endmacro
main:
        FAULTS 13, 0, sysenter
        USER_FAULTS 13, 0, sysenter
        FAULTS 13, 0, sysexit
        FAULTS 6, 0, syscall
        FAULTS 6, 0, sysret
        WRITE_MSR 0x174, K_CODE
        WRITE_MSR 0x175, K_STACK - 0x5000
        WRITE_MSR 0x176, entry
        ARM .entered
        TO_USER .user, 0x3202
.user:  sysenter
.entered:
        EXPECT_SEEN NO_FAULT, 0, exited_end
        EXPECT_EQ dword [flags], 0x3002
        EXPECT_EQ word [cs_there], K_CODE
        EXPECT_EQ word [ss_there], K_DATA
        EXPECT_EQ dword [esp_there], K_STACK - 0x5000
        EXPECT_EQ dword [seen_cs], U_CODE32
        EXPECT_EQ dword [seen_ss], U_DATA
        EXPECT_EQ dword [seen_sp], U_STACK - 0x40
        USER_FAULTS 13, 0, sysexit
        COPY_V86
        V86 v_sysenter, 0x3000
        EXPECT_SEEN NO_FAULT, 0, exited_end
        EXPECT_EQ dword [flags], 0x3002, 'VM after SYSENTER'
        ret
entry:  mov ax, K_DATA
        mov ds, ax
        mov es, ax
        mov [esp_there], esp
        mov [cs_there], cs
        mov [ss_there], ss
        pushfd
        pop dword [flags]
        mov edx, exited
        mov ecx, U_STACK - 0x40
        sysexit
exited: int NO_FAULT
exited_end:
flags:  dd 0
esp_there: dd 0
cs_there: dd 0
ss_there: dd 0
        bits 16
v86_code:
v_sysenter: sysenter
v86_end:
        bits 32
