// libFuzzer target: the decoder on any bytes in every mode. It must not crash, must give the same answer twice, must
// not look past the length it reports, and must not report more than 15 bytes.
#include "cpu/isa/decoder.h"

#include <cstring>
#include <vector>

#include "base/check.h"
#include "cpu/isa/table.h"

using namespace bantam;
using namespace bantam::isa;

extern "C" int LLVMFuzzerTestOneInput(const u8* data, std::size_t size) {
    if (size < 1) return 0;
    DecodeMode mode;
    mode.code_size = static_cast<CodeSize>(data[0] % 3);
    mode.protected_mode = (data[0] & 4u) != 0;
    if ((data[0] & 8u) != 0) mode.features = FeatureSet{Feature::base, Feature::fpu};
    // A copy of exactly the input's size, so that a sanitizer sees any read past it.
    const std::vector<u8> bytes(data + 1, data + size);
    Instruction first;
    Instruction second;
    const DecodeStatus status = decode(bytes, mode, first);
    CHECK(decode(bytes, mode, second) == status);
    if (status != DecodeStatus::ok) return 0;
    CHECK(first.length >= 1 && first.length <= 15 && first.length <= bytes.size());
    CHECK(first.row == second.row && first.length == second.length && first.immediate == second.immediate);
    CHECK(first.row < table().size() && first.operand_count <= first.operands.size());
    CHECK(decode(std::span(bytes).first(first.length), mode, second) == DecodeStatus::ok);
    CHECK(decode(std::span(bytes).first(first.length - 1u), mode, second) == DecodeStatus::truncated);
    const FlagFacts facts = flag_facts(first);
    CHECK((facts.written & facts.undefined) == 0);
    return 0;
}
