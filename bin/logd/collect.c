/* Collecting the kernel's crash records, and answering for them. See collect.h. */
#include "collect.h"

#include <string.h>
#include <swos/log.h>
#include <swos/mapping.h>

#include "crashes.h"

static struct {
    handle_t authority;
    size_t (*service_lines)(const char *name, size_t length, char *out, size_t capacity);
    struct crash_place *places; /* NULL: no memory; records stay where the kernel has them */
    uint64_t newest;            /* number of the last record collected */
} records;

/* The kept memory, or fresh one. */
static status_t places_find(handle_t job, uint32_t slot)
{
    uint64_t size, committed;
    uint32_t sealed;
    handle_t memory = 0;
    void *mapped;
    status_t status = sw_job_kept(job, slot, &memory);
    if (status == SW_OK && (sw_memory_info(memory, &size, &committed, &sealed) != SW_OK ||
                            size != CRASH_BYTES || committed != size)) {
        sw_handle_close(memory);
        status = SW_NOT_FOUND;
    }
    if (status != SW_OK) {
        status = sw_memory_create(CRASH_BYTES, SW_MEMORY_COMMIT, &memory);
        if (status != SW_OK)
            return status;
        status = sw_job_keep(job, slot, memory);
    }
    if (status == SW_OK)
        status = sw_mapping_map(memory, 0, CRASH_BYTES, SW_MAP_READ | SW_MAP_WRITE, &mapped);
    sw_handle_close(memory);
    if (status != SW_OK)
        return status;
    records.places = mapped;
    records.newest = crashes_open(records.places);
    return SW_OK;
}

/* What the service had printed. */
static void crash_add_service(struct crash_place *place)
{
    static char text[CRASH_SERVICE];
    size_t length = records.service_lines(place->text, crash_program(place->text, place->length),
                                          text, sizeof(text));
    if (length)
        crash_add(place, "last lines of its log\n", text, length);
}

/* The kernel log, which is shorter than what is left of a place. */
static void crash_add_kernel(struct crash_place *place)
{
    char *to = place->text + place->length;
    size_t room = sizeof(place->text) - place->length, length = 0;
    uint64_t sequence = 0;
    for (;;) {
        static char text[4096];
        uint32_t piece;
        if (sw_log_read(records.authority, sequence, text, sizeof(text), 0, &piece, &sequence) !=
                SW_OK ||
            !piece)
            break;
        if (piece > room - length) { /* the oldest go */
            size_t from = crash_tail(to, length, room - piece);
            memmove(to, to + from, length - from);
            length -= from;
        }
        memcpy(to + length, text, piece);
        length += piece;
    }
    crash_add(place, "last log lines\n", to, length);
}

/* Copies the kernel's record at an index, which is to have that number. */
static void crash_collect(uint32_t index, uint64_t wanted)
{
    struct crash_place *place = crash_begin(records.places);
    uint64_t number = 0;
    uint32_t earlier = 0;
    if (sw_crash_read(records.authority, index, place->text, CRASH_KERNEL, &place->length, &number,
                      &earlier) != SW_OK ||
        number != wanted) { /* another one came meanwhile: they are looked through again */
        place->length = 0;
        return;
    }
    if (!earlier) {
        crash_cut_lines(place);
        crash_add_service(place);
        crash_add_kernel(place);
    }
    crash_finish(place, number, earlier);
    records.newest = number;
}

/* The oldest that is not there yet first. */
void collect_now(void)
{
    while (records.places) {
        uint64_t wanted = 0, number;
        uint32_t length, earlier, index = 0;
        for (uint32_t i = 0; sw_crash_read(records.authority, i, records.places[0].text, 0, &length,
                                           &number, &earlier) == SW_OK &&
                             number > records.newest;
             i++) {
            wanted = number;
            index = i;
        }
        if (!wanted)
            break;
        crash_collect(index, wanted);
    }
    sw_crash_seen(records.authority, records.places ? records.newest : UINT64_MAX);
}

static status_t answer_bytes(struct sw_request *request, const char *text, size_t length,
                             uint32_t *out_bytes)
{
    uint64_t done;
    if (length > request->event.data_length)
        length = request->event.data_length;
    *out_bytes = (uint32_t)length;
    return length ? sw_call_write(request->event.token, 0, text, length, &done) : SW_OK;
}

status_t collect_list(struct sw_request *request, const struct sw_log_crash_list_request *in,
                      struct sw_log_crash_list_reply *out)
{
    static char text[CRASH_PLACES * 256];
    (void)in;
    if (!records.places)
        return SW_NO_MEMORY;
    collect_now();
    return answer_bytes(request, text, crash_list(records.places, text, sizeof(text)), &out->bytes);
}

status_t collect_read(struct sw_request *request, const struct sw_log_crash_read_request *in,
                      struct sw_log_crash_read_reply *out)
{
    if (!records.places)
        return SW_NO_MEMORY;
    collect_now();
    const struct crash_place *place = crash_find(records.places, in->number);
    return place ? answer_bytes(request, place->text, place->length, &out->bytes) : SW_NOT_FOUND;
}

status_t collect_start(handle_t job, uint32_t slot, handle_t authority,
                       size_t (*service_lines)(const char *name, size_t length, char *out,
                                               size_t capacity))
{
    records.authority = authority;
    records.service_lines = service_lines;
    status_t status = places_find(job, slot);
    collect_now(); /* records of before the reset do not signal */
    return status;
}
