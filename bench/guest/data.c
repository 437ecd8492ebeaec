// Group "int", second half: SHA-256, hash table, bytecode interpreter, long numbers, 64-bit arithmetic, strings.
#include "suite.h"

// --- SHA-256 (FIPS 180-4); the constants are computed: the first 32 bits of the fractional parts of the cube roots of the
// first 64 primes, and of the square roots of the first 8
static u32 k256[64];
static u32 initial[8];
static u8 message[64 * 1024];

/// floor(root(prime) * 2^32) mod 2^32, power 2 or 3, by bisection over 128 bits in 32-bit limbs.
static u32 root_fraction(u32 prime, int power) {
    u64 low = 0;
    u64 high = (u64)1 << 36;
    while (high - low > 1) {
        const u64 middle = (low + high) / 2;
        // middle^power against prime * 2^(32 * power), with limbs of 32 bits: result[0] is the lowest.
        u32 limbs[5] = {(u32)middle, (u32)(middle >> 32), 0, 0, 0};
        for (int times = 1; times < power; ++times) {
            u32 next[5] = {0, 0, 0, 0, 0};
            for (int i = 0; i < 5; ++i) {
                u64 carry = 0;
                for (int j = 0; j < 2 && i + j < 5; ++j) {
                    const u64 part = (u64)limbs[i] * (u32)(middle >> (32 * j)) + next[i + j] + carry;
                    next[i + j] = (u32)part;
                    carry = part >> 32;
                }
                if (i + 2 < 5) next[i + 2] += (u32)carry;
            }
            memcpy(limbs, next, sizeof limbs);
        }
        const u64 whole = limbs[power] | (u64)limbs[power + 1 < 5 ? power + 1 : 4] << 32;
        if (whole >= prime) high = middle; else low = middle;
    }
    return (u32)low;
}
static void make_message(void) {
    u32 found = 0;
    for (u32 n = 2; found < 64; ++n) {
        u32 d = 2;
        while (d * d <= n && n % d != 0) ++d;
        if (d * d <= n) continue;
        if (found < 8) initial[found] = root_fraction(n, 2);
        k256[found++] = root_fraction(n, 3);
    }
    u32 state = 1181783497;
    for (u32 i = 0; i < sizeof message; ++i) message[i] = (u8)next_random(&state);
}
static inline u32 rotate(u32 x, int n) { return x >> n | x << (32 - n); }
static void sha_block(u32* h, const u8* data) {
    u32 w[64];
    for (int i = 0; i < 16; ++i) {
        u32 value;
        __builtin_memcpy(&value, data + 4 * i, 4);
        w[i] = __builtin_bswap32(value);
    }
    for (int i = 16; i < 64; ++i) {
        const u32 s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3;
        const u32 s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    u32 a = h[0], b = h[1], c = h[2], d = h[3], e = h[4], f = h[5], g = h[6], last = h[7];
    for (int i = 0; i < 64; ++i) {
        const u32 t1 = last + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) + k256[i] + w[i];
        const u32 t2 = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
        last = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
    }
    h[0] += a, h[1] += b, h[2] += c, h[3] += d, h[4] += e, h[5] += f, h[6] += g, h[7] += last;
}
static u64 sha256(u32 rounds) {
    u32 h[8];
    memcpy(h, initial, sizeof h);
    while (rounds-- > 0) {
        for (u32 at = 0; at < sizeof message; at += 64) sha_block(h, message + at);
    }
    u64 sum = 0;
    for (int i = 0; i < 8; ++i) sum = fold(sum, h[i]);
    return sum;
}

