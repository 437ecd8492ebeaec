; Expects (SDM vol. 3, 31.3-31.5 and 31.11; 440FX datasheet, 3.2.19; PIIX4 datasheet, APMC): an SMI enters at SMBASE + 8000h with PE,
; EM, TS and PG clear; RSM brings back what the 32-bit save map (revision 20000h) holds, changes included; SMBASE moves; SMRAM
; shows in SMM and while D_OPEN only; D_LCK closes it for good; RSM outside SMM is #UD.
; run: --cpu p3
        %include "lib.inc"
SM_BASE  equ 0x7EF8
SM_IP    equ 0x7FF0
SM_BX    equ 0x7FDC
SM_CR0   equ 0x7FFC
REVISION equ 0x20000
        %include "smm.inc"
