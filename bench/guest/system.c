// Group "system": what goes through the kernel. Natively it runs on the host's kernel, in a guest on the guest's, so these
// ratios compare two kernels too; the ratio to TCG does not.
#include "suite.h"

static u64 get_pid(u32 rounds) {
    const long first = call1(kSysGetpid, 0);
    u64 same = 0;
    while (rounds-- > 0) same += call1(kSysGetpid, 0) == first ? 1 : 0;
    return same;
}

// --- a byte to and fro between two processes
static u64 ping_pong(u32 rounds) {
    int to[2], back[2];
    if (call1(kSysPipe, (long)to) != 0 || call1(kSysPipe, (long)back) != 0) die("pipe");
    const long child = call1(kSysFork, 0);
    if (child < 0) die("fork");
    u8 byte = 0;
    if (child == 0) {
        call1(kSysClose, to[1]);
        while (call3(kSysRead, to[0], (long)&byte, 1) == 1) {
            ++byte;
            call3(kSysWrite, back[1], (long)&byte, 1);
        }
        leave(0);
    }
    u64 sum = 0;
    for (u32 i = 0; i < rounds; ++i) {
        byte = (u8)i;
        call3(kSysWrite, to[1], (long)&byte, 1);
        if (call3(kSysRead, back[0], (long)&byte, 1) != 1) die("read");
        sum = fold(sum, byte);
    }
    call1(kSysClose, to[1]);
    wait_for(child);
    for (int i = 0; i < 2; ++i) call1(kSysClose, back[i]);
    call1(kSysClose, to[0]);
    return sum;
}

static u64 fork_wait(u32 rounds) {
    u64 done = 0;
    while (rounds-- > 0) {
        const long child = call1(kSysFork, 0);
        if (child == 0) leave(0);
        wait_for(child);
        ++done;
    }
    return done;
}

static u64 execute(u32 rounds) {
    u64 done = 0;
    while (rounds-- > 0) {
        const long child = call1(kSysFork, 0);
        if (child == 0) {
            const char* const arguments[] = {own_path, "--nothing", 0};
            const char* const environment[] = {0};
            call3(kSysExecve, (long)own_path, (long)arguments, (long)environment);
            leave(1);
        }
        wait_for(child);
        ++done;
    }
    return done;
}

// --- fresh memory: map, touch each page, unmap
enum { kPage = 4096, kPages = 512 };
static u64 map_touch(u32 rounds) {
    u64 sum = 0;
    while (rounds-- > 0) {
        u8* at = allocate(kPages * kPage, kProtRw);
        for (u32 i = 0; i < kPages; ++i) at[i * kPage] = (u8)(i + rounds);
        sum = fold(sum, at[rounds % kPages * kPage]);
        release(at, kPages * kPage);
    }
    return sum;
}

// --- copy on write: a child writes to every page it has in common with its parent
static u8* common;
static void make_common(void) {
    common = allocate(kPages * kPage, kProtRw);
    for (u32 i = 0; i < kPages; ++i) common[i * kPage] = (u8)i;
}
static u64 copy_on_write(u32 rounds) {
    u64 sum = 0;
    for (u32 round = 0; round < rounds; ++round) {
        const long child = call1(kSysFork, 0);
        if (child == 0) {
            for (u32 i = 0; i < kPages; ++i) common[i * kPage] ^= (u8)round;
            for (u32 i = 0; i < kPages; ++i) {
                if (common[i * kPage] != (u8)(i ^ round)) leave(1);
            }
            leave(0);
        }
        wait_for(child);
        sum = fold(sum, common[round % kPages * kPage]);
    }
    return sum;
}

// --- small files: make, write, read, rename, remove
static void join(char* path, const char* name) {
    u32 length = 0;
    for (const char* at = scratch_folder; *at && length < 80; ++at) path[length++] = *at;
    path[length++] = '/';
    while (*name) path[length++] = *name++;
    path[length] = 0;
}
enum { kCreateTruncateWrite = 01 | 0100 | 01000 };
static u64 files(u32 rounds) {
    char path[128], renamed[128];
    u8 data[1024], got[1024];
    join(path, "bench-file");
    join(renamed, "bench-file-2");
    u64 sum = 0;
    for (u32 i = 0; i < rounds; ++i) {
        for (u32 k = 0; k < sizeof data; k += 64) data[k] = (u8)(i + k);
        long file = call3(kSysOpen, (long)path, kCreateTruncateWrite, 0600);
        if (file < 0) die("open");
        for (int k = 0; k < 4; ++k) call3(kSysWrite, file, (long)data, sizeof data);
        call1(kSysClose, file);
        call3(kSysRename, (long)path, (long)renamed, 0);
        file = call3(kSysOpen, (long)renamed, 0, 0);
        long length = 0, part;
        while ((part = call3(kSysRead, file, (long)got, sizeof got)) > 0) length += part;
        call1(kSysClose, file);
        call1(kSysUnlink, (long)renamed);
        sum = fold(sum, (u64)length + got[i % sizeof got]);
    }
    return sum;
}

// --- signals: to itself, handled, returned from
struct Action {
    void (*handler)(int, void*, void*);
    word flags;
    void (*restorer)(void);
    u64 mask;
};
enum { kSigUsr1 = 10, kSaSiginfo = 4, kSaRestorer = 0x04000000 };
void signal_return(void);
#ifdef __x86_64__
__asm__("signal_return:\n mov $15, %eax\n syscall\n");
#else
__asm__("signal_return:\n mov $173, %eax\n int $0x80\n");
#endif
static volatile u32 caught;
static void handle(int number, void* information, void* context) {
    (void)information;
    (void)context;
    caught += (u32)number;
}
static u64 signals(u32 rounds) {
    const struct Action action = {handle, kSaSiginfo | kSaRestorer, signal_return, 0};
    if (call4(kSysSigaction, kSigUsr1, (long)&action, 0, 8) != 0) die("sigaction");
    const long self = call1(kSysGetpid, 0);
    caught = 0;
    while (rounds-- > 0) call3(kSysKill, self, kSigUsr1, 0);
    return caught;
}

const struct Benchmark system_benchmarks[] = {
    {"system/getpid", 0, get_pid, 300000, 0},
    {"system/ping-pong", 0, ping_pong, 12000, 0},
    {"system/fork", 0, fork_wait, 800, 0},
    {"system/exec", 0, execute, 400, 0},
    {"system/map-touch", 0, map_touch, 60, 0},
    {"system/copy-on-write", make_common, copy_on_write, 30, 0},
    {"system/files", 0, files, 4000, 0},
    {"system/signals", 0, signals, 25000, 0},
    {0, 0, 0, 0, 0},
};
