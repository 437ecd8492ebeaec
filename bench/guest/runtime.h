// What the suite has instead of a C library: types, system calls, output, memory. Nothing here runs in timed parts but
// what a benchmark of the group "system" calls on purpose. Linux, i386 and x86-64, static, freestanding.
#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef signed int s32;
typedef signed long long s64;
typedef unsigned long word;

#define NOINLINE __attribute__((noinline, noclone))
/// Keeps a value alive that the compiler would otherwise see through or drop.
#define OPAQUE(value) __asm__ volatile("" : "+r"(value))
#define MEMORY_BARRIER() __asm__ volatile("" ::: "memory")

#ifdef __x86_64__
enum {
    kSysRead = 0,
    kSysWrite = 1,
    kSysOpen = 2,
    kSysClose = 3,
    kSysMmap = 9,
    kSysMunmap = 11,
    kSysSigaction = 13,
    kSysSigreturn = 15,
    kSysPipe = 22,
    kSysMadvise = 28,
    kSysGetpid = 39,
    kSysFork = 57,
    kSysExecve = 59,
    kSysExit = 60,
    kSysWait4 = 61,
    kSysKill = 62,
    kSysRename = 82,
    kSysUnlink = 87,
    kSysIoperm = 173,
};
static inline long call4(long number, long a, long b, long c, long d) {
    register long r10 __asm__("r10") = d;
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "0"(number), "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
    return result;
}
#else
enum {
    kSysExit = 1,
    kSysFork = 2,
    kSysRead = 3,
    kSysWrite = 4,
    kSysOpen = 5,
    kSysClose = 6,
    kSysUnlink = 10,
    kSysExecve = 11,
    kSysGetpid = 20,
    kSysKill = 37,
    kSysRename = 38,
    kSysPipe = 42,
    kSysOldMmap = 90,
    kSysMunmap = 91,
    kSysIoperm = 101,
    kSysWait4 = 114,
    kSysSigreturn = 173,
    kSysSigaction = 174,
    kSysMadvise = 219,
};
/// __kernel_vsyscall as the kernel's auxiliary vector gives it, as a C library would use it (SYSENTER); INT 80H
/// without.
extern void (*kernel_call)(void);
static inline long call4(long number, long a, long b, long c, long d) {
    long result;
    __asm__ volatile("call *%1"
                     : "=a"(result)
                     : "m"(kernel_call), "0"(number), "b"(a), "c"(b), "d"(c), "S"(d)
                     : "memory");
    return result;
}
#endif
static inline long call3(long number, long a, long b, long c) { return call4(number, a, b, c, 0); }
static inline long call1(long number, long a) { return call4(number, a, 0, 0, 0); }

enum { kProtRw = 3, kProtRwx = 7 };
/// Private anonymous memory of small pages, zeroed, untouched; ends the program when there is none.
void* allocate(word size, int protection);
void release(void* memory, word size);
_Noreturn void leave(int status);
_Noreturn void die(const char* why);
void wait_for(long pid);

int equal(const char* a, const char* b);
void* memcpy(void* to, const void* from, word size);
void* memmove(void* to, const void* from, word size);
void* memset(void* to, int value, word size);
int memcmp(const void* a, const void* b, word size);

/// The host's end of the conversation: a UART programmed by polling (in a guest), or standard input and output.
void open_link(int port);
/// Sends one byte and returns only when it is out, so that nothing of it falls into the measured time.
void mark(char byte);
void say(const char* text);
void say_hex(u64 value);
/// A line without its end; returns 0 at the end of input.
int hear(char* line, int size);

/// A simple generator whose sequence every benchmark may rely on.
static inline u32 next_random(u32* state) {
    u32 x = *state;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return *state = x;
}
/// Folds a value into a checksum.
static inline u64 fold(u64 sum, u64 value) { return (sum << 5 | sum >> 59) ^ value; }
