/* A plugin for tests. Arguments: FILE KIND...: writes a line for each event of the kinds asked for:
 *
 *   block   before each execution     decoded  blocks when they are decoded, and at the end the sum of their counters
 *   sum     at the end a sum over all blocks, with count, RAX and flags before each
 *   memory port event call            the other hooks
 *   change  ports read 11h more than they gave and get 22h more than was written; EDX = 12345678h in the hook
 *   bend    ECX = 5 when the bytes "BEND" are read
 *   smash   at the first block hook the block's own bytes are written, in effect the same
 *   stop    ends the run with status 5 at the first system call
 *   twice   asks for a hook a second time, and for one too late
 *   quiet   nothing is written, to see what the hooks alone cost
 *   refuse  does not install itself */
#include <bantam/plugin.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const uint32_t bantam_plugin_api = BANTAM_PLUGIN_API;

enum { COUNTERS = 1 << 16 };

struct watcher {
    const struct bantam_api* api;
    bantam_machine* machine;
    FILE* file;
    int smash, stop, late, quiet;
    uint64_t sum, blocks;
    size_t used;
    uint64_t counters[COUNTERS];
};

static void place(struct watcher* self, const char* what) {
    fprintf(self->file, "%" PRIu64 " %" PRIu64 " %04x:%" PRIx64 " %s", self->api->instructions(self->machine),
            self->api->time_ns(self->machine), (unsigned)self->api->read_register(self->machine, BANTAM_CS),
            self->api->read_register(self->machine, BANTAM_RIP), what);
}

static void block(void* data, const struct bantam_block* b) {
    struct watcher* self = data;
    if (self->quiet) return;
    if (self->late) {
        self->late = 0;
        self->api->on_block(self->machine, block, self);
    }
    place(self, "block");
    fprintf(self->file, " %" PRIx64 " %" PRIx64 " %u %u %u", b->linear, b->physical, (unsigned)b->bytes,
            (unsigned)b->instructions, (unsigned)b->code_bits);
    for (int number = BANTAM_RAX; number <= BANTAM_R15; number++)
        fprintf(self->file, " %" PRIx64, self->api->read_register(self->machine, number));
    fprintf(self->file, " %" PRIx64 "\n", self->api->read_register(self->machine, BANTAM_RFLAGS) & 0xCD5);
    if (self->smash != 0 && --self->smash == 0) {
        uint8_t bytes[4096];
        const int read = self->api->read_linear(self->machine, b->linear, bytes, b->bytes);
        const int written = self->api->write_physical(self->machine, b->physical, bytes, b->bytes);
        fprintf(self->file, "smashed %d %d\n", read, written);
    }
}

static void sum(void* data, const struct bantam_block* b) {
    struct watcher* self = data;
    const uint64_t seen[] = {b->linear, b->bytes, self->api->instructions(self->machine),
                             self->api->read_register(self->machine, BANTAM_RAX),
                             self->api->read_register(self->machine, BANTAM_RFLAGS) & 0xCD5};
    for (size_t i = 0; i < sizeof seen / sizeof *seen; i++) self->sum = (self->sum ^ seen[i]) * 0x100000001B3;
    self->blocks++;
}

static uint64_t* decoded(void* data, const struct bantam_block* b) {
    struct watcher* self = data;
    place(self, "decoded");
    fprintf(self->file, " %" PRIx64 " %" PRIx64 " %u %u %u\n", b->linear, b->physical, (unsigned)b->bytes,
            (unsigned)b->instructions, (unsigned)b->code_bits);
    return self->used < COUNTERS ? &self->counters[self->used++] : NULL;
}

static void memory(void* data, const struct bantam_memory_access* access) {
    struct watcher* self = data;
    if (self->quiet) return;
    place(self, access->write ? "write" : "read");
    fprintf(self->file, " %" PRIx64 " %" PRIx64 " ", access->linear, access->physical);
    for (uint32_t i = 0; i < access->size; i++) fprintf(self->file, "%02x", access->value[i]);
    fputc('\n', self->file);
}

