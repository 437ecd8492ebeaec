; Expects (SDM vol. 3, 31.3-31.5 and 31.11; AMD64 APM vol. 2, table 10-1): the same as smm32.asm from 64-bit mode, with the 64-bit
; save map (revision 20064h): paging, EFER and 64-bit code segments come back.
        %define LONG_MODE
        %include "lib.inc"
SM_BASE  equ 0x7F00
SM_IP    equ 0x7F78
SM_BX    equ 0x7FE0
SM_CR0   equ 0x7F58
REVISION equ 0x20064
        %include "smm.inc"
