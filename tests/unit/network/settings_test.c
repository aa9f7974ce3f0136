/* netd's settings: what init writes is read, anything else is refused with its line; and what rules of
 * a connection allow. */
#include "../../../bin/netd/settings.h"
#include "tap.h"
#include <stdlib.h>
#include <string.h>

static struct settings settings;
static uint32_t line;

/* From the heap, so that ASan sees a byte too far. */
static bool parse(const char *text)
{
    size_t length = strlen(text);
    char *copy = malloc(length ? length : 1);

    memcpy(copy, text, length);
    bool good = settings_parse(copy, length, &settings, &line);
    free(copy);
    return good;
}

static const char whole[] = "ipv4 static c0000205 24 c0000201\n"
                            "ipv6 static 20010db8000000000000000000000005 64 -\n"
                            "dns 4 01020304 53\n"
                            "dns 6 20010db8000000000000000000000035 5353\n"
                            "sntp 10.0.2.2 123\n"
                            "sntp time.example.org 1123\n"
                            "keepalive 1 2 3\n"
                            "rules 20\n"
                            "listen 8080\n"
                            "connect 4 0a000000 8\n"
                            "connect 6 20010db8000000000000000000000000 33\n"
                            "rules 21\n"
                            "connect 4 00000000 0\n"
                            "rules 22\n"
                            "listen 53\n";

static void test_reading(void)
{
    CHECK(parse(""));
    CHECK(settings.ipv4.mode == SETTINGS_AUTOMATIC && settings.ipv6.mode == SETTINGS_AUTOMATIC);
    CHECK(settings.keep_idle == 7200 && settings.keep_interval == 75 && settings.keep_probes == 9);
    CHECK(parse("ipv4 dhcp\nipv6 auto\n") && settings.ipv4.mode == SETTINGS_AUTOMATIC);
    CHECK(parse("ipv4 off\nipv6 off\n") && settings.ipv4.mode == SETTINGS_OFF &&
          settings.ipv6.mode == SETTINGS_OFF);
    CHECK(parse(whole));
    CHECK(settings.ipv4.mode == SETTINGS_STATIC && settings.ipv4.address.bits == 24 &&
          memcmp(settings.ipv4.address.bytes, "\xc0\0\2\5", 4) == 0 &&
          memcmp(settings.ipv4.gateway.bytes, "\xc0\0\2\1", 4) == 0);
    CHECK(settings.ipv6.mode == SETTINGS_STATIC && settings.ipv6.address.bytes[15] == 5 &&
          settings.ipv6.gateway.family == 0);
    CHECK(settings.dns_count == 2 && settings.dns[1].family == 6 &&
          settings.dns[1].bytes[15] == 0x35 && settings.dns[1].port == 5353);
    CHECK(settings.sntp_count == 2 && strcmp(settings.sntp[1].name, "time.example.org") == 0 &&
          settings.sntp[1].port == 1123);
    CHECK(settings.keep_idle == 1 && settings.keep_interval == 2 && settings.keep_probes == 3);
    CHECK(settings.rule_count == 5);
}

