#include "cpu/interpreter/handlers.h"

namespace bantam::interpreter {

isa::Handler integer_handler(const isa::Instruction& instruction) {
    constexpr std::array kGroups{&arithmetic_handler, &move_handler, &stack_handler,    &branch_handler,
                                 &shift_handler,      &bit_handler,  &multiply_handler, &string_handler,
                                 &atomic_handler,     &flag_handler, &decimal_handler};
    for (const auto group : kGroups) {
        if (const isa::Handler handler = group(instruction)) return handler;
    }
    return nullptr;
}

}  // namespace bantam::interpreter
