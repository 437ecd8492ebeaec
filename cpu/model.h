// Model: a named CPU (`--cpu NAME`): its features, identification and address width. CPUID, the decoder and CR/MSR
// checks offer only what the model has; the host must be able to run what is executed by host instructions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cpu/isa/features.h"

namespace bantam {

struct Model {
    std::string name;
    std::string vendor = "GenuineIntel";
    std::string brand;  // CPUID 80000002h-4h, up to 47 characters
    u32 signature = 0;  // CPUID.1:EAX: family, model, stepping
    isa::FeatureSet features;
    u8 physical_bits = 36;
    u32 max_leaf = 1;  // highest basic CPUID leaf
    u64 tsc_hz = 1'000'000'000;
    u32 crystal_hz = 1'000'000'000;  // core crystal clock of CPUID leaf 15h; the local APIC timer counts at this rate

    [[nodiscard]] bool has(isa::Feature feature) const { return features.has(feature); }

    /// Model called `name` (486 pentium pentium-mmx p2 p3 core2 x86-64-v2 x86-64-v3 host default). Errors: usage for an
    /// unknown name (with the list), host_resource when the host lacks something the model needs.
    static Result<Model> find(std::string_view name);
    static std::vector<std::string> names();
};

struct CpuidResult {
    u32 eax = 0, ebx = 0, ecx = 0, edx = 0;
};

}  // namespace bantam