static void test_nonsense(void)
{
    static const char *const wrong[] = {
        "ipv4\n",
        "ipv4 auto\n",
        "ipv4 static\n",
        "ipv4 static c0000205\n",
        "ipv4 static c0000205 33 -\n",
        "ipv4 static c0000205 24\n",
        "ipv4 static c000020 24 -\n",
        "ipv4 static C0000205 24 -\n",
        "ipv4 static c0000205 24 - x\n",
        "ipv4 dhcp ",
        "ipv4 dhcp",
        "ipv6 dhcp\n",
        "ipv6 static c0000205 24 -\n",
        "dns\n",
        "dns 5 01020304 53\n",
        "dns 4 01020304 53 \n",
        "dns 4 01020304\n",
        "dns 4 01020304 0\n",
        "sntp x\n",
        "sntp x 99999\n",
        "dns 4 1\ndns 4 2\n",
        "sntp\n",
        "sntp \n",
        "keepalive 0 1 1\n",
        "keepalive 1 1\n",
        "keepalive 99999999999 1 1\n",
        "rules\n",
        "rules 15\n",
        "rules 4096\n",
        "rules -1\n",
        "listen 80\n",
        "rules 16\nlisten 0\n",
        "rules 16\nlisten 65536\n",
        "rules 16\nconnect 4 0a000000\n",
        "rules 16\nconnect 4 0a000000 33\n",
        "rules 16\nconnect 7 0a000000 8\n",
        "gold\n",
        "\n",
        " \n",
        "dns 4 01020304 1\ndns 4 01020304 1\ndns 4 01020304 1\ndns 4 01020304 1\ndns 4 01020304 "
        "1\n",
    };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        tap_ok(!parse(wrong[i]), "refused: %zu", i);
    CHECK(!parse("ipv4 dhcp\nipv6 auto\ngold\n") && line == 3);
    for (size_t cut = 0; cut < sizeof(whole) - 1;
         cut++) { /* every piece of it: whole lines or nothing */
        char text[sizeof(whole)];
        memcpy(text, whole, cut);
        text[cut] = 0;
        if (parse(text) != (cut == 0 || text[cut - 1] == '\n'))
            tap_ok(0, "cut at %zu", cut);
    }
    for (size_t at = 0; at < sizeof(whole) - 1;
         at++) { /* every byte another: ASan and UBSan watch */
        for (int byte = 0; byte < 256; byte += 5) {
            char text[sizeof(whole)];
            memcpy(text, whole, sizeof(whole));
            text[at] = (char)byte;
            settings_parse(text, sizeof(whole) - 1, &settings, &line);
        }
    }
}

static void test_rules(void)
{
    static const uint8_t ten[16] = { 10, 9, 8, 7 }, eleven[16] = { 11 },
                         inside[16] = { 0x20, 1, 0x0d, 0xb8, 0x7f, 1 },
                         outside[16] = { 0x20, 1, 0x0d, 0xb8, 0x80, 1 },
                         mapped[16] = { [10] = 0xff, [11] = 0xff, 10, 9, 8, 7 };

    parse(whole);
    for (uint64_t badge = 0; badge < SETTINGS_NARROW; badge++)
        CHECK(settings_may_look(badge) && settings_may_listen(&settings, badge, 1) &&
              settings_may_connect(&settings, badge, eleven, 4) &&
              settings_may_connect_anywhere(&settings, badge));
    CHECK(!settings_may_look(20));
    CHECK(settings_may_listen(&settings, 20, 8080));
    CHECK(!settings_may_listen(&settings, 20, 8081) && !settings_may_listen(&settings, 20, 0));
    CHECK(settings_may_connect(&settings, 20, ten, 4) &&
          !settings_may_connect(&settings, 20, eleven, 4));
    CHECK(settings_may_connect(&settings, 20, inside, 6) &&
          !settings_may_connect(&settings, 20, outside, 6));
    CHECK(!settings_may_connect(&settings, 20, ten, 6) &&
          !settings_may_connect(&settings, 20, mapped, 6));
    CHECK(!settings_may_connect(&settings, 20, ten, 0));
    CHECK(settings_may_connect_anywhere(&settings, 20));
    CHECK(settings_may_connect(&settings, 21, eleven, 4) &&
          !settings_may_listen(&settings, 21, 8080));
    CHECK(!settings_may_connect(&settings, 21, inside, 6));
    CHECK(settings_may_listen(&settings, 22, 53) && !settings_may_connect_anywhere(&settings, 22));
    /* a badge without rules may do nothing */
    CHECK(!settings_may_listen(&settings, 23, 8080) &&
          !settings_may_connect(&settings, 23, ten, 4) &&
          !settings_may_connect_anywhere(&settings, 23));
}

int main(void)
{
    test_reading();
    test_nonsense();
    test_rules();
    return tap_done();
}