// --- a hash table of words: FNV-1a, open addressing
enum { kTable = 16 * 1024, kWords = 8 * 1024 };
static struct Slot {
    u32 hash, count;
} table[kTable];
static char words[kWords][12];
static void make_words(void) {
    u32 state = 362436069;
    for (u32 i = 0; i < kWords; ++i) {
        const u32 length = 3 + next_random(&state) % 8;
        for (u32 j = 0; j < length; ++j) words[i][j] = (char)('a' + next_random(&state) % 4);
    }
}
static u64 hash(u32 rounds) {
    u64 sum = 0;
    while (rounds-- > 0) {
        for (u32 i = 0; i < kTable; ++i) table[i] = (struct Slot){0, 0};
        for (u32 i = 0; i < kWords; ++i) {
            u32 value = 2166136261u;
            for (const char* at = words[i]; *at; ++at) value = (value ^ (u8)*at) * 16777619u;
            value |= 1;
            u32 slot = (value >> 7) % kTable;
            while (table[slot].hash != 0 && table[slot].hash != value) slot = (slot + 1) % kTable;
            table[slot].hash = value;
            sum += ++table[slot].count;
        }
        sum = fold(sum, table[rounds % kTable].hash);
    }
    return sum;
}

// --- an interpreter of bytecode: registers, a loop, branches; a switch as compilers make it
enum Op { kLoad, kAdd, kMul, kXor, kShift, kAnd, kStore, kFetch, kDecrement, kJumpIfNot, kSkipIfOdd, kEnd };
static const u8 program[] = {
    kLoad, 0, 1,  kLoad, 1, 77, kLoad, 2, 200,                       // r0 = 1, r1 = 77, r2 = 200
    kAdd, 0, 1,   kMul, 1, 0,   kXor, 0, 2,       kShift, 1, 3,      // 9: loop
    kSkipIfOdd, 0, 3, kAdd, 3, 0, kAnd, 1, 0,     kStore, 0, 2,
    kFetch, 4, 2, kAdd, 3, 4,   kAdd, 1, 2,       kDecrement, 2, 0,
    kJumpIfNot, 2, 9, kEnd, 0, 0,
};
static NOINLINE u32 interpret(const u8* code, u32 seed) {
    u32 r[8] = {0, 0, 0, seed, 0, 0, 0, 0};
    u32 memory[256];
    for (int i = 0; i < 256; ++i) memory[i] = seed;
    for (u32 at = 0;;) {
        const u8 op = code[at], a = code[at + 1], b = code[at + 2];
        at += 3;
        switch (op) {
            case kLoad: r[a & 7] = b; break;
            case kAdd: r[a & 7] += r[b & 7]; break;
            case kMul: r[a & 7] *= r[b & 7] | 1; break;
            case kXor: r[a & 7] ^= r[b & 7]; break;
            case kShift: r[a & 7] = r[a & 7] >> b | r[a & 7] << (32 - b); break;
            case kAnd: r[a & 7] &= r[b & 7] | 0xff; break;
            case kStore: memory[r[b & 7] & 255] = r[a & 7]; break;
            case kFetch: r[a & 7] = memory[r[b & 7] * 5 & 255]; break;
            case kDecrement: --r[a & 7]; break;
            case kJumpIfNot: if (r[a & 7] != 0) at = b; break;
            case kSkipIfOdd: if ((r[a & 7] & 1) != 0) at += b; break;
            case kEnd: return r[3];
            default: return 0;
        }
    }
}
static u64 interpreter(u32 rounds) {
    u64 sum = 0;
    for (u32 i = 0; i < rounds; ++i) sum = fold(sum, interpret(program, i));
    return sum;
}

