/* What newlib keeps for a thread behind thread-local pointers (number conversion) is freed. */
#include <reent.h>
#include <swos/thread.h>

void sw_thread_at_end(void)
{
    _reclaim_reent(_REENT);
}
