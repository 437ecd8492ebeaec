; A diskette that shows scenes: modes of the VGA and of Bochs's display interface, set by their registers and filled with
; patterns. A scene is a table of actions (actions.inc); this program takes them one after the other, and so does
; replay.cpp on the reference. On COM1 it waits for a byte, then shows a scene, says 'P' and waits again; bytes that a
; scene reads from memory go there, each after an 'R'. At last it says 'E'. Whatever the firmware left, a scene sets
; every register and clears what it shows.
;
; Before the scenes it asks the video BIOS for EDID (INT 10h, AX = 4F15h): 'D', then AX and BX as two bytes each and
; 128 bytes of the block.
        org 0x7C00
        bits 16
SECTORS equ 64                  ; behind the boot sector
COM1    equ 0x3F8
LINEAR  equ 0x1000              ; where main keeps the linear frame buffer's address
EDID    equ 0x1100
EDID_AX equ 0x1180
EDID_BX equ 0x1182

boot:
        cli
        xor ax, ax
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov sp, boot
        sti
        cld
        mov si, 1               ; sector on the diskette: 18 a track, 2 heads
        mov bx, boot + 512
.sector:
        mov ax, si
        mov cl, 18
        div cl
        mov cl, ah
        inc cl
        mov dh, al
        and dh, 1
        shr al, 1
        mov ch, al
        mov dl, 0
        mov ax, 0x0201
        int 0x13
        jc .failed
        add bx, 512
        inc si
        cmp si, SECTORS + 1
        jb .sector

        mov ax, 0x4F15          ; VBE/DDC: read EDID block 0
        mov bx, 0x0001
        xor cx, cx
        xor dx, dx
        mov di, EDID
        int 0x10
        xor cx, cx
        mov ds, cx
        mov [EDID_AX], ax
        mov [EDID_BX], bx
        cli
        lgdt [gdt_pointer]
        mov eax, cr0
        or al, 1
        mov cr0, eax
        jmp 8:main
.failed:
        hlt
        jmp .failed
        align 8
gdt:    dq 0
        dq 0x00CF9B000000FFFF
        dq 0x00CF93000000FFFF
gdt_pointer:
        dw 23
        dd gdt
        times 510 - ($ - $$) db 0
        dw 0xAA55

        bits 32
main:
        mov ax, 16
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov esp, 0x7000
        in al, 0x92             ; A20
        or al, 2
        out 0x92, al
        call find_linear
        mov dx, COM1 + 3        ; 8 bits, no parity; 115200 bit/s; no interrupts, no FIFO
        mov al, 0x83
        out dx, al
        mov dx, COM1
        mov al, 1
        out dx, al
        inc dx
        mov al, 0
        out dx, al
        mov dx, COM1 + 3
        mov al, 3
        out dx, al
        mov dx, COM1 + 2
        mov al, 0
        out dx, al
        mov dx, COM1 + 1
        out dx, al
        mov dx, COM1 + 4
        mov al, 3
        out dx, al
        call wait_byte
        mov al, 'D'
        call say
        mov esi, EDID_AX
        mov ecx, 4
        call say_bytes
        mov esi, EDID
        mov ecx, 128
        call say_bytes
        mov esi, scenes
next:   ; esi -> action
        xor eax, eax
        lodsb
        jmp [handlers + eax * 4]

        align 4
handlers:
        dd do_end, do_scene, do_out, do_in, do_dispi, do_pattern, do_modify, do_copy, do_report, do_linear, do_palette, do_done

do_end: mov al, 'E'
        call say
.hang:  hlt
        jmp .hang
do_scene:                       ; its name, ending in 0
        lodsb
        test al, al
        jnz do_scene
        call wait_byte
        jmp next
do_out: lodsw                   ; port, value
        mov edx, eax
        lodsb
        out dx, al
        jmp next
do_in:  lodsw                   ; port
        mov edx, eax
        in al, dx
        jmp next
