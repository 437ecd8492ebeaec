; Expects: HLT with interrupts disabled and nothing that could wake the CPU ends a headless run with status 76.
; status: 76
        %include "lib.inc"
main:   cli
        hlt
        jmp main
