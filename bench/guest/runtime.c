// Start-up, system calls with more than four arguments, the link to the host, and what GCC calls by itself.
#include "runtime.h"

int main(int count, char** arguments, char** environment);

#ifdef __x86_64__
__asm__(".globl _start\n_start:\n xor %ebp, %ebp\n mov %rsp, %rdi\n and $-16, %rsp\n call start\n");
#else
__asm__(".globl _start\n_start:\n xor %ebp, %ebp\n mov %esp, %eax\n and $-16, %esp\n sub $12, %esp\n push %eax\n call start\n");
__asm__("slow_call:\n int $0x80\n ret\n");
void slow_call(void);
void (*kernel_call)(void) = slow_call;
enum { kAtSysinfo = 32 };
#endif

__attribute__((used)) _Noreturn void start(word* stack) {
    const int count = (int)stack[0];
    char** arguments = (char**)(stack + 1);
    char** environment = arguments + count + 1;
#ifndef __x86_64__
    char** end = environment;
    while (*end) ++end;
    for (word* entry = (word*)(end + 1); entry[0] != 0; entry += 2) {
        if (entry[0] == kAtSysinfo) kernel_call = (void (*)(void))entry[1];
    }
#endif
    leave(main(count, arguments, environment));
}

// --- memory and processes
enum { kPrivateAnonymous = 0x22, kMadvNoHugePage = 15 };