static void bend(void* data, const struct bantam_memory_access* access) {
    struct watcher* self = data;
    if (access->size == 4 && memcmp(access->value, "BEND", 4) == 0) self->api->write_register(self->machine, BANTAM_RCX, 5);
}

static uint32_t port(void* data, const struct bantam_port_access* access) {
    struct watcher* self = data;
    if (self->quiet) return access->value;
    place(self, access->write ? "out" : "in");
    fprintf(self->file, " %04x %u %x\n", access->port, access->size, (unsigned)access->value);
    return access->value;
}

static uint32_t change(void* data, const struct bantam_port_access* access) {
    struct watcher* self = data;
    self->api->write_register(self->machine, BANTAM_RDX, 0x12345678);
    if (access->port == 0xF4) return access->value;
    return access->value + (access->write ? 0x22 : 0x11);
}

static void event(void* data, const struct bantam_event* e) {
    struct watcher* self = data;
    if (self->quiet) return;
    place(self, "event");
    fprintf(self->file, " %u %02x %u %x\n", (unsigned)e->kind, (unsigned)e->vector, (unsigned)e->has_error_code,
            (unsigned)e->error_code);
}

static void call(void* data, const struct bantam_system_call* c) {
    struct watcher* self = data;
    if (self->quiet) return;
    place(self, "call");
    fprintf(self->file, " %u %u %u\n", (unsigned)c->kind, (unsigned)c->code_bits,
            (unsigned)self->api->read_register(self->machine, BANTAM_CPL));
    if (self->stop) self->api->stop(self->machine, 5);
}

static void returned(void* data) {
    struct watcher* self = data;
    if (self->quiet) return;
    place(self, "returned\n");
}

static void at_end(void* data) {
    struct watcher* self = data;
    uint64_t counted = 0;
    for (size_t i = 0; i < self->used; i++) counted += self->counters[i];
    if (self->blocks != 0) fprintf(self->file, "%" PRIu64 " blocks, sum %016" PRIx64 "\n", self->blocks, self->sum);
    fprintf(self->file, "end %" PRIu64 "\n", counted);
    fclose(self->file);
    free(self);
}

int bantam_plugin_install(const struct bantam_api* api, bantam_machine* machine, const char* arguments) {
    struct watcher* self = calloc(1, sizeof *self);
    char words[1024];
    snprintf(words, sizeof words, "%s", arguments);
    char* word = strtok(words, " ");
    self->api = api;
    self->machine = machine;
    self->file = word == NULL ? NULL : fopen(word, "w");
    if (self->file == NULL || api->bytes < sizeof *api) {
        free(self);
        return -1;
    }
    api->at_end(machine, at_end, self);
    while ((word = strtok(NULL, " ")) != NULL) {
        if (strcmp(word, "block") == 0) {
            api->on_block(machine, block, self);
        } else if (strcmp(word, "sum") == 0) {
            api->on_block(machine, sum, self);
        } else if (strcmp(word, "decoded") == 0) {
            api->on_block_decoded(machine, decoded, self);
        } else if (strcmp(word, "memory") == 0) {
            api->on_memory(machine, memory, self);
        } else if (strcmp(word, "bend") == 0) {
            api->on_memory(machine, bend, self);
        } else if (strcmp(word, "port") == 0) {
            api->on_port(machine, port, self);
        } else if (strcmp(word, "change") == 0) {
            api->on_port(machine, change, self);
        } else if (strcmp(word, "event") == 0) {
            api->on_event(machine, event, self);
        } else if (strcmp(word, "call") == 0) {
            api->on_system_call(machine, call, self);
            api->on_return_to_user(machine, returned, self);
        } else if (strcmp(word, "smash") == 0) {
            self->smash = 1000;
        } else if (strcmp(word, "quiet") == 0) {
            self->quiet = 1;
        } else if (strcmp(word, "stop") == 0) {
            self->stop = 1;
        } else if (strcmp(word, "twice") == 0) {
            api->on_block(machine, block, self);
            self->late = 1;
        } else {
            fclose(self->file);
            free(self);
            return -1;
        }
    }
    return 0;
}
