// Types of what commands return (QEMU, qapi/*.json, as far as Bantam fills them in).
#pragma once

#include "frontend/qmp/types.h"

namespace bantam::frontend::qmp {

/// {}: the command has been carried out.
extern const Type kNothing;

extern const Type kVersionInfo, kCommandInfos, kSchemaInfos, kStatusInfo, kNameInfo, kUuidInfo, kKvmInfo, kTargetInfo,
    kVncInfo, kIoThreadInfos, kCpuInfos, kMachineInfos, kCpuDefinitionInfos, kPciInfos;
extern const Type kBlockInfos, kBlockStatsInfos;
extern const Type kChardevInfos;
extern const Type kMouseInfos;

}  // namespace bantam::frontend::qmp
