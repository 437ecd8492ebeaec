// Group "fp": scalar and packed SSE and SSE2, and conversions; compiled with -mfpmath=sse -msse2 for both architectures.
#include "suite.h"

typedef float F4 __attribute__((vector_size(16)));
typedef double D2 __attribute__((vector_size(16)));
typedef s32 I4 __attribute__((vector_size(16)));
typedef short H8 __attribute__((vector_size(16)));
typedef char B16 __attribute__((vector_size(16)));

static u64 bits(double x) {
    u64 value;
    __builtin_memcpy(&value, &x, 8);
    return value;
}

// --- scalar: the Mandelbrot set, double
static u64 mandelbrot(u32 rounds) {
    u64 sum = 0;
    for (u32 row = 0; row < rounds; ++row) {
        const double ci = (double)(row % 64) / 32.0 - 1.0;
        u32 inside = 0;
        for (u32 column = 0; column < 96; ++column) {
            const double cr = (double)column / 40.0 - 1.9;
            double zr = 0, zi = 0;
            u32 steps = 0;
            while (steps < 100 && zr * zr + zi * zi < 4.0) {
                const double next = zr * zr - zi * zi + cr;
                zi = 2 * zr * zi + ci;
                zr = next;
                ++steps;
            }
            inside += steps;
        }
        sum = fold(sum, inside);
    }
    return sum;
}

// --- scalar: Newton's method, roots and quotients, float and double
static u64 newton(u32 rounds) {
    u64 sum = 0;
    double x = 1.5;
    float y = 0.75f;
    for (u32 i = 1; i <= rounds; ++i) {
        const double target = (double)(i % 1000) + 1.0;
        for (int k = 0; k < 4; ++k) x -= (x * x * x - target) / (3 * x * x);
        double root;
        __asm__("sqrtsd %1, %0" : "=x"(root) : "x"(target + x * x));
        y = y * 0.5f + (float)root / (y + 1.0f);
        if ((i & 63) == 0) sum = fold(sum, bits(x) ^ bits((double)y));
    }
    return sum;
}

// --- packed float: y = a*x + y and a dot product over arrays in L1
enum { kLength = 2048 };
static float xs[kLength] __attribute__((aligned(32))), ys[kLength] __attribute__((aligned(32)));
static void make_floats(void) {
    u32 state = 161803398;
    for (int i = 0; i < kLength; ++i) {
        xs[i] = (float)(s32)next_random(&state) / 2147483648.0f;
        ys[i] = (float)(s32)next_random(&state) / 2147483648.0f;
    }
}
static u64 packed_float(u32 rounds) {
    u64 sum = 0;
    while (rounds-- > 0) {
        const float factor = (float)(rounds % 7) * 0.125f - 0.375f;
        const F4 a = {factor, factor, factor, factor};
        F4 total = {0, 0, 0, 0};
        for (int i = 0; i < kLength; i += 4) {
            const F4 x = *(const F4*)(xs + i);
            F4* y = (F4*)(ys + i);
            *y = a * x + *y * 0.5f;
            total += *y * x;
        }
        sum = fold(sum, bits((double)(total[0] + total[1] + total[2] + total[3])));
    }
    return sum;
}

// --- packed double: a product of matrices by rows, with quotients and shuffles
enum { kSide = 32 };
static double ma[kSide][kSide] __attribute__((aligned(16))), mb[kSide][kSide] __attribute__((aligned(16))),
    mc[kSide][kSide] __attribute__((aligned(16)));
static void make_doubles(void) {
    u32 state = 141421356;
    for (int i = 0; i < kSide; ++i) {
        for (int j = 0; j < kSide; ++j) {
            ma[i][j] = (double)(s32)next_random(&state) / 2147483648.0;
            mb[i][j] = (double)(s32)next_random(&state) / 2147483648.0;
        }
    }
}
static u64 packed_double(u32 rounds) {
    u64 sum = 0;
    while (rounds-- > 0) {
        for (int i = 0; i < kSide; ++i) {
            for (int j = 0; j < kSide; j += 4) {
                D2 low = {0, 0}, high = {0, 0};
                for (int k = 0; k < kSide; ++k) {
                    const D2 factor = {ma[i][k], ma[i][k]};
                    low += factor * *(const D2*)&mb[k][j];
                    high += factor * *(const D2*)&mb[k][j + 2];
                }
                *(D2*)&mc[i][j] = low;
                *(D2*)&mc[i][j + 2] = high / (low * low + 1.0);
            }
        }
        ma[rounds % kSide][3] += 0.25;
        sum = fold(sum, bits(mc[rounds % kSide][5]) ^ bits(mc[7][rounds % kSide]));
    }
    return sum;
}

