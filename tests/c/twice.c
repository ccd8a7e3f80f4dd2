/* The header stands being included twice, next to the names that headers like to clash with. */
#define min(a, b) ((a) < (b) ? (a) : (b))
#define max(a, b) ((a) > (b) ? (a) : (b))
#include <seedbed.h>
#include <seedbed.h>

int main(void) { return sb_version() == SB_VERSION_NUMBER ? 0 : 1; }
