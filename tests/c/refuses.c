/* What the library must refuse, from C, and the numbers of a stream. Exits with the line of what is wrong. */
#include <seedbed.h>
#include <stdio.h>
#include <string.h>

#define CHECK(what)                                              \
    do {                                                         \
        if (!(what)) {                                           \
            fprintf(stderr, "line %d: %s\n", __LINE__, #what);   \
            return 1;                                            \
        }                                                        \
    } while (0)

static int streams(void) {
    sb_key key = {sizeof key, 1, 2, 4, 3};
    sb_stream one = {{0}}, two;
    uint32_t words[3];
    float numbers[40];
    size_t i;
    CHECK(sb_stream_next_u32(&one, words, 1) == SB_ERR_BAD_HANDLE);
    CHECK(sb_stream_init(&one, 9, &key) == SB_OK);
    two = one; /* A plain value. */
    CHECK(sb_stream_next_u32(&one, words, 3) == SB_OK);
    printf("%08x %08x %08x\n", (unsigned)words[0], (unsigned)words[1], (unsigned)words[2]);
    CHECK(sb_stream_next_u32(&two, words + 2, 1) == SB_OK && words[2] == words[0]);
    CHECK(sb_stream_uniform(&one, numbers, 40) == SB_OK);
    for (i = 0; i < 40; i++) CHECK(numbers[i] >= 0.0f && numbers[i] < 1.0f);
    CHECK(sb_stream_normal(&one, numbers, 40) == SB_OK);
    CHECK(sb_stream_normal(&one, NULL, 0) == SB_OK);
    CHECK(sb_stream_normal(&one, NULL, 1) == SB_ERR_INVALID_ARGUMENT);
    CHECK(sb_stream_normal(NULL, numbers, 1) == SB_ERR_INVALID_ARGUMENT);
    key.struct_size = 8;
    CHECK(sb_stream_init(&one, 9, &key) == SB_ERR_STRUCT_SIZE);
    key.struct_size = 4000000000u;
    CHECK(sb_stream_init(&one, 9, &key) == SB_ERR_STRUCT_SIZE);
    return 0;
}

static int pipelines(void) {
    static uint64_t memory[512];
    /* No steps: the magic, version 3, count 0, no flags. */
    const unsigned char empty[] = {'S', 'B', 'P', 'L', 3, 0, 0, 0, 0, 0, 0, 0};
    unsigned char bytes[sizeof empty];
    const uint8_t from[6] = {1, 2, 3, 4, 5, 6};
    uint8_t to[6] = {0};
    sb_key key = {sizeof key, SB_PURPOSE_AUGMENT, 0, 0, 0};
    sb_shape shape = {sizeof shape, 2, 3, 1};
    sb_image src = {sizeof src, 2, 3, 1, 3, NULL};
    sb_image_mut dst = {sizeof dst, 2, 3, 1, 3, NULL};
    sb_pipeline *pipeline = NULL;
    char work[1024];
    size_t need = 0;
    src.data = from;
    dst.data = to;
    CHECK(sb_pipeline_size(NULL) == SB_ERR_INVALID_ARGUMENT);
    CHECK(sb_pipeline_init(empty, sizeof empty - 1, memory, sizeof memory, &pipeline) == SB_ERR_BAD_DATA);
    memcpy(bytes, empty, sizeof bytes);
    bytes[4] = 9;
    CHECK(sb_pipeline_init(bytes, sizeof bytes, memory, sizeof memory, &pipeline) == SB_ERR_UNSUPPORTED_VERSION);
    CHECK(sb_pipeline_init(empty, sizeof empty, memory, 16, &pipeline) == SB_ERR_BUFFER_TOO_SMALL);
    CHECK(pipeline == NULL);
    CHECK(sb_pipeline_workspace((sb_pipeline *)(void *)memory, &shape, &need) == SB_ERR_BAD_HANDLE);
    CHECK(sb_pipeline_init(empty, sizeof empty, memory, sizeof memory, &pipeline) == SB_OK);
    CHECK(sb_pipeline_workspace(pipeline, &shape, &need) == SB_OK && need <= sizeof work);
    CHECK(sb_pipeline_apply(pipeline, &src, &dst, 1, &key, work, 0) == SB_ERR_WORK_TOO_SMALL);
    dst.width = 2;
    CHECK(sb_pipeline_apply(pipeline, &src, &dst, 1, &key, work, need) == SB_ERR_SHAPE_MISMATCH);
    dst.width = 3, src.stride = 2;
    CHECK(sb_pipeline_apply(pipeline, &src, &dst, 1, &key, work, need) == SB_ERR_INVALID_ARGUMENT);
    CHECK(to[0] == 0);
    src.stride = 3;
    CHECK(sb_pipeline_apply(pipeline, &src, &dst, 1, &key, work, need) == SB_OK);
    CHECK(memcmp(from, to, sizeof to) == 0);
    return 0;
}

int main(void) {
    CHECK(sb_version() == SB_VERSION_NUMBER);
    CHECK(strcmp(sb_status_name(SB_OK), "ok") == 0);
    CHECK(sb_status_name(-1) != NULL && sb_level() != NULL);
    return streams() || pipelines();
}
