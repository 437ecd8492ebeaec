// Group "int", first half: arithmetic, branches, calls.
#include "suite.h"

// --- mix: Collatz lengths, greatest common divisors, bit tricks
static u32 collatz(u32 n) {
    u32 steps = 0;
    for (; n != 1; ++steps) n = (n & 1) != 0 ? 3 * n + 1 : n >> 1;
    return steps;
}
static u32 gcd(u32 a, u32 b) {
    while (b != 0) {
        const u32 rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}
static u32 reversed(u32 x) {
    x = (x >> 1 & 0x55555555) | (x & 0x55555555) << 1;
    x = (x >> 2 & 0x33333333) | (x & 0x33333333) << 2;
    x = (x >> 4 & 0x0f0f0f0f) | (x & 0x0f0f0f0f) << 4;
    return __builtin_bswap32(x);
}
static u64 mix(u32 rounds) {
    u64 sum = 0;
    u32 state = 2463534242;
    for (u32 i = 1; i <= rounds; ++i) {
        const u32 x = next_random(&state);
        sum = fold(sum, collatz(i % 4096 + 1) + gcd(x, i) + (u32)(reversed(x) * 2654435761u >> (i & 31)));
    }
    return sum;
}

// --- sieve of Eratosthenes over 256 Ki flags
enum { kSieve = 256 * 1024 };
static u8 composite[kSieve];
static u64 sieve(u32 rounds) {
    u64 sum = 0;
    while (rounds-- > 0) {
        for (u32 i = 0; i < kSieve; ++i) composite[i] = 0;
        u32 primes = 0;
        for (u32 i = 2; i < kSieve; ++i) {
            if (composite[i]) continue;
            ++primes;
            for (u32 multiple = 2 * i; multiple < kSieve; multiple += i) composite[multiple] = 1;
        }
        sum = fold(sum, primes);
    }
    return sum;
}

// --- sort: quicksort with insertion sort below 16
enum { kSort = 32 * 1024 };
static u32 keys[kSort];
static void insertion(u32* a, s32 n) {
    for (s32 i = 1; i < n; ++i) {
        const u32 key = a[i];
        s32 j = i - 1;
        for (; j >= 0 && a[j] > key; --j) a[j + 1] = a[j];
        a[j + 1] = key;
    }
}
static void quicksort(u32* a, s32 n) {
    while (n > 16) {
        const u32 pivot = a[n / 2];
        s32 i = 0;
        s32 j = n - 1;
        while (i <= j) {
            while (a[i] < pivot) ++i;
            while (a[j] > pivot) --j;
            if (i > j) break;
            const u32 swap = a[i];
            a[i++] = a[j];
            a[j--] = swap;
        }
        quicksort(a, j + 1);
        a += i;
        n -= i;
    }
    insertion(a, n);
}
static u64 sort(u32 rounds) {
    u64 sum = 0;
    u32 state = 88172645;
    while (rounds-- > 0) {
        for (u32 i = 0; i < kSort; ++i) keys[i] = next_random(&state);
        quicksort(keys, kSort);
        for (u32 i = 0; i < kSort; i += 257) sum = fold(sum, keys[i]);
    }
    return sum;
}

// --- recursion
static NOINLINE u32 fibonacci(u32 n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }
static u64 recursion(u32 rounds) {
    u64 sum = 0;
    while (rounds-- > 0) {
        u32 n = 24;
        OPAQUE(n);
        sum = fold(sum, fibonacci(n));
    }
    return sum;
}

// --- virtual calls: objects of four classes in random order
struct Shape {
    u32 (*area)(const struct Shape*);
    u32 (*edge)(const struct Shape*);
    u32 a, b;
};
static NOINLINE u32 area_0(const struct Shape* s) { return s->a * s->b; }
static NOINLINE u32 area_1(const struct Shape* s) { return s->a * s->b / 2; }
static NOINLINE u32 area_2(const struct Shape* s) { return s->a * s->a * 3 + s->b; }
static NOINLINE u32 area_3(const struct Shape* s) { return s->a ^ s->b; }
static NOINLINE u32 edge_0(const struct Shape* s) { return 2 * (s->a + s->b); }
static NOINLINE u32 edge_1(const struct Shape* s) { return s->a + 3 * s->b; }
enum { kShapes = 1024 };
static struct Shape shapes[kShapes];
static void make_shapes(void) {
    static u32 (*const areas[4])(const struct Shape*) = {area_0, area_1, area_2, area_3};
    u32 state = 521288629;
    for (u32 i = 0; i < kShapes; ++i) {
        const u32 x = next_random(&state);
        // Runs of one class, as containers of real programs have them.
        shapes[i] = (struct Shape){areas[i / 8 * 7 % 4], (x >> 8) % 8 == 0 ? edge_1 : edge_0, x & 1023, x >> 20};
    }
}
static u64 virtual_calls(u32 rounds) {
    u64 sum = 0;
    while (rounds-- > 0) {
        u32 total = 0;
        for (u32 i = 0; i < kShapes; ++i) total += shapes[i].area(&shapes[i]) ^ shapes[i].edge(&shapes[i]);
        sum = fold(sum, total);
    }
    return sum;
}

const struct Benchmark integer_benchmarks[] = {
    {"int/mix", 0, mix, 200000, 0},
    {"int/sieve", 0, sieve, 40, 0},
    {"int/sort", 0, sort, 20, 0},
    {"int/recursion", 0, recursion, 250, 0},
    {"int/virtual-calls", make_shapes, virtual_calls, 10000, 0},
    {0, 0, 0, 0, 0},
};
