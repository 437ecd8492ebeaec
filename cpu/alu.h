// Integer arithmetic with flags, executed by the host's own instruction and read back with LAHF and SETO, so that
// results and flags (the undefined ones too) are the host CPU's. Each operation is a type with a static `apply`.
//
// Operations that leave some status flags alone, on some hosts those they leave undefined, first load all of them:
// ADD AL, 7Fh turns bit 0 (OF) into the host's OF, SAHF loads the rest.
#pragma once

#include "base/types.h"
#include "cpu/state.h"

namespace bantam::alu {

struct Add {
    template <class T>
    static T apply(T a, T b, Status& status) {
        u16 ax;
        asm("add %[b], %[a]; lahf; seto %%al" : [a] "+r"(a), "=&a"(ax) : [b] "r"(b) : "cc");
        status = ax;
        return a;
    }
};
struct Or {
    template <class T>
    static T apply(T a, T b, Status& status) {
        u16 ax;
        asm("or %[b], %[a]; lahf; seto %%al" : [a] "+r"(a), "=&a"(ax) : [b] "r"(b) : "cc");
        status = ax;
        return a;
    }
};
struct Adc {
    template <class T>
    static T apply(T a, T b, Status& status) {
        u16 ax = status;
        asm("sahf; adc %[b], %[a]; lahf; seto %%al" : [a] "+r"(a), "+&a"(ax) : [b] "r"(b) : "cc");
        status = ax;
        return a;
    }
};
struct Sbb {
    template <class T>
    static T apply(T a, T b, Status& status) {
        u16 ax = status;
        asm("sahf; sbb %[b], %[a]; lahf; seto %%al" : [a] "+r"(a), "+&a"(ax) : [b] "r"(b) : "cc");
        status = ax;
        return a;
    }
};
struct And {
    template <class T>
    static T apply(T a, T b, Status& status) {
        u16 ax;
        asm("and %[b], %[a]; lahf; seto %%al" : [a] "+r"(a), "=&a"(ax) : [b] "r"(b) : "cc");
        status = ax;
        return a;
    }
};
struct Sub {
    template <class T>
    static T apply(T a, T b, Status& status) {
        u16 ax;
        asm("sub %[b], %[a]; lahf; seto %%al" : [a] "+r"(a), "=&a"(ax) : [b] "r"(b) : "cc");
        status = ax;
        return a;
    }
};
struct Xor {
    template <class T>
    static T apply(T a, T b, Status& status) {
        u16 ax;
        asm("xor %[b], %[a]; lahf; seto %%al" : [a] "+r"(a), "=&a"(ax) : [b] "r"(b) : "cc");
        status = ax;
        return a;
    }
};
struct Inc {
    template <class T>
    static T apply(T a, Status& status) {
        u16 ax = status;
        asm("sahf; inc %[a]; lahf; seto %%al" : [a] "+r"(a), "+&a"(ax) : : "cc");
        status = ax;
        return a;
    }
};
struct Dec {
    template <class T>
    static T apply(T a, Status& status) {
        u16 ax = status;
        asm("sahf; dec %[a]; lahf; seto %%al" : [a] "+r"(a), "+&a"(ax) : : "cc");
        status = ax;
        return a;
    }
};
struct Neg {
    template <class T>
    static T apply(T a, Status& status) {
        u16 ax;
        asm("neg %[a]; lahf; seto %%al" : [a] "+r"(a), "=&a"(ax) : : "cc");
        status = ax;
        return a;
    }
};
struct Not {
    template <class T>
    static T apply(T a, Status&) {
        return static_cast<T>(~a);
    }
};

// Shifts and rotates: a count of 0 after masking changes no flag, so callers need not treat it apart.
struct Rol {
    template <class T>
    static T apply(T a, u8 count, Status& status) {
        u16 ax = status;
        asm("addb $127, %%al; sahf; rol %%cl, %[a]; lahf; seto %%al" : [a] "+r"(a), "+&a"(ax) : "c"(count) : "cc");
        status = ax;
        return a;
    }
};
struct Ror {
    template <class T>
    static T apply(T a, u8 count, Status& status) {
        u16 ax = status;
        asm("addb $127, %%al; sahf; ror %%cl, %[a]; lahf; seto %%al" : [a] "+r"(a), "+&a"(ax) : "c"(count) : "cc");
        status = ax;
        return a;
    }
};
struct Rcl {
    template <class T>
    static T apply(T a, u8 count, Status& status) {
        u16 ax = status;
        asm("addb $127, %%al; sahf; rcl %%cl, %[a]; lahf; seto %%al" : [a] "+r"(a), "+&a"(ax) : "c"(count) : "cc");
        status = ax;
        return a;
    }
};
struct Rcr {
    template <class T>
    static T apply(T a, u8 count, Status& status) {
        u16 ax = status;
        asm("addb $127, %%al; sahf; rcr %%cl, %[a]; lahf; seto %%al" : [a] "+r"(a), "+&a"(ax) : "c"(count) : "cc");
        status = ax;
        return a;
    }
};
struct Shl {
    template <class T>
    static T apply(T a, u8 count, Status& status) {
        u16 ax = status;
        asm("addb $127, %%al; sahf; shl %%cl, %[a]; lahf; seto %%al" : [a] "+r"(a), "+&a"(ax) : "c"(count) : "cc");
        status = ax;
        return a;
    }
};
struct Shr {
    template <class T>
    static T apply(T a, u8 count, Status& status) {
        u16 ax = status;
        asm("addb $127, %%al; sahf; shr %%cl, %[a]; lahf; seto %%al" : [a] "+r"(a), "+&a"(ax) : "c"(count) : "cc");
        status = ax;
        return a;
    }
};
struct Sar {
    template <class T>
    static T apply(T a, u8 count, Status& status) {
        u16 ax = status;
        asm("addb $127, %%al; sahf; sar %%cl, %[a]; lahf; seto %%al" : [a] "+r"(a), "+&a"(ax) : "c"(count) : "cc");
        status = ax;
        return a;
    }
};
struct Shld {
    template <class T>
    static T apply(T a, T b, u8 count, Status& status) {
        u16 ax = status;
        asm("addb $127, %%al; sahf; shld %%cl, %[b], %[a]; lahf; seto %%al"
            : [a] "+r"(a), "+&a"(ax)
            : [b] "r"(b), "c"(count)
            : "cc");
        status = ax;
        return a;
    }
};
struct Shrd {
    template <class T>
    static T apply(T a, T b, u8 count, Status& status) {
        u16 ax = status;
        asm("addb $127, %%al; sahf; shrd %%cl, %[b], %[a]; lahf; seto %%al"
            : [a] "+r"(a), "+&a"(ax)
            : [b] "r"(b), "c"(count)
            : "cc");
        status = ax;
        return a;
    }
};

/// Two-operand IMUL; T is u16, u32 or u64.
struct Imul {
    template <class T>
    static T apply(T a, T b, Status& status) {
        u16 ax = status;
        asm("addb $127, %%al; sahf; imul %[b], %[a]; lahf; seto %%al" : [a] "+r"(a), "+&a"(ax) : [b] "r"(b) : "cc");
        status = ax;
        return a;
    }
};

/// Double-width product of one-operand MUL and IMUL of 16, 32 or 64 bits.
template <class T>
struct Product {
    T low;
    T high;
};
struct MulWide {
    template <class T>
    static Product<T> apply(T a, T b, Status& status) {
        u64 rax = status;
        T high;
        u64 product;
        asm("addb $127, %%al; sahf; mov %[a], %%rax; mul %[b]; mov %%rax, %[product]; lahf; seto %%al"
            : "+&a"(rax), "=&d"(high), [product] "=&r"(product)
            : [a] "r"(u64{a}), [b] "r"(b)
            : "cc");
        status = static_cast<Status>(rax);
        return {static_cast<T>(product), high};
    }
};
struct ImulWide {
    template <class T>
    static Product<T> apply(T a, T b, Status& status) {
        u64 rax = status;
        T high;
        u64 product;
        asm("addb $127, %%al; sahf; mov %[a], %%rax; imul %[b]; mov %%rax, %[product]; lahf; seto %%al"
            : "+&a"(rax), "=&d"(high), [product] "=&r"(product)
            : [a] "r"(u64{a}), [b] "r"(b)
            : "cc");
        status = static_cast<Status>(rax);
        return {static_cast<T>(product), high};
    }
};
/// AL * operand to AX.
template <bool kSigned>
u16 multiply_bytes(u8 a, u8 b, Status& status) {
    u64 rax = status;
    u16 product;
    if constexpr (kSigned) {
        asm("addb $127, %%al; sahf; mov %[a], %%al; imulb %[b]; mov %%ax, %[product]; lahf; seto %%al"
            : "+&a"(rax), [product] "=&r"(product)
            : [a] "q"(a), [b] "q"(b)
            : "cc");
    } else {
        asm("addb $127, %%al; sahf; mov %[a], %%al; mulb %[b]; mov %%ax, %[product]; lahf; seto %%al"
            : "+&a"(rax), [product] "=&r"(product)
            : [a] "q"(a), [b] "q"(b)
            : "cc");
    }
    status = static_cast<Status>(rax);
    return product;
}

/// BSF, BSR: `a` is kept when the source is 0, as every host does.
struct Bsf {
    template <class T>
    static T apply(T a, T b, Status& status) {
        u16 ax = status;
        asm("addb $127, %%al; sahf; bsf %[b], %[a]; lahf; seto %%al" : [a] "+r"(a), "+&a"(ax) : [b] "r"(b) : "cc");
        status = ax;
        return a;
    }
};
struct Bsr {
    template <class T>
    static T apply(T a, T b, Status& status) {
        u16 ax = status;
        asm("addb $127, %%al; sahf; bsr %[b], %[a]; lahf; seto %%al" : [a] "+r"(a), "+&a"(ax) : [b] "r"(b) : "cc");
        status = ax;
        return a;
    }
};

/// The 16 conditions of Jcc, SETcc and CMOVcc (SDM vol. 1, appendix B).
template <u8 kCondition>
constexpr bool condition_holds(Status status) {
    constexpr Status kCarry = 0x0100, kParity = 0x0400, kZero = 0x4000, kSign = 0x8000;
    bool holds = false;
    switch (kCondition >> 1) {
        case 0:
            holds = (status & 1) != 0;
            break;
        case 1:
            holds = (status & kCarry) != 0;
            break;
        case 2:
            holds = (status & kZero) != 0;
            break;
        case 3:
            holds = (status & (kCarry | kZero)) != 0;
            break;
        case 4:
            holds = (status & kSign) != 0;
            break;
        case 5:
            holds = (status & kParity) != 0;
            break;
        case 6:
            holds = (((status >> 15) ^ status) & 1) != 0;
            break;
        default:
            holds = (((status >> 15) ^ status) & 1) != 0 || (status & kZero) != 0;
            break;
    }
    return holds != ((kCondition & 1) != 0);
}

}  // namespace bantam::alu
