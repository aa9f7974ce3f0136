/* The smallest program: ends at once, or with an argument sleeps for ever. */
#include <swos/clock.h>

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1)
        sw_clock_sleep(SW_NEVER);
    return 0;
}
