/* Records of sockets in vault memory. See record.h. */
#include "record.h"
#include <stdatomic.h>
#include <string.h>

#ifdef SW_HOST_TEST
void record_store_hook(void); /* the test's: netd may die before any store */
#else
static inline void record_store_hook(void) {}
#endif

/* In program order: release also keeps the compiler from moving anything behind it. */
static void store(uint64_t *word, uint64_t value)
{
    record_store_hook();
    atomic_store_explicit((_Atomic uint64_t *)word, value, memory_order_release);
}

static uint64_t load(const uint64_t *word)
{
    return atomic_load_explicit((const _Atomic uint64_t *)word, memory_order_acquire);
}

static uint64_t mix(uint64_t hash)
{
    hash *= 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 32;
}

/* Tells of damage, not of malice. */
static uint32_t record_check(const void *bytes, size_t length, uint64_t seed)
{
    const uint8_t *at = bytes;
    uint64_t hash = mix(seed + length + 1), word = 0;

    for (; length >= sizeof(word); length -= sizeof(word), at += sizeof(word)) {
        memcpy(&word, at, sizeof(word));
        hash = mix(hash ^ word);
    }
    word = 0;
    memcpy(&word, at, length);
    return (uint32_t)mix(hash ^ word);
}

/* The value and its check, which no other word of a record has, nor the same of another socket. */
static uint64_t encode(uint32_t value, enum record_word which, uint64_t badge)
{
    return mix(mix(badge + which + 1) ^ value) << 32 | value;
}

static void copy(void *to, const void *from, size_t size)
{
    for (size_t i = 0; i < size / sizeof(uint64_t); i++) {
        uint64_t word;
        memcpy(&word, (const uint8_t *)from + i * sizeof(word), sizeof(word));
        store((uint64_t *)to + i, word);
    }
}

static void flow_put(struct record *record, const struct record_flow *flow)
{
    struct record_flow checked = *flow;

    checked.check = record_check(flow, offsetof(struct record_flow, check), record->plan.badge);
    copy(&record->flow, &checked, sizeof(checked));
}

void record_create(struct record *record, enum record_kind kind, uint32_t flags,
                   const struct record_plan *plan, const struct record_flow *flow,
                   uint32_t received)
{
    struct record_plan checked = *plan;

    checked.check = record_check(plan, offsetof(struct record_plan, check), 0);
    copy(&record->plan, &checked, sizeof(checked));
    if (flow)
        flow_put(record, flow);
    store(&record->received, encode(received, RECORD_RECEIVED, plan->badge));
    store(&record->acked, encode(0, RECORD_ACKED, plan->badge));
    store(&record->sent, encode(0, RECORD_SENT, plan->badge));
    store(&record->linger, 0);
    for (uint32_t i = 0; i < RECORD_KEEPS; i++)
        store(&record->keep[i], encode(0, RECORD_KEEP_IDLE + i, plan->badge));
    store(&record->state, encode(kind | flags, RECORD_STATE, plan->badge));
}

static void state_put(struct record *record, uint32_t state)
{
    store(&record->state, encode(state, RECORD_STATE, record->plan.badge));
}

void record_establish(struct record *record, const struct record_flow *flow)
{
    flow_put(record, flow);
    state_put(record, (record_flags(record) & ~RECORD_KIND) | RECORD_CONNECTION);
}

uint32_t record_flags(const struct record *record)
{
    return (uint32_t)load(&record->state);
}

void record_flags_add(struct record *record, uint32_t flags)
{
    uint32_t state = record_flags(record);

    if (state != 0 && (state & flags) != flags)
        state_put(record, state | flags);
}

void record_flags_drop(struct record *record, uint32_t flags)
{
    uint32_t state = record_flags(record);

    if (state & flags)
        state_put(record, state & ~flags);
}

void record_position(struct record *record, enum record_word word, uint32_t position)
{
    uint64_t *at = word == RECORD_RECEIVED ? &record->received
                   : word == RECORD_ACKED  ? &record->acked
                                           : &record->sent;

    store(at, encode(position, word, record->plan.badge));
}

void record_keep(struct record *record, enum record_word word, uint32_t value)
{
    store(&record->keep[word - RECORD_KEEP_IDLE], encode(value, word, record->plan.badge));
}

void record_linger(struct record *record, uint64_t deadline)
{
    store(&record->linger, deadline);
}

void record_free(struct record *record)
{
    store(&record->state, 0);
}

