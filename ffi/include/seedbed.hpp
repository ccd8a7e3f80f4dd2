// seedbed.hpp: seedbed.h in C++11, without exceptions, allocation or ownership.
//
// Structures come with struct_size set; references take the place of pointers that must not be NULL. Everything
// returns the sb_status of the C function it calls. What holds for seedbed.h holds here.
#ifndef SEEDBED_HPP
#define SEEDBED_HPP

#include "seedbed.h"

namespace seedbed {

using Status = sb_status;

inline const char *name(Status status) { return sb_status_name(status); }

// Is the library that is linked the one that this header belongs to?
inline bool same_version() { return sb_version() == SB_VERSION_NUMBER; }

// A key with struct_size set.
inline sb_key key(uint32_t purpose, uint32_t epoch = 0, uint64_t sample = 0, uint32_t op = 0) {
    sb_key k = {};
    k.struct_size = sizeof k;
    k.purpose = purpose;
    k.epoch = epoch;
    k.op = op;
    k.sample = sample;
    return k;
}

// The key of copy `copy` (from 1) of the sample whose id is the text `id`, as `seedbed augment` makes it.
inline sb_key augment_key(const char *id, size_t id_len, uint32_t copy) {
    return key(SB_PURPOSE_AUGMENT, copy, sb_id_hash(id, id_len));
}

inline sb_shape shape(uint32_t height, uint32_t width, uint32_t channels) {
    sb_shape s = {};
    s.struct_size = sizeof s;
    s.height = height;
    s.width = width;
    s.channels = channels;
    return s;
}

// Values of a dense image of this shape.
inline size_t len(const sb_shape &s) { return size_t(s.height) * s.width * s.channels; }

namespace detail {

template <typename Image, typename Pointer>
inline Image dense(const sb_shape &s, Pointer data) {
    Image i = {};
    i.struct_size = sizeof i;
    i.height = s.height;
    i.width = s.width;
    i.channels = s.channels;
    i.stride = size_t(s.width) * s.channels;
    i.data = data;
    return i;
}

}  // namespace detail

// A dense image to read, over len(s) values at `data`.
inline sb_image image(const sb_shape &s, const uint8_t *data) { return detail::dense<sb_image>(s, data); }

// A dense image to write, over len(s) values at `data`.
inline sb_image_mut image_mut(const sb_shape &s, uint8_t *data) { return detail::dense<sb_image_mut>(s, data); }

// A stream of random numbers: a plain value. It gives SB_ERR_BAD_HANDLE until init().
class Stream {
public:
    Status init(uint64_t seed, const sb_key &key) { return sb_stream_init(&raw_, seed, &key); }

    Status next_u32(uint32_t *dst, size_t len) { return sb_stream_next_u32(&raw_, dst, len); }
    Status uniform(float *dst, size_t len) { return sb_stream_uniform(&raw_, dst, len); }
    Status normal(float *dst, size_t len) { return sb_stream_normal(&raw_, dst, len); }

private:
    sb_stream raw_ = {};
};

// An augmentation pipeline that lies in memory of yours: a pointer, to be copied freely.
class Pipeline {
public:
    // Bytes of memory for init().
    static size_t size() {
        size_t bytes = 0;
        sb_pipeline_size(&bytes);
        return bytes;
    }

    Status init(const void *data, size_t data_bytes, void *memory, size_t memory_bytes) {
        return sb_pipeline_init(data, data_bytes, memory, memory_bytes, &raw_);
    }

    Status out_shape(const sb_shape &in, sb_shape &out) const {
        out.struct_size = sizeof out;
        return sb_pipeline_out_shape(raw_, &in, &out);
    }

    Status workspace(const sb_shape &in, size_t &bytes) const { return sb_pipeline_workspace(raw_, &in, &bytes); }

    Status apply(const sb_image &src, const sb_image_mut &dst, uint64_t seed, const sb_key &key, void *work,
                 size_t work_bytes) const {
        return sb_pipeline_apply(raw_, &src, &dst, seed, &key, work, work_bytes);
    }

private:
    sb_pipeline *raw_ = nullptr;
};

}  // namespace seedbed

#endif  // SEEDBED_HPP
