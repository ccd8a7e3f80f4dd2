// The header stands being included twice, next to the names that headers like to clash with.
#define min(a, b) ((a) < (b) ? (a) : (b))
#define max(a, b) ((a) > (b) ? (a) : (b))
#include <seedbed.hpp>
#include <seedbed.hpp>

int main() { return sb_version() == SB_VERSION_NUMBER ? 0 : 1; }
