/* The kernel's formatting, log ring, random generator and page allocator. */
#include "arch.h"
#include "log.h"
#include "memory.h"
#include "tap.h"
#include <stdlib.h>

/* --- what the rest of the kernel would give them --- */
bool early_console_active = true;
static char console[8192];
static size_t console_length;
static uint64_t boot_time;
static _Alignas(4096) char pages[8 * 4096];

void early_console_write(const char *text, size_t length)
{
    if (console_length + length <= sizeof console)
        memcpy(console + console_length, text, length);
    console_length += length;
}

uint64_t arch_since_boot(void)
{
    return boot_time;
}

/* Physical address 0x10000 is the first byte of `pages`. */
void *page_pointer(paddr_t address)
{
    return pages + (address - 0x10000);
}

paddr_t page_address(const void *pointer)
{
    return (paddr_t)((const char *)pointer - pages) + 0x10000;
}

void panic(const char *format, ...)
{
    printf("Bail out! panic: %s\n", format);
    exit(1);
}

/* --- formatting --- */

#define FORMATS(expected, ...)                                                                     \
    CHECK(format_line(buffer, sizeof buffer, __VA_ARGS__) == strlen(expected) &&                   \
          memcmp(buffer, expected, strlen(expected) + 1) == 0)

static void test_format(void)
{
    char buffer[64];
    FORMATS("a 7 -12 x", "a %u %d %c", 7u, -12, 'x');
    FORMATS("18446744073709551615 0", "%lu %d", ~0ul, 0);
    FORMATS("-9223372036854775808", "%ld", INT64_MIN);
    FORMATS("00ff ff   ff", "%04x %x %4x", 0xffu, 0xffu, 0xffu);
    FORMATS("-007", "%04d", -7);
    FORMATS("ab   |abc", "%5s|%.*s", "ab", 3, "abcdef");
    FORMATS("0x1f 100%", "%p %u%%", (void *)0x1f, 100u);
    CHECK(format_line(buffer, 4, "%s", "abcdef") == 3 && memcmp(buffer, "abc", 4) == 0);
}

/* --- log --- */

static void test_log(void)
{
    char line[LOG_RECORD_MAX + 1];
    uint64_t sequence = 0;
    CHECK(log_record(&sequence, line) == 0 && sequence == 0);
    boot_time = 1234567890;
    log_info("disk", "block %u", 5u);
    static const char expected[] = "[1234] [I] disk: block 5\n";
    CHECK(console_length == sizeof expected - 1 && memcmp(console, expected, console_length) == 0);
    CHECK(log_record(&sequence, line) == sizeof expected - 1 && sequence == 1);
    CHECK(memcmp(line, expected, sizeof expected - 1) == 0);

    log_line(SW_LOG_DEBUG, "disk", "not wanted");
    CHECK(log_record(&sequence, line) == 0);
    log_text(SW_LOG_ERROR, "a\nb\x1b[c", 6);
    CHECK(log_record(&sequence, line) == 18 && memcmp(line, "[1234] [E] a?b?[c\n", 18) == 0);
    log_text(SW_LOG_ERROR, "\xc2\x9b\xc2\xa0\xc3\x9b", 6);
    CHECK(log_record(&sequence, line) == 18 &&
          memcmp(line, "[1234] [E] ??\xc2\xa0\xc3\x9b\n", 18) == 0);

    early_console_active = false;
    char text[300];
    memset(text, 'y', sizeof text);
    for (int i = 0; i < 1000; i++)
        log_text(SW_LOG_INFO, text, (size_t)i % sizeof text);
    /* The ring keeps the newest, whole, without gaps, and cuts what is too long. */
    uint64_t first = 0, count = 0, at;
    CHECK(log_record(&first, line) > 0 && first > 700);
    at = first;
    size_t length;
    while ((length = log_record(&at, line)) > 0) {
        size_t wanted = (at - 4) % sizeof text;
        count += length == 11 + (wanted < LOG_LINE_MAX ? wanted : LOG_LINE_MAX) + 1;
    }
    CHECK(at == 1003 && count == at - first);
    uint64_t last = log_sequence_of_last(1000);
    size_t sum = 0;
    for (at = last; (length = log_record(&at, line)) > 0;)
        sum += length;
    CHECK(last < 1003 && sum <= 1000 && sum > 400);
    CHECK(log_count() == 1003);

    CHECK(log_should_be_gathered());
    log_gathered(1003);
    CHECK(!log_should_be_gathered());
    for (int i = 0; i < 60; i++)
        log_text(SW_LOG_INFO, text, sizeof text);
    CHECK(!log_should_be_gathered());
    for (int i = 0; i < 30; i++)
        log_text(SW_LOG_INFO, text, sizeof text);
    CHECK(log_should_be_gathered());
    log_gathered(1003 + 60);
    CHECK(!log_should_be_gathered());
}

static bool is_kept(uint32_t level, const char *words)
{
    uint64_t before = log_count();
    log_text(level, words, strlen(words));
    return log_count() > before;
}

