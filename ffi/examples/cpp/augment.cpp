// The same as examples/c/augment.c, with the C++ header and memory from the standard library.
#include <cinttypes>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <seedbed.hpp>
#include <string>
#include <vector>

int main(int argc, char **argv) {
    if (!seedbed::same_version()) {
        std::fprintf(stderr, "error: the library has another version than seedbed.hpp: %u\n", unsigned(sb_version()));
        return 1;
    }
    if (argc != 2) {
        std::fprintf(stderr, "usage: augment pipeline.bin\n");
        return 2;
    }
    std::ifstream file(argv[1], std::ios::binary);
    const std::vector<char> bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());

    std::vector<unsigned char> memory(seedbed::Pipeline::size());
    seedbed::Pipeline pipeline;
    const sb_shape shape = seedbed::shape(12, 18, 1);
    sb_shape out;
    size_t need = 0;
    sb_status status = pipeline.init(bytes.data(), bytes.size(), memory.data(), memory.size());
    if (status == SB_OK) status = pipeline.out_shape(shape, out);
    if (status == SB_OK) status = pipeline.workspace(shape, need);
    if (status != SB_OK) {
        std::fprintf(stderr, "error: %s: %s\n", argv[1], seedbed::name(status));
        return 1;
    }

    const size_t stride = 32;
    std::vector<uint8_t> pixels(shape.height * stride), result(seedbed::len(out));
    for (size_t i = 0; i < pixels.size(); i++) pixels[i] = uint8_t(i * 7);
    sb_image src = seedbed::image(shape, pixels.data());
    src.stride = stride;
    std::vector<unsigned char> work(need);
    const std::string id = "digits/0007";
    for (uint32_t copy = 1; copy <= 8; copy++) {
        status = pipeline.apply(src, seedbed::image_mut(out, result.data()), 42,
                                seedbed::augment_key(id.data(), id.size(), copy), work.data(), work.size());
        if (status != SB_OK) {
            std::fprintf(stderr, "error: apply: %s\n", seedbed::name(status));
            return 1;
        }
        std::printf("%016" PRIx64 "\n", sb_id_hash(reinterpret_cast<const char *>(result.data()), result.size()));
    }
    return 0;
}