// --- long numbers: 2048-bit products and sums, carries by ADC
enum { kLimbs = 2048 / 8 / sizeof(word) };
#ifdef __x86_64__
__extension__ typedef unsigned __int128 Wide;
#else
typedef u64 Wide;
#endif
static word left[kLimbs], right[kLimbs], product[2 * kLimbs];
static void make_numbers(void) {
    u32 state = 123456789;
    for (u32 i = 0; i < kLimbs; ++i) {
        left[i] = (word)((u64)next_random(&state) << 31 ^ next_random(&state));
        right[i] = (word)((u64)next_random(&state) << 31 ^ next_random(&state));
    }
}
static NOINLINE void add_to(word* a, const word* b) {
    // The loop keeps CF alive over LEA and DEC, as hand-written long arithmetic does.
    word n = kLimbs, t;
    __asm__ volatile(
        "clc\n1: mov (%2), %0\n adc %0, (%1)\n lea %c4(%1), %1\n lea %c4(%2), %2\n dec %3\n jnz 1b"
        : "=&r"(t), "+r"(a), "+r"(b), "+r"(n)
        : "i"(sizeof(word))
        : "cc", "memory");
}
static u64 carries(u32 rounds) {
    u64 sum = 0;
    while (rounds-- > 0) {
        for (u32 i = 0; i < 2 * kLimbs; ++i) product[i] = 0;
        for (u32 i = 0; i < kLimbs; ++i) {
            word carry = 0;
            for (u32 j = 0; j < kLimbs; ++j) {
                const Wide part = (Wide)left[i] * right[j] + product[i + j] + carry;
                product[i + j] = (word)part;
                carry = (word)(part >> (8 * sizeof(word)));
            }
            product[i + kLimbs] = carry;
        }
        for (int i = 0; i < 16; ++i) {
            add_to(left, product);
            add_to(right, product + kLimbs);
        }
        sum = fold(sum, product[kLimbs] ^ left[0] ^ right[kLimbs - 1]);
    }
    return sum;
}

// --- 64-bit multiply and divide: modular powers, and digits of numbers
static u64 divide64(u32 rounds) {
    u64 sum = 0;
    u32 state = 69069;
    while (rounds-- > 0) {
        const u64 modulus = (u64)next_random(&state) | 0x80000001u;
        u64 base = next_random(&state), result = 1;
        for (u32 exponent = next_random(&state); exponent != 0; exponent >>= 1) {
            if ((exponent & 1) != 0) result = result * base % modulus;
            base = base * base % modulus;
        }
        u64 number = result * modulus * 0x9e3779b97f4a7c15u;
        const u64 large = modulus << 8 | 1;
        sum = fold(sum, number / large + number % large);
        for (u32 divisor = 10; number != 0; number /= divisor) {
            OPAQUE(divisor);
            sum += number % divisor;
        }
    }
    return sum;
}

// --- strings: length, comparison, search, splitting and case, byte by byte
static char text[4096];
static void make_text(void) {
    u32 state = 314159265;
    for (u32 i = 0; i + 1 < sizeof text; ++i) {
        const u32 x = next_random(&state);
        text[i] = (char)(x % 6 == 0 ? ' ' : 'A' + (x >> 8) % 26 + ((x >> 16) % 4 != 0 ? 32 : 0));
    }
}
static NOINLINE u32 length_of(const char* s) {
    const char* end = s;
    while (*end) {
        ++end;
        MEMORY_BARRIER();  // or GCC makes it a call of strlen
    }
    return (u32)(end - s);
}
static NOINLINE const char* search(const char* in, const char* what) {
    for (; *in; ++in) {
        const char *a = in, *b = what;
        while (*b && *a == *b) ++a, ++b;
        if (!*b) return in;
    }
    return in;
}
static u64 strings(u32 rounds) {
    static char copy[sizeof text];
    u64 sum = 0;
    while (rounds-- > 0) {
        u32 tokens = 0;
        int inside = 0;
        char* to = copy;
        for (const char* from = text; *from; ++from) {
            const char c = *from;
            if (c == ' ') {
                inside = 0;
                continue;
            }
            tokens += inside ? 0 : 1;
            inside = 1;
            *to++ = (char)(c >= 'a' && c <= 'z' ? c - 32 : c);
        }
        *to = 0;
        const char key[4] = {(char)('A' + rounds % 26), (char)('A' + rounds / 26 % 26), 'X', 0};
        sum = fold(sum, tokens + length_of(copy) + (u32)(search(copy, key) - copy));
    }
    return sum;
}

const struct Benchmark data_benchmarks[] = {
    {"int/sha256", make_message, sha256, 150, 0},
    {"int/hash", make_words, hash, 250, 0},
    {"int/interpreter", 0, interpreter, 7000, 0},
    {"int/carries", make_numbers, carries, 12000, 0},
    {"int/divide64", 0, divide64, 80000, 0},
    {"int/strings", make_text, strings, 2000, 0},
    {0, 0, 0, 0, 0},
};
