#include "machine/firmware_config.h"

#include <fmt/format.h>

#include "machine/boot/little_endian.h"
#include "machine/boot/sdt.h"
#include "machine/boot/smbios.h"

namespace bantam {
namespace {

using boot::AcpiImage;
using boot::append_le;
using devices::FwCfg;

constexpr const char* kTables = "etc/acpi/tables";
constexpr const char* kRsdp = "etc/acpi/rsdp";

/// The script's commands are records of 128 bytes.
class LoaderScript {
public:
    enum Zone : u8 { kHigh = 1, kBiosSegment = 2 };
    void allocate(const char* file, u32 alignment, Zone zone) {
        begin(1);
        name(file);
        append_le<u32>(bytes, alignment);
        bytes.push_back(zone);
        end();
    }
    void add_pointer(const char* in, const char* to, const AcpiImage::Pointer& pointer) {
        begin(2);
        name(in);
        name(to);
        append_le<u32>(bytes, static_cast<u32>(pointer.offset));
        bytes.push_back(pointer.size);
        end();
    }
    void add_checksum(const char* in, const AcpiImage::Checksum& sum) {
        begin(3);
        name(in);
        append_le<u32>(bytes, static_cast<u32>(sum.offset));
        append_le<u32>(bytes, static_cast<u32>(sum.start));
        append_le<u32>(bytes, static_cast<u32>(sum.length));
        end();
    }
    std::vector<u8> bytes;

private:
    static constexpr std::size_t kRecordBytes = 128;
    void begin(u32 command) { append_le<u32>(bytes, command); }
    void name(const char* file) { boot::append_text(bytes, file, FwCfg::kFileNameBytes, 0); }
    void end() { bytes.resize((bytes.size() + kRecordBytes - 1) / kRecordBytes * kRecordBytes); }
};

std::vector<u8> make_loader_script(const AcpiImage& image) {
    LoaderScript script;
    script.allocate(kTables, 64, LoaderScript::kHigh);
    script.allocate(kRsdp, 16, LoaderScript::kBiosSegment);
    for (const AcpiImage::Pointer& pointer : image.pointers) script.add_pointer(kTables, kTables, pointer);
    for (const AcpiImage::Pointer& pointer : image.rsdp_pointers) script.add_pointer(kRsdp, kTables, pointer);
    for (const AcpiImage::Checksum& sum : image.checksums) script.add_checksum(kTables, sum);
    for (const AcpiImage::Checksum& sum : image.rsdp_checksums) script.add_checksum(kRsdp, sum);
    return std::move(script.bytes);
}

/// RAM ranges: address, length, type 1.
std::vector<u8> make_e820(const PhysicalMemory& memory) {
    std::vector<u8> bytes;
    const auto ram = [&bytes](u64 base, u64 size) {
        append_le<u64>(bytes, base);
        append_le<u64>(bytes, size);
        append_le<u32>(bytes, 1);
    };
    ram(0, memory.low_ram_bytes());
    if (memory.high_ram_bytes() != 0) ram(PhysicalMemory::kHighRamBase, memory.high_ram_bytes());
    return bytes;
}

template <class T>
std::vector<u8> little_endian(T value) {
    std::vector<u8> bytes;
    append_le<T>(bytes, value);
    return bytes;
}

}  // namespace

FirmwareConfig::FirmwareConfig(FwCfg& device, Board board) : device_(device), board_(std::move(board)) {
    const boot::BoardDescription description = board_.describe();
    const auto processors = static_cast<u16>(std::max<std::size_t>(1, description.local_apic_ids.size()));
    device_.set_item(FwCfg::kUuid, std::vector<u8>(16));
    device_.set_item(FwCfg::kRamSize, little_endian<u64>(board_.memory.ram_bytes()));
    device_.set_item(FwCfg::kNoGraphic, little_endian<u16>(0));
    device_.set_item(FwCfg::kCpuCount, little_endian<u16>(processors));
    device_.set_item(FwCfg::kMaxCpus, little_endian<u16>(processors));
    device_.set_item(FwCfg::kBootMenu, little_endian<u16>(1));
    device_.set_file("etc/e820", make_e820(board_.memory));
    if (!board_.boot_paths.empty()) {
        std::string order;
        for (const std::string& path : board_.boot_paths) order += path + "\n";
        std::vector<u8> bytes(order.begin(), order.end());
        bytes.push_back(0);
        device_.set_file("bootorder", std::move(bytes));
    }
    set_option_roms();
    boot::SmbiosImage smbios =
        boot::make_smbios(board_.memory, processors, description.cpu_signature, description.cpu_features);
    device_.set_file("etc/smbios/smbios-anchor", std::move(smbios.anchor));
    device_.set_file("etc/smbios/smbios-tables", std::move(smbios.tables));
    make_acpi_files();
    tables_key_ = device_.key_of(kTables);
    device_.set_select_listener([this](u16 key) {
        if (key == tables_key_) make_acpi_files();
    });
}

// SeaBIOS runs what it finds under this name, the last file of the directory first. The number keeps names apart.
void FirmwareConfig::set_option_roms() {
    for (std::size_t i = board_.option_roms.size(); i-- > 0;) {
        OptionRom& rom = board_.option_roms[i];
        const std::string name = fmt::format("genroms/{}-{}", i + 1, rom.name).substr(0, FwCfg::kFileNameBytes - 1);
        device_.set_file(name, std::move(rom.image));
    }
}

void FirmwareConfig::make_acpi_files() {
    AcpiImage image = boot::make_acpi_image(board_.describe(), 0);
    device_.set_file("etc/table-loader", make_loader_script(image));
    device_.set_file(kRsdp, std::move(image.rsdp));
    device_.set_file(kTables, std::move(image.tables));
}

}  // namespace bantam
