/* netd's settings, and what rules of them allow. */
#include "../../../../bin/netd/settings.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct settings settings;
    static const uint8_t address[16] = { 10, 1, 2, 3 };
    uint32_t line;

    if (!settings_parse((const char *)data, size, &settings, &line))
        return 0;
    if (settings.dns_count > SETTINGS_SERVERS || settings.sntp_count > SETTINGS_SERVERS ||
        settings.rule_count > SETTINGS_RULES)
        abort();
    for (uint32_t i = 0; i < settings.sntp_count; i++)
        if (!memchr(settings.sntp[i].name, 0, SETTINGS_HOST))
            abort();
    settings_may_connect(&settings, SETTINGS_NARROW, address, 4);
    settings_may_listen(&settings, SETTINGS_NARROW, 80);
    return 0;
}
