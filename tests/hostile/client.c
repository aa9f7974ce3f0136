/* Malformed requests to every server there is. After those to one, each of its honest requests must
 * still be answered. Requests are of four kinds: wrong lengths, whole messages with odd contents,
 * odd handles along, and callers that do not wait for the answer. */
#include "check.h"
#include "hostile.h"
#include <fcntl.h>
#include <string.h>
#include <swos/fd.h>
#include <swos/message.h>
#include <swos/path.h>
#include <swos/protocol.h>
#include <swos/service.h>
#include <swos/socket.h>
#include <unistd.h>

#define KILLED 137
#define PATIENCE (10 * SW_SECOND)
#define IMPATIENCE (2 * SW_MILLISECOND) /* of operations that wait for something to happen */

static uint8_t data[65536];

/* A server of our own: started for the attack, and again when it was asked to end. */
struct own {
    const char *program;
    const char *authority; /* start handle that it gets its job as, too; NULL: none */
    handle_t job, channel, process;
};

struct target {
    const char *name;
    handle_t connection;
    uint16_t protocol;
    uint32_t count;
    status_t (*ask)(handle_t connection); /* an honest request */
    uint64_t patience;
    struct own *own; /* NULL: a server of the system */
};

/* ------------------------------------------------------------------ requests */

static const struct operation *any_operation(uint16_t protocol)
{
    size_t which = below((uint32_t)operation_count);

    while (operations[which].id != protocol)
        which = below((uint32_t)operation_count);
    return &operations[which];
}

static size_t compose(uint8_t *request, const struct operation *operation)
{
    size_t length = operation->request.size;

    switch (below(6)) {
    case 0:
        length += below(64);
        break;
    case 1:
        length = below((uint32_t)length + 1);
        break;
    case 2:
        length = below(SW_MESSAGE_MAX + 1);
        break;
    case 3:
        break;
    default:
        length = odd_compose(request, &operation->request, SW_MESSAGE_MAX);
        goto header;
    }
    odd_fill(request, length);
header:
    if (length >= sizeof(struct sw_request_header) && below(16)) {
        struct sw_request_header header = { operation->id, operation->version, operation->number, 0,
                                            odd_number() };
        memcpy(request, &header, sizeof(header));
    }
    return length;
}

/* Fills the pipe that is sent. */
static void odd_print(void)
{
    uint8_t lines[1024];
    uint64_t done;

    odd_lines(lines, sizeof(lines));
    sw_pipe_write(odd_handle("output"), lines, below(sizeof(lines)), 0, &done);
}

enum outcome { DONE, REFUSED, GONE };

/* Sends one. GONE: the server, or its patience. */
static enum outcome attack(const struct target *target, const struct operation *operation)
{
    static _Alignas(8) uint8_t request[SW_MESSAGE_MAX], reply[SW_MESSAGE_MAX];
    struct sw_reply_header header = { SW_BAD_MESSAGE, 0 };
    /* Whether it was asked to end must be known: it is started again then. */
    bool ends = operation->id == SW_PROTOCOL_DRIVER && operation->number == SW_OP_DRIVER_STOP;
    bool waits = target->patience >= SW_SECOND && (below(8) || ends);
    size_t length = compose(request, operation);
    struct sw_call call = {
        .request = (uint64_t)(uintptr_t)request,
        .request_length = (uint32_t)length,
        .reply = (uint64_t)(uintptr_t)reply,
        .reply_capacity = below(4) ? sizeof(reply) : below(64),
        .data = below(8) ? (uint64_t)(uintptr_t)data : odd_number() & 0x7fffff000,
        .data_length = below(4) ? sizeof(data) : below(SW_DATA_MAX),
        .flags = below(4) ? operation->flags : below(4),
    };
    call.send_count = odd_handles(operation->send, call.send);
    if (below(8) == 0) /* a server may have been given the other end */
        odd_print();
    uint64_t patience = waits ? target->patience : below(IMPATIENCE);
    uint32_t received = 0, reply_length = 0;
    status_t status =
        sw_call(target->connection, &call, sw_clock_deadline(patience), &reply_length, &received);
    if (status == SW_SERVER_REPLACED)
        sw_connection_accept(target->connection);
    for (uint32_t i = 0; i < received; i++)
        sw_handle_close(call.received[i]);
    if (status == SW_PEER_DIED ||
        (waits && (status == SW_UNKNOWN_OUTCOME || status == SW_TIMED_OUT))) {
        check(0, "%s.%s: %s", operation->protocol, operation->name, sw_status_name(status));
        return GONE;
    }
    if (status == SW_OK && reply_length >= sizeof(header))
        memcpy(&header, reply, sizeof(header));
    return header.status == SW_OK ? DONE : REFUSED;
}

