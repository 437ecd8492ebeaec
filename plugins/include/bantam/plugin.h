/* Plugins for Bantam: shared libraries that watch a machine and change what it does ("bantam run --plugin FILE.so").
 *
 * A plugin is C (or anything with C's ABI) and needs this header only. It exports two names, see the end of this file:
 * the version of the interface it was written for, and a function that is called once for each machine, before its
 * first instruction, and asks for hooks. All hooks are called on the machine's thread, in the order in which things
 * happen; with the guest's time virtual (the default of headless machines) that order is the same in every run and with
 * every engine. Plugins of one machine are called in the order of the command line. Nothing here may be called from
 * another thread, nor after the hook `at_end`. Hooks leave x87 and MMX registers alone (no long double): they hold the
 * guest's.
 *
 * What hooks cost is in docs/PLUGINS.md. Without plugins nothing is slower.
 *
 * Versions: functions are only ever added, at the end of struct bantam_api, and then BANTAM_PLUGIN_API counts up. A
 * plugin built for an older version works; one for a newer version is refused when it is loaded. */
#ifndef BANTAM_PLUGIN_H
#define BANTAM_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BANTAM_PLUGIN_API 1

/* The machine, for the functions of struct bantam_api. */
typedef struct bantam_machine bantam_machine;

/* A run of instructions that the guest executes from the first to the last unless one of them faults or an interrupt
 * comes between: 64 at most, within a page (or one instruction across two). Execution that begins in its midst, because
 * a jump, an interrupt or a fault led there, begins another block. A string instruction that repeats may be interrupted
 * between its elements and go on as a block of its own. */
struct bantam_block {
    uint64_t linear;       /* address of its first byte: CS base + RIP, as it is reached this time */
    uint64_t physical;     /* the same in the machine's memory */
    uint32_t bytes;        /* its length */
    uint32_t instructions; /* their number */
    uint32_t code_bits;    /* 16, 32 or 64 */
};

/* An access to memory by an instruction, or by the delivery of an interrupt. Not told of: fetches of instructions,
 * walks of page tables, DMA, and what plugins and debuggers read and write. */
struct bantam_memory_access {
    uint64_t linear;
    uint64_t physical;    /* of the first byte, as page tables have it after the access; ~0: they no longer do */
    const uint8_t* value; /* what was read or written, `size` bytes; valid during the call */
    uint32_t size;        /* 1 to 4096 */
    uint32_t write;       /* 0: read; a read-modify-write is a read, then a write */
};

/* A cycle on the I/O ports. */
struct bantam_port_access {
    uint16_t port;
    uint16_t size;  /* 1, 2 or 4 */
    uint32_t write; /* 0: read */
    uint32_t value; /* read: what the chip gave; write: what it is about to get */
};

enum bantam_event_kind {
    BANTAM_EXCEPTION = 0,          /* raised by an instruction; RIP is at it */
    BANTAM_SOFTWARE_INTERRUPT = 1, /* INT n, INT3, INTO, INT1; RIP is behind it */
    BANTAM_INTERRUPT = 2,          /* external, by INTR */
    BANTAM_NMI = 3
};

/* An interrupt or exception that is about to be delivered. If delivery faults, that is an event of its own. */
struct bantam_event {
    uint32_t kind;
    uint32_t vector;
    uint32_t has_error_code;
    uint32_t error_code;
};

enum bantam_call_kind {
    BANTAM_CALL_INT80 = 0, /* INT 80h by a program (CPL 3) */
    BANTAM_CALL_SYSENTER = 1,
    BANTAM_CALL_SYSCALL = 2
};

/* A system call that is about to enter the kernel: the registers are still the program's, RIP is behind the
 * instruction. */
struct bantam_system_call {
    uint32_t kind;
    uint32_t code_bits; /* of the program: 16, 32 or 64 */
};

/* Registers by number; general registers by the processor's numbers. */
enum bantam_register {
    BANTAM_RAX = 0,
    BANTAM_RCX = 1,
    BANTAM_RDX = 2,
    BANTAM_RBX = 3,
    BANTAM_RSP = 4,
    BANTAM_RBP = 5,
    BANTAM_RSI = 6,
    BANTAM_RDI = 7,
    BANTAM_R8 = 8, /* R9 to R15 follow */
    BANTAM_R15 = 15,
    BANTAM_RIP = 16,
    BANTAM_RFLAGS = 17,
    BANTAM_ES = 18, /* selectors */
    BANTAM_CS = 19,
    BANTAM_SS = 20,
    BANTAM_DS = 21,
    BANTAM_FS = 22,
    BANTAM_GS = 23,
    BANTAM_ES_BASE = 24, /* bases as accesses use them */
    BANTAM_CS_BASE = 25,
    BANTAM_SS_BASE = 26,
    BANTAM_DS_BASE = 27,
    BANTAM_FS_BASE = 28,
    BANTAM_GS_BASE = 29,
    BANTAM_CR0 = 30,
    BANTAM_CR2 = 31,
    BANTAM_CR3 = 32,
    BANTAM_CR4 = 33,
    BANTAM_EFER = 34,
    BANTAM_CPL = 35
};