static bool word_read(const uint64_t *word, enum record_word which, uint64_t badge, uint32_t *out)
{
    uint64_t value = load(word);

    *out = (uint32_t)value;
    return value == encode((uint32_t)value, which, badge);
}

static bool flags_fit(const struct record_view *view)
{
    uint32_t flags = view->flags;
    const uint32_t both = RECORD_CLOSED | RECORD_END_GIVEN;

    if (view->kind == RECORD_LISTENER || view->kind == RECORD_UDP)
        return flags == 0;
    if ((flags & RECORD_END_GIVEN) && !(flags & RECORD_END_WANTED))
        return false;
    if ((flags & RECORD_END_ACKED) && !(flags & RECORD_END_GIVEN))
        return false;
    if ((flags & RECORD_RING_GONE) && (flags & both) != both)
        return false;
    return view->kind == RECORD_CONNECTION ||
           !(flags & (RECORD_END_GIVEN | RECORD_ENDED | RECORD_RING_GONE));
}

static bool end_fits(const struct record_end *end, bool any)
{
    return end->family == SW_NET_IPV4 || end->family == SW_NET_IPV6 ||
           (any && end->family == SW_NET_ANY);
}

enum record_verdict record_read(const struct record *record, struct record_view *out)
{
    uint32_t state;
    bool tcp;

    memset(out, 0, sizeof(*out));
    if (load(&record->state) == 0)
        return RECORD_IS_FREE;
    out->plan = record->plan;
    uint64_t badge = out->plan.badge;
    if (out->plan.check != record_check(&out->plan, offsetof(struct record_plan, check), 0) ||
        !word_read(&record->state, RECORD_STATE, badge, &state) ||
        !word_read(&record->received, RECORD_RECEIVED, badge, &out->received) ||
        !word_read(&record->acked, RECORD_ACKED, badge, &out->acked) ||
        !word_read(&record->sent, RECORD_SENT, badge, &out->sent))
        return RECORD_IS_BROKEN;
    for (uint32_t i = 0; i < RECORD_KEEPS; i++)
        if (!word_read(&record->keep[i], RECORD_KEEP_IDLE + i, badge, &out->keep[i]))
            return RECORD_IS_BROKEN;
    out->kind = state & RECORD_KIND;
    out->flags = state & ~RECORD_KIND;
    out->linger = load(&record->linger);
    if (out->kind < RECORD_CONNECTING || out->kind > RECORD_UDP || !flags_fit(out))
        return RECORD_IS_BROKEN;
    tcp = out->kind == RECORD_CONNECTION || out->kind == RECORD_CONNECTING;
    if (!end_fits(&out->plan.local, !tcp) || out->plan.local.port == 0 ||
        (tcp && (!end_fits(&out->plan.remote, false) || out->plan.remote.port == 0 ||
                 out->plan.remote.family != out->plan.local.family)))
        return RECORD_IS_BROKEN;
    if (out->kind == RECORD_CONNECTION) {
        out->flow = record->flow;
        if (out->flow.check !=
                record_check(&out->flow, offsetof(struct record_flow, check), badge) ||
            out->flow.mss == 0 || out->flow.send_scale > 14 || out->flow.receive_scale > 14 ||
            out->sent - out->acked > SW_SOCKET_RING_MOST + 1)
            return RECORD_IS_BROKEN;
    }
    return RECORD_IS_GOOD;
}

static bool note_fits(const struct note *note)
{
    return note->sequence != 0 && note->length <= NOTE_MOST &&
           note->check == record_check(note->bytes, note->length, note->sequence);
}

static const struct note *note_last(const struct note notes[2])
{
    bool first = note_fits(&notes[0]), second = note_fits(&notes[1]);

    if (first && second)
        return &notes[notes[1].sequence > notes[0].sequence];
    return first ? &notes[0] : second ? &notes[1] : NULL;
}

void note_put(struct note notes[2], const void *bytes, size_t length)
{
    const struct note *last = note_last(notes);
    struct note *next = &notes[last == &notes[0]];
    uint64_t sequence = last ? last->sequence + 1 : 1;
    uint8_t padded[NOTE_MOST] = { 0 };

    memcpy(padded, bytes, length);
    store(&next->sequence, 0); /* none until the last store */
    copy(next->bytes, padded, sizeof(padded));
    store(&next->length, length);
    store(&next->check, record_check(bytes, length, sequence));
    store(&next->sequence, sequence);
}

bool note_get(const struct note notes[2], void *bytes, size_t length)
{
    const struct note *last = note_last(notes);

    if (!last || last->length != length)
        return false;
    memcpy(bytes, last->bytes, length);
    return true;
}
