/* Kills, crashes and hangs servers at random, and times how they come back.
 *
 * Runs outside every session, with all rights on the root job (tests/chaos/chaos_services.lua starts
 * it). It waits for /tmp/chaos.go, which holds COUNT SEED SHORTEST LONGEST NAME...: recoveries to cause,
 * the random seed, milliseconds between rounds, and whom. In each round one or two of the named
 * ones die; each has a thread here, so deaths overlap. With SHORTEST and LONGEST the same it is
 * one, and always killed, for measuring. For each recovery it prints
 *   @R NAME HOW MICROSECONDS
 * from the order to kill or crash, or from the end of a hanging one, which whoever found it overdue
 * has ordered, to the first answer of the successor; HOW ends in "-early" for one in the first
 * moments of a start, in "-other" while another one was not back either. "@D" ends the run, "@X" a
 * line that should not come: a server that did not end, or did not come back. With "faulty"
 * before the rest the layer of that name in blkd has its faults during the run, and not after it: the
 * last death ends what waits for a completion that was lost. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <swos/clock.h>
#include <swos/message.h>
#include <swos/protocol.h>
#include <swos/service.h>
#include <swos/spawn.h>
#include <swos/start.h>
#include <swos/status.h>
#include <swos/sync.h>
#include <swos/thread.h>
#include <unistd.h>

#include "faulty_blkd.h"

#define KILLED 137
#define ENDS_WITHIN (40 * SW_SECOND) /* a hanging one has its overdue limit until then */
#define BACK_WITHIN (40 * SW_SECOND)
#define EARLY (100 * SW_MILLISECOND)
#define FAULTY "faulty "

enum how { NOTHING, KILL, CRASH, HANG };
static const char *const how_names[] = { "", "kill", "crash", "hang" };

static struct victim {
    const char *name, *service;
    uint16_t protocol, version;
    handle_t connection;
    bool chosen;
    enum how how; /* what its thread is to do; NOTHING: it is idle */
} victims[] = {
    { "blkd", "block", SW_PROTOCOL_BLOCK, SW_PROTOCOL_BLOCK_VERSION, 0, false, NOTHING },
    { "imgfs", "file/base", SW_PROTOCOL_FILE, SW_PROTOCOL_FILE_VERSION, 0, false, NOTHING },
    { "tmpfs", "file/tmp", SW_PROTOCOL_FILE, SW_PROTOCOL_FILE_VERSION, 0, false, NOTHING },
    { "consoled", "terminal/console", SW_PROTOCOL_TERMINAL, SW_PROTOCOL_TERMINAL_VERSION, 0, false,
      NOTHING },
    { "logd", "log", SW_PROTOCOL_LOG, SW_PROTOCOL_LOG_VERSION, 0, false, NOTHING },
    { "inputd", "input", 0, 0, 0, false, NOTHING }, /* any call is answered */
    { "nicd", "nic", SW_PROTOCOL_NIC, SW_PROTOCOL_NIC_VERSION, 0, false, NOTHING },
    { "netd", "net", SW_PROTOCOL_NET, SW_PROTOCOL_NET_VERSION, 0, false, NOTHING },
    { "authd", "auth", SW_PROTOCOL_AUTH, SW_PROTOCOL_AUTH_VERSION, 0, false, NOTHING },
    { "init", "names", SW_PROTOCOL_NAMES, SW_PROTOCOL_NAMES_VERSION, 0, false, NOTHING },
};
#define VICTIMS (sizeof(victims) / sizeof(victims[0]))
#define INIT (&victims[VICTIMS - 1])
#define BLKD (&victims[0])

static struct sw_mutex lock; /* guards victims[].how, recoveries, random state */
static struct sw_condition changed;
static unsigned recoveries, wanted;
static bool only_kills;
static uint64_t random_state;
static handle_t system_connection;

static uint64_t random_below(uint64_t limit)
{
    sw_mutex_lock(&lock);
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    uint64_t value = random_state >> 33;
    sw_mutex_unlock(&lock);
    return value % limit;
}

static void trouble(const struct victim *victim, enum how how, const char *what)
{
    printf("@X %s %s: %s\n", victim->name, how_names[how], what);
    fflush(stdout);
}

