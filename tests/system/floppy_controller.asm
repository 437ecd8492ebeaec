; Expects: the 82077AA driven without a BIOS. After its reset four drives are sensed; recalibrate and seek interrupt on IRQ 6 and
; clear the disk change line; a track goes out and comes back by DMA channel 2; a sector comes and goes byte by byte without
; DMA, where the end of the cylinder ends the command; a wrong cylinder finds no data; a track is formatted.
; Intel 82077AA datasheet, chapters 2, 5 and 6; 8237A datasheet.
; floppy: 1474560
        %include "lib.inc"
DOR    equ 0x3F2
MSR    equ 0x3F4
FIFO   equ 0x3F5
DIR    equ 0x3F7
BUFFER equ 0x400000                 ; what is written; page 40h
BACK   equ 0x410000                 ; what is read
SECTOR equ 512
TRACK  equ 18 * SECTOR

; COMMAND byte...: the bytes of a command phase
%macro COMMAND 1-*
        mov esi, %%bytes
        mov ecx, %0
        call send
        jmp %%next
%%bytes:
    %rep %0
        db %1
        %rotate 1
    %endrep
%%next:
%endmacro
; RESULT byte...: the bytes of the result phase
%define RESULT RESULT_AT __LINE__,
%macro RESULT_AT 2-*
    %assign %%line %1
        mov esi, %%bytes
        mov ecx, %0 - 1
        call receive
        jmp %%next
%%bytes:
    %rep %0 - 1
        %rotate 1
        db %1
    %endrep
%%next:
        mov eax, [seen_result]      
        EXPECT_EQ_AT %%line, dword [wrong_results], 0, 'result bytes'
%endmacro

main:
        call program_pics
        mov dword [hook], on_irq
        mov dx, DOR
        xor al, al
        out dx, al
        mov al, 0x0C
        out dx, al
        call wait_irq
        COMMAND 0x08
        RESULT 0xC0, 0
        COMMAND 0x08
        RESULT 0xC1, 0
        COMMAND 0x08
        RESULT 0xC2, 0
        COMMAND 0x08
        RESULT 0xC3, 0
        COMMAND 0x10
        RESULT 0x90
        mov dx, DIR
        xor al, al                  ; 500 kbit/s
        out dx, al
        mov dx, DOR
        mov al, 0x1C
        out dx, al
        COMMAND 0x03, 0xDF, 0x02    ; 3 ms steps, head load 2 ms, DMA
        COMMAND 0x0F, 0x00, 1
        call wait_irq
        COMMAND 0x08
        RESULT 0x20, 1
        mov dx, DIR
        in al, dx
        test al, 0x80
        EXPECT z, 'disk change after a step'
        COMMAND 0x07, 0x00
        call wait_irq
        COMMAND 0x08
        RESULT 0x20, 0
        COMMAND 0x04, 0x00
        RESULT 0x38                 ; at track 0, may be written

        ; a track by DMA and back
        mov edi, BUFFER
        mov eax, 0x12345678
        mov ecx, TRACK / 4
.fill:  stosd
        imul eax, eax, 1664525
        add eax, 1013904223
        loop .fill
        mov al, 0x4A                ; single, from memory
        mov ebx, BUFFER
        mov ecx, TRACK
        call program_dma
        COMMAND 0x45, 0x00, 0, 0, 1, 2, 18, 0x1B, 0xFF
        call wait_irq
        RESULT 0x00, 0, 0, 1, 0, 1, 2
        mov al, 0x46                ; single, to memory
        mov ebx, BACK
        mov ecx, TRACK
        call program_dma
        COMMAND 0x46, 0x00, 0, 0, 1, 2, 18, 0x1B, 0xFF
        call wait_irq
        RESULT 0x00, 0, 0, 1, 0, 1, 2
        mov esi, BUFFER
        mov ecx, TRACK
        call compare
        in al, 0x08
        test al, 4
        EXPECT nz, 'terminal count of channel 2'

        ; the last sector without DMA: no TC, so the cylinder's end ends it
        COMMAND 0x03, 0xDF, 0x03
        COMMAND 0x46, 0x00, 0, 0, 18, 2, 18, 0x1B, 0xFF
        mov edi, BACK
        mov ecx, SECTOR
        mov bl, 0xF0                ; RQM, DIO, NON DMA, BUSY
.read:  call wait_service
        in al, dx
        stosb
        loop .read
        RESULT 0x40, 0x80, 0, 1, 0, 1, 2
        mov esi, BUFFER + 17 * SECTOR
        mov ecx, SECTOR
        call compare
        COMMAND 0x45, 0x04, 0, 1, 18, 2, 18, 0x1B, 0xFF
        mov esi, BUFFER
        mov ecx, SECTOR
        mov bl, 0xB0                ; RQM, NON DMA, BUSY
