// Bits of the UHCI registers (Design Guide 1.1, chapter 2).
#pragma once

#include "base/types.h"

namespace bantam::devices::uhci {

// USBCMD
constexpr u16 kRun = 0x01, kHostReset = 0x02, kGlobalReset = 0x04, kGlobalSuspend = 0x08, kForceResume = 0x10,
              kSoftwareDebug = 0x20;
// USBSTS
constexpr u16 kInterrupt = 0x01, kErrorInterrupt = 0x02, kResumeDetected = 0x04, kSystemError = 0x08,
              kProcessError = 0x10, kHalted = 0x20;
// USBINTR
constexpr u16 kOnError = 0x01, kOnResume = 0x02, kOnCompletion = 0x04, kOnShortPacket = 0x08;
// PORTSC
constexpr u16 kConnected = 0x0001, kConnectChange = 0x0002, kEnabled = 0x0004, kEnableChange = 0x0008, kDPlus = 0x0010,
              kDMinus = 0x0020, kResume = 0x0040, kAlwaysOne = 0x0080, kPortReset = 0x0200, kSuspended = 0x1000;

}  // namespace bantam::devices::uhci
