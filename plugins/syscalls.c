/* syscalls: the guest's Linux system calls, a line each when it returns, as strace writes them. Arguments: the file to
 * write; none: standard error.
 *
 *   seconds  address space  name(arguments) = result
 *
 * An address space (CR3) stands for a process. A call is known by it and the stack pointer when it returns; what does
 * not return there (exit, execve, rt_sigreturn) has the result '?', when its place is needed or at the end. */
#include <bantam/plugin.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/syscall_names.h"

const uint32_t bantam_plugin_api = BANTAM_PLUGIN_API;

enum { PENDING = 4096, TEXT = 400, STRING = 64, ARGUMENTS = 6 };

struct pending {
    uint64_t space, stack, rip; /* rip: 0 for SYSENTER, whose return the kernel chooses */
    uint64_t entered_ns;
    int narrow, used;
    char text[TEXT];
};
struct tracer {
    const struct bantam_api* api;
    bantam_machine* machine;
    FILE* file;
    struct pending pending[PENDING];
};

/* How arguments are shown: d decimal, s string, x hexadecimal. Calls that are not here show six, hexadecimal. */
static const struct {
    const char *name, *arguments;
} prototypes[] = {
    {"access", "sx"},
    {"brk", "x"},
    {"chdir", "s"},
    {"chmod", "sx"},
    {"clock_gettime", "dx"},
    {"close", "d"},
    {"dup", "d"},
    {"dup2", "dd"},
    {"execve", "sxx"},
    {"exit", "d"},
    {"exit_group", "d"},
    {"faccessat", "dsx"},
    {"fchdir", "d"},
    {"fcntl", "ddx"},
    {"fcntl64", "ddx"},
    {"fork", ""},
    {"fstat", "dx"},
    {"fstat64", "dx"},
    {"getcwd", "xd"},
    {"getdents64", "dxd"},
    {"getegid", ""},
    {"geteuid", ""},
    {"getgid", ""},
    {"getpgid", "d"},
    {"getpid", ""},
    {"getppid", ""},
    {"gettid", ""},
    {"getuid", ""},
    {"ioctl", "dxx"},
    {"kill", "dd"},
    {"lseek", "ddd"},
    {"lstat", "sx"},
    {"mkdir", "sx"},
    {"mmap", "xdxxdx"},
    {"mmap2", "xdxxdx"},
    {"mount", "sssxx"},
    {"mprotect", "xdx"},
    {"munmap", "xd"},
    {"nanosleep", "xx"},
    {"newfstatat", "dsxx"},
    {"open", "sxx"},
    {"openat", "dsxx"},
    {"pipe", "x"},
    {"pipe2", "xx"},
    {"poll", "xdd"},
    {"read", "dxd"},
    {"readlink", "sxd"},
    {"reboot", "xxxx"},
    {"rename", "ss"},
    {"rt_sigaction", "dxxd"},
    {"rt_sigprocmask", "dxxd"},
    {"rt_sigreturn", ""},
    {"set_tid_address", "x"},
    {"setpgid", "dd"},
    {"setsid", ""},
    {"socket", "ddd"},
    {"stat", "sx"},
    {"stat64", "sx"},
    {"sync", ""},
    {"umount2", "sx"},
    {"uname", "x"},
    {"unlink", "s"},
    {"vfork", ""},
    {"wait4", "dxxx"},
    {"waitpid", "dxd"},
    {"write", "dxd"},
    {"writev", "dxd"},
};

static uint64_t read_register(const struct tracer* self, int number) {
    return self->api->read_register(self->machine, number);
}

/* The address of the page table: PCIDs change, and bit 63 is no part of it. */
static uint64_t address_space(const struct tracer* self) {
    return read_register(self, BANTAM_CR3) & 0x7FFFFFFFFFFFF000;
}

struct text {
    char* at;
    size_t used;
};

static void add(struct text* text, const char* part) {
    const size_t length = strlen(part), room = TEXT - 1 - text->used, taken = length < room ? length : room;
    memcpy(text->at + text->used, part, taken);
    text->used += taken;
    text->at[text->used] = '\0';
}

static void add_number(struct text* text, const char* format, uint64_t value) {
    char number[32];
    snprintf(number, sizeof number, format, value);
    add(text, number);
}

static void add_string(struct text* text, const struct tracer* self, uint64_t address) {
    char string[8];
    if (self->api->read_linear(self->machine, address, string, 1) != 0) {
        add_number(text, "0x%" PRIx64, address);
        return;
    }
    add(text, "\"");
    for (size_t i = 0; i < STRING; i++) {
        char c;
        if (self->api->read_linear(self->machine, address + i, &c, 1) != 0 || c == '\0') {
            add(text, "\"");
            return;
        }
        const int plain = c >= ' ' && c < 0x7F && c != '"' && c != '\\';
        snprintf(string, sizeof string, plain ? "%c" : "\\x%02x", plain ? c : (unsigned char)c);
        add(text, string);
    }
    add(text, "\"...");
}

