/* coverage: which code of the guest ran, and how often. Arguments: the file to write.
 *
 * Writes, sorted by address, a line for each run of instructions: linear address, length in bytes, and how often it was
 * executed; hexadecimal, hexadecimal, decimal. coverage_to_lcov.py makes an lcov tracefile of it by an ELF file's line
 * numbers. Counted by translated code itself: a boot takes a few hundredths longer. */
#include <bantam/plugin.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const uint32_t bantam_plugin_api = BANTAM_PLUGIN_API;

/* Counters stay where they are until the end, so they come in pieces that never move. */
enum { PER_PIECE = 1024 };
struct counted {
    uint64_t linear, executions;
    uint32_t bytes;
};
struct piece {
    struct piece* before;
    size_t used;
    struct counted counted[PER_PIECE];
};
struct coverage {
    const struct bantam_api* api;
    bantam_machine* machine;
    FILE* file;
    struct piece* last;
    size_t count;
};

static void complain(const struct coverage* self, const char* what, const char* why) {
    char text[512];
    snprintf(text, sizeof text, "%s: %s", what, why);
    self->api->log(self->machine, BANTAM_LOG_ERROR, text);
}

static uint64_t* decoded(void* data, const struct bantam_block* block) {
    struct coverage* self = data;
    if (self->last == NULL || self->last->used == PER_PIECE) {
        struct piece* piece = malloc(sizeof *piece);
        if (piece == NULL) {
            complain(self, "coverage is incomplete", strerror(errno));
            return NULL;
        }
        piece->before = self->last;
        piece->used = 0;
        self->last = piece;
    }
    struct counted* counted = &self->last->counted[self->last->used++];
    self->count++;
    *counted = (struct counted){.linear = block->linear, .bytes = block->bytes};
    return &counted->executions;
}

static int by_address(const void* a, const void* b) {
    const struct counted *x = *(const struct counted*const*)a, *y = *(const struct counted*const*)b;
    if (x->linear != y->linear) return x->linear < y->linear ? -1 : 1;
    return x->bytes < y->bytes ? -1 : x->bytes > y->bytes;
}

/* Blocks that were decoded again and again are one line. */
static void write_all(const struct coverage* self, const struct counted** sorted) {
    size_t n = 0;
    for (const struct piece* piece = self->last; piece != NULL; piece = piece->before)
        for (size_t i = 0; i < piece->used; i++) sorted[n++] = &piece->counted[i];
    qsort(sorted, n, sizeof *sorted, by_address);
    for (size_t i = 0; i < n;) {
        const struct counted* first = sorted[i];
        uint64_t executions = 0;
        for (; i < n && by_address(&first, &sorted[i]) == 0; i++) executions += sorted[i]->executions;
        if (executions != 0)
            fprintf(self->file, "%llx %x %llu\n", (unsigned long long)first->linear, (unsigned)first->bytes,
                    (unsigned long long)executions);
    }
}

static void at_end(void* data) {
    struct coverage* self = data;
    const struct counted** sorted = malloc((self->count + 1) * sizeof(struct counted*));
    if (sorted != NULL) write_all(self, sorted);
    const int failed = sorted == NULL || ferror(self->file);
    if (fclose(self->file) != 0 || failed) complain(self, "cannot write the coverage", strerror(errno));
    free(sorted);
    while (self->last != NULL) {
        struct piece* before = self->last->before;
        free(self->last);
        self->last = before;
    }
    free(self);
}

int bantam_plugin_install(const struct bantam_api* api, bantam_machine* machine, const char* arguments) {
    struct coverage* self = calloc(1, sizeof *self);
    if (self == NULL) return -1;
    self->api = api;
    self->machine = machine;
    self->file = *arguments == '\0' ? NULL : fopen(arguments, "w");
    if (self->file == NULL) {
        complain(self, arguments, *arguments == '\0' ? "write --plugin coverage.so,FILE" : strerror(errno));
        free(self);
        return -1;
    }
    api->on_block_decoded(machine, decoded, self);
    api->at_end(machine, at_end, self);
    return 0;
}