// --- packed integers: blending pixels and comparing bytes, as picture code does
static u8 from[8192] __attribute__((aligned(16))), onto[8192] __attribute__((aligned(16)));
static void make_pixels(void) {
    u32 state = 577215664;
    for (u32 i = 0; i < sizeof from; ++i) {
        from[i] = (u8)next_random(&state);
        onto[i] = (u8)next_random(&state);
    }
}
static u64 packed_integer(u32 rounds) {
    u64 sum = 0;
    while (rounds-- > 0) {
        const short weight = (short)(rounds & 255);
        const H8 w = {weight, weight, weight, weight, weight, weight, weight, weight};
        const B16 zero = {0};
        I4 total = {0, 0, 0, 0};
        for (u32 i = 0; i < sizeof from; i += 16) {
            const B16 source = *(const B16*)(from + i), target = *(const B16*)(onto + i);
            const H8 low = (H8)__builtin_ia32_punpcklbw128(source, zero), high = (H8)__builtin_ia32_punpckhbw128(source, zero);
            const H8 old_low = (H8)__builtin_ia32_punpcklbw128(target, zero);
            const H8 old_high = (H8)__builtin_ia32_punpckhbw128(target, zero);
            const H8 new_low = old_low + (H8)__builtin_ia32_psrlwi128((low - old_low) * w, 8);
            const H8 new_high = old_high + (H8)__builtin_ia32_psrlwi128((high - old_high) * w, 8);
            const B16 blended = __builtin_ia32_packuswb128(new_low & 255, new_high & 255);
            *(B16*)(onto + i) = blended;
            total += (I4)__builtin_ia32_psadbw128(blended, source) + (I4)(blended > source);
        }
        sum = fold(sum, (u32)(total[0] + total[1] + total[2] + total[3]));
    }
    return sum;
}

// --- conversions between integers, float and double, scalar and packed
static s32 numbers[1024] __attribute__((aligned(16)));
static void make_numbers(void) {
    u32 state = 693147180;
    for (int i = 0; i < 1024; ++i) numbers[i] = (s32)next_random(&state) >> (i % 16);
}
static u64 convert(u32 rounds) {
    u64 sum = 0;
    while (rounds-- > 0) {
        double total = 0;
        s32 checks = 0;
        for (int i = 0; i < 1024; i += 4) {
            const I4 four = *(const I4*)(numbers + i);
            const F4 floats = __builtin_convertvector(four, F4);
            const I4 back = __builtin_convertvector(floats * 0.5f, I4);
            checks ^= back[0] + back[3];
            for (int k = 0; k < 4; ++k) {
                const double exact = (double)numbers[i + k] * 0.75;
                const float rounded = (float)exact;
                checks += (s32)exact ^ (s32)rounded;
                total += (double)rounded - exact;
            }
        }
        numbers[rounds % 1024] ^= checks & 0xffff;
        sum = fold(sum, bits(total) ^ (u32)checks);
    }
    return sum;
}

const struct Benchmark sse_benchmarks[] = {
    {"fp/sse-mandelbrot", 0, mandelbrot, 4000, 0},
    {"fp/sse-newton", 0, newton, 800000, 0},
    {"fp/sse-packed-float", make_floats, packed_float, 80000, 0},
    {"fp/sse-packed-double", make_doubles, packed_double, 6000, 0},
    {"fp/sse-packed-integer", make_pixels, packed_integer, 30000, 0},
    {"fp/sse-convert", make_numbers, convert, 15000, 0},
    {0, 0, 0, 0, 0},
};