static void add_arguments(struct text* text, const struct tracer* self, const char* name, int narrow) {
    static const int wide_registers[ARGUMENTS] = {BANTAM_RDI, BANTAM_RSI, BANTAM_RDX, 10, BANTAM_R8, 9};
    static const int narrow_registers[ARGUMENTS] = {BANTAM_RBX, BANTAM_RCX, BANTAM_RDX,
                                                    BANTAM_RSI, BANTAM_RDI, BANTAM_RBP};
    const char* kinds = "xxxxxx";
    for (size_t i = 0; i < sizeof prototypes / sizeof *prototypes; i++)
        if (strcmp(prototypes[i].name, name) == 0) kinds = prototypes[i].arguments;
    add(text, "(");
    for (size_t i = 0; kinds[i] != '\0'; i++) {
        uint64_t value = read_register(self, narrow ? narrow_registers[i] : wide_registers[i]);
        if (narrow) value &= 0xFFFFFFFF;
        if (i != 0) add(text, ", ");
        if (kinds[i] == 's')
            add_string(text, self, value);
        else if (kinds[i] == 'd')
            add_number(text, "%" PRId64, narrow ? (uint64_t)(int64_t)(int32_t)value : value);
        else
            add_number(text, value < 10 ? "%" PRIx64 : "0x%" PRIx64, value);
    }
    add(text, ")");
}

/* 32-bit programs that use SYSENTER have EBP, the sixth argument, on their stack; it is shown as it is. */
static void format_call(struct tracer* self, char* to, int narrow) {
    struct text text = {to, 0};
    const uint64_t number = read_register(self, BANTAM_RAX) & 0xFFFFFFFF;
    const size_t known = narrow ? sizeof names_32 / sizeof *names_32 : sizeof names_64 / sizeof *names_64;
    const char* name = number < known ? (narrow ? names_32 : names_64)[number] : NULL;
    if (name == NULL) {
        add_number(&text, "syscall_%" PRIu64, number);
        name = "";
    }
    add(&text, name);
    add_arguments(&text, self, name, narrow);
}

static void write_line(const struct tracer* self, const struct pending* call, const char* result) {
    fprintf(self->file, "%" PRIu64 ".%06" PRIu64 " %08" PRIx64 " %s = %s\n", call->entered_ns / 1000000000,
            call->entered_ns / 1000 % 1000000, call->space, call->text, result);
}

static struct pending* place_of(struct tracer* self, uint64_t space, uint64_t stack) {
    const uint64_t mixed = (space >> 12) * 0x9E3779B97F4A7C15 + (stack >> 3) * 0xC2B2AE3D27D4EB4F;
    return &self->pending[mixed >> 52];
}

static void on_system_call(void* data, const struct bantam_system_call* call) {
    struct tracer* self = data;
    const uint64_t space = address_space(self), stack = read_register(self, BANTAM_RSP);
    struct pending* place = place_of(self, space, stack);
    if (place->used) write_line(self, place, "?");
    place->space = space;
    place->stack = stack;
    place->rip = call->kind == BANTAM_CALL_SYSENTER ? 0 : read_register(self, BANTAM_RIP);
    place->entered_ns = self->api->time_ns(self->machine);
    place->narrow = call->kind != BANTAM_CALL_SYSCALL;
    place->used = 1;
    format_call(self, place->text, place->narrow);
}

static void on_return_to_user(void* data) {
    struct tracer* self = data;
    const uint64_t space = address_space(self), stack = read_register(self, BANTAM_RSP);
    struct pending* place = place_of(self, space, stack);
    if (!place->used || place->space != space || place->stack != stack) return;
    if (place->rip != 0 && place->rip != read_register(self, BANTAM_RIP)) return;
    const uint64_t rax = read_register(self, BANTAM_RAX);
    const int64_t result = place->narrow ? (int64_t)(int32_t)rax : (int64_t)rax;
    char text[96];
    if (result < 0 && result > -4096)
        snprintf(text, sizeof text, "%" PRId64 " (%s)", result, strerror((int)-result));
    else if (result > 0xFFFFF)
        snprintf(text, sizeof text, "0x%" PRIx64, (uint64_t)result);
    else
        snprintf(text, sizeof text, "%" PRId64, result);
    write_line(self, place, text);
    place->used = 0;
}

static void at_end(void* data) {
    struct tracer* self = data;
    for (size_t i = 0; i < PENDING; i++)
        if (self->pending[i].used) write_line(self, &self->pending[i], "?");
    const int failed = ferror(self->file);
    if ((self->file != stderr && fclose(self->file) != 0) || failed)
        self->api->log(self->machine, BANTAM_LOG_ERROR, "the trace could not be written whole");
    free(self);
}

int bantam_plugin_install(const struct bantam_api* api, bantam_machine* machine, const char* arguments) {
    struct tracer* self = calloc(1, sizeof *self);
    if (self == NULL) return -1;
    self->api = api;
    self->machine = machine;
    self->file = *arguments == '\0' ? stderr : fopen(arguments, "w");
    if (self->file == NULL) {
        api->log(machine, BANTAM_LOG_ERROR, strerror(errno));
        free(self);
        return -1;
    }
    api->on_system_call(machine, on_system_call, self);
    api->on_return_to_user(machine, on_return_to_user, self);
    api->at_end(machine, at_end, self);
    return 0;
}
