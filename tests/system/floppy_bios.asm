; Expects: SeaBIOS boots this diskette (boot order a) and its INT 13h finds drive and diskette: parameters (AH=08h), reads from
; two places, a write that is read back, verify (AH=04h), reset; a sector number beyond the track and a buffer that
; crosses 64 KiB are refused.
; boot: floppy
; seconds: 250
        org 0x7C00
        bits 16
SECTORS equ 18
        xor ax, ax
        mov ds, ax
        mov ss, ax
        mov sp, 0x7000
        cld
        cmp dl, 0
        mov bl, '1'
        jne fail

        mov ah, 0x08
        xor di, di
        mov es, di
        int 0x13
        mov bh, bl
        mov bl, '2'
        jc fail
        cmp cx, 79 << 8 | SECTORS
        jne fail
        cmp dx, 0x0101              ; one side more, one drive
        jne fail
        cmp bh, 4
        jne fail

        mov ax, 0x1000
        mov es, ax
        mov bl, '3'                 ; cylinder 0, side 0, sectors 2 to 18
        mov ax, 0x0200 | SECTORS - 1
        mov cx, 2
        mov dx, 0
        call disk
        jc fail
        mov cx, 1
.look:  mov di, cx
        shl di, 9
        cmp [es:di - 512], cx
        jne fail
        cmp [es:di - 2], cx
        jne fail
        inc cx
        cmp cx, SECTORS
        jb .look

        mov bl, '4'                 ; cylinder 41, side 1
        mov ax, 0x0202
        mov cx, 41 << 8 | 17
        mov dx, 0x0100
        call disk
        jc fail
        cmp word [es:0], (41 * 2 + 1) * SECTORS + 16
        jne fail
        cmp word [es:512], (41 * 2 + 1) * SECTORS + 17
        jne fail

        mov bl, '5'
        mov word [es:0], 0xBEEF
        mov ax, 0x0302
        mov cx, 41 << 8 | 1
        mov dx, 0x0100
        call disk
        jc fail
        mov word [es:0], 0
        mov ax, 0x0201
        mov cx, 41 << 8 | 1
        call disk
        jc fail
        cmp word [es:0], 0xBEEF
        jne fail
        cmp word [es:510], (41 * 2 + 1) * SECTORS + 16
        jne fail

        mov bl, '6'
        mov ax, 0x0404
        mov cx, 41 << 8 | 3
        call disk
        jc fail
        mov bl, '7'
        mov ax, 0x0201
        mov cx, 41 << 8 | 19
        call disk
        jnc fail
        mov bl, '8'
        mov ax, 0x1FF0
        mov es, ax
        mov ax, 0x0201
        mov cx, 41 << 8 | 3
        call disk
        jnc fail
        cmp ah, 9
        jne fail
        mov bl, '9'
        mov ax, 0
        call disk
        jc fail
        xor al, al
        out 0xF4, al
halt:   hlt
        jmp halt
fail:   mov al, bl
        out 0xE9, al
        mov al, 1
        out 0xF4, al
        jmp halt
; INT 13h at es:0; keeps bl
disk:   push bx
        xor bx, bx
        int 0x13
        pop bx
        ret
        times 510 - ($ - $$) db 0
        dw 0xAA55
; every other sector is filled with its number, from 1
%assign sector 1
%rep 2 * 80 * SECTORS - 1
        times 256 dw sector
    %assign sector sector + 1
%endrep