enum bantam_log_level { BANTAM_LOG_DEBUG = 0, BANTAM_LOG_INFO = 1, BANTAM_LOG_WARNING = 2, BANTAM_LOG_ERROR = 3 };

/* What a plugin may do. The first group asks for hooks: only during bantam_plugin_install, each hook once a plugin;
 * `data` is handed to the hook as it is. */
struct bantam_api {
    uint32_t version; /* BANTAM_PLUGIN_API of this program, not less than the plugin's */
    uint32_t bytes;   /* sizeof(struct bantam_api) of this program */

    /* Of one plugin of a machine only. `hook` is called when a block is about to execute for the first time since it
     * was decoded (it is decoded anew after its bytes were written, and when the store of decoded code was full). It
     * returns the address of a counter, which is counted up before each execution of the block, the first one too, or
     * null. The counter stays in use until at_end. Code runs translated; counting costs a translated block four
     * instructions. */
    void (*on_block_decoded)(bantam_machine*, uint64_t* (*hook)(void* data, const struct bantam_block*), void* data);
    /* Before each execution of a block. Code runs translated, but each block calls out. */
    void (*on_block)(bantam_machine*, void (*hook)(void* data, const struct bantam_block*), void* data);
    /* After each access to memory. Every access leaves translated code: the most expensive hook. */
    void (*on_memory)(bantam_machine*, void (*hook)(void* data, const struct bantam_memory_access*), void* data);
    /* At each cycle on the ports: after reads, before writes. Returns the value that the guest reads, or that is
     * written: access->value to change nothing. */
    void (*on_port)(bantam_machine*, uint32_t (*hook)(void* data, const struct bantam_port_access*), void* data);
    /* Before each interrupt and exception is delivered. */
    void (*on_event)(bantam_machine*, void (*hook)(void* data, const struct bantam_event*), void* data);
    /* Before a system call enters the kernel. For INT 80h on_event is called first. */
    void (*on_system_call)(bantam_machine*, void (*hook)(void* data, const struct bantam_system_call*), void* data);
    /* After SYSRET, SYSEXIT or IRET has returned to CPL 3, from a system call or from anything else. */
    void (*on_return_to_user)(bantam_machine*, void (*hook)(void* data), void* data);
    /* When the run has ended, however it did. */
    void (*at_end)(bantam_machine*, void (*hook)(void* data), void* data);

    /* All below: within a hook. */

    /* The value of a register (enum bantam_register); 0 for a number that is none. */
    uint64_t (*read_register)(bantam_machine*, int number);
    /* Sets RAX to R15, or of RFLAGS the bits CF, PF, AF, ZF, SF, DF and OF. 0: done; -1: this register cannot be
     * written. In the midst of an instruction (hooks of memory and ports) what the instruction itself writes comes
     * later. */
    int (*write_register)(bantam_machine*, int number, uint64_t value);
    /* Copies `size` bytes of memory, without side effects on chips that show registers there. 0: done; -1: part of it
     * is not mapped (linear), or did not keep what was written (ROM, registers). Writes ignore what page tables forbid.
     */
    int (*read_linear)(bantam_machine*, uint64_t address, void* to, size_t size);
    int (*write_linear)(bantam_machine*, uint64_t address, const void* from, size_t size);
    int (*read_physical)(bantam_machine*, uint64_t address, void* to, size_t size);
    int (*write_physical)(bantam_machine*, uint64_t address, const void* from, size_t size);
    /* Nanoseconds of guest time since power-on. */
    uint64_t (*time_ns)(bantam_machine*);
    /* Instructions retired before the present one. */
    uint64_t (*instructions)(bantam_machine*);
    /* A message for the user, without an end of line (enum bantam_log_level; --log says which are shown). */
    void (*log)(bantam_machine*, int level, const char* text);
    /* Ends the run soon: after this block at the latest. `status` (0 to 255) becomes the program's. */
    void (*stop)(bantam_machine*, int status);
};

/* --- what the plugin defines */

#define BANTAM_PLUGIN_EXPORT __attribute__((visibility("default")))

/* BANTAM_PLUGIN_API of the header it was built with. */
extern BANTAM_PLUGIN_EXPORT const uint32_t bantam_plugin_api;

/* Called for each machine once; the plugin's state belongs to the hooks' `data`, for a process may have several.
 * `arguments`: what followed the first comma of --plugin, or "". `api` and `machine` stay valid until at_end has been
 * called. 0: it is installed; anything else: the run is refused (log why), and no hook is called. */
BANTAM_PLUGIN_EXPORT int bantam_plugin_install(const struct bantam_api* api, bantam_machine* machine,
                                               const char* arguments);

#ifdef __cplusplus
}
#endif

#endif
