/*
 * seedbed.h: dataset work for generative models, for C and C++.
 * Generated from the Rust sources of ffi/; changes made here will be overwritten.
 *
 * What holds for every function
 *
 *   Memory     Nothing is allocated, read from or written to a file. Memory is yours: ask the matching _size or
 *              _workspace query, lend that much, of any alignment unless said. The answers of queries do not
 *              depend on the processor. There are no free functions.
 *   Status     0 is SB_OK, everything else an error; sb_status_name() says it in words. On error no output
 *              is written.
 *   Pointers   NULL and misaligned pointers give SB_ERR_INVALID_ARGUMENT. A length of 0 with NULL is valid.
 *              Buffers must not overlap. Lengths count elements, names with _bytes count bytes.
 *   Structures Set struct_size to sizeof the structure, zero the rest, then fill it in: later versions add
 *              fields at the end.
 *   Handles    An opaque handle lies inside memory that you lent. It begins with a number that is checked, so
 *              that a wrong pointer gives SB_ERR_BAD_HANDLE mostly. Do not move the memory: where in it the
 *              object begins depends on its address. Forget it when done.
 *   Threads    No globals, no threads, no locale, no signals. A call that takes a const handle may run at
 *              the same time as others on that handle; otherwise one call at a time. Any thread may
 *              call, also an interrupt handler that has the stack.
 *   Panics     The library never unwinds, exits or aborts on what you pass.
 *   Equal bits Results depend on arguments and seed alone: the same bytes on every processor. This ends where
 *              a program sets flush-to-zero, for instance by linking with -ffast-math.
 */

#ifndef SEEDBED_H
#define SEEDBED_H

#include <stddef.h>
#include <stdint.h>

/* The version that this header belongs to: major * 10000 + minor * 100 + patch. */
#define SB_VERSION_NUMBER 100

/* The purpose in the keys of augmentation, see sb_pipeline_apply. */
#define SB_PURPOSE_AUGMENT 2

/* Steps that a pipeline holds at most: as many as the command takes. */
#define SB_PIPELINE_STEPS 32

/* An augmentation pipeline. It lies in memory of yours and needs no free function. */
typedef struct sb_pipeline sb_pipeline;

/* What became of a call. Numbers are never reused. An int32_t and not an enum, whose size differs
   between compilers. */
typedef int32_t sb_status;

/* A stream of random numbers: a plain value without a pointer. Copy it, store it, use one per thread. Before
   sb_stream_init, zeroed, it gives SB_ERR_BAD_HANDLE. */
typedef struct sb_stream {
    /* The library's; the order of the words may differ between versions. */
    uint32_t state[4];
} sb_stream;

/* What randomness is for. Two keys that differ in any field give independent streams under the same seed. */
typedef struct sb_key {
    /* sizeof(sb_key). */
    uint32_t struct_size;
    /* A number that you give to each of your uses of randomness. */
    uint32_t purpose;
    /* Epoch, copy or repetition. */
    uint32_t epoch;
    /* Index of an operation. */
    uint32_t op;
    /* The sample's number. */
    uint64_t sample;
} sb_key;

/* The size of an image. */
typedef struct sb_shape {
    /* sizeof(sb_shape). */
    uint32_t struct_size;
    /* Rows. */
    uint32_t height;
    /* Columns. */
    uint32_t width;
    /* Values per pixel, interleaved: 1 for grey, 3 for RGB, 4 for RGBA, or any other number. */
    uint32_t channels;
} sb_shape;

/* An image of 8-bit values to read: row y begins at data + y * stride. */
typedef struct sb_image {
    /* sizeof(sb_image). */
    uint32_t struct_size;
    /* Rows. */
    uint32_t height;
    /* Columns. */
    uint32_t width;
    /* Values per pixel, interleaved. */
    uint32_t channels;
    /* Values from the start of one row to the start of the next, at least width * channels. */
    size_t stride;
    /* The first row. */
    const uint8_t *data;
} sb_image;

/* An image of 8-bit values to write; what lies between rows is left alone. */
typedef struct sb_image_mut {
    /* sizeof(sb_image_mut). */
    uint32_t struct_size;
    /* Rows. */
    uint32_t height;
    /* Columns. */
    uint32_t width;
    /* Values per pixel, interleaved. */
    uint32_t channels;
    /* Values from the start of one row to the start of the next, at least width * channels. */
    size_t stride;
    /* The first row. */
    uint8_t *data;
} sb_image_mut;

/* Done. */
#define SB_OK 0

/* An output buffer is too small: ask the matching query. */
#define SB_ERR_BUFFER_TOO_SMALL 1

/* An argument is NULL, misaligned or out of its documented range. */
#define SB_ERR_INVALID_ARGUMENT 2

