// The board's sound: which cards exist, where they are, and how they are heard.
#include "machine/pc.h"

namespace bantam {
namespace {
constexpr u16 kSoundBlasterBase = 0x220;
constexpr u16 kAdLibBase = 0x388;
constexpr std::array<unsigned, 6> kSoundDma{0, 1, 3, 5, 6, 7};
constexpr unsigned kAc97Device = 4, kAc97Pin = 2;
constexpr u32 kAc97MixerBase = 0xC400, kAc97BusMasterBase = 0xC800;  // where no firmware places it
using devices::Ct1741;
using devices::Ct1745;
}  // namespace

void Pc::add_sound_blaster() {
    Ct1741::Pins dsp_pins;
    dsp_pins.interrupt = [this](bool level) {
        wires_.sound_irq = level;
        route_sound_blaster();
    };
    dsp_pins.request = [this](Ct1741::Channel channel, bool level) {
        wires_.sound_requests.at(channel) = level;
        route_sound_blaster();
    };
    sound_dsp_ = std::make_unique<Ct1741>(scheduler_, std::move(dsp_pins));
    Ct1745::Pins mixer_pins;
    mixer_pins.volumes_changed = [this] {
        if (ready_) set_sound_gains();
    };
    mixer_pins.routing_changed = [this] {
        if (ready_) route_sound_blaster();
    };
    mixer_pins.interrupt_status = [this] { return sound_dsp_->interrupt_status(); };
    sound_mixer_ = std::make_unique<Ct1745>(std::move(mixer_pins));
    synthesizer_ = std::make_unique<devices::Ymf262>(scheduler_);
    devices_.push_back(synthesizer_.get());
    devices_.push_back(sound_dsp_.get());
    devices_.push_back(sound_mixer_.get());
    connect_sound_blaster_dma();
    map("adlib", kAdLibBase, 4, synthesizer_->registers());
    map("ymf262", kSoundBlasterBase, 4, synthesizer_->registers());
    map("ymf262 mono", kSoundBlasterBase + 8, 2, synthesizer_->registers());
    map("ct1745", kSoundBlasterBase + 4, 2, sound_mixer_->registers());
    map("ct1741 reset", kSoundBlasterBase + 6, 2, sound_dsp_->registers());
    map("ct1741", kSoundBlasterBase + 0xA, 6, from_offset(sound_dsp_->registers(), 4));
}

/// Whose `channel` of the board's is now, by the mixer chip. The DSP's words go by the channel of bytes while they have
/// none of their own: each is then moved as two.
std::optional<Ct1741::Channel> Pc::sound_on_dma(unsigned channel) const {
    const unsigned wide = sound_mixer_->wide_channel();
    if (channel == wide) return Ct1741::kWide;
    if (channel != sound_mixer_->narrow_channel()) return std::nullopt;
    const bool words_by_bytes = wide == Ct1745::kNone && wires_.sound_requests[Ct1741::kWide];
    return words_by_bytes ? Ct1741::kWide : Ct1741::kNarrow;
}

void Pc::connect_sound_blaster_dma() {
    for (const unsigned channel : kSoundDma) {
        const unsigned bytes = channel > devices::IsaDma::kCascade ? 2 : 1;
        const auto read = [this, channel, bytes](bool) {
            const auto on = sound_on_dma(channel);
            return on ? sound_dsp_->dma_read(*on, bytes) : u16{0xFFFF};
        };
        const auto write = [this, channel, bytes](u16 value, bool) {
            if (const auto on = sound_on_dma(channel)) sound_dsp_->dma_write(*on, value, bytes);
        };
        dma_.connect(channel, {.read = read, .write = write, .verify = nullptr});
    }
}

/// Drives the lines that the mixer chip has chosen, and lets go of the others.
void Pc::route_sound_blaster() {
    for (const unsigned irq : {5u, 7u, 9u, 10u})
        irqs_.set(irq, IrqSource::sound, wires_.sound_irq && irq == sound_mixer_->interrupt_line());
    for (const unsigned channel : kSoundDma) {
        const auto on = sound_on_dma(channel);
        dma_.set_request(channel, on && wires_.sound_requests.at(*on));
    }
}

void Pc::set_sound_gains() {
    const auto set = [](devices::AudioSink* sink, const Ct1745::Gain& gain) {
        if (sink != nullptr) sink->set_gain(gain.left, gain.right);
    };
    if (sound_midi_ != nullptr) static_cast<void>(synthesizer_->generate());  // what came before was as loud as before
    set(sound_voice_, sound_mixer_->voice_gain());
    set(sound_midi_, sound_mixer_->midi_gain());
}

void Pc::add_ac97() {
    audio_codec_ = std::make_unique<devices::Stac9700>(devices::Stac9700::Pins{.volume_changed = [this] {
        if (ready_) set_ac97_gain();
    }});
    audio_controller_ = std::make_unique<devices::I82801Audio>(
        scheduler_, memory_, *audio_codec_, devices::I82801Audio::Pins{.interrupt = [this](bool level) {
            isa_bridge_.set_pci_interrupt(kAc97Device, kAc97Pin, level);
        }});
    pci_.attach(kAc97Device, 0, *audio_controller_);
    audio_controller_->set_mapping_listener([this] {
        if (ready_) map_ac97();
    });
    devices_.push_back(audio_codec_.get());
    devices_.push_back(audio_controller_.get());
}

void Pc::map_ac97() {
    using devices::I82801Audio;
    place("ac97 mixer", audio_controller_->window(I82801Audio::kMixerBar), audio_controller_->mixer_registers());
    place("ac97 bus master", audio_controller_->window(I82801Audio::kBusMasterBar),
          audio_controller_->bus_master_registers());
}

/// What firmware would do.
void Pc::set_up_ac97() {
    const unsigned pirq = devices::Piix3::pirq_of(kAc97Device, kAc97Pin);
    audio_controller_->write_config(0x10, 4, kAc97MixerBase);
    audio_controller_->write_config(0x14, 4, kAc97BusMasterBase);
    audio_controller_->write_config(0x3C, 1, boot::kPirqRoutes.at(pirq));
    audio_controller_->write_config(0x04, 2, 5);  // I/O and bus master
}

void Pc::set_ac97_gain() {
    if (audio_out_ == nullptr) return;
    const devices::Stac9700::Gain gain = audio_codec_->gain();
    audio_out_->set_gain(gain.left, gain.right);
}

void Pc::connect_audio(AudioMixer& mixer) {
    speaker_.connect(&mixer.add([this] { return speaker_.generate(); }));
    if (audio_controller_) {
        audio_out_ = &mixer.add(nullptr);
        audio_controller_->connect(audio_out_);
        set_ac97_gain();
    }
    if (!sound_dsp_) return;
    sound_voice_ = &mixer.add(nullptr);
    sound_dsp_->connect(sound_voice_);
    sound_midi_ = &mixer.add([this] { return synthesizer_->generate(); });
    synthesizer_->connect(sound_midi_);
    set_sound_gains();
}

}  // namespace bantam
