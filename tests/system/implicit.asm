; Expects (SDM vol. 3, 4.6.1): accesses to descriptor tables and TSS are implicit supervisor accesses whatever the CPL: page faults
; there have U/S = 0, from CPL 3 too; SMAP applies to them although EFLAGS.AC = 1; setting a descriptor's A bit or a TSS busy bit on
; a read-only page with WP is a page fault for writing, and nothing is loaded; page faults during IDT reads, on inner stacks, and
; while a far call pushes leave the program restartable.
        %include "lib.inc"
%macro PAGE_OF 2                    ; address, flags: its 4 KiB mapping
        mov eax, %1
        shr eax, 12
        mov edx, eax
        shl edx, 12
        or edx, %2
        mov [TABLES + 0x1000 + eax * 4], edx
        invlpg [%1]
%endmacro
NEW_GDT equ 0x180000
NEW_IDT equ 0x181000
main:
        mov edi, TABLES
        mov ecx, 0x800
        xor eax, eax
        rep stosd
        mov dword [TABLES], TABLES + 0x1007
        mov dword [TABLES + 4], 0x400087
        mov eax, 7
        xor ebx, ebx
.map:   mov [TABLES + 0x1000 + ebx * 4], eax
        add eax, 0x1000
        inc ebx
        cmp ebx, 1024
        jb .map
        mov eax, cr4
        or eax, 0x10
        mov cr4, eax
        mov eax, TABLES
        mov cr3, eax
        mov eax, cr0
        or eax, 0x80010000                                  ; PG, WP
        mov cr0, eax
        mov esi, gdt
        mov edi, NEW_GDT
        mov ecx, GDT_BYTES
        rep movsb
        mov esi, idt
        mov edi, NEW_IDT
        mov ecx, 0x800
        rep movsb
        mov dword [gdt_pointer + 2], NEW_GDT
        lgdt [gdt_pointer]
        ; a descriptor without A on a read-only page
        mov dword [NEW_GDT + SPARE], 0x0000FFFF
        mov dword [NEW_GDT + SPARE + 4], 0x00CFF200
        mov dword [NEW_GDT + SPARE + 8], 0x0000FFFF
        mov dword [NEW_GDT + SPARE + 12], 0x00CF9A00
        PAGE_OF NEW_GDT, 5
        mov bx, SPARE
        mov dx, fs
        FAULTS 14, 3, mov fs, bx
        EXPECT_EQ dword [seen_cr2], NEW_GDT + SPARE + 5
        mov cx, fs
        EXPECT_EQ cx, dx
        USER_FAULTS 14, 3, mov fs, bx
        FAULTS 14, 3, jmp SPARE + 8:main
        mov bx, K_DATA                                      ; A is set already: no write
        WORKS mov fs, bx
        mov eax, cr0
        and eax, ~0x10000
        mov cr0, eax
        mov bx, SPARE
        WORKS mov fs, bx                                    ; WP = 0
        or eax, 0x10000
        mov cr0, eax
        ; supervisor page: CPL 3 may load from it
        PAGE_OF NEW_GDT, 3
        mov bx, U_DATA
        USER_WORKS mov fs, bx
        ; not present: U/S = 0 in the error code at CPL 3. The handler needs the GDT only for its CS: #DF would follow, so the
        ; descriptors of the handler stay on the first page and the one tried lies on the next
        mov word [gdt_pointer], 0x1FFF
        lgdt [gdt_pointer]
        PAGE_OF NEW_GDT + 0x1000, 2
        mov bx, 0x1003
        FAULTS 14, 0, mov fs, bx
        USER_FAULTS 14, 0, mov fs, bx
        EXPECT_EQ dword [seen_cr2], NEW_GDT + 0x1000
        USER_FAULTS 14, 0, verr bx
        USER_FAULTS 14, 0, jmp 0x1003:0
        ; a gate's page missing: INT n at CPL 3. Vectors 14 and E0h must stay: entries 0-1Fh on the first page, IDT shifted so that
        ; vector 80h starts a page
        PAGE_OF NEW_GDT + 0x1000, 7
        mov esi, idt
        mov edi, NEW_IDT - 0x80 * 8 + 0x1000
        mov ecx, 0x800
        rep movsb
        mov dword [idt_pointer + 2], NEW_IDT - 0x80 * 8 + 0x1000
        lidt [idt_pointer]
        PAGE_OF NEW_IDT + 0x1000, 2
        USER_FAULTS 14, 0, int 0x80
        EXPECT_EQ dword [seen_cr2], NEW_IDT + 0x1000
        FAULTS 14, 0, int 0x80
        PAGE_OF NEW_IDT + 0x1000, 3
        ARM .int80
        TO_USER .user_int80, 2
.user_int80:
        int 0x80
.int80: EXPECT_SEEN 0x80, 0
        ; SMAP: the GDT on a user page, AC = 1 does not help implicit accesses. Everything the handler touches must be supervisor
        mov dword [idt_pointer + 2], idt
        lidt [idt_pointer]
        xor ebx, ebx
.supervisor:
        and dword [TABLES + 0x1000 + ebx * 4], ~4
        inc ebx
        cmp ebx, 1024
        jb .supervisor
        mov word [NEW_GDT + 0x1000], 0xFFFF
        mov word [NEW_GDT + 0x1002], 0
        mov dword [NEW_GDT + 0x1004], 0x00CF9300
        PAGE_OF NEW_GDT + 0x1000, 7
        mov eax, cr3
        mov cr3, eax
        mov eax, cr4
        or eax, 0x200000
        mov cr4, eax
        mov bx, 0x1000
        FAULTS 14, 1, mov fs, bx
        stac
        ARM .smap
.smap_at:
        mov fs, bx
.smap:  EXPECT_SEEN 14, 1, .smap_at
        FAULTS 14, 1, mov al, [NEW_GDT + 0x1000]
        stac
        ARM .lifted
        mov al, [NEW_GDT + 0x1000]
.lifted:
        clac
        EXPECT_SEEN NOTHING, ANY
        mov nword [recover], 0
        mov eax, cr4
        and eax, ~0x200000
        mov cr4, eax
        WORKS clac                                          ; allowed without CR4.SMAP
        ret
