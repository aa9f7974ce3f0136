/* The account file and the delays after failures. */
#include "accounts.h"
#include "delay.h"
#include "tap.h"
#include <string.h>

#define RECORD "$argon2id$v=19$m=7168,t=6,p=1$salt$hash"

static const char file[] = "# comment:1:0:14:" RECORD ":/bin/sh\n"
                           "\n"
                           "root:1:0:all:" RECORD ":/bin/sh\n"
                           "user:2:0:14:" RECORD ":/bin/lua\n"
                           "much:3:7:18446744073709551615:" RECORD ":/x\n"
                           "short:4:0:2:" RECORD "\n"
                           "long:4:0:2:" RECORD ":/bin/sh:more\n"
                           "system:0:0:2:" RECORD ":/bin/sh\n"
                           "big:4294967296:0:2:" RECORD ":/bin/sh\n"
                           "sign:-1:0:2:" RECORD ":/bin/sh\n"
                           "other:5:0:2:$2b$12$abc:/bin/sh\n"
                           "noshell:5:0:2:" RECORD ":\n"
                           "last:6:0:2:" RECORD ":/bin/sh";

static struct account account;

static status_t find(const char *name)
{
    return account_find(file, sizeof(file) - 1, name, strlen(name), &account);
}

static void test_accounts(void)
{
    CHECK(find("root") == SW_OK && account.principal == 1 && account.caps == SW_CAP_ALL);
    CHECK(strcmp(account.record, RECORD) == 0 && strcmp(account.shell, "/bin/sh") == 0);
    CHECK(find("user") == SW_OK && account.principal == 2 && account.caps == 14);
    CHECK(strcmp(account.shell, "/bin/lua") == 0);
    CHECK(find("much") == SW_OK && account.caps == SW_CAP_ALL && account.session == 7);
    CHECK(find("last") == SW_OK && account.principal == 6);
    static const char *const none[] = {
        "short",     "long",
        "system",    "big",
        "sign",      "other",
        "noshell",   "",
        "roo",       "root:1",
        "# comment", "nobody",
        "ROOT",      "a name that is longer than thirty-two bytes",
    };
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
        tap_ok(find(none[i]) == SW_NOT_FOUND, "no account \"%s\"", none[i]);
}

static void test_limits(void)
{
    char text[512];
    snprintf(text, sizeof(text), "a:1:0:2:%s:/%0200d\n", RECORD, 0);
    CHECK(account_find(text, strlen(text), "a", 1, &account) == SW_OK);
    snprintf(text, sizeof(text), "a:1:0:2:%s:/%0300d\n", RECORD, 0);
    CHECK(account_find(text, strlen(text), "a", 1, &account) == SW_NOT_FOUND);
    snprintf(text, sizeof(text), "a:1:0:2:%s%0100d:/\n", RECORD, 0);
    CHECK(account_find(text, strlen(text), "a", 1, &account) == SW_NOT_FOUND);
    CHECK(account_find(file, 40, "root", 4, &account) == SW_NOT_FOUND);
    CHECK(account_find("x\0root:1:0:2:" RECORD ":/bin/sh", 60, "root", 4, &account) ==
          SW_NOT_FOUND);
    CHECK(account_find("", 0, "root", 4, &account) == SW_NOT_FOUND);
}

#define MS 1000000ull

/* A try that fails, in no time: the milliseconds until the next. */
static uint32_t fail(struct delay_table *table, uint64_t name, uint64_t now)
{
    delay_begin(table, name, now);
    return delay_failed(table, name, now);
}

static void test_delays(void)
{
    static struct delay_table table;
    uint64_t now = 5;
    CHECK(delay_left(&table, 1, now) == 0);
    CHECK(fail(&table, 1, now) == DELAY_FIRST_MS);
    CHECK(delay_left(&table, 1, now) == DELAY_FIRST_MS && delay_left(&table, 2, now) == 0);
    now += DELAY_FIRST_MS * MS;
    CHECK(delay_left(&table, 1, now) == 0 && delay_left(&table, 1, now - 1) == 1);
    CHECK(fail(&table, 1, now) == 2 * DELAY_FIRST_MS);
    uint32_t delay = 0;
    for (int i = 0; i < 100; i++)
        delay = fail(&table, 1, now);
    CHECK(delay == DELAY_MAX_MS);
    delay_succeeded(&table, 1);
    CHECK(delay_left(&table, 1, now) == 0 && fail(&table, 1, now) == DELAY_FIRST_MS);
    now += DELAY_FIRST_MS * MS + DELAY_FORGET_NS;
    CHECK(fail(&table, 1, now) == DELAY_FIRST_MS);

    /* A flood of names drives out short delays, not the longest one. */
    for (int i = 0; i < 20; i++)
        delay = fail(&table, 1000, now);
    for (uint64_t name = 2000; name < 2000 + 4 * DELAY_PLACES; name++)
        fail(&table, name, now);
    CHECK(delay_left(&table, 1000, now) == DELAY_MAX_MS);
    CHECK(delay_left(&table, 2000 + 4 * DELAY_PLACES - 1, now) == DELAY_FIRST_MS);
}

/* A try counts from its beginning, though its delay is counted from its end; one without a result
 * does not. One whose process died is repeated without a wait, and counts. */
static void test_delay_during(void)
{
    static struct delay_table table;
    uint64_t now = 1000 * MS;
    delay_begin(&table, 1, now);
    CHECK(delay_left(&table, 1, now) == 0);
    CHECK(delay_failed(&table, 1, now + 100 * MS) == DELAY_FIRST_MS &&
          delay_left(&table, 1, now + 100 * MS) == DELAY_FIRST_MS);
    now += 1000 * MS;
    delay_begin(&table, 1, now);
    delay_undone(&table, 1, now);
    CHECK(delay_left(&table, 1, now) == 0 && fail(&table, 1, now) == 2 * DELAY_FIRST_MS);
    delay_begin(&table, 2, now);
    delay_undone(&table, 2, now);
    CHECK(delay_left(&table, 2, now) == 0 && fail(&table, 2, now) == DELAY_FIRST_MS);
    delay_begin(&table, 4, now);
    delay_adopt(&table, now + 10 * MS);
    CHECK(delay_left(&table, 4, now + 10 * MS) == 0);
    CHECK(fail(&table, 4, now + 10 * MS) == 2 * DELAY_FIRST_MS);
    for (int i = 0; i < 20; i++)
        fail(&table, 3, now);
    delay_adopt(&table, now - 5 * MS);
    CHECK(delay_left(&table, 2, now) == DELAY_FIRST_MS);
    CHECK(delay_left(&table, 3, now) == DELAY_MAX_MS - 5);
}

int main(void)
{
    test_accounts();
    test_limits();
    test_delays();
    test_delay_during();
    return tap_done();
}
