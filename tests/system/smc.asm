; Expects (SDM vol. 3, 9.1.3): self-modifying code takes effect without a serializing instruction when code and store use the same
; linear address, on processors since the P6: the next instruction, one further in the same straight run, one that crosses a
; page; through another linear mapping of the page after a jump and a serializing instruction; by REP STOS and REP MOVS, by
; LOCK XCHG and by FSTP; a page remapped to other code and back after INVLPG; the last instruction before an unmapped page.
        %include "lib.inc"
main:
        ; the very next instruction
        mov byte [.next + 1], 2
.next:  mov al, 1
        EXPECT_EQ al, 2
        ; in a loop: patched on every turn
        xor ebx, ebx
        mov ecx, 10
.loop:  mov eax, ecx
        mov [.add + 2], al
.add:   add ebx, 127
        loop .loop
        EXPECT_EQ ebx, 55
        ; opcode: INC EBX to DEC EBX, in code that has run often
        mov ecx, 100
        mov ebx, 1000
.hot:   cmp ecx, 50
        jne .op
        mov byte [.op], 0x4B
.op:    inc ebx
        loop .hot
        EXPECT_EQ ebx, 1000 + 50 - 50
        ; a length change: two NOPs become JMP over a trap
        mov word [.jump], 0x02EB
.jump:  nop
        nop
        ud2
        ; across a page boundary: MOV EAX, imm32 with 3 bytes on the first page
        mov esi, .crossing
        mov edi, FREE + 0x1000 - 3
        mov ecx, .crossing_end - .crossing
        rep movsb
        mov eax, FREE + 0x1000 - 3
        call eax
        EXPECT_EQ eax, 0x44332211
        mov byte [FREE + 0x1000], 0x77                      ; imm byte 2 on the second page
        mov eax, FREE + 0x1000 - 3
        call eax
        EXPECT_EQ eax, 0x44772211
        mov byte [FREE + 0x1000 - 2], 0x66
        mov eax, FREE + 0x1000 - 3
        call eax
        EXPECT_EQ eax, 0x44772266
        ; a dword write across the boundary
        mov dword [FREE + 0x1000 - 2], 0xDDCCBBAA
        mov eax, FREE + 0x1000 - 3
        call eax
        EXPECT_EQ eax, 0xDDCCBBAA
        ; string instructions, XCHG, FSTP, PUSH
%macro BY 1+
        mov dword [.target + 1], 0
        call .target
        %1
        call .target
        EXPECT_EQ eax, 0x5A5A5A5A
%endmacro
        BY call .by_stos
        BY call .by_movs
        mov ebx, 0x5A5A5A5A
        BY call .by_xchg
        mov dword [FREE], 0x5A5A5A5A
        BY call .by_fild
        BY call .by_push
        BY call .by_cmpxchg8b
        ; another mapping of the same page, by paging
        call .paging
        mov eax, 0x40000000 + FREE + 0x2000
        mov dword [FREE + 0x2000], 0x000001B8
        mov word [FREE + 0x2004], 0xC300
        call eax
        EXPECT_EQ eax, 1
        mov eax, 0x40000000 + FREE + 0x2000
        mov byte [FREE + 0x2001], 2                         ; through the first mapping
        push eax
        xor eax, eax
        cpuid
        pop eax
        call eax
        EXPECT_EQ eax, 2
        ; a store from the page into itself through the alias, with a serializing instruction before it is reached
        mov esi, .alias_code
        mov edi, FREE + 0x3000
        mov ecx, .alias_end - .alias_code
        rep movsb
        mov edi, 0x40000000 + FREE + 0x3000 + (.patched - .alias_code) + 1
        mov eax, FREE + 0x3000
        call eax
        EXPECT_EQ eax, 9
        ; the page behind an address changes: other code, and back
        mov dword [FREE + 0x5000], 0x000003B8
        mov word [FREE + 0x5004], 0xC300
        mov dword [FREE + 0x6000], 0x000004B8
        mov word [FREE + 0x6004], 0xC300
        mov ebx, 4
.remap: mov eax, FREE + 0x5003
        test ebx, 1
        jz .even
        mov eax, FREE + 0x6003
.even:  mov [TABLES + 0x1000], eax
        invlpg [0x80000000]
        mov eax, 0x80000000
        call eax
        mov edx, ebx
        and edx, 1
        add edx, 3
        EXPECT_EQ eax, edx
        dec ebx
        jnz .remap
        ; code that ends right at an unmapped page runs; the next fetch faults with CR2 there
        mov byte [FREE + 0x5FFF], 0x90
        mov dword [TABLES + 0x1000], FREE + 0x5003
        invlpg [0x80000000]
        ARM .ended
        mov eax, 0x80000FFF
        jmp eax
.ended: EXPECT_SEEN 14, 0, 0x80001000
        EXPECT_EQ dword [seen_cr2], 0x80001000
        ; an instruction across into it: EIP at its start, CR2 at the page
        mov byte [FREE + 0x5FFF], 0xB8
        ARM .cut
        mov eax, 0x80000FFF
        jmp eax
.cut:   EXPECT_SEEN 14, 0, 0x80000FFF
        EXPECT_EQ dword [seen_cr2], 0x80001000
        ret
.crossing:
        mov eax, 0x44332211
        ret
.crossing_end:
.target: mov eax, 0
        ret
.by_stos: mov edi, .target + 1
        mov al, 0x5A
        mov ecx, 4
        rep stosb
        ret
.by_movs: mov esi, .pattern
        mov edi, .target + 1
        movsd
        ret
.by_xchg: mov ebx, 0x5A5A5A5A
        lock xchg [.target + 1], ebx
        ret
.by_fild: fld dword [FREE]
        fstp dword [.target + 1]
        ret
.by_push: mov edx, esp
        mov esp, .target + 5
        push dword 0x5A5A5A5A
        mov esp, edx
        ret
.by_cmpxchg8b:
        mov eax, [.target + 1]
        mov edx, [.target + 5]
        mov ebx, 0x5A5A5A5A
        mov ecx, edx
        lock cmpxchg8b [.target + 1]
        ret
.pattern: dd 0x5A5A5A5A
.alias_code:
        mov byte [edi], 9
        xor eax, eax
        cpuid
.patched: mov eax, 1
        ret
.alias_end:
.paging:
        CLEAR_TABLES
        mov dword [TABLES], 0x83
        mov dword [TABLES + 4], 0x400083
        mov dword [TABLES + 0x400 + 4], 0x400083
        mov dword [TABLES + 0x800], TABLES + 0x1003
        PAGING_ON
        ret
