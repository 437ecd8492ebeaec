// Group "smc": code that changes while it runs. Every program writes its code through the same mapping it runs it by, as
// DOS programs, copy protections, virtual machines and just-in-time compilers on x86 do.
#include "suite.h"

static u8* code;
static void make_code(void) { code = allocate(64 * 1024, kProtRwx); }

static u8* put(u8* at, const u8* bytes, u32 count) {
    for (u32 i = 0; i < count; ++i) at[i] = bytes[i];
    return at + count;
}
static u8* put32(u8* at, u32 value) {
    __builtin_memcpy(at, &value, 4);
    return at + 4;
}
#define PUT(at, ...) put(at, (const u8[]){__VA_ARGS__}, sizeof((const u8[]){__VA_ARGS__}))
#define CALL(at) (((u32 (*)(void))(at))())

// --- the immediate of an instruction is changed before each run of a loop around it
static u64 patch(u32 rounds) {
    u8* at = PUT(code, 0x31, 0xc0, 0xb9, 20, 0, 0, 0);  // xor eax,eax; mov ecx,20
    u8* top = at;
    u8* immediate = at + 1;
    at = PUT(at, 0x05, 0, 0, 0, 0, 0xd1, 0xc0, 0xff, 0xc9, 0x75, 0);  // add eax,imm; rol eax,1; dec ecx; jnz top
    at[-1] = (u8)(top - at);
    PUT(at, 0xc3);
    u64 sum = 0;
    for (u32 i = 0; i < rounds; ++i) {
        put32(immediate, i * 2654435761u);
        sum = fold(sum, CALL(code));
    }
    return sum;
}

// --- a compiler: writes a function of some 120 bytes for an expression, runs it a few times, writes the next one there
static u8* compile(u8* at, u32 seed) {
    at = PUT(at, 0xb8);  // mov eax,imm32
    at = put32(at, seed);
    for (u32 i = 0; i < 16; ++i) {
        switch (next_random(&seed) % 5) {
            case 0: at = put32(PUT(at, 0x05), seed); break;              // add eax,imm32
            case 1: at = put32(PUT(at, 0x35), seed); break;              // xor eax,imm32
            case 2: at = PUT(at, 0xc1, 0xc0, (u8)(seed & 31)); break;    // rol eax,imm8
            case 3: at = put32(PUT(at, 0x69, 0xc0), seed | 1); break;    // imul eax,eax,imm32
            default: at = PUT(at, 0x85, 0xc0, 0x79, 2, 0xf7, 0xd0); break;  // test eax,eax; jns +2; not eax
        }
    }
    return PUT(at, 0xc3);
}
static u64 jit(u32 rounds) {
    u64 sum = 0;
    u32 state = 1414213562, offset = 0;
    for (u32 i = 0; i < rounds; ++i) {
        u8* function = code + offset;
        u8* end = compile(function, next_random(&state) | 1);
        for (int k = 0; k < 10; ++k) sum = fold(sum, CALL(function));
        offset = (offset + (u32)(end - function) + 15) & ~15u;
        if (offset > 16 * 1024) offset = 0;  // four pages, used again and again
    }
    return sum;
}

// --- variables between functions on one page, as assemblers of the DOS age laid programs out: nothing of the code changes
static u64 data_beside(u32 rounds) {
    u32* variable = (u32*)(code + 2048);  // far from the code in bytes, near in pages
    u32* nearer = (u32*)(code + 128);
    u8* at = PUT(code, 0xb9, 50, 0, 0, 0);  // mov ecx,50
    u8* top = at;
#ifdef __x86_64__
    at = PUT(at, 0xff, 0x05);  // inc dword [rip+d]
    at = put32(at, (u32)((u8*)variable - (at + 4)));
    at = PUT(at, 0x8b, 0x05);  // mov eax,[rip+d]
    at = put32(at, (u32)((u8*)variable - (at + 4)));
    at = PUT(at, 0x01, 0x05);  // add [rip+d],eax
    at = put32(at, (u32)((u8*)nearer - (at + 4)));
#else
    at = put32(PUT(at, 0xff, 0x05), (u32)variable);  // inc dword [variable]
    at = put32(PUT(at, 0xa1), (u32)variable);        // mov eax,[variable]
    at = put32(PUT(at, 0x01, 0x05), (u32)nearer);    // add [nearer],eax
#endif
    at = PUT(at, 0xff, 0xc9, 0x75, 0);  // dec ecx; jnz top
    at[-1] = (u8)(top - at);
    PUT(at, 0xc3);
    *variable = *nearer = 0;
    u64 sum = 0;
    for (u32 i = 0; i < rounds; ++i) sum = fold(sum, CALL(code) ^ *(volatile u32*)nearer);
    return sum;
}

const struct Benchmark code_benchmarks[] = {
    {"smc/patch", make_code, patch, 60000, 0},
    {"smc/jit", make_code, jit, 20000, 0},
    {"smc/data-beside", make_code, data_beside, 150000, 0},
    {0, 0, 0, 0, 0},
};
