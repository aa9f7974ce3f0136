/* blkd with a faulty layer between it and its disks: the real driver, whose requests and
 * completions go through here. It holds requests and completions back until a later one has passed,
 * says twice that a request is done, loses completions for good, and flips bits in what was read:
 * in the first read of each life, and now and then. It takes blkd's place in a bundle of its own
 * (build/faulty.bundle). It has no faults until it is told to by FAULTS_ON, an operation that the
 * protocol does not have and the chaos test's agent sends; a note in a kept slot tells successors,
 * until FAULTS_OFF. */
#include "faulty_blkd.h"

#include <swos/clock.h>
#include <swos/protocol.h>

#include "../../bin/blkd/disk.h"

void below_submit(struct disk *disk, struct request *request);
void above_done(struct disk *disk, struct request *request);
static status_t dispatch(const struct sw_block_handlers *to, struct sw_request *request);

#define disk_submit below_submit
#define disk_done above_done
#include "../../bin/blkd/disk.c"
#undef disk_submit
#undef disk_done
#define sw_block_dispatch dispatch
#include "../../bin/blkd/main.c"
#undef sw_block_dispatch

#define NOTE_SLOT 40 /* of the service's job; blkd keeps nothing itself */

static struct held {
    struct disk *disk;
    struct request *request;
} held_request, held_completion;

static bool faults, known;
static uint32_t reads;

/* Whether this life has faults: as the note said when it was first asked, or what came since. */
static bool is_faulty(void)
{
    handle_t note;

    if (!known) {
        faults = sw_job_kept(sw_start_get("job"), NOTE_SLOT, &note) == SW_OK;
        if (faults)
            sw_handle_close(note);
        known = true;
    }
    return faults;
}

static status_t faults_switch(bool on)
{
    handle_t note = 0;
    status_t status = on ? sw_event_create(&note) : SW_OK;

    if (status == SW_OK)
        status = sw_job_keep(sw_start_get("job"), NOTE_SLOT, note);
    if (note)
        sw_handle_close(note);
    if (status == SW_OK) {
        faults = on;
        known = true;
    }
    return status;
}

static status_t dispatch(const struct sw_block_handlers *to, struct sw_request *request)
{
    const struct sw_request_header *header = (const void *)request->message;

    if (request->event.request_length >= sizeof(*header) &&
        (header->operation == FAULTS_ON || header->operation == FAULTS_OFF))
        return faults_switch(header->operation == FAULTS_ON);
    return sw_block_dispatch(to, request);
}

static uint32_t below(uint32_t limit)
{
    static uint64_t state;
    if (state == 0)
        state = sw_clock_monotonic();
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33) % limit;
}

void disk_submit(struct disk *disk, struct request *request)
{
    struct held other = held_request;

    held_request = (struct held){ 0 };
    if (!other.request && is_faulty() && below(6) == 0) {
        held_request = (struct held){ disk, request };
        return;
    }
    below_submit(disk, request);
    if (other.request)
        below_submit(other.disk, other.request);
}

static void flip_a_bit(const struct request *request)
{
    uint64_t done;
    uint8_t byte = 0;

    /* request->offset is behind what was read */
    if (request->offset > 0 &&
        sw_memory_read(request->memory, request->offset - 1, &byte, 1, &done) == SW_OK) {
        byte ^= 1;
        sw_memory_write(request->memory, request->offset - 1, &byte, 1, &done);
    }
}

void above_done(struct disk *disk, struct request *request)
{
    struct held other = held_completion;
    struct sw_block_flush_reply reply = { 0 };
    uint32_t fault = is_faulty() ? below(16) : 15;

    held_completion = (struct held){ 0 };
    if (is_faulty() && request->operation == DISK_READ && reads++ == 0)
        fault = 0; /* of each life one for certain, and its client gets it */
    if (fault == 0 && request->operation == DISK_READ)
        flip_a_bit(request);
    if (fault == 1)
        return; /* lost: its client waits until blkd is killed */
    if (fault == 2 && request->operation == DISK_READ)
        sw_server_answer(request->token, SW_OK, 0, &reply, sizeof(reply), NULL, 0, 0);
    if (fault >= 11 && fault < 14 && !other.request) {
        held_completion = (struct held){ disk, request };
        return;
    }
    disk_done(disk, request);
    if (other.request)
        disk_done(other.disk, other.request);
}
