/* See fetch.h. */
#include "fetch.h"
#include <string.h>
#include <swos/clock.h>
#include <unistd.h>

#define BAR 24
#define NAME 24
#define PERIOD (200 * SW_MILLISECOND)

static bool shown;
static const char *name;
static uint64_t begin, whole, started, drawn;

/* Bytes as people read them: at most 4 digits and a unit. */
static const char *size_text(uint64_t size, char text[16])
{
    static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
    unsigned unit = 0;
    uint64_t tenths = size * 10;

    while (tenths >= 10240 && unit < 4) {
        tenths /= 1024;
        unit++;
    }
    if (unit == 0)
        snprintf(text, 16, "%u B", (unsigned)size);
    else
        snprintf(text, 16, "%u.%u %s", (unsigned)(tenths / 10), (unsigned)(tenths % 10),
                 units[unit]);
    return text;
}

static void draw(uint64_t size, uint64_t now)
{
    char bar[BAR + 1], amount[16], rate[16], left[16] = "";
    uint64_t time = now - started,
             speed = time > 0 ? (size - begin) * 1000 / (time / 1000000 + 1) : 0;

    drawn = now;
    if (whole == HTTP_UNKNOWN) {
        fprintf(stderr, "\r%-*.*s %10s  %10s/s\033[K", NAME, NAME, name, size_text(size, amount),
                size_text(speed, rate));
        return;
    }
    unsigned percent = whole > 0 ? (unsigned)(size / (whole / 100 + 1)) : 100;
    if (size >= whole)
        percent = 100;
    unsigned full = percent * BAR / 100;
    memset(bar, ' ', BAR);
    memset(bar, '=', full);
    if (full < BAR)
        bar[full] = '>';
    bar[BAR] = 0;
    if (size < whole && speed > 0) {
        uint64_t seconds = (whole - size) / speed;
        snprintf(left, sizeof(left), "%u:%02u", (unsigned)(seconds / 60 % 6000),
                 (unsigned)(seconds % 60));
    }
    fprintf(stderr, "\r%-*.*s %3u%% [%s] %10s  %10s/s %s\033[K", NAME, NAME, name, percent, bar,
            size_text(size, amount), size_text(speed, rate), left);
}

void progress_start(const char *of, uint64_t from, uint64_t to)
{
    shown = isatty(2);
    name = of;
    begin = from;
    whole = to;
    started = sw_clock_monotonic();
    if (shown)
        draw(from, started);
}

void progress_show(uint64_t size)
{
    if (!shown)
        return;
    uint64_t now = sw_clock_monotonic();
    if (now - drawn >= PERIOD)
        draw(size, now);
}

void progress_end(uint64_t size)
{
    if (shown) {
        draw(size, sw_clock_monotonic());
        fputc('\n', stderr);
    }
    shown = false;
}