do_dispi:                       ; index, value
        mov dx, 0x1CE
        lodsw
        out dx, ax
        inc edx
        lodsw
        out dx, ax
        jmp next
do_pattern:                     ; address, count, first, step, step from each 256th to the next
        lodsd
        mov edi, eax
        lodsd
        mov ecx, eax
        lodsb
        mov ah, al              ; value
        mov bx, [esi]
        add esi, 2
.byte:  mov [edi], ah
        inc edi
        add ah, bl
        dec ecx
        jz next
        mov edx, edi
        test dl, dl
        jnz .byte
        add ah, bh
        jmp .byte
do_modify:                      ; address, count, value, bytes from one to the next: each is read, then written
        lodsd
        mov edi, eax
        lodsd
        mov ecx, eax
        xor eax, eax
        lodsb
        mov bl, al
        lodsw
.byte:  mov dl, [edi]
        mov [edi], bl
        add edi, eax
        loop .byte
        jmp next
do_copy:                        ; from, to, count
        lodsd
        mov ebx, eax
        lodsd
        mov edi, eax
        lodsd
        mov ecx, eax
.byte:  mov al, [ebx]
        mov [edi], al
        inc ebx
        inc edi
        loop .byte
        jmp next
do_report:                      ; address, count
        lodsd
        mov edi, eax
        lodsd
        mov ecx, eax
.byte:  mov al, 'R'
        call say
        mov al, [edi]
        call say
        inc edi
        loop .byte
        jmp next
do_linear:                      ; offset, count, first, step: doublewords
        lodsd
        mov edi, eax
        add edi, [LINEAR]
        lodsd
        mov ecx, eax
        mov eax, [esi]
        mov ebx, [esi + 4]
        add esi, 8
.dword: mov [edi], eax
        add edi, 4
        add eax, ebx
        loop .dword
        jmp next
do_palette:                     ; mask: 256 colours that all differ
        lodsb
        mov bh, al
        mov dx, 0x3C8
        mov al, 0
        out dx, al
        inc edx
        xor ecx, ecx
.colour:
        mov al, cl              ; red: 7 k
        mov bl, 7
        mul bl
        and al, bh
        out dx, al
        mov al, cl              ; green: k xor k / 8
        shr al, 3
        xor al, cl
        and al, bh
        out dx, al
        mov al, cl              ; blue: k, or k / 4 in six bits
        cmp bh, 0xFF
        je .blue
        shr al, 2
.blue:  out dx, al
        inc ecx
        cmp ecx, 256
        jb .colour
        jmp next
do_done:
        mov al, 'P'
        call say
        jmp next

say:    push edx
        push eax
        mov edx, COM1 + 5
.wait:  in al, dx
        test al, 0x20
        jz .wait
        mov edx, COM1
        pop eax
        out dx, al
        pop edx
        ret
say_bytes:                      ; ecx from esi
        lodsb
        call say
        loop say_bytes
        ret
wait_byte:
        mov edx, COM1 + 5
.wait:  in al, dx
        test al, 1
        jz .wait
        mov edx, COM1
        in al, dx
        ret

; The display adapter, PCI class 0300h on bus 0: its base address register 0.
find_linear:
        mov ebx, 0x80000000
.slot:  lea eax, [ebx + 8]
        call config
        shr eax, 16
        cmp eax, 0x0300
        je .found
        add ebx, 0x800
        cmp ebx, 0x80010000
        jb .slot
        hlt
.found: lea eax, [ebx + 0x10]
        call config
        and eax, 0xFFFFFFF0
        mov [LINEAR], eax
        ret
config: mov edx, 0xCF8
        out dx, eax
        mov edx, 0xCFC
        in eax, dx
        ret

%include "actions.inc"
        db 'VGASCENES'          ; replay.cpp looks for this
scenes:
%include "text.inc"
%include "planar.inc"
%include "colours256.inc"
%include "bochs.inc"
        END
        times (SECTORS + 1) * 512 - ($ - $$) db 0
        times 1474560 - ($ - $$) db 0
