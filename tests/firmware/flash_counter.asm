; A firmware of 64 KiB for a flash memory that counts its starts in the memory itself: byte n of the first block is
; programmed to 00h by start n. Before that it asks the chip for its CFI query. It runs from below 1 MiB, where the ROM
; stays readable while the chip below 4 GiB answers to commands.
;
; On port E9h: "QRY boot 0", then the status register after programming when that is not 80h, then a new line. The fourth
; start erases the block and says "erased". Port F4h ends it: status 33.
        bits 16
        org 0
BASE    equ 0xFFFF0000          ; of the first block

        times 0x1000 db 0xFF    ; the counters: a block as it is when erased
start:
        cli
        lgdt [cs:gdt_register]
        mov eax, cr0
        or al, 1
        mov cr0, eax
        mov bx, 8
        mov ds, bx              ; 4 GiB long, also after the way back
        and al, 0xFE
        mov cr0, eax
        xor bx, bx
        mov ds, bx

        mov ebx, BASE
        mov byte [ebx + 0x55], 0x98     ; Read Query
        mov al, [ebx + 0x10]
        out 0xE9, al
        mov al, [ebx + 0x11]
        out 0xE9, al
        mov al, [ebx + 0x12]
        out 0xE9, al
        mov byte [ebx], 0xFF            ; Read Array
        mov si, boot
        call print

        xor ecx, ecx
.find:  cmp byte [ebx + ecx], 0xFF
        je .found
        inc ecx
        jmp .find
.found: mov al, '0'
        add al, cl
        out 0xE9, al
        mov byte [ebx + ecx], 0x40      ; Byte Program
        mov byte [ebx + ecx], 0x00
        mov dl, [ebx]                   ; the status register
        mov byte [ebx], 0x50            ; Clear Status Register
        mov byte [ebx], 0xFF
        cmp dl, 0x80
        jne .failed
        cmp byte [ebx + ecx], 0x00
        jne .failed
        cmp cl, 3
        jne .end
        mov byte [ebx], 0x20            ; Block Erase
        mov byte [ebx], 0xD0
        mov byte [ebx], 0xFF
        cmp dword [ebx], 0xFFFFFFFF
        jne .failed
        mov si, erased
        call print
        jmp .end
.failed:
        mov al, ' '
        out 0xE9, al
        mov al, dl
        shr al, 4
        call digit
        mov al, dl
        and al, 15
        call digit
.end:   mov al, 10
        out 0xE9, al
        mov al, 16
        out 0xF4, al
        hlt

digit:  cmp al, 10
        jb .low
        add al, 'A' - '0' - 10
.low:   add al, '0'
        out 0xE9, al
        ret

print:  cs lodsb
        test al, al
        jz .end
        out 0xE9, al
        jmp print
.end:   ret

boot:   db " boot ", 0
erased: db " erased", 0

        align 8
gdt:    dq 0
        dw 0xFFFF, 0, 0x9200, 0x00CF
gdt_register:
        dw 15
        dd 0xF0000 + gdt

        times 0xFFF0 - ($ - $$) db 0xFF
        jmp 0xF000:start
        times 0x10000 - ($ - $$) db 0xFF
