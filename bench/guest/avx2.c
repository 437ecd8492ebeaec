// Group "fp": AVX, AVX2 and FMA on processors and systems that have them; compiled with -mavx2 -mfma.
#include "suite.h"

typedef float F8 __attribute__((vector_size(32)));
typedef double D4 __attribute__((vector_size(32)));
typedef s32 I8 __attribute__((vector_size(32)));

static int has_avx2(void) {
    u32 a = 1, b, c = 0, d;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    const u32 needed = 1u << 12 | 1u << 27;  // FMA, OSXSAVE
    if ((c & needed) != needed) return 0;
    u32 low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    if ((low & 6) != 6) return 0;
    a = 7, c = 0;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    return (b >> 5 & 1) != 0;
}

enum { kLength = 2048 };
static float xs[kLength] __attribute__((aligned(32))), ys[kLength] __attribute__((aligned(32)));
static s32 numbers[kLength] __attribute__((aligned(32)));
static void make_data(void) {
    u32 state = 915965594;
    for (int i = 0; i < kLength; ++i) {
        xs[i] = (float)(s32)next_random(&state) / 2147483648.0f;
        ys[i] = (float)(s32)next_random(&state) / 2147483648.0f;
        numbers[i] = (s32)next_random(&state);
    }
}

// --- eight floats at a time: FMA, quotient, blend by comparison
static u64 avx_float(u32 rounds) {
    u64 sum = 0;
    while (rounds-- > 0) {
        const float factor = (float)(rounds % 5) * 0.25f - 0.5f;
        const F8 a = {factor, factor, factor, factor, factor, factor, factor, factor};
        F8 total = {0};
        for (int i = 0; i < kLength; i += 8) {
            const F8 x = *(const F8*)(xs + i);
            F8* y = (F8*)(ys + i);
            const F8 value = __builtin_ia32_vfmaddps256(a, x, *y * 0.5f);
            *y = (F8)((I8)value & (value < 1.0f));
            total += *y * x;
        }
        u32 folded = 0;
        for (int k = 0; k < 8; ++k) {
            u32 piece;
            const float lane = total[k];
            __builtin_memcpy(&piece, &lane, 4);
            folded ^= piece;
        }
        sum = fold(sum, folded);
    }
    return sum;
}

// --- four doubles at a time
static u64 avx_double(u32 rounds) {
    D4 x = {0.1, 0.2, 0.3, 0.4}, y = {1.5, 1.25, 1.125, 1.0625}, total = {0};
    u64 sum = 0;
    for (u32 i = 0; i < rounds; ++i) {
        x = __builtin_ia32_vfmaddpd256(x, y, x) * 0.25 + 0.125;
        y = __builtin_ia32_sqrtpd256(y * y + 0.001) - x * 0.0009765625;
        total += x / y;
        if ((i & 255) == 255) {
            u64 lanes[4];
            __builtin_memcpy(lanes, &total, 32);
            sum = fold(sum, lanes[0] ^ lanes[1] ^ lanes[2] ^ lanes[3]);
        }
    }
    return sum;
}

// --- eight integers at a time: products, shifts, shuffles
static u64 avx_integer(u32 rounds) {
    u64 sum = 0;
    const I8 order = {7, 2, 5, 0, 3, 6, 1, 4};
    while (rounds-- > 0) {
        I8 total = {0};
        for (int i = 0; i < kLength; i += 8) {
            I8 value = *(const I8*)(numbers + i);
            value = value * 1103515245 + 12345;
            value ^= (I8)__builtin_ia32_permvarsi256(value, order) << 3;
            *(I8*)(numbers + i) = value;
            total += value > total;
            total ^= value;
        }
        u32 folded = 0;
        for (int k = 0; k < 8; ++k) folded = folded * 31 + (u32)total[k];
        sum = fold(sum, folded);
    }
    return sum;
}

const struct Benchmark avx2_benchmarks[] = {
    {"fp/avx2-float", make_data, avx_float, 120000, has_avx2},
    {"fp/avx2-double", 0, avx_double, 6000000, has_avx2},
    {"fp/avx2-integer", make_data, avx_integer, 90000, has_avx2},
    {0, 0, 0, 0, 0},
};