static void test_log_filters(void)
{
    CHECK(log_filter_set("disk", 4, SW_LOG_ERROR) == SW_OK);
    CHECK(!is_kept(SW_LOG_WARNING, "disk: x") && is_kept(SW_LOG_ERROR, "disk: x"));
    CHECK(is_kept(SW_LOG_INFO, "disks: x") && is_kept(SW_LOG_INFO, "dis: x"));
    uint64_t before = log_count();
    log_info("disk", "x");
    CHECK(log_count() == before);
    log_error("disk", "x");
    CHECK(log_count() == before + 1);
    CHECK(log_filter_set("loud", 4, SW_LOG_DEBUG) == SW_OK);
    CHECK(is_kept(SW_LOG_DEBUG, "loud: x") && !is_kept(SW_LOG_DEBUG, "other: x"));
    CHECK(log_filter_set("", 0, SW_LOG_WARNING) == SW_OK);
    CHECK(!is_kept(SW_LOG_INFO, "other: x") && is_kept(SW_LOG_DEBUG, "loud: x"));
    CHECK(is_kept(SW_LOG_PANIC, "disk: x"));
    CHECK(log_filter_set("disk", 4, SW_LOG_DEFAULT) == SW_OK);
    CHECK(is_kept(SW_LOG_WARNING, "disk: x") && !is_kept(SW_LOG_INFO, "disk: x"));
    CHECK(log_filter_set("", 0, SW_LOG_DEFAULT) == SW_OK && is_kept(SW_LOG_INFO, "disk: x"));
    CHECK(log_filter_set("nobody", 6, SW_LOG_DEFAULT) == SW_OK);
    CHECK(log_filter_set("x", 1, SW_LOG_PANIC) == SW_INVALID);
    CHECK(log_filter_set("a name that is much too long", 28, SW_LOG_INFO) == SW_TOO_LARGE);
    for (char i = 0; i < 15; i++) /* with `loud` that is all there is room for */
        CHECK(log_filter_set((char[]){ (char)('a' + i) }, 1, SW_LOG_INFO) == SW_OK);
    CHECK(log_filter_set("z", 1, SW_LOG_INFO) == SW_QUOTA);
    CHECK(log_filter_set("a", 1, SW_LOG_ERROR) == SW_OK);
    CHECK(log_filter_set("b", 1, SW_LOG_DEFAULT) == SW_OK);
    CHECK(log_filter_set("z", 1, SW_LOG_INFO) == SW_OK);
}

/* --- random --- */

static void test_random(void)
{
    uint8_t seed[4] = { 1, 2, 3, 4 }, first[1000], second[1000];
    random_init(seed, sizeof seed, true);
    random_bytes(first, sizeof first);
    random_mix("other", 5); /* without effect on a fixed seed */
    uint64_t next = random_u64();
    uint32_t bits = 0;
    for (size_t i = 0; i < sizeof first; i++)
        bits += (uint32_t)__builtin_popcount(first[i]);
    CHECK(bits > 3700 && bits < 4300);
    random_init(seed, sizeof seed, false);
    random_bytes(second, sizeof second);
    CHECK(memcmp(first, second, sizeof first) != 0);
    random_mix("other", 5);
    CHECK(random_u64() != next);
}

/* Fresh entropy is wanted after 1 MiB or ten minutes, whichever comes first, and not before. */
static void test_random_hunger(void)
{
    const uint64_t minute = 60 * 1000000000ull;
    uint8_t bytes[1000];
    random_fed(5 * minute);
    for (int i = 0; i < 1000; i++)
        random_bytes(bytes, sizeof bytes);
    CHECK(!random_is_hungry(5 * minute) && !random_is_hungry(15 * minute - 1));
    CHECK(random_is_hungry(15 * minute));
    for (int i = 0; i < 50; i++)
        random_bytes(bytes, sizeof bytes);
    CHECK(random_is_hungry(5 * minute));
    random_fed(6 * minute);
    CHECK(!random_is_hungry(6 * minute));
}

/* --- pages --- */

static void test_pages(void)
{
    page_init(0x10001, 0x14fff);
    page_init(0x16000, 0x17000);
    page_init(0x17800, 0x17900); /* holds no whole page */
    CHECK(page_total == 4 && page_free_count == 4);
    paddr_t a = page_allocate(), b = page_allocate(), c = page_allocate(), d = page_allocate();
    CHECK(a == 0x11000 && b == 0x12000 && c == 0x13000 && d == 0x16000);
    CHECK(page_allocate() == 0 && page_free_count == 0);
    memset(page_pointer(b), 0x55, 4096);
    page_free(a);
    page_free(b);
    CHECK(page_free_count == 2 && page_allocate_zero() == b);
    CHECK(*(char *)page_pointer(b) == 0 && ((char *)page_pointer(b))[4095] == 0);
    CHECK(page_allocate() == a && page_allocate() == 0);
}

int main(void)
{
    test_format();
    test_log();
    test_log_filters();
    test_random();
    test_random_hunger();
    test_pages();
    return tap_done();
}
