// Optical character recognition by the program tesseract (Debian's package tesseract-ocr), for steps that ask for it:
// text that no font of the guest explains, such as proportional text on desktops. What it says is a guess.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "devices/frame.h"

namespace bantam::scenario {

/// Errors (host_resource): tesseract is not on PATH; names the package.
Result<void> find_recognition();

/// The text in `frame`, English, line by line. Leaves what tesseract was given and said in `folder` (ocr.png, ocr.txt).
/// Errors (host_resource): it fails, takes more than a minute of the host's time, or `interrupted` says so.
Result<std::string> recognise(const devices::Frame& frame, const std::string& folder,
                              const std::function<bool()>& interrupted);

}  // namespace bantam::scenario