void* allocate(word size, int protection) {
#ifdef __x86_64__
    register long r10 __asm__("r10") = kPrivateAnonymous;
    register long r8 __asm__("r8") = -1;
    register long r9 __asm__("r9") = 0;
    long at;
    __asm__ volatile("syscall"
                     : "=a"(at)
                     : "0"(kSysMmap), "D"(0), "S"(size), "d"(protection), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
#else
    const long block[6] = {0, (long)size, protection, kPrivateAnonymous, -1, 0};
    const long at = call1(kSysOldMmap, (long)block);
#endif
    if (at < 0 && at > -4096) die("no memory");
    // Huge pages would make what is measured depend on how fragmented the memory of each kernel is.
    call3(kSysMadvise, at, (long)size, kMadvNoHugePage);
    return (void*)at;
}

void release(void* memory, word size) { call3(kSysMunmap, (long)memory, (long)size, 0); }

_Noreturn void leave(int status) {
    for (;;) call1(kSysExit, status);
}

_Noreturn void die(const char* why) {
    say("error ");
    say(why);
    say("\n");
    leave(1);
}

void wait_for(long pid) {
    int status = 0;
    if (call4(kSysWait4, pid, (long)&status, 0, 0) != pid) die("wait4");
    if (status != 0) die("a child failed");
}

int equal(const char* a, const char* b) {
    while (*a && *a == *b) ++a, ++b;
    return *a == *b;
}

void* memcpy(void* to, const void* from, word size) {
    for (word i = 0; i < size; ++i) ((u8*)to)[i] = ((const u8*)from)[i];
    return to;
}
void* memmove(void* to, const void* from, word size) {
    if ((word)to <= (word)from) return memcpy(to, from, size);
    while (size-- > 0) ((u8*)to)[size] = ((const u8*)from)[size];
    return to;
}
void* memset(void* to, int value, word size) {
    for (word i = 0; i < size; ++i) ((u8*)to)[i] = (u8)value;
    return to;
}
int memcmp(const void* a, const void* b, word size) {
    for (word i = 0; i < size; ++i) {
        if (((const u8*)a)[i] != ((const u8*)b)[i]) return ((const u8*)a)[i] - ((const u8*)b)[i];
    }
    return 0;
}

// --- the link: registers of the 16550A
enum { kThr = 0, kDll = 0, kIer = 1, kDlm = 1, kFcr = 2, kLcr = 3, kMcr = 4, kLsr = 5 };
enum { kDataReady = 0x01, kThrEmpty = 0x20, kAllSent = 0x40 };
static int port_;

static void out(int offset, u8 value) { __asm__ volatile("outb %0, %w1" : : "a"(value), "Nd"(port_ + offset)); }
static u8 in(int offset) {
    u8 value;
    __asm__ volatile("inb %w1, %0" : "=a"(value) : "Nd"(port_ + offset));
    return value;
}

/// Between two looks at the line's state. Without it most of the time would go into IN, which is slow in any emulator, and
/// where guest time counts instructions, as in Bantam, a host that looks once a millisecond would see marks late.
static void relax(void) {
    for (int i = 0; i < 1000; ++i) __asm__ volatile("");
}
static void wait_until(u8 state) {
    while ((in(kLsr) & state) == 0) relax();
}

void open_link(int port) {
    if (port == 0) return;
    if (call3(kSysIoperm, port, 8, 1) != 0) die("ioperm");
    port_ = port;
    out(kIer, 0);
    out(kLcr, 0x80);
    out(kDll, 1);
    out(kDlm, 0);
    out(kLcr, 3);
    out(kMcr, 3);
    out(kFcr, 7);
}

void mark(char byte) {
    if (port_ == 0) {
        call3(kSysWrite, 1, (long)&byte, 1);
        return;
    }
    wait_until(kThrEmpty);
    out(kThr, (u8)byte);
    wait_until(kAllSent);
}

void say(const char* text) {
    if (port_ == 0) {
        word length = 0;
        while (text[length]) ++length;
        call3(kSysWrite, 1, (long)text, (long)length);
        return;
    }
    for (; *text; ++text) {
        wait_until(kThrEmpty);
        out(kThr, (u8)*text);
    }
}

void say_hex(u64 value) {
    char text[17];
    for (int i = 15; i >= 0; --i, value >>= 4) text[i] = "0123456789abcdef"[value & 15];
    text[16] = 0;
    say(text);
}

int hear(char* line, int size) {
    int length = 0;
    for (;;) {
        char byte;
        if (port_ == 0) {
            if (call3(kSysRead, 0, (long)&byte, 1) != 1) return 0;
        } else {
            wait_until(kDataReady);
            byte = (char)in(kThr);
        }
        if (byte == '\n') break;
        if (length + 1 < size) line[length++] = byte;
    }
    line[length] = 0;
    return 1;
}

#ifndef __x86_64__
// GCC's names for 64-bit division where the processor has only 64 by 32 bits. Two DIVs where the divisor fits into 32
// bits, as libgcc does; otherwise an estimate from the upper bits, corrected by one.
u64 __udivmoddi4(u64 n, u64 d, u64* rest);
u64 __udivdi3(u64 n, u64 d);
u64 __umoddi3(u64 n, u64 d);

static u32 divide(u32 high, u32 low, u32 d, u32* rest) {
    u32 quotient;
    __asm__("divl %4" : "=a"(quotient), "=d"(*rest) : "0"(low), "1"(high), "r"(d) : "cc");
    return quotient;
}

u64 __udivmoddi4(u64 n, u64 d, u64* rest) {
    const u32 d_high = (u32)(d >> 32);
    u32 r = 0;
    if (d_high == 0) {
        const u32 high = divide(0, (u32)(n >> 32), (u32)d, &r);
        const u32 low = divide(r, (u32)n, (u32)d, &r);
        *rest = r;
        return (u64)high << 32 | low;
    }
    const int shift = __builtin_clz(d_high);
    const u32 top = (u32)((d << shift) >> 32);
    const u64 half = n >> 1;
    u32 quotient = divide((u32)(half >> 32), (u32)half, top, &r) >> (31 - shift);
    if (quotient != 0) --quotient;
    u64 left = n - quotient * d;
    if (left >= d) {
        left -= d;
        ++quotient;
    }
    *rest = left;
    return quotient;
}
u64 __udivdi3(u64 n, u64 d) {
    u64 rest;
    return __udivmoddi4(n, d, &rest);
}
u64 __umoddi3(u64 n, u64 d) {
    u64 rest;
    __udivmoddi4(n, d, &rest);
    return rest;
}
#endif
