// The benchmark suite as one program, for guests and for the host: it hears requests and carries them out.
//
//   suite [--port N] [--folder DIR] --path SELF     N: COM2 is 760 (0x2f8); without it standard input and output
//
// The host says "NAME PERCENT" (how much of the usual rounds); the program answers '<' when the work begins and '>' when
// it ends, which the host stamps, then " NAME CHECKSUM". "list" answers every name, "quit" ends. Each request runs in a
// child of its own, so that none meets the memory another left.
#include "suite.h"

const char* scratch_folder = "/tmp";
const char* own_path = "/bench/suite";

static const struct Benchmark* const groups[] = {
    integer_benchmarks, data_benchmarks,   x87_benchmarks,    sse_benchmarks,
    avx2_benchmarks,    memory_benchmarks, system_benchmarks, code_benchmarks,
};
enum { kGroups = sizeof groups / sizeof groups[0] };

static int number_of(const char* text) {
    int value = 0;
    while (*text >= '0' && *text <= '9') value = value * 10 + (*text++ - '0');
    return value;
}

static const struct Benchmark* find(const char* name) {
    for (int i = 0; i < kGroups; ++i) {
        for (const struct Benchmark* each = groups[i]; each->name; ++each) {
            if (equal(each->name, name)) return each;
        }
    }
    return 0;
}

static void list(void) {
    for (int i = 0; i < kGroups; ++i) {
        for (const struct Benchmark* each = groups[i]; each->name; ++each) {
            if (each->possible && !each->possible()) continue;
            say(each->name);
            say("\n");
        }
    }
    say(".\n");
}

_Noreturn static void carry_out(const struct Benchmark* benchmark, int percent) {
    const u32 rounds = (u32)((u64)benchmark->rounds * (u32)percent / 100);
    if (benchmark->prepare) benchmark->prepare();
    mark('<');
    const u64 sum = benchmark->run(rounds != 0 ? rounds : 1);
    mark('>');
    say(" ");
    say(benchmark->name);
    say(" ");
    say_hex(sum);
    say("\n");
    leave(0);
}

int main(int count, char** arguments, char** environment) {
    (void)environment;
    if (count == 2 && equal(arguments[1], "--nothing")) return 0;  // the child of the benchmark "exec"
    for (int i = 1; i + 1 < count; i += 2) {
        if (equal(arguments[i], "--port")) open_link(number_of(arguments[i + 1]));
        if (equal(arguments[i], "--folder")) scratch_folder = arguments[i + 1];
        if (equal(arguments[i], "--path")) own_path = arguments[i + 1];
    }
    say("ready\n");
    char line[80];
    while (hear(line, sizeof line) && !equal(line, "quit")) {
        if (equal(line, "list")) {
            list();
            continue;
        }
        char* space = line;
        while (*space && *space != ' ') ++space;
        const int percent = *space ? number_of(space + 1) : 100;
        *space = 0;
        const struct Benchmark* benchmark = find(line);
        if (!benchmark) die("no such benchmark");
        const long child = call1(kSysFork, 0);
        if (child < 0) die("fork");
        if (child == 0) carry_out(benchmark, percent);
        wait_for(child);
    }
    say("bye\n");
    return 0;
}
