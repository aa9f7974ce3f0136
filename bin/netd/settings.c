/* See settings.h. */
#include "settings.h"
#include <string.h>
#include <swos/protocol.h>

struct words {
    const char *at, *end;
};

/* The next word of a line; length 0: there is none. */
static size_t word_next(struct words *words, const char **out)
{
    size_t length = 0;

    *out = words->at;
    while (words->at < words->end && *words->at != ' ') {
        words->at++;
        length++;
    }
    if (words->at < words->end)
        words->at++;
    return length;
}

static bool word_is(struct words *words, const char *expected)
{
    struct words before = *words;
    const char *word;
    size_t length = word_next(words, &word);

    if (length == strlen(expected) && memcmp(word, expected, length) == 0)
        return true;
    *words = before;
    return false;
}

static bool word_number(struct words *words, uint32_t least, uint32_t most, uint32_t *out)
{
    const char *word;
    size_t length = word_next(words, &word);
    uint64_t number = 0;

    *out = 0;
    if (length == 0 || length > 10)
        return false;
    for (size_t i = 0; i < length; i++) {
        if (word[i] < '0' || word[i] > '9')
            return false;
        number = number * 10 + (uint64_t)(word[i] - '0');
    }
    *out = (uint32_t)number;
    return number >= least && number <= most;
}

static int digit_of(char letter)
{
    if (letter >= '0' && letter <= '9')
        return letter - '0';
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

static bool word_address(struct words *words, uint32_t family, struct settings_address *out)
{
    const char *word;
    size_t length = word_next(words, &word);

    if (length != (family == 4 ? 8 : 32))
        return false;
    *out = (struct settings_address){ .family = (uint8_t)family };
    for (size_t i = 0; i < length; i += 2) {
        int high = digit_of(word[i]), low = digit_of(word[i + 1]);
        if (high < 0 || low < 0)
            return false;
        out->bytes[i / 2] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static bool word_prefix(struct words *words, uint32_t family, struct settings_address *out)
{
    uint32_t bits;

    if (!word_address(words, family, out) || !word_number(words, 0, family == 4 ? 32 : 128, &bits))
        return false;
    out->bits = (uint8_t)bits;
    return true;
}

static bool word_family(struct words *words, uint32_t *out)
{
    return word_number(words, 4, 6, out) && *out != 5;
}

static bool read_interface(struct words *words, uint32_t family, struct settings_interface *out)
{
    *out = (struct settings_interface){ .mode = SETTINGS_OFF };
    if (word_is(words, "off"))
        return true;
    if (word_is(words, family == 4 ? "dhcp" : "auto")) {
        out->mode = SETTINGS_AUTOMATIC;
        return true;
    }
    if (!word_is(words, "static") || !word_prefix(words, family, &out->address))
        return false;
    out->mode = SETTINGS_STATIC;
    return word_is(words, "-") || word_address(words, family, &out->gateway);
}

static bool word_port(struct words *words, uint16_t *out)
{
    uint32_t number;
    bool good = word_number(words, 1, 65535, &number);

    *out = (uint16_t)number;
    return good;
}

static bool read_name_server(struct words *words, uint32_t family, struct settings_address *out)
{
    return word_address(words, family, out) && word_port(words, &out->port);
}

static bool read_host(struct words *words, struct settings *out)
{
    const char *word;
    size_t length = word_next(words, &word);

    if (length == 0 || length >= SETTINGS_HOST || out->sntp_count == SETTINGS_SERVERS)
        return false;
    struct settings_host *host = &out->sntp[out->sntp_count++];
    memcpy(host->name, word, length);
    return word_port(words, &host->port);
}

static bool read_rule(struct words *words, struct settings *out, uint32_t badge, bool connects)
{
    uint32_t number;

    if (badge == 0 || out->rule_count == SETTINGS_RULES)
        return false;
    struct settings_rule *rule = &out->rules[out->rule_count++];
    *rule = (struct settings_rule){ .badge = badge };
    if (connects)
        return word_family(words, &number) && word_prefix(words, number, &rule->prefix);
    return word_port(words, &rule->port);
}

static bool read_line(struct words *words, struct settings *out, uint32_t *badge)
{
    uint32_t family;

    if (word_is(words, "ipv4"))
        return read_interface(words, 4, &out->ipv4);
    if (word_is(words, "ipv6"))
        return read_interface(words, 6, &out->ipv6);
    if (word_is(words, "dns"))
        return out->dns_count < SETTINGS_SERVERS && word_family(words, &family) &&
               read_name_server(words, family, &out->dns[out->dns_count++]);
    if (word_is(words, "sntp"))
        return read_host(words, out);
    if (word_is(words, "keepalive"))
        return word_number(words, 1, SW_SOCKET_KEEP_IDLE_MOST, &out->keep_idle) &&
               word_number(words, 1, SW_SOCKET_KEEP_INTERVAL_MOST, &out->keep_interval) &&
               word_number(words, 1, SW_SOCKET_KEEP_PROBES_MOST, &out->keep_probes);
    if (word_is(words, "rules"))
        return word_number(words, SETTINGS_NARROW, SETTINGS_WIDE - 1, badge);
    if (word_is(words, "listen"))
        return read_rule(words, out, *badge, false);
    return word_is(words, "connect") && read_rule(words, out, *badge, true);
}

void settings_default(struct settings *out)
{
    memset(out, 0, sizeof(*out));
    out->ipv4.mode = out->ipv6.mode = SETTINGS_AUTOMATIC;
    out->keep_idle = 7200;
    out->keep_interval = 75;
    out->keep_probes = 9;
}

bool settings_parse(const char *text, size_t length, struct settings *out, uint32_t *out_line)
{
    const char *end = text + length;
    uint32_t badge = 0;

    settings_default(out);
    *out_line = 0;
    while (text < end) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));
        struct words words = { text, stop ? stop : end };

        ++*out_line;
        if (!stop || (stop > text && stop[-1] == ' ') || !read_line(&words, out, &badge) ||
            words.at != words.end)
            return false;
        text = stop + 1;
    }
    return true;
}

