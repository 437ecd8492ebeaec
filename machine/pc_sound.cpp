// The board's sound: which cards exist, where they are, and how they are heard.
#include "base/log.h"
#include "machine/pc.h"

namespace bantam {
namespace {
constexpr u16 kSoundBlasterBase = 0x220;
constexpr u16 kAdLibBase = 0x388;
constexpr unsigned kAc97Device = 4, kAc97Pin = 2;
constexpr u32 kAc97MixerBase = 0xC400, kAc97BusMasterBase = 0xC800;  // where no firmware places it
using devices::Ct1741;
using devices::Ct1745;
}  // namespace

void Pc::add_sound_blaster() {
    sound_dsp_ = std::make_unique<Ct1741>(scheduler_, Ct1741::Pins{.interrupt =
                                                                       [this](bool level) {
                                                                           wires_.sound_irq = level;
                                                                           route_sound_blaster();
                                                                       },
                                                                   .request =
                                                                       [this](Ct1741::Channel channel, bool level) {
                                                                           (channel == Ct1741::kNarrow
                                                                                ? wires_.sound_narrow_request
                                                                                : wires_.sound_wide_request) = level;
                                                                           route_sound_blaster();
                                                                       }});
    sound_mixer_ =
        std::make_unique<Ct1745>(Ct1745::Pins{.volumes_changed =
                                                  [this] {
                                                      if (ready_) set_sound_gains();
                                                  },
                                              .routing_changed =
                                                  [this] {
                                                      if (ready_) route_sound_blaster();
                                                  },
                                              .interrupt_status = [this] { return sound_dsp_->interrupt_status(); }});
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

/// The card's channel of words is one of bytes while no other is chosen: it then moves each word as two.
void Pc::connect_sound_blaster_dma() {
    const auto narrow_owner = [this] {
        return wires_.sound_wide_request && sound_mixer_->wide_channel() == Ct1745::kNone ? Ct1741::kWide
                                                                                          : Ct1741::kNarrow;
    };
    for (const unsigned channel : {0u, 1u, 3u, 5u, 6u, 7u}) {
        const bool wide = channel > devices::IsaDma::kCascade;
        const unsigned bytes = wide ? 2 : 1;
        const auto chosen = [this, channel, wide] {
            return channel == (wide ? sound_mixer_->wide_channel() : sound_mixer_->narrow_channel());
        };
        const auto owner = [narrow_owner, wide] { return wide ? Ct1741::kWide : narrow_owner(); };
        dma_.connect(channel, {.read = [this, chosen, owner, bytes](bool) -> u16 {
                                   return chosen() ? sound_dsp_->dma_read(owner(), bytes) : u16{0xFFFF};
                               },
                               .write =
                                   [this, chosen, owner, bytes](u16 value, bool) {
                                       if (chosen()) sound_dsp_->dma_write(owner(), value, bytes);
                                   },
                               .verify = nullptr});
    }
}

/// Drives the lines that the mixer chip has chosen, and lets go of the others.
void Pc::route_sound_blaster() {
    for (const unsigned irq : {5u, 7u, 9u, 10u})
        irqs_.set(irq, IrqSource::sound, wires_.sound_irq && irq == sound_mixer_->interrupt_line());
    const unsigned narrow = sound_mixer_->narrow_channel(), wide = sound_mixer_->wide_channel();
    for (const unsigned channel : {0u, 1u, 3u, 5u, 6u, 7u}) {
        const bool asks = (channel == wide && wires_.sound_wide_request) ||
                          (channel == narrow &&
                           (wires_.sound_narrow_request || (wires_.sound_wide_request && wide == Ct1745::kNone)));
        dma_.set_request(channel, asks);
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
    const auto place = [this](const std::string& name, unsigned bar, RegisterSpace space) {
        io_.unmap(name);
        const devices::PciFunction::Window window = audio_controller_->window(bar);
        if (!window.enabled) return;
        const Result<void> mapped = io_.map(name, static_cast<u16>(window.base), static_cast<u32>(window.size), space);
        if (!mapped) log::warning("{}; it stays invisible", mapped.error().message);
    };
    place("ac97 mixer", devices::I82801Audio::kMixerBar, audio_controller_->mixer_registers());
    place("ac97 bus master", devices::I82801Audio::kBusMasterBar, audio_controller_->bus_master_registers());
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