/* Two shapes that must agree do not. */
#define SB_ERR_SHAPE_MISMATCH 3

/* A size does not fit the address space. */
#define SB_ERR_OVERFLOW 4

/* A NaN or an infinity where only finite values have a meaning. */
#define SB_ERR_NOT_FINITE 5

/* A valid request that this build or this input does not serve. */
#define SB_ERR_UNSUPPORTED 6

/* The work memory is smaller than the matching workspace query says. */
#define SB_ERR_WORK_TOO_SMALL 7

/* More parts than this build has room for. */
#define SB_ERR_CAPACITY 8

/* Bytes from outside are damaged, cut off, or not what they claim to be. */
#define SB_ERR_BAD_DATA 9

/* Bytes from outside have a version that this build does not know. */
#define SB_ERR_UNSUPPORTED_VERSION 10

/* Too few samples for the operation. */
#define SB_ERR_TOO_FEW_SAMPLES 11

/* struct_size is smaller than in any release or above 4096, or fields that this build does not know are not zero. */
#define SB_ERR_STRUCT_SIZE 100

/* The handle does not point to an object of this library and version, or the stream was never set. */
#define SB_ERR_BAD_HANDLE 101

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/* The version of the library that is linked, as SB_VERSION_NUMBER; compare the two. */
uint32_t sb_version(void);

/* A short English name of a status: static text, never NULL. */
const char *sb_status_name(sb_status status);

/* The instruction set in use on this processor: static text, for instance "base" or "avx2". Results do not
   depend on it. */
const char *sb_level(void);

/* The number of a sample whose id is the text id[0..id_len], for sb_key: its 64-bit FNV-1a hash. 0 for
   NULL with id_len > 0. */
uint64_t sb_id_hash(const char *id, size_t id_len);

/* Sets *stream to the stream of *key under a seed. */
sb_status sb_stream_init(struct sb_stream *stream, uint64_t seed, const struct sb_key *key);

/* Fills dst[0..len] with words of 32 random bits. */
sb_status sb_stream_next_u32(struct sb_stream *stream, uint32_t *dst, size_t len);

/* Fills dst[0..len] with numbers uniform in [0, 1), multiples of 2^-24. */
sb_status sb_stream_uniform(struct sb_stream *stream, float *dst, size_t len);

/* Fills dst[0..len] with numbers of the standard normal distribution. */
sb_status sb_stream_normal(struct sb_stream *stream, float *dst, size_t len);

/* Sets *bytes to the memory that a pipeline takes, for sb_pipeline_init. */
sb_status sb_pipeline_size(size_t *bytes);

/* Reads a pipeline from the bytes of the file `pipeline.bin`, which `seedbed augment` writes beside its dataset, into
   memory[0..memory_bytes], and sets *out to it. The bytes may go away afterwards, the memory must stay.
   SB_ERR_BAD_DATA for bytes that are cut off, too many or mean nothing, SB_ERR_UNSUPPORTED_VERSION,
   SB_ERR_UNSUPPORTED for an operation that this build does not know, SB_ERR_INVALID_ARGUMENT for a parameter out of
   range, SB_ERR_CAPACITY for more than SB_PIPELINE_STEPS steps, SB_ERR_BUFFER_TOO_SMALL for too little memory. */
sb_status sb_pipeline_init(const void *data,
                           size_t data_bytes,
                           void *memory,
                           size_t memory_bytes,
                           struct sb_pipeline **out);

/* Sets *out to the shape that an image of *shape comes out with; set its struct_size before. */
sb_status sb_pipeline_out_shape(const struct sb_pipeline *pipeline,
                                const struct sb_shape *shape,
                                struct sb_shape *out);

/* Sets *bytes to the work memory that sb_pipeline_apply takes for an image of *shape, whatever is drawn.
   SB_ERR_OVERFLOW where no memory is that large. */
sb_status sb_pipeline_workspace(const struct sb_pipeline *pipeline,
                                const struct sb_shape *shape,
                                size_t *bytes);

/* Augments *src into *dst, whose shape is that of sb_pipeline_out_shape, by what is drawn from the seed and *key.
   The key's op is not looked at. SB_PURPOSE_AUGMENT as purpose, the number of the copy as epoch (copies count from 1)
   and sb_id_hash of the sample's id as sample give the pixels that the command `seedbed augment` makes. */
sb_status sb_pipeline_apply(const struct sb_pipeline *pipeline,
                            const struct sb_image *src,
                            const struct sb_image_mut *dst,
                            uint64_t seed,
                            const struct sb_key *key,
                            void *work,
                            size_t work_bytes);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* SEEDBED_H */
