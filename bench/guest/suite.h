// One benchmark, and the lists of each group (docs/PERFORMANCE.md says how they are measured).
#pragma once

#include "runtime.h"

struct Benchmark {
    const char* name;
    /// Untimed: makes the data. May be null.
    void (*prepare)(void);
    /// Timed: the work, `rounds` times; the checksum depends on the rounds and on nothing else.
    u64 (*run)(u32 rounds);
    /// For some 40 ms on a host of 2023; requests scale it.
    u32 rounds;
    /// Null, or whether this processor can do it.
    int (*possible)(void);
};

extern const struct Benchmark integer_benchmarks[];
extern const struct Benchmark data_benchmarks[];
extern const struct Benchmark x87_benchmarks[];
extern const struct Benchmark sse_benchmarks[];
extern const struct Benchmark avx2_benchmarks[];
extern const struct Benchmark memory_benchmarks[];
extern const struct Benchmark system_benchmarks[];
extern const struct Benchmark code_benchmarks[];

/// Folder for files; the path of this program; both for the group "system".
extern const char* scratch_folder;
extern const char* own_path;
