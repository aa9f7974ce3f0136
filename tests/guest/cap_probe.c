/* Sends every operation of every protocol, as far as a connection can be had, and prints what the
 * server said: "PROTOCOL OPERATION CAP STATUS DETAIL", CAP the declared bit in hex.
 *
 *   cap_probe [KEEP]     KEEP: capability bits to keep (hex), the others are dropped first
 *
 * An operation this process lacks the bit for is sent whole, with zeros and empty strings, and as
 * the bare header: the bit is looked at before the fields. One it may do is sent as the bare header
 * only, which fails as malformed and does nothing (those without fields are done). The conditions
 * of open, which depend on its flags, are tried with real files. */
#include "check.h"
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <swos/fd.h>
#include <swos/path.h>
#include <swos/protocol.h>
#include <swos/service.h>

static const struct {
    const char *protocol, *operation;
    uint16_t id, version, number, size;
    uint64_t capability;
} operations[] = {
#include "operations.inc"
};

/* A connection speaking the protocol, 0 when this process can have none. Two servers speak that of
 * files: `path` says which. */
static handle_t connect_to(const char *protocol, const char *path)
{
    static const struct {
        const char *protocol, *service;
    } services[] = {
        { "auth", "auth" }, { "system", "system" }, { "block", "block" },
        { "log", "log" },   { "net", "net" },       { "terminal", "terminal/console" }
    };
    struct sw_fd_facts facts;
    struct sw_place place;
    handle_t connection = 0;

    if (!strcmp(protocol, "file"))
        return sw_path_resolve(path, &place) == SW_OK ? place.connection : 0;
    if (!strcmp(protocol, "names"))
        return sw_start_get("names");
    if (!strcmp(protocol, "terminal") && sw_fd_facts(0, &facts) == SW_OK && facts.control)
        return facts.control;
    for (size_t i = 0; i < sizeof services / sizeof *services; i++) {
        if (!strcmp(services[i].protocol, protocol))
            sw_service_connect(services[i].service, sw_clock_deadline(SW_SECOND), &connection);
    }
    return connection;
}

static void print(const char *protocol, const char *operation, uint64_t capability, status_t status,
                  uint32_t detail)
{
    printf("%s %s %llx %s %u\n", protocol, operation, (unsigned long long)capability,
           sw_status_name(status), (unsigned)detail);
}

/* Sends the first `length` bytes of operation i's request and prints the answer. */
static void send(size_t i, handle_t connection, uint32_t length)
{
    static union {
        struct sw_request_header header;
        uint64_t zeros[SW_MESSAGE_MAX / 8];
    } request;
    static uint64_t reply[SW_MESSAGE_MAX / 8];
    const struct sw_reply_header *answer = (const struct sw_reply_header *)reply;

    request.header = (struct sw_request_header){ operations[i].id, operations[i].version,
                                                 operations[i].number, 0, 0 };
    struct sw_call call = { .request = (uint64_t)(uintptr_t)&request,
                            .request_length = length,
                            .reply = (uint64_t)(uintptr_t)reply,
                            .reply_capacity = sizeof reply };
    uint32_t handles = 0;
    status_t status = sw_call(connection, &call, sw_clock_deadline(5 * SW_SECOND), NULL, &handles);
    for (uint32_t h = 0; h < handles; h++)
        sw_handle_close(call.received[h]);
    print(operations[i].protocol, operations[i].operation, operations[i].capability,
          status == SW_OK ? answer->status : status, status == SW_OK ? answer->detail : 0);
}

static void probe(size_t i, uint64_t caps, const char *path)
{
    bool allowed = (operations[i].capability & ~caps) == 0;
    handle_t connection = connect_to(operations[i].protocol, path);

    /* `ready` is a service's word about itself; it has no condition and would be believed. */
    if (!connection || (!strcmp(operations[i].operation, "ready"))) {
        print(operations[i].protocol, operations[i].operation, operations[i].capability,
              SW_NOT_FOUND, 0);
        return;
    }
    send(i, connection, sizeof(struct sw_request_header));
    if (!allowed)
        send(i, connection, operations[i].size);
}

static void probe_open(const char *name, const char *path, uint32_t flags, uint64_t capability)
{
    int fd;
    status_t status = sw_fd_open(path, flags, 0644, &fd);

    print("file", name, capability, status, status == SW_OK ? 0 : sw_last_detail());
    if (status == SW_OK)
        sw_fd_close(fd);
}

int main(int argc, char **argv)
{
    struct sw_process_info info;

    if (argc > 1)
        sw_process_restrict(strtoull(argv[1], NULL, 16));
    if (sw_process_info(0, &info) != SW_OK)
        return 1;
    printf("caps %llx\n", (unsigned long long)info.caps);
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++)
        probe(i, info.caps, "/tmp");
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        if (!strcmp(operations[i].protocol, "file"))
            probe(i, info.caps, "/");
    }
    probe_open("open-base-read", "/hello.txt", SW_OPEN_READ, SW_CAP_FS_READ);
    probe_open("open-base-write", "/hello.txt", SW_OPEN_WRITE, SW_CAP_TMP_WRITE);
    probe_open("open-tmp-write", "/tmp/probe", SW_OPEN_WRITE | SW_OPEN_CREATE, SW_CAP_TMP_WRITE);
    probe_open("open-tmp-read", "/tmp/probe", SW_OPEN_READ, SW_CAP_FS_READ);
    probe_open("open-tmp-truncate", "/tmp/probe", SW_OPEN_WRITE | SW_OPEN_TRUNCATE,
               SW_CAP_TMP_WRITE);
    probe_open("open-tmp-both", "/tmp/probe", SW_OPEN_READ | SW_OPEN_WRITE,
               SW_CAP_TMP_WRITE | SW_CAP_FS_READ);
    probe_open("open-folder", "/etc", SW_OPEN_READ | SW_OPEN_DIRECTORY, SW_CAP_FS_READ);
    sw_path_unlink("/tmp/probe");
    /* Dropped bits do not come back. */
    sw_process_restrict(UINT64_MAX);
    struct sw_process_info again;
    if (sw_process_info(0, &again) != SW_OK || again.caps != info.caps)
        printf("caps came back: %llx\n", (unsigned long long)again.caps);
    return 0;
}
