/* More system calls than anybody can read along. */
#include <swos/abi.h>

int main(void)
{
    for (int i = 0; i < 20000; i++)
        sw_thread_yield();
    return 0;
}