/* ------------------------------------------------------------------ servers of our own */

static status_t own_start(struct own *own)
{
    struct sw_spawn_handle handles[] = {
        { .name = "serve", .handle = own->channel, .rights = SW_RIGHT_SERVE },
        { .name = "job", .handle = own->job },
        { .name = own->authority, .handle = own->job },
    };
    const struct sw_spawn_descriptor none;
    const struct sw_spawn_options options = { .job = own->job,
                                              .bare = true,
                                              .descriptors = &none,
                                              .handles = handles,
                                              .handle_count = own->authority ? 3 : 2 };

    return sw_spawn_program(own->program, &options, &own->process, NULL);
}

/* Waits for the end of a server that was asked to end. */
static void own_ended(struct own *own)
{
    int32_t result = -1;
    status_t status = sw_process_wait(own->process, sw_clock_deadline(PATIENCE), &result);

    if (status != SW_OK || result != 0)
        check(0, "%s was to end: %s, %d", own->program, sw_status_name(status), (int)result);
    sw_handle_close(own->process);
}

/* It is there, and waits: nothing it was sent keeps it busy. */
static bool own_rests(const struct own *own)
{
    struct sw_process_info before = { 0 }, after = { 0 };

    sw_process_info(own->process, &before);
    sw_clock_sleep(200 * SW_MILLISECOND);
    sw_process_info(own->process, &after);
    return after.state != SW_PROCESS_ENDED && after.cpu_ns - before.cpu_ns < 100 * SW_MILLISECOND;
}

static bool own_create(struct own *own, handle_t *out_connection)
{
    return sw_job_create(sw_start_get("job"), &(struct sw_limits){ 0 }, &own->job) == SW_OK &&
           sw_channel_create(&own->channel) == SW_OK &&
           sw_connection_create(own->channel, 1, out_connection) == SW_OK &&
           own_start(own) == SW_OK;
}

static void own_destroy(struct own *own)
{
    sw_job_kill(own->job, KILLED);
    sw_handle_close(own->process);
    sw_handle_close(own->channel);
    sw_handle_close(own->job);
}

/* ------------------------------------------------------------------ honest requests */

static uint64_t soon(void)
{
    return sw_clock_deadline(PATIENCE);
}

static struct sw_attributes tmp_root; /* as it was */

static status_t ask_tmpfs(handle_t connection)
{
    struct sw_file_stat_reply reply;
    status_t status = sw_file_chown(connection, tmp_root.owner, "", 0, soon());

    if (status == SW_OK)
        status = sw_file_chmod(connection, tmp_root.mode, "", 0, soon());
    return status != SW_OK ? status : sw_file_stat(connection, "", 0, &reply, soon());
}

static status_t ask_file(handle_t connection)
{
    struct sw_file_attributes_reply reply;
    return sw_file_attributes(connection, &reply, soon());
}

static status_t ask_imgfs(handle_t connection)
{
    struct sw_file_stat_reply reply;
    return sw_file_stat(connection, "hello.txt", 9, &reply, soon());
}

static struct sw_terminal_get_mode_reply terminal; /* as it was */

static status_t ask_terminal(handle_t connection)
{
    status_t status = sw_terminal_set_mode(connection, terminal.mode, 0, soon());

    if (status == SW_OK)
        status = sw_terminal_set_size(connection, terminal.rows, terminal.columns, 0, soon());
    return status != SW_OK ? status : sw_terminal_get_mode(connection, &terminal, soon());
}

static status_t ask_auth(handle_t connection)
{
    struct sw_auth_login_reply reply;
    char shell[64];
    handle_t job;
    status_t status =
        sw_auth_login(connection, "nobody", 6, "x", 1, &reply, shell, sizeof(shell), &job, soon());

    return status == SW_LOGIN_INCORRECT || status == SW_BUSY ? SW_OK : status;
}