/* The process of that name, if it runs; any but `other`. */
static bool process_find(const char *name, uint32_t other, uint32_t *out_pid, handle_t *out_process)
{
    struct sw_process_info infos[64];
    uint32_t count = 0;
    handle_t root = sw_start_get("root");

    if (sw_job_list(root, 0, infos, sizeof(infos) / sizeof(infos[0]), &count) != SW_OK)
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (strncmp((const char *)infos[i].name, name, sizeof(infos[i].name)) == 0 &&
            infos[i].state != SW_PROCESS_ENDED && infos[i].pid != other &&
            sw_job_find(root, infos[i].pid, out_process) == SW_OK) {
            *out_pid = infos[i].pid;
            return true;
        }
    return false;
}

/* Has the victim killed, crashed or hung. By hand, so that nobody counts it as a failure. */
static bool order(const struct victim *victim, enum how how, handle_t process)
{
    if (victim == INIT) {
        handle_t job = sw_start_get("init_job");
        return how == HANG ? sw_job_stop(job) == SW_OK : sw_process_kill(process, KILLED) == SW_OK;
    }
    return sw_system_service_kill(system_connection, how - KILL, 0, victim->name,
                                  strlen(victim->name), sw_clock_deadline(5 * SW_SECOND)) == SW_OK;
}

/* ------------------------------------------------------------------ waiting for the successor */

#define KEY_EXIT 1
#define KEY_CALL 2

/* An operation nobody has: who answers it serves. */
struct probe {
    handle_t port, call;
    struct sw_call buffers;
    struct sw_request_header request;
    _Alignas(8) uint8_t reply[256];
    bool posted;
};

static void probe_post(const struct victim *victim, struct probe *probe)
{
    status_t status;

    probe->request = (struct sw_request_header){ victim->protocol, victim->version, 0xffff, 0, 0 };
    probe->buffers = (struct sw_call){ .request = (uint64_t)(uintptr_t)&probe->request,
                                       .request_length = sizeof(probe->request),
                                       .reply = (uint64_t)(uintptr_t)probe->reply,
                                       .reply_capacity = sizeof(probe->reply) };
    do
        status = sw_call_post(probe->call, victim->connection, &probe->buffers, probe->port,
                              KEY_CALL, SW_NEVER);
    while (status == SW_SERVER_REPLACED && sw_connection_accept(victim->connection) == SW_OK);
    probe->posted = status == SW_OK;
}

static bool probe_answered(struct probe *probe)
{
    uint32_t length = 0, received = 0;
    status_t status = sw_call_collect(probe->call, &probe->buffers, &length, &received);

    probe->posted = false;
    return status == SW_OK && length >= sizeof(struct sw_reply_header);
}

/* Waits for the end of the process and the first answer after it. Asks all the time, for a server
 * that hangs is found by somebody's waiting. */
static bool recovery_watch(const struct victim *victim, handle_t process, uint64_t *out_served,
                           uint64_t *out_ended)
{
    struct probe probe = { 0 };
    uint64_t ended = 0, deadline = sw_clock_deadline(ENDS_WITHIN);
    bool back = false;

    if (sw_port_create(&probe.port) != SW_OK || sw_call_create(&probe.call) != SW_OK ||
        sw_port_bind(probe.port, process, UINT64_MAX, KEY_EXIT) != SW_OK)
        exit(1);
    while (!back) {
        struct sw_wait wait = { 0 };

        if (!probe.posted)
            probe_post(victim, &probe);
        if (sw_port_wait(probe.port, &wait, deadline) != SW_OK)
            break;
        if (wait.event.key == KEY_EXIT) {
            ended = sw_clock_monotonic();
            deadline = sw_clock_deadline(BACK_WITHIN);
            sw_port_unbind(probe.port, process);
        } else if (probe_answered(&probe)) {
            back = ended != 0;
            if (!back)
                sw_clock_sleep(sw_clock_deadline(SW_MILLISECOND));
        }
    }
    *out_served = sw_clock_monotonic();
    *out_ended = ended;
    if (probe.posted) {
        uint32_t length, received;
        sw_call_cancel(probe.call);
        sw_call_collect(probe.call, &probe.buffers, &length, &received);
    }
    sw_handle_close(probe.call);
    sw_handle_close(probe.port);
    return back;
}

