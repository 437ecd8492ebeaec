// Making disk images, and telling what an image is for.
#pragma once

#include <string>

#include "base/result.h"
#include "base/types.h"

namespace bantam {

/// A hard disk of `bytes` zeros, which takes no room yet where the file system knows holes. Errors: usage (a size that
/// is no multiple of 512, below 1 MiB or above 2 TiB), host_resource (the file is there already and stays as it is;
/// cannot be written: nothing is left of it then).
Result<void> create_disk_image(const std::string& path, u64 bytes);

/// What a machine would do with the file.
enum class ImageUse {
    disk,
    cdrom,   // an ISO 9660 volume (ECMA-119)
    floppy,  // as large as a diskette
    kernel,  // of Linux (Linux/x86 boot protocol) or multiboot (Multiboot Specification 0.6.96, 3.1)
};
/// By its size and first bytes. Errors: bad_input or host_resource when it cannot be read.
Result<ImageUse> guess_image_use(const std::string& path);

}  // namespace bantam