/* ------------------------------------------------------------------ rules */

static bool is_within(const uint8_t bytes[16], const struct settings_address *prefix)
{
    uint32_t whole = prefix->bits / 8, rest = prefix->bits % 8;

    return memcmp(bytes, prefix->bytes, whole) == 0 &&
           (rest == 0 || ((bytes[whole] ^ prefix->bytes[whole]) >> (8 - rest)) == 0);
}

bool settings_is_narrow(uint64_t badge)
{
    return badge >= SETTINGS_NARROW && badge < SETTINGS_WIDE;
}

bool settings_may_look(uint64_t badge)
{
    return !settings_is_narrow(badge);
}

bool settings_may_listen(const struct settings *settings, uint64_t badge, uint16_t port)
{
    if (!settings_is_narrow(badge))
        return true;
    for (uint32_t i = 0; i < settings->rule_count; i++)
        if (settings->rules[i].badge == badge && port != 0 && settings->rules[i].port == port)
            return true;
    return false;
}

bool settings_may_connect(const struct settings *settings, uint64_t badge, const uint8_t bytes[16],
                          uint32_t family)
{
    static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

    if (!settings_is_narrow(badge))
        return true;
    if (family == 6 && memcmp(bytes, mapped, sizeof(mapped)) == 0)
        return false; /* an IPv4 address in disguise */
    for (uint32_t i = 0; i < settings->rule_count; i++) {
        const struct settings_rule *rule = &settings->rules[i];
        if (rule->badge == badge && rule->port == 0 && rule->prefix.family == family &&
            is_within(bytes, &rule->prefix))
            return true;
    }
    return false;
}

bool settings_may_connect_anywhere(const struct settings *settings, uint64_t badge)
{
    if (!settings_is_narrow(badge))
        return true;
    for (uint32_t i = 0; i < settings->rule_count; i++)
        if (settings->rules[i].badge == badge && settings->rules[i].port == 0)
            return true;
    return false;
}