static status_t ask_names(handle_t connection)
{
    handle_t found = 0;
    status_t status = sw_names_lookup(connection, "system", 6, &found, soon());

    if (status == SW_OK)
        sw_handle_close(found);
    return status;
}

static status_t ask_system(handle_t connection)
{
    struct sw_system_service_list_reply reply;
    return sw_system_service_list(connection, data, sizeof(data), &reply, soon());
}

static status_t ask_log(handle_t connection)
{
    struct sw_log_lines_reply reply;
    return sw_log_lines(connection, 0, 0, 0, "kernel", 6, data, sizeof(data), &reply, soon());
}

static status_t ask_driver(handle_t connection)
{
    struct sw_driver_ready_reply reply;
    return sw_driver_ready(connection, &reply, soon());
}

static status_t ask_blocks(handle_t connection)
{
    struct sw_block_list_reply reply;
    return sw_block_list(connection, &reply, soon());
}

static status_t ask_disk(handle_t connection)
{
    struct sw_block_info_reply reply;
    handle_t memory;
    status_t status = sw_block_info(connection, &reply, soon());

    if (status == SW_OK)
        status = sw_memory_create(SW_PAGE, 0, &memory);
    if (status != SW_OK)
        return status;
    status = sw_block_read(connection, 0, 8, 0, memory, soon());
    sw_handle_close(memory);
    return status;
}

static status_t ask_net(handle_t connection)
{
    struct sw_net_list_reply reply;
    return sw_net_list(connection, SW_NET_ADDRESSES, 0, data, sizeof(data), &reply, soon());
}

/* What was connected may have been ended by the attack. */
static status_t ask_endpoint(handle_t connection)
{
    struct sw_endpoint_info_reply reply;
    status_t status = sw_endpoint_info(connection, &reply, soon());
    return status == SW_NOT_CONNECTED ? SW_OK : status;
}

static status_t ask_nic(handle_t connection)
{
    struct sw_nic_info_reply reply;
    return sw_nic_info(connection, &reply, soon());
}

static status_t ask_metrics(handle_t connection)
{
    struct sw_metrics_read_reply reply;
    return sw_metrics_read(connection, data, sizeof(data), &reply, soon());
}

/* ------------------------------------------------------------------ all of them */

static void attack_all(const struct target *targets, size_t count)
{
    for (const struct target *target = targets; target < targets + count; target++) {
        enum outcome outcome = DONE;
        for (uint32_t n = 0; n < target->count && outcome != GONE; n++) {
            const struct operation *operation = any_operation(target->protocol);
            outcome = attack(target, operation);
            if (outcome == DONE && target->protocol == SW_PROTOCOL_DRIVER &&
                operation->number == SW_OP_DRIVER_STOP) {
                own_ended(target->own);
                if (own_start(target->own) != SW_OK)
                    return;
            }
        }
        status_t status = target->ask(target->connection);
        check(status == SW_OK && (!target->own || own_rests(target->own)),
              "%s (%s) took %u requests, then one more: %s", target->name,
              any_operation(target->protocol)->protocol, (unsigned)target->count,
              sw_status_name(status));
    }
}

