; Expects: a fault while #DF is delivered shuts the processor down (SDM vol. 3, 6.15, vector 8); with --no-reboot the process
; ends with status 76.
; status: 76
        %include "lib.inc"
main:
        mov word [.empty], 0
        lidt [.empty]
        ud2
        mov al, 0
        out 0xF4, al
.empty: dw 0
        dd 0
