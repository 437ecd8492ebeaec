// Group "mem": latency near and far, translation of addresses, block copies by string instructions and by SSE, unaligned.
#include "suite.h"

enum { kSmall = 32 * 1024, kLarge = 32 * 1024 * 1024, kLine = 64 };
static u8* arena;

// --- pointer chases: one cycle through all lines in random order
struct Node {
    struct Node* next;
    word value;
};
static void link_nodes(u32 size) {
    const u32 count = size / kLine;
    u32* order = allocate(count * sizeof(u32), kProtRw);
    arena = allocate(size, kProtRw);
    for (u32 i = 0; i < count; ++i) order[i] = i;
    u32 state = 2236067977u;
    for (u32 i = count - 1; i > 0; --i) {  // Sattolo: a single cycle
        const u32 j = next_random(&state) % i;
        const u32 swap = order[i];
        order[i] = order[j];
        order[j] = swap;
    }
    for (u32 i = 0; i < count; ++i) {
        struct Node* node = (struct Node*)(arena + (word)order[i] * kLine);
        node->next = (struct Node*)(arena + (word)order[(i + 1) % count] * kLine);
        node->value = i;
    }
    release(order, count * sizeof(u32));
}
static void link_small(void) { link_nodes(kSmall); }
static void link_large(void) { link_nodes(kLarge); }
static u64 chase(u32 rounds) {
    const struct Node* node = (const struct Node*)arena;
    u64 sum = 0;
    while (rounds-- > 0) {
        word total = 0;
        for (u32 i = 0; i < 512; ++i) {
            total += node->value;
            node = node->next;
        }
        sum = fold(sum, (u32)total);
    }
    return sum;
}

// --- independent random accesses over 32 MiB of small pages: beyond every TLB
static void make_arena(void) {
    arena = allocate(kLarge, kProtRw);
    u32* at = (u32*)arena;
    u32 state = 1732050807;
    for (u32 i = 0; i < kLarge / 4; i += 16) at[i] = next_random(&state);
}
static u64 random_access(u32 rounds) {
    u32* at = (u32*)arena;
    u32 state = 2645751311u;
    u64 sum = 0;
    while (rounds-- > 0) {
        u32 total = 0;
        for (int i = 0; i < 64; ++i) {
            const u32 x = next_random(&state);
            total += at[x % (kLarge / 4)];
            at[(x >> 4) % (kLarge / 4)] += total;
        }
        sum = fold(sum, total);
    }
    return sum;
}

// --- sequential sums: the plainest loop there is
static u64 stream(u32 rounds) {
    u64 sum = 0;
    const u32* at = (const u32*)arena;
    while (rounds-- > 0) {
        u32 total = rounds;
        for (u32 i = 0; i < 65536; ++i) {
            total += at[i];
            OPAQUE(total);
        }
        sum = fold(sum, total);
    }
    return sum;
}

// --- copies and fills: blocks of 64 KiB, and small ones of 8 to 200 bytes as programs mostly make them
static u64 rep_movs(u32 rounds) {
    u64 sum = 0;
    for (u32 i = 0; i < rounds; ++i) {
        void *to = arena + 0x20000 + (i & 7), *from = arena;
        word count = 65536 / sizeof(word);
#ifdef __x86_64__
        __asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
#else
        __asm__ volatile("rep movsl" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
#endif
        for (u32 k = 0; k < 64; ++k) {
            void *small_to = arena + 0x40000 + 256 * k, *small_from = arena + 0x20000 + 250 * k;
            word bytes = 8 + (k * 5 + i) % 192;
            __asm__ volatile("rep movsb" : "+D"(small_to), "+S"(small_from), "+c"(bytes) : : "memory");
        }
        arena[i & 0xffff] += 3;
        sum = fold(sum, arena[0x20000 + (i * 97 & 0xffff)] + arena[0x40000 + (i * 31 & 0x3fff)]);
    }
    return sum;
}
static u64 rep_stos(u32 rounds) {
    u64 sum = 0;
    for (u32 i = 0; i < rounds; ++i) {
        void* to = arena;
        word count = 65536 / sizeof(word);
#ifdef __x86_64__
        __asm__ volatile("rep stosq" : "+D"(to), "+c"(count) : "a"(i * 0x0101010101ull) : "memory");
#else
        __asm__ volatile("rep stosl" : "+D"(to), "+c"(count) : "a"(i * 0x01010101u) : "memory");
#endif
        for (u32 k = 0; k < 64; ++k) {
            void* small = arena + 256 * k;
            word bytes = 8 + (k * 5 + i) % 192;
            __asm__ volatile("rep stosb" : "+D"(small), "+c"(bytes) : "a"(k) : "memory");
        }
        sum = fold(sum, arena[i * 97 & 0xffff]);
    }
    return sum;
}
typedef s32 I4 __attribute__((vector_size(16)));
typedef s32 Loose __attribute__((vector_size(16), aligned(1)));
static u64 sse_copy(u32 rounds) {
    u64 sum = 0;
    for (u32 i = 0; i < rounds; ++i) {
        const Loose* from = (const Loose*)(arena + (i & 15));
        I4* to = (I4*)(arena + 0x20000);
        for (u32 k = 0; k < 65536 / 16; k += 4) {
            const I4 a = from[k], b = from[k + 1], c = from[k + 2], d = from[k + 3];
            to[k] = a, to[k + 1] = b, to[k + 2] = c, to[k + 3] = d;
            MEMORY_BARRIER();
        }
        arena[i & 0xffff] += 3;
        sum = fold(sum, arena[0x20000 + (i * 97 & 0xffff)]);
    }
    return sum;
}
static u64 sse_fill(u32 rounds) {
    u64 sum = 0;
    for (u32 i = 0; i < rounds; ++i) {
        const s32 x = (s32)(i * 0x01010101u);
        const I4 value = {x, ~x, x, x};
        I4* to = (I4*)arena;
        for (u32 k = 0; k < 65536 / 16; k += 4) {
            to[k] = value, to[k + 1] = value, to[k + 2] = value, to[k + 3] = value;
            MEMORY_BARRIER();
        }
        sum = fold(sum, arena[i * 97 & 0xffff]);
    }
    return sum;
}

// --- unaligned words, over the ends of lines and pages too
typedef u32 LooseU32 __attribute__((aligned(1), may_alias));
typedef u64 LooseU64 __attribute__((aligned(1), may_alias));
static u64 unaligned(u32 rounds) {
    u64 sum = 0;
    while (rounds-- > 0) {
        u8* at = arena + 1 + rounds % 3;
        u32 total = 0;
        for (u32 i = 0; i < 4096; ++i, at += 13) {
            total += *(LooseU32*)at;
            *(LooseU64*)(at + 3) += total;
        }
        sum = fold(sum, total);
    }
    return sum;
}

const struct Benchmark memory_benchmarks[] = {
    {"mem/chase-near", link_small, chase, 30000, 0},
    {"mem/chase-far", link_large, chase, 700, 0},
    {"mem/random", make_arena, random_access, 40000, 0},
    {"mem/stream", make_arena, stream, 1500, 0},
    {"mem/rep-movs", make_arena, rep_movs, 9000, 0},
    {"mem/rep-stos", make_arena, rep_stos, 20000, 0},
    {"mem/sse-copy", make_arena, sse_copy, 22000, 0},
    {"mem/sse-fill", make_arena, sse_fill, 15000, 0},
    {"mem/unaligned", make_arena, unaligned, 14000, 0},
    {0, 0, 0, 0, 0},
};
