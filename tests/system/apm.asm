; Expects: multiboot's information names an APM 1.2 BIOS with a 32-bit interface (APM specification 1.2, chapter 4): its version, mains
; power, no event pending (error 80h), an unknown function (0Ch) and suspend (60h) refused, and power off, which ends the run.
; status: 0
        %include "lib.inc"
APM_CODE equ 0x88
main:
        mov ebx, [multiboot_info]
        test dword [ebx], 1 << 10
        EXPECT nz, 'no APM table'
        mov esi, [ebx + 68]
        EXPECT_EQ word [esi], 0x102
        EXPECT_EQ word [esi + 12], 2, 'flags: only a 32-bit interface'
        ; a code segment where the table says, as long as it says
        movzx eax, word [esi + 2]
        shl eax, 4
        mov [gdt + APM_CODE + 2], eax
        mov byte [gdt + APM_CODE + 5], 0x9B
        mov byte [gdt + APM_CODE + 6], 0x40
        movzx eax, word [esi + 14]
        dec eax
        mov [gdt + APM_CODE], ax
        mov eax, [esi + 4]
        mov [entry], eax

        mov eax, 0x530E                                     ; driver version
        mov ebx, 0
        mov ecx, 0x102
        call far [entry]
        EXPECT nc, 'version'
        EXPECT_EQ ax, 0x102
        mov eax, 0x530A                                     ; power status
        mov ebx, 1
        call far [entry]
        EXPECT nc, 'power status'
        EXPECT_EQ bx, 0x1FF
        EXPECT_EQ cx, 0x80FF
        mov eax, 0x530B                                     ; an event?
        call far [entry]
        EXPECT c, 'event'
        EXPECT_EQ ah, 0x80
        mov eax, 0x5306
        call far [entry]
        EXPECT c, 'unknown function'
        EXPECT_EQ ah, 0x0C
        mov eax, 0x5307                                     ; suspend
        mov ebx, 1
        mov ecx, 2
        call far [entry]
        EXPECT c, 'suspend'
        EXPECT_EQ ah, 0x60
        mov eax, 0x530F                                     ; engage
        mov ebx, 1
        mov ecx, 1
        call far [entry]
        EXPECT nc, 'engage'
        mov eax, 0x5307                                     ; off
        mov ebx, 1
        mov ecx, 3
        call far [entry]
        cmp eax, eax
        EXPECT ne, 'power off returned'
        ret
entry:  dd 0
        dw APM_CODE
