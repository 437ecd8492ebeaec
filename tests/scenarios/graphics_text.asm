; A diskette whose boot sector writes text in graphics modes by the video BIOS, and goes on with a key. Its scenario
; reads every text from the screen: 640x480 in planes, 320x200 with doubled dots, 640x480 in a linear frame buffer.
bits 16
org 0x7C00

start:
    xor ax, ax
    mov ds, ax
    mov ss, ax
    mov sp, 0x7C00
    mov al, 0x42
    out 0x80, al
    mov ax, 0x0012
    int 0x10
    mov si, planes
    call print
    mov ax, 0x0013
    int 0x10
    mov si, small
    call print
    mov ax, 0x4F02
    mov bx, 0x4101              ; 640x480, 256 colours, linear frame buffer
    int 0x10
    mov si, linear
    call print
    mov dx, 0x604               ; PM1_CNT: SLP_EN
    mov ax, 0x2000
    out dx, ax
halt:
    hlt
    jmp halt

; Prints the text at SI in colour 7 and waits for a key.
print:
    lodsb
    test al, al
    jz .key
    mov ah, 0x0E
    mov bx, 0x0007
    int 0x10
    jmp print
.key:
    xor ah, ah
    int 0x16
    ret

planes: db "Gr", 0x81, 0xE1, "e in mode 12h", 0
small:  db "mode 13h", 13, 10, "second line", 0
linear: db "linear mode 101h", 0

    times 510 - ($ - $$) db 0
    dw 0xAA55
    times 1474560 - ($ - $$) db 0
