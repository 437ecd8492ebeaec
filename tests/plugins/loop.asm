; A kernel for the example coverage: behind each instruction how often it is executed.
        bits 32
        section .text
        align 4
header: dd 0x1BADB002, 0, -0x1BADB002
        global start
start:  mov ecx, 100        ; 1
.outer: mov edx, 3          ; 100
.inner: dec edx             ; 300
        jnz .inner          ; 300
        test ecx, ecx       ; 100
        jz .never           ; 100
        dec ecx             ; 100
        jnz .outer          ; 100
        mov al, 0           ; 1
        out 0xF4, al        ; 1
        jmp start           ; 1
; The run ends before that jump, but it belongs to a block that has begun.
.never: hlt                 ; 0
        jmp .never          ; 0
