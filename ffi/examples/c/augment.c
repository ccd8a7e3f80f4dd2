/* Augments one picture eight times and prints a hash of each result. All memory is given; nothing is allocated.
 *
 *   augment pipeline.bin        the file that `seedbed augment` writes beside its dataset
 */
#include <inttypes.h>
#include <seedbed.h>
#include <stdio.h>

enum { HEIGHT = 12, WIDTH = 18, STRIDE = 32, MAX_SIDE = 64 };

static int fail(const char *what, const char *why) {
    fprintf(stderr, "error: %s: %s\n", what, why);
    return 1;
}

static int refused(const char *what, sb_status status) { return fail(what, sb_status_name(status)); }

int main(int argc, char **argv) {
    static unsigned char memory[4096], work[1 << 16], bytes[4096];
    static uint8_t pixels[HEIGHT * STRIDE], result[MAX_SIDE * MAX_SIDE];
    const sb_shape shape = {sizeof shape, HEIGHT, WIDTH, 1};
    const char id[] = "digits/0007";
    sb_key key = {sizeof key, SB_PURPOSE_AUGMENT, 0, 0, 0};
    sb_shape out = {sizeof out, 0, 0, 0};
    sb_image src = {sizeof src, HEIGHT, WIDTH, 1, STRIDE, NULL};
    sb_image_mut dst = {sizeof dst, 0, 0, 1, 0, NULL};
    sb_pipeline *pipeline = NULL;
    size_t n, need = 0, i;
    sb_status status;
    FILE *file;

    if (argc != 2 || (file = fopen(argv[1], "rb")) == NULL) {
        fprintf(stderr, "usage: augment pipeline.bin\n");
        return 2;
    }
    n = fread(bytes, 1, sizeof bytes, file);
    fclose(file);

    /* Queries tell how much memory to give. */
    if ((status = sb_pipeline_size(&need)) != SB_OK) return refused("pipeline", status);
    if (need > sizeof memory) return fail("pipeline", "takes more memory than this program has");
    status = sb_pipeline_init(bytes, n, memory, sizeof memory, &pipeline);
    if (status != SB_OK) return refused(argv[1], status);
    if ((status = sb_pipeline_out_shape(pipeline, &shape, &out)) != SB_OK) return refused("shape", status);
    if ((status = sb_pipeline_workspace(pipeline, &shape, &need)) != SB_OK) return refused("workspace", status);
    if (need > sizeof work) return fail("workspace", "larger than this program has");
    if ((size_t)out.height * out.width > sizeof result) return fail("result", "larger than this program has room for");

    for (i = 0; i < sizeof pixels; i++) pixels[i] = (uint8_t)(i * 7);
    src.data = pixels;
    dst.height = out.height, dst.width = out.width, dst.stride = out.width, dst.data = result;
    key.sample = sb_id_hash(id, sizeof id - 1);
    /* Copies count from 1, as those of the command do. */
    for (key.epoch = 1; key.epoch <= 8; key.epoch++) {
        status = sb_pipeline_apply(pipeline, &src, &dst, 42, &key, work, need);
        if (status != SB_OK) return refused("apply", status);
        /* The number of a text is its hash, which will do for bytes. */
        n = (size_t)out.height * out.width;
        printf("%016" PRIx64 "\n", sb_id_hash((const char *)result, n));
    }
    return 0;
}
