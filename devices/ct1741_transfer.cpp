// The DSP's DMA: portions, blocks and samples.
#include <algorithm>

#include "base/bits.h"
#include "devices/ct1741.h"

namespace bantam::devices {
namespace {

constexpr u64 kPortionsPerSecond = 2'000;
constexpr u64 kMostLate_ns = 20'000'000;  // what a timer that is late makes up for

bool is_adpcm(Ct1741::Format format) { return format >= Ct1741::Format::adpcm4 && format <= Ct1741::Format::adpcm2; }

CreativeAdpcm::Format adpcm_format(Ct1741::Format format) {
    return format == Ct1741::Format::adpcm4     ? CreativeAdpcm::Format::bits4
           : format == Ct1741::Format::adpcm2_6 ? CreativeAdpcm::Format::bits2_6
                                                : CreativeAdpcm::Format::bits2;
}

}  // namespace

/// How long `units` are played.
u64 Ct1741::duration_ns(const Transfer& transfer, u64 units) {
    const u64 samples = is_adpcm(transfer.format) ? CreativeAdpcm::samples_per_byte(adpcm_format(transfer.format)) : 1;
    return ns_from_ticks(units * samples, u64{transfer.rate} * (transfer.stereo ? 2 : 1));
}

void Ct1741::start(Channel channel, const Transfer& transfer) {
    stop(channel);
    Transfer& now = r_.transfers.at(channel);
    now = transfer;
    now.active = true;
    now.left = now.block;
    now.origin_ns = scheduler_.now();
    if (sink_ != nullptr && !now.input) sink_->set_level(scheduler_.now(), {});
    arm(channel);
}

void Ct1741::stop(Channel channel) {
    timers_.at(channel).disarm();
    if (r_.transfers.at(channel).wanted != 0 && pins_.request) pins_.request(channel, false);
    r_.transfers.at(channel) = {};
}

void Ct1741::pause(Channel channel) {
    Transfer& transfer = r_.transfers.at(channel);
    if (!transfer.active || transfer.paused) return;
    transfer.paused = true;
    timers_.at(channel).disarm();
    if (transfer.wanted == 0) return;
    // What was moved of the portion counts, the rest is asked for later.
    transfer.wanted = 0;
    transfer.starved = false;
    if (pins_.request) pins_.request(channel, false);
}

void Ct1741::resume(Channel channel) {
    Transfer& transfer = r_.transfers.at(channel);
    if (!transfer.active || !transfer.paused) return;
    transfer.paused = false;
    transfer.origin_ns = scheduler_.now();
    transfer.done = 0;
    arm(channel);
}

/// The next portion is played from now on and moved when that is over.
void Ct1741::arm(Channel channel) {
    Transfer& transfer = r_.transfers.at(channel);
    const u64 units_per_second = u64{transfer.rate} * (transfer.stereo ? 2 : 1);
    const u64 most = transfer.format == Format::silence ? transfer.left : units_per_second / kPortionsPerSecond;
    // An even number, so that stereo frames stay whole where the block lets them.
    transfer.portion = static_cast<u32>(std::clamp<u64>(most & ~u64{1}, 1, transfer.left));
    timers_.at(channel).arm(transfer.origin_ns + duration_ns(transfer, transfer.done + transfer.portion));
}

void Ct1741::portion_due(Channel channel) {
    Transfer& transfer = r_.transfers.at(channel);
    if (!transfer.active || transfer.paused) return;
    if (transfer.format == Format::silence) {
        transfer.left -= transfer.portion;
        portion_done(channel);
        return;
    }
    frames_.at(channel).clear();
    transfer.wanted = transfer.portion;
    const u64 done = transfer.done;
    if (pins_.request) pins_.request(channel, true);
    // While nobody answers, DREQ stays and time passes in silence.
    if (transfer.done == done && transfer.wanted != 0) transfer.starved = true;
}

void Ct1741::dma_write(Channel channel, u16 value, unsigned bytes) {
    Transfer& transfer = r_.transfers.at(channel);
    if (transfer.wanted == 0) return;  // nothing was asked for
    if (channel == kWide && bytes == 1) {
        transfer.half = !transfer.half;
        if (transfer.half) {
            transfer.low_byte = static_cast<u8>(value);
            return;
        }
        value = static_cast<u16>(transfer.low_byte | (value & 0xFF) << 8);
    }
    if (!transfer.input) take_unit(channel, value);
    moved(channel);
}

u16 Ct1741::dma_read(Channel channel, unsigned bytes) {
    Transfer& transfer = r_.transfers.at(channel);
    const u16 silence = transfer.is_signed ? 0 : channel == kWide ? 0x8000 : 0x80;
    if (transfer.wanted == 0) return silence;
    if (transfer.format == Format::identification) {
        moved(channel);
        return r_.identity;
    }
    if (channel == kWide && bytes == 1) {
        transfer.half = !transfer.half;
        if (transfer.half) return silence & 0xFF;
        moved(channel);
        return silence >> 8;
    }
    moved(channel);
    return silence;
}

void Ct1741::moved(Channel channel) {
    Transfer& transfer = r_.transfers.at(channel);
    --transfer.left;
    if (--transfer.wanted != 0) return;
    if (pins_.request) pins_.request(channel, false);
    portion_done(channel);
}

void Ct1741::portion_done(Channel channel) {
    Transfer& transfer = r_.transfers.at(channel);
    const u64 now = scheduler_.now();
    const u64 end = transfer.origin_ns + duration_ns(transfer, transfer.done + transfer.portion);
    if (transfer.starved || now > end + kMostLate_ns) {
        // It came too late: the sound goes on from here.
        transfer.origin_ns = now - std::min(now, duration_ns(transfer, transfer.portion));
        transfer.done = 0;
        transfer.starved = false;
    }
    std::vector<AudioFrame>& frames = frames_.at(channel);
    if (sink_ != nullptr && !frames.empty())
        sink_->play(transfer.origin_ns + duration_ns(transfer, transfer.done), transfer.rate, frames);
    frames.clear();
    transfer.done += transfer.portion;
    if (transfer.left == 0) {
        transfer.left = transfer.block;
        const bool goes_on = transfer.auto_init, tells = transfer.format != Format::identification;
        if (!goes_on) transfer = {};
        if (tells) raise(channel == kNarrow ? kInterrupt8 : kInterrupt16);
        if (!goes_on) return;
    }
    if (transfer.active && !transfer.paused && transfer.wanted == 0) arm(channel);
}

void Ct1741::take_unit(Channel channel, u16 value) {
    Transfer& transfer = r_.transfers.at(channel);
    if (is_adpcm(transfer.format)) {
        if (transfer.reference) {
            transfer.reference = false;
            r_.adpcm.set_reference(static_cast<u8>(value));
            return;
        }
        const CreativeAdpcm::Format format = adpcm_format(transfer.format);
        const auto samples = r_.adpcm.decode(format, static_cast<u8>(value));
        for (unsigned i = 0; i < CreativeAdpcm::samples_per_byte(format); ++i)
            put_sample(channel, static_cast<i16>((samples.at(i) - 0x80) * 256));
        return;
    }
    const u16 word = channel == kWide ? value : static_cast<u16>(value << 8);
    put_sample(channel, static_cast<i16>(transfer.is_signed ? word : word ^ 0x8000));
}

void Ct1741::put_sample(Channel channel, i16 sample) {
    Transfer& transfer = r_.transfers.at(channel);
    if (transfer.stereo) {
        transfer.has_left = !transfer.has_left;
        if (transfer.has_left) {
            transfer.left_sample = sample;
            return;
        }
    }
    if (sink_ != nullptr) frames_.at(channel).push_back({transfer.stereo ? transfer.left_sample : sample, sample});
}

}  // namespace bantam::devices
