// Group "fp", x87: compiled with -mfpmath=387 for both architectures. Additions, products, quotients and roots are exact to
// the rule of IEEE 754, so results are equal everywhere; FSIN and its like are not and do not occur.
#include "suite.h"

// --- bodies under gravity, double in memory, 80 bits in registers
enum { kBodies = 5 };
static const double initial[kBodies][7] = {  // position, velocity, mass
    {0, 0, 0, 0, 0, 0, 39.5},          {4.84, -1.16, -0.10, 0.61, 2.81, -0.02, 0.038},
    {8.34, 4.12, -0.40, -1.01, 1.82, 0.008, 0.011}, {12.9, -15.1, -0.22, 1.08, 0.87, -0.01, 0.0017},
    {15.4, -25.9, 0.18, 0.98, 0.59, -0.03, 0.0020},
};
static double body[kBodies][7];

static inline double root(double x) {
    double result;
    __asm__("fsqrt" : "=t"(result) : "0"(x));
    return result;
}
static NOINLINE void advance(double step) {
    for (int i = 0; i < kBodies; ++i) {
        for (int j = i + 1; j < kBodies; ++j) {
            const double x = body[i][0] - body[j][0], y = body[i][1] - body[j][1], z = body[i][2] - body[j][2];
            const double square = x * x + y * y + z * z;
            const double pull = step / (square * root(square));
            const double a = body[j][6] * pull, b = body[i][6] * pull;
            body[i][3] -= x * a, body[i][4] -= y * a, body[i][5] -= z * a;
            body[j][3] += x * b, body[j][4] += y * b, body[j][5] += z * b;
        }
    }
    for (int i = 0; i < kBodies; ++i) {
        for (int k = 0; k < 3; ++k) body[i][k] += step * body[i][k + 3];
    }
}
static u64 bits(double x) {
    u64 value;
    __builtin_memcpy(&value, &x, 8);
    return value;
}
static u64 bodies(u32 rounds) {
    __builtin_memcpy(body, initial, sizeof body);
    while (rounds-- > 0) advance(0.01);
    u64 sum = 0;
    for (int i = 0; i < kBodies; ++i) sum = fold(sum, bits(body[i][0]) ^ bits(body[i][4]));
    return sum;
}

// --- product of matrices, double
enum { kSide = 48 };
static double a[kSide][kSide], b[kSide][kSide], c[kSide][kSide];
static void make_matrices(void) {
    u32 state = 271828182;
    for (int i = 0; i < kSide; ++i) {
        for (int j = 0; j < kSide; ++j) {
            a[i][j] = (double)(s32)next_random(&state) / 2147483648.0;
            b[i][j] = (double)(s32)next_random(&state) / 4294967296.0;
        }
    }
}
static u64 matrix(u32 rounds) {
    u64 sum = 0;
    while (rounds-- > 0) {
        for (int i = 0; i < kSide; ++i) {
            for (int j = 0; j < kSide; ++j) {
                double total = 0;
                for (int k = 0; k < kSide; ++k) total += a[i][k] * b[k][j];
                c[i][j] = total;
            }
        }
        a[rounds % kSide][0] += 0.5;
        sum = fold(sum, bits(c[rounds % kSide][7]));
    }
    return sum;
}

// --- a polynomial in long double: the stack deep, FLD and FSTP of ten bytes, comparison and branch
static NOINLINE long double polynomial(const long double* coefficient, int n, long double x) {
    long double even = 0, odd = 0;
    for (int i = n - 1; i > 0; i -= 2) {
        odd = odd * x * x + coefficient[i];
        even = even * x * x + coefficient[i - 1];
    }
    const long double value = odd * x + even;
    return value < 0 ? -value : value;
}
static u64 extended(u32 rounds) {
    long double coefficient[16];
    for (int i = 0; i < 16; ++i) coefficient[i] = (long double)(i * 37 % 11 - 5) / (i + 1);
    u64 sum = 0;
    long double x = -1;
    while (rounds-- > 0) {
        const long double value = polynomial(coefficient, 16, x);
        coefficient[rounds % 16] = value > 8 ? value / 4 : value - 0.25L;
        x += 0.001L;
        if (x > 1) x = -1;
        u64 fraction;
        __builtin_memcpy(&fraction, &value, 8);
        sum = fold(sum, fraction);
    }
    return sum;
}

const struct Benchmark x87_benchmarks[] = {
    {"fp/x87-bodies", 0, bodies, 400000, 0},
    {"fp/x87-matrix", make_matrices, matrix, 800, 0},
    {"fp/x87-extended", 0, extended, 1200000, 0},
    {0, 0, 0, 0, 0},
};
