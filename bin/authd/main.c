/* authd: accounts and sessions (protocol `auth`).
 *
 * It alone reads the account records and holds the login authority. A login is checked against
 * the account's Argon2id record; a name without account is checked against a record nobody has
 * the password of, so that both take the same time. One thread: one hash at a time. A failed
 * login's reply carries in its header's detail the milliseconds to wait before the next try
 * for that name; earlier tries are BUSY. The delays outlive the process in a kept slot of its job. */
#include "accounts.h"
#include "delay.h"
#include "hash_memory.h"
#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <swos/clock.h>
#include <swos/log.h>
#include <swos/mapping.h>
#include <swos/protocol.h>
#include <swos/server.h>
#include <swos/service.h>
#include <swos/start.h>
#include <swos/status.h>

/* What a hash takes, as scripts/host/mkpasswd.lua has it. */
enum { HASH_PASSES = 6, HASH_MEMORY = 7 << 20 };

/* With these parameters; of random bytes that were thrown away. */
static const char nobody[crypto_pwhash_STRBYTES] =
    "$argon2id$v=19$m=7168,t=6,p=1$j2bn1INoV4umM0JtM/lEkw"
    "$HrFuJE2mwt+wCCxNsUXt5QfRs8f4IfD2fG4P6Z9VBIw";

/* What lies in kept slot 0 of authd's job. */
#define KEPT_DELAYS 0
#define KEPT_MAGIC 0x31594c4444485541ull /* "AUHDDLY1" */
struct kept {
    uint64_t magic;    /* written last */
    uint64_t name_key; /* of the hashes that stand for names */
    struct delay_table delays;
};

static struct {
    const char *accounts; /* the account file, mapped read-only */
    size_t accounts_size;
    handle_t authority; /* LOGIN */
    handle_t sessions;  /* job the sessions are made in */
    struct kept *kept;
} authd;

static _Noreturn void fail(const char *what, status_t status)
{
    sw_log(SW_LOG_ERROR, "%s: %s", what, sw_status_text(status));
    exit(1);
}

/* ------------------------------------------------------------------ randomness for libsodium */

static const char *random_name(void)
{
    return "swos";
}

static void random_bytes(void *const buffer, const size_t size)
{
    for (size_t done = 0; done < size;) {
        size_t piece = size - done < SW_PAGE ? size - done : SW_PAGE;
        if (sw_random((uint8_t *)buffer + done, (uint32_t)piece) != SW_OK)
            abort();
        done += piece;
    }
}

static uint32_t random_word(void)
{
    uint32_t word;
    random_bytes(&word, sizeof(word));
    return word;
}

static struct randombytes_implementation random_implementation = {
    .implementation_name = random_name,
    .random = random_word,
    .buf = random_bytes,
};

/* ------------------------------------------------------------------ login */

static uint64_t name_hash(const char *name, size_t length)
{
    uint64_t hash = authd.kept->name_key;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)name[i]) * 0x100000001b3ull;
    return hash ^ hash >> 32;
}

/* OK, LOGIN_INCORRECT or NO_MEMORY. libsodium does not tell the last two apart: no memory for the
 * hash looks like another hash. */
static status_t password_check(const char *record, const char *password, size_t length)
{
    if (crypto_pwhash_str_verify(record, password, length) == 0)
        return SW_OK;
    return hash_memory_was_short() ? SW_NO_MEMORY : SW_LOGIN_INCORRECT;
}

static status_t session_create(const struct account *account, handle_t *out_job,
                               uint32_t *out_number)
{
    struct sw_session session = {
        .principal = account->principal,
        .session = account->session,
        .caps = account->caps,
        /* Sizes are charged in full when created, touched or not, so a session may promise itself more
         * than there is; the kernel's page reserve keeps the system able to end what eats it up. */
        .limits = {
            .memory = 4 * sw_info()->ram_bytes,
            .handles = 65536,
            .threads = 4096,
            .processes = 2048,
            .calls = 8192,
        },
    };
    return sw_job_create_session(authd.authority, authd.sessions, &session, out_job, out_number);
}