int client(uint32_t count)
{
    static struct own driver = { .program = "/bin/drvinputd" };
    struct sw_fd_facts facts = { 0 };
    struct sw_place tmp, base;
    handle_t file = 0, auth = 0, system = 0, log = 0, net = 0, metrics = 0, to_driver = 0;
    int fd = open("/tmp/hostile", O_CREAT | O_RDWR, 0600);

    if (!odds_create() || sw_path_resolve("/tmp/x", &tmp) != SW_OK ||
        sw_path_resolve("/", &base) != SW_OK || sw_path_attributes("/tmp", &tmp_root) != SW_OK ||
        !own_create(&driver, &to_driver))
        return 2;
    sw_service_connect("auth", SW_NEVER, &auth);
    sw_service_connect("system", SW_NEVER, &system);
    sw_service_connect("log", SW_NEVER, &log);
    sw_service_connect("net", SW_NEVER, &net);
    sw_service_connect("metrics", SW_NEVER, &metrics);
    if (sw_fd_facts(fd, &facts) == SW_OK)
        file = facts.handle;
    sw_fd_facts(0, &facts);
    sw_terminal_get_mode(facts.control, &terminal, SW_NEVER);
    /* Nothing it might guess right may end the system under the test. */
    sw_process_restrict(~(uint64_t)(SW_CAP_POWER | SW_CAP_DEVICE | SW_CAP_TIME));
    const struct sw_socket_address any = { .family = SW_NET_IPV4 };
    struct sw_socket *udp, *listener, *tcp;
    uint16_t port;
    if (sw_socket_bind(&any, &udp, NULL) != SW_OK ||
        sw_socket_listen(&any, 4, &listener, &port) != SW_OK)
        return 2;
    const struct sw_socket_address self = { .bytes = { 127, 0, 0, 1 },
                                            .family = SW_NET_IPV4,
                                            .port = port };
    if (sw_socket_connect(&self, 0, &tcp) != SW_OK)
        return 2;
    const struct target targets[] = {
        { "drvinputd", to_driver, SW_PROTOCOL_DRIVER, count / 8, ask_driver, PATIENCE, &driver },
        { "tmpfs", tmp.connection, SW_PROTOCOL_FILE, count, ask_tmpfs, PATIENCE, NULL },
        { "an open file", file, SW_PROTOCOL_FILE, count, ask_file, PATIENCE, NULL },
        { "imgfs", base.connection, SW_PROTOCOL_FILE, count, ask_imgfs, PATIENCE, NULL },
        { "consoled", facts.control, SW_PROTOCOL_TERMINAL, count, ask_terminal, PATIENCE, NULL },
        { "authd", auth, SW_PROTOCOL_AUTH, count / 100 + 1, ask_auth, PATIENCE, NULL },
        { "init", sw_start_get("names"), SW_PROTOCOL_NAMES, count / 4, ask_names, PATIENCE, NULL },
        { "init", system, SW_PROTOCOL_SYSTEM, count / 4, ask_system, PATIENCE, NULL },
        { "logd", log, SW_PROTOCOL_LOG, count / 2, ask_log, IMPATIENCE, NULL },
        { "netd", net, SW_PROTOCOL_NET, count, ask_net, IMPATIENCE, NULL },
        { "metricsd", metrics, SW_PROTOCOL_METRICS, count / 50 + 1, ask_metrics, PATIENCE, NULL },
        { "a UDP socket", sw_socket_connection(udp), SW_PROTOCOL_ENDPOINT, count, ask_endpoint,
          PATIENCE, NULL },
        { "a listener", sw_socket_connection(listener), SW_PROTOCOL_ENDPOINT, count, ask_endpoint,
          PATIENCE, NULL },
        { "a connection", sw_socket_connection(tcp), SW_PROTOCOL_ENDPOINT, count, ask_endpoint,
          PATIENCE, NULL },
    };
    attack_all(targets, sizeof(targets) / sizeof(targets[0]));
    sw_socket_close(tcp);
    sw_socket_close(listener);
    sw_socket_close(udp);
    rings(count / 8);
    own_destroy(&driver);
    close(fd);
    return check_done();
}

/* What no session may talk to, as the service of tests/hostile/hostile_services.lua: the driver of the
 * disks, of which the second may be written, that of the network card, and a logd that believes it talks to init. */
int service_client(uint32_t count)
{
    static struct own logd = { .program = "/bin/tests/logd", .authority = "kernel-log" };
    handle_t log = 0, nic = 0;

    if (!odds_create() || !own_create(&logd, &log))
        return 2;
    sw_service_connect("nic", SW_NEVER, &nic);
    const struct target targets[] = {
        { "blkd", sw_start_get("block"), SW_PROTOCOL_BLOCK, count / 4, ask_blocks, PATIENCE, NULL },
        { "disk 0", sw_start_get("disk/0"), SW_PROTOCOL_BLOCK, count, ask_disk, PATIENCE, NULL },
        { "disk 1", sw_start_get("disk/1"), SW_PROTOCOL_BLOCK, count, ask_disk, PATIENCE, NULL },
        { "nicd", nic, SW_PROTOCOL_NIC, count, ask_nic, PATIENCE, NULL },
        { "init's logd", log, SW_PROTOCOL_LOG, count / 2, ask_log, IMPATIENCE, &logd },
    };
    attack_all(targets, sizeof(targets) / sizeof(targets[0]));
    own_destroy(&logd);
    return check_done();
}