/* Whether anybody else is dying or coming back. */
static bool others_busy(const struct victim *victim)
{
    bool busy = false;

    sw_mutex_lock(&lock);
    for (size_t i = 0; i < VICTIMS; i++)
        busy |= &victims[i] != victim && victims[i].how != NOTHING;
    sw_mutex_unlock(&lock);
    return busy;
}

/* One recovery, and now and then a second one in the successor's first moments. */
static void recover(struct victim *victim, enum how how)
{
    uint32_t pid = 0;
    handle_t process;
    uint64_t served, ended, limit;

    for (int again = 0; again < 2; again++) {
        limit = sw_clock_deadline(2 * SW_SECOND);
        while (!process_find(victim->name, again ? pid : 0, &pid, &process)) {
            if (sw_clock_monotonic() > limit)
                return;
            sw_clock_sleep(sw_clock_deadline(SW_MILLISECOND));
        }
        if (again)
            sw_clock_sleep(sw_clock_deadline(random_below(EARLY)));
        bool other = others_busy(victim);
        uint64_t ordered = sw_clock_monotonic();
        if (!order(victim, how, process)) { /* it is between two lives, or init is */
            sw_handle_close(process);
            return;
        }
        bool twice = !again && how == KILL && !only_kills && random_below(4) == 0;
        if (twice) {
            int32_t status;
            if (sw_process_wait(process, sw_clock_deadline(ENDS_WITHIN), &status) != SW_OK)
                trouble(victim, how, "does not end");
            sw_handle_close(process);
            continue;
        }
        if (recovery_watch(victim, process, &served, &ended)) {
            other = other || others_busy(victim);
            printf("@R %s %s%s%s %llu\n", victim->name, how_names[how], again ? "-early" : "",
                   other ? "-other" : "",
                   (unsigned long long)(served - (how == HANG ? ended : ordered)) / 1000);
            fflush(stdout);
            sw_mutex_lock(&lock);
            recoveries += again ? 2 : 1;
            sw_mutex_unlock(&lock);
        } else {
            trouble(victim, how, "does not come back");
        }
        sw_handle_close(process);
        return;
    }
}

/* Takes the pages of a thread's stack once: what is free is compared before and after. */
static __attribute__((noinline)) void stack_touch(void)
{
    volatile uint8_t room[32768];
    for (size_t at = 0; at < sizeof(room); at += SW_PAGE)
        room[at] = 0;
}

static void *victim_thread(void *argument)
{
    struct victim *victim = argument;

    stack_touch();
    for (;;) {
        sw_mutex_lock(&lock);
        while (victim->how == NOTHING)
            sw_condition_wait(&changed, &lock, SW_NEVER);
        enum how how = victim->how;
        sw_mutex_unlock(&lock);
        recover(victim, how);
        sw_mutex_lock(&lock);
        victim->how = NOTHING;
        sw_mutex_unlock(&lock);
    }
    return NULL;
}

/* ------------------------------------------------------------------ a run */

/* Half are kills; a hanging one takes its overdue limit, so there are fewer. */
static enum how choose_how(const struct victim *victim)
{
    uint64_t dice = random_below(victim == INIT ? 16 : 8);

    return only_kills ? KILL : dice == 0 ? HANG : dice < 3 && victim != INIT ? CRASH : KILL;
}

static void choose_victim(void)
{
    struct victim *victim;
    do
        victim = &victims[random_below(VICTIMS)];
    while (!victim->chosen);
    enum how how = choose_how(victim);

    sw_mutex_lock(&lock);
    if (victim->how == NOTHING) {
        victim->how = how;
        sw_condition_broadcast(&changed);
    }
    sw_mutex_unlock(&lock);
}

static bool all_idle(void)
{
    bool idle = true;

    sw_mutex_lock(&lock);
    for (size_t i = 0; i < VICTIMS; i++)
        idle = idle && victims[i].how == NOTHING;
    sw_mutex_unlock(&lock);
    return idle;
}

