// Bits of the 82077AA's status registers ST0-ST3 and its timing units (datasheet, chapters 5 and 6), for its sources.
#pragma once

#include "base/types.h"

namespace bantam::devices {

// ST0; bit 2 is the side, 1:0 the drive
inline constexpr u8 kAbnormal = 0x40, kInvalidCommand = 0x80, kReadyChanged = 0xC0;  // interrupt code
inline constexpr u8 kSeekEnd = 0x20, kEquipmentCheck = 0x10;
// ST1
inline constexpr u8 kEndOfCylinder = 0x80, kDataError = 0x20, kOverrun = 0x10, kNoData = 0x04, kNotWritable = 0x02,
                    kMissingAddressMark = 0x01;
// ST2
inline constexpr u8 kControlMark = 0x40, kDataErrorInData = 0x20, kWrongCylinder = 0x10, kScanEqualHit = 0x08,
                    kScanNotSatisfied = 0x04;

inline constexpr u8 kSectorSizeCode = 2;  // N of 512 bytes, what PC diskettes have

// CONFIGURE's second byte
inline constexpr u8 kImpliedSeek = 0x40, kFifoDisabled = 0x20, kThresholdField = 0x0F;

}  // namespace bantam::devices
