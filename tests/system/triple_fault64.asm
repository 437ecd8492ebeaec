; Expects: in long mode, a page fault whose delivery and whose #DF find no stack shuts the processor down (SDM vol. 3, 6.15);
; with --no-reboot the process ends with status 76.
; status: 76
%define LONG_MODE
        %include "lib.inc"
main:
        mov rsp, 0x7000000000
        mov al, [0x60000000]
        mov al, 0
        out 0xF4, al
