// What the C++ header must not drop: the status of a stream that was refused. Prints the numbers of one that was not.
#include <cstdio>
#include <seedbed.hpp>

int main() {
    sb_key key = seedbed::key(1, 2, 3, 4);
    uint32_t words[3] = {};
    seedbed::Stream stream;
    if (stream.next_u32(words, 3) != SB_ERR_BAD_HANDLE) return 1;
    key.struct_size = 4;
    if (stream.init(9, key) != SB_ERR_STRUCT_SIZE) return 2;
    if (stream.next_u32(words, 3) != SB_ERR_BAD_HANDLE || words[0] != 0) return 3;
    key.struct_size = sizeof key;
    if (stream.init(9, key) != SB_OK || stream.next_u32(words, 3) != SB_OK) return 4;
    std::printf("%08x %08x %08x\n", unsigned(words[0]), unsigned(words[1]), unsigned(words[2]));
    return 0;
}