.write: call wait_service
        lodsb
        out dx, al
        loop .write
        RESULT 0x44, 0x80, 0, 1, 1, 1, 2
        COMMAND 0x03, 0xDF, 0x02
        mov al, 0x46
        mov ebx, BACK
        mov ecx, SECTOR
        call program_dma
        COMMAND 0x46, 0x04, 0, 1, 18, 2, 18, 0x1B, 0xFF
        call wait_irq
        RESULT 0x04, 0, 0, 1, 1, 1, 2
        mov esi, BUFFER
        mov ecx, SECTOR
        call compare

        ; cylinder 40: the heads are over it, the command asks for 41
        COMMAND 0x0F, 0x00, 40
        call wait_irq
        COMMAND 0x08
        RESULT 0x20, 40
        COMMAND 0x46, 0x00, 41, 0, 1, 2, 18, 0x1B, 0xFF
        call wait_irq
        RESULT 0x40, 0x04, 0x10, 41, 0, 1, 2

        ; format it
        mov edi, BUFFER
        mov ecx, 1
.id:    mov eax, 0x02000028         ; C 40, H 0, R, N 2
        mov ebx, ecx
        shl ebx, 16
        or eax, ebx
        stosd
        inc ecx
        cmp ecx, 18
        jbe .id
        mov al, 0x4A
        mov ebx, BUFFER
        mov ecx, 18 * 4
        call program_dma
        COMMAND 0x4D, 0x00, 2, 18, 0x54, 0xE5
        call wait_irq
        call drop_results
        EXPECT_EQ byte [first_result], 0, 'format'
        mov edi, BUFFER
        mov al, 0xE5
        mov ecx, SECTOR
        rep stosb
        mov al, 0x46
        mov ebx, BACK
        mov ecx, SECTOR
        call program_dma
        COMMAND 0x46, 0x00, 40, 0, 7, 2, 18, 0x1B, 0xFF
        call wait_irq
        RESULT 0x00, 0, 0, 40, 0, 8, 2
        mov esi, BUFFER
        mov ecx, SECTOR
        call compare
        mov dword [hook], 0
        ret

; ecx bytes at esi go to the FIFO
send:   mov bl, 0x80
.next:  call wait_ready
        lodsb
        out dx, al
        loop .next
        ret
; ecx bytes come and are those at esi
receive:
        mov dword [wrong_results], 0
        mov bl, 0xC0
.next:  call wait_ready
        in al, dx
        cmp al, [esi]
        je .right
        inc dword [wrong_results]
        cmp dword [wrong_results], 1
        jne .right
        mov [seen_result], al
        mov [seen_result + 1], cl
.right: inc esi
        loop .next
        ret
drop_results:
        mov bl, 0xC0
        call wait_ready
        in al, dx
        mov [first_result], al
        mov ecx, 6
.next:  call wait_ready
        in al, dx
        loop .next
        ret
; MSR bits 7:6 are bl; dx = FIFO
wait_ready:
        mov dx, MSR
.poll:  in al, dx
        and al, 0xC0
        cmp al, bl
        jne .poll
        mov dx, FIFO
        ret
; MSR bits 7:4 are bl; dx = FIFO
wait_service:
        mov dx, MSR
.poll:  in al, dx
        and al, 0xF0
        cmp al, bl
        jne .poll
        mov dx, FIFO
        ret
; channel 2: mode al, ecx bytes at ebx
program_dma:
        mov ah, al
        mov al, 6
        out 0x0A, al
        out 0x0C, al
        mov al, ah
        out 0x0B, al
        mov eax, ebx
        out 0x04, al
        mov al, ah
        out 0x04, al
        shr eax, 16
        out 0x81, al
        lea eax, [ecx - 1]
        out 0x05, al
        mov al, ah
        out 0x05, al
        mov al, 2
        out 0x0A, al
        ret
; ecx bytes at BACK are those at esi
compare:
        mov edi, BACK
        repe cmpsb
        EXPECT e, 'data came back otherwise'
        ret
wait_irq:
        sti
        hlt
        cli
        cmp dword [irqs], 0
        je wait_irq
        dec dword [irqs]
        ret
on_irq: cmp dword [seen_vector], 0x66
        je .right
        mov dword [hook], 0
        jmp unexpected
.right: inc dword [irqs]
        mov al, 0x20
        out 0x20, al
        ret
; vectors 60h up, only IRQ 6 open; LINT0 passes them on
program_pics:
        mov al, 0x11
        out 0x20, al
        out 0xA0, al
        mov al, 0x60
        out 0x21, al
        mov al, 0x70
        out 0xA1, al
        mov al, 4
        out 0x21, al
        mov al, 2
        out 0xA1, al
        mov al, 1
        out 0x21, al
        out 0xA1, al
        mov al, 0xBF
        out 0x21, al
        mov al, 0xFF
        out 0xA1, al
        mov dword [0xFEE000F0], 0x1FF
        mov dword [0xFEE00350], 0x700
        ret
irqs:          dd 0
wrong_results: dd 0
seen_result:   dd 0                 ; low byte: the first wrong result; next: how many were left with it
first_result:  db 0
