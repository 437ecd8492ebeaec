// Hardware task switching (SDM vol. 3, chapter 8).
#pragma once

#include "cpu/system/segmentation.h"

namespace bantam {

enum class TaskSwitchSource : u8 { jmp, call, iret, interrupt };

/// Switches to the task of the available (IRET: busy) TSS `selector`. Raises before the point of no return with the old
/// task intact, after it in the new task's context. `return_rip` is what the old TSS keeps as its EIP.
void switch_task(Cpu& cpu, u16 selector, TaskSwitchSource source);
/// As above for interrupts through a task gate: pushes `error_code` on the new stack when there is one.
void switch_task_for_interrupt(Cpu& cpu, u16 selector, bool has_error_code, u32 error_code);

}  // namespace bantam