static status_t login(struct sw_request *request, const struct sw_auth_login_request *in,
                      const char *name, size_t name_length, const char *password,
                      size_t password_length, struct sw_auth_login_reply *out)
{
    (void)in;
    uint64_t key = name_hash(name, name_length);
    struct delay_table *delays = &authd.kept->delays;
    request->detail = delay_left(delays, key, sw_clock_monotonic());
    if (request->detail)
        return SW_BUSY;
    delay_begin(delays, key, sw_clock_monotonic());

    struct account account;
    bool known =
        account_find(authd.accounts, authd.accounts_size, name, name_length, &account) == SW_OK;
    status_t status = password_check(known ? account.record : nobody, password, password_length);
    if (status == SW_NO_MEMORY) {
        delay_undone(delays, key, sw_clock_monotonic());
        return status;
    }
    if (status != SW_OK || !known) {
        request->detail = delay_failed(delays, key, sw_clock_monotonic());
        return SW_LOGIN_INCORRECT;
    }
    delay_succeeded(delays, key);

    size_t shell_length = strlen(account.shell);
    if (request->event.reply_capacity < sizeof(*out) + shell_length)
        return SW_TOO_LARGE;
    if ((status = session_create(&account, &request->send[0], &out->session)) != SW_OK)
        return status;
    request->send_count = 1;
    request->send_move = 1;
    out->principal = account.principal;
    out->caps = account.caps;
    out->shell_length = (uint32_t)shell_length;
    memcpy(out + 1, account.shell, shell_length);
    request->reply_length += (uint32_t)shell_length;
    return SW_OK;
}

/* The record of a password, for whoever edits the account file. */
static status_t hash(struct sw_request *request, const struct sw_auth_hash_request *in,
                     const char *password, size_t password_length, struct sw_auth_hash_reply *out)
{
    (void)in;
    char record[crypto_pwhash_STRBYTES];
    if (password_length == 0)
        return SW_INVALID;
    if (request->event.reply_capacity < sizeof(*out) + sizeof(record))
        return SW_TOO_LARGE;
    if (crypto_pwhash_str(record, password, password_length, HASH_PASSES, HASH_MEMORY) != 0)
        return hash_memory_was_short() ? SW_NO_MEMORY : SW_INVALID;
    out->record_length = (uint32_t)strlen(record);
    memcpy(out + 1, record, out->record_length);
    request->reply_length += out->record_length;
    return SW_OK;
}

/* No password stays behind in the buffer, whatever became of the request. */
static status_t on_message(struct sw_server *server, struct sw_request *request)
{
    static const struct sw_auth_handlers handlers = { .login = login, .hash = hash };
    (void)server;
    status_t status = sw_auth_dispatch(&handlers, request);
    size_t length = request->event.request_length;
    sodium_memzero((void *)request->message,
                   length < request->message_capacity ? length : request->message_capacity);
    return status;
}

/* ------------------------------------------------------------------ start */

static void map_accounts(void)
{
    handle_t memory = sw_start_get("passwd");
    uint64_t size = 0, committed;
    uint32_t sealed;
    void *address = NULL;
    status_t status = sw_memory_info(memory, &size, &committed, &sealed);
    if (status == SW_OK)
        status = sw_mapping_map(memory, 0, size, SW_MAP_READ, &address);
    if (status != SW_OK)
        fail("account file", status);
    authd.accounts = address;
    authd.accounts_size = size;
}

/* The delays as the process before this one left them; the first one makes them. */
static void find_delays(void)
{
    _Static_assert(sizeof(struct kept) <= SW_PAGE, "one page");
    handle_t job = sw_start_get("job"), memory = 0;
    void *address = NULL;
    status_t status = job ? sw_job_kept(job, KEPT_DELAYS, &memory) : SW_NOT_FOUND;
    bool found = status == SW_OK;
    if (!found) {
        status = sw_memory_create(SW_PAGE, SW_MEMORY_COMMIT, &memory);
        if (status == SW_OK && job)
            status = sw_job_keep(job, KEPT_DELAYS, memory);
    }
    if (status == SW_OK)
        status = sw_mapping_map(memory, 0, SW_PAGE, SW_MAP_READ | SW_MAP_WRITE, &address);
    if (status != SW_OK)
        fail("delays", status);
    sw_handle_close(memory);
    authd.kept = address;
    if (authd.kept->magic == KEPT_MAGIC) {
        delay_adopt(&authd.kept->delays, sw_clock_monotonic());
        return;
    }
    if (found) /* its first process died here */
        memset(authd.kept, 0, sizeof(*authd.kept));
    random_bytes(&authd.kept->name_key, sizeof(authd.kept->name_key));
    atomic_thread_fence(memory_order_release);
    authd.kept->magic = KEPT_MAGIC;
}

int main(void)
{
    randombytes_set_implementation(&random_implementation);
    if (sodium_init() < 0)
        fail("libsodium", SW_BAD_STATE);
    authd.authority = sw_start_get("authority");
    authd.sessions = sw_start_get("sessions");
    map_accounts();
    find_delays();

    struct sw_server server = { .message = on_message };
    status_t status = sw_server_serve(&server, sw_start_get("serve"), 0);
    if (status != SW_OK)
        fail("serve", status);
    status = sw_service_ready();
    if (status != SW_OK && status != SW_NOT_FOUND) /* NOT_FOUND: nobody to tell */
        sw_log(SW_LOG_WARNING, "ready: %s", sw_status_text(status));
    fail("wait", sw_server_run(&server));
}