static void run(char *line)
{
    unsigned numbers[4] = { 0 }; /* count, seed, shortest, longest */
    char *word = strtok(line, " \n");

    for (size_t i = 0; i < 4 && word; i++, word = strtok(NULL, " \n"))
        numbers[i] = (unsigned)strtoul(word, NULL, 10);
    for (size_t i = 0; i < VICTIMS; i++)
        victims[i].chosen = false;
    for (; word; word = strtok(NULL, " \n"))
        for (size_t i = 0; i < VICTIMS; i++)
            victims[i].chosen |= strcmp(victims[i].name, word) == 0;
    only_kills = numbers[2] == numbers[3];
    wanted = numbers[0];
    recoveries = 0;
    random_state = numbers[1];
    while (recoveries < wanted) {
        uint64_t pause = numbers[2] + random_below(numbers[3] - numbers[2] + 1);
        sw_clock_sleep(sw_clock_deadline(pause * SW_MILLISECOND));
        choose_victim();
        if (!only_kills && random_below(3) == 0)
            choose_victim();
    }
    while (!all_idle())
        sw_clock_sleep(sw_clock_deadline(10 * SW_MILLISECOND));
}

/* The layer keeps what it is told before it answers; asking again changes nothing. */
static void faults_switch(bool on)
{
    struct sw_request_header request = { BLKD->protocol, BLKD->version, 0, 0, 0 };
    _Alignas(8) uint8_t reply[256];
    const struct sw_call buffers = { .request = (uint64_t)(uintptr_t)&request,
                                     .request_length = sizeof(request),
                                     .reply = (uint64_t)(uintptr_t)reply,
                                     .reply_capacity = sizeof(reply) };
    status_t status;

    request.operation = on ? FAULTS_ON : FAULTS_OFF;
    do {
        struct sw_call call = buffers;
        uint32_t length = 0, received = 0;
        status = sw_call(BLKD->connection, &call, SW_NEVER, &length, &received);
    } while (status == SW_PEER_DIED ||
             (status == SW_SERVER_REPLACED && sw_connection_accept(BLKD->connection) == SW_OK));
    if (status == SW_OK)
        status = ((const struct sw_reply_header *)reply)->status;
    if (status != SW_OK)
        trouble(BLKD, NOTHING, "has no faulty layer");
}

static void run_faulty(char *line)
{
    faults_switch(true);
    run(line);
    faults_switch(false);
    recover(BLKD, KILL);
}

/* No session may look a keyboard or a network card up, nor is there always one. */
static status_t victim_connect(struct victim *victim)
{
    status_t status = sw_service_connect(victim->service, SW_NEVER, &victim->connection);

    if (status == SW_NOT_FOUND && (victim->connection = sw_start_get(victim->service)))
        status = SW_OK;
    return status;
}

int main(void)
{
    status_t status = sw_service_connect("system", SW_NEVER, &system_connection);

    for (size_t i = 0; i < VICTIMS && status == SW_OK; i++) {
        struct sw_thread *thread;
        status = victim_connect(&victims[i]);
        if (status == SW_NOT_FOUND) {
            status = SW_OK;
            continue;
        }
        if (status == SW_OK)
            status = sw_thread_start(victim_thread, &victims[i], 0, &thread);
    }
    if (status != SW_OK) {
        printf("@X agent: %s\n", sw_status_text(status));
        return 1;
    }
    for (;;) {
        char line[256] = "";
        FILE *go = fopen("/tmp/chaos.go", "r");

        if (go) {
            bool whole = fgets(line, sizeof(line), go) && strchr(line, '\n');
            fclose(go);
            if (whole) {
                unlink("/tmp/chaos.go");
                if (strncmp(line, FAULTY, strlen(FAULTY)) == 0)
                    run_faulty(line + strlen(FAULTY));
                else
                    run(line);
                printf("@D %u\n", recoveries);
                fflush(stdout);
            }
        }
        sw_clock_sleep(sw_clock_deadline(100 * SW_MILLISECOND));
    }
}
