/* The packet pool through the lives of many drivers and stacks, with a made-up card: whatever the
 * store a side dies at, packets arrive in order, whole, and none is lost but what a stack dies with; no
 * buffer is lost; nobody sleeps while there is something to do. Then the same with somebody
 * who writes anything anywhere into the pool's head. */
#include "tap.h"
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <swos/packets.h>

#define ROUNDS 400000u
#define LENGTH 64u /* of a frame, all bytes from its number */

static _Alignas(4096) uint8_t pool[SW_PACKET_POOL_BYTES];
#define HEAD ((struct sw_packet_pool *)pool)

static jmp_buf death;
static uint32_t stores_left; /* until the running side dies; 0: it does not */

void packets_store_hook(void);
void packets_store_hook(void)
{
    if (stores_left != 0 && --stores_left == 0)
        longjmp(death, 1);
}

static uint32_t below(uint32_t limit)
{
    static uint64_t state = 1;

    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33) % limit;
}

/* ---- the card: what it was given and has not finished */

static struct {
    uint32_t receive[SW_PACKET_RECEIVE], receive_count;
    uint32_t filled[SW_PACKET_RECEIVE], filled_count; /* the driver does not know yet */
    uint32_t transmit[SW_PACKET_TRANSMIT], transmit_count;
    uint32_t sent[SW_PACKET_TRANSMIT], sent_count;
} card;

static uint32_t arriving; /* number of the next packet from the wire */
static uint32_t leaving; /* number expected next on the wire; repeats of earlier ones are counted */
static uint32_t repeats, gaps, torn;

static void frame_fill(uint8_t *frame, uint32_t number)
{
    for (uint32_t i = 0; i < LENGTH; i += 4)
        memcpy(frame + i, &number, 4);
}

static bool frame_is(const uint8_t *frame, uint32_t *out_number)
{
    memcpy(out_number, frame, 4);
    for (uint32_t i = 4; i < LENGTH; i += 4)
        if (memcmp(frame + i, out_number, 4) != 0)
            return false;
    return true;
}

static void card_receive(void)
{
    if (card.receive_count == 0)
        return;
    uint32_t which = below(card.receive_count), buffer = card.receive[which];
    card.receive[which] = card.receive[--card.receive_count];
    frame_fill(pool + packet_receive_offset(buffer) + SW_PACKET_ROOM, arriving++);
    card.filled[card.filled_count++] = buffer;
}

/* Sends the oldest it was given; the driver hears of sent ones in any order. */
static void card_send(void)
{
    uint32_t number;

    if (card.transmit_count == 0)
        return;
    uint32_t slot = card.transmit[0];
    memmove(card.transmit, card.transmit + 1, --card.transmit_count * sizeof(card.transmit[0]));
    if (!frame_is(pool + packet_transmit_offset(slot) + SW_PACKET_ROOM, &number))
        torn++;
    else if (number < leaving)
        repeats++;
    else
        gaps += number - leaving, leaving = number + 1;
    card.sent[card.sent_count++] = slot;
}

/* ---- the sides */

static struct packet_driver driver;
static struct packet_stack stack;
static bool driver_event, stack_event, driver_awake, stack_awake, stack_waits_for_room;
static bool driver_dead;  /* the card goes on with what it has */
static uint32_t sending;  /* number of the next frame to send */
static uint32_t expected; /* number of the next packet to come */
static uint32_t lost, backwards;
static uint64_t received;

static void driver_work(void)
{
    uint32_t buffer, slot, length;

    packet_driver_wake(&driver);
    while (card.filled_count > 0) {
        packet_driver_publish(&driver, card.filled[0], LENGTH);
        /* Not before: what a driver dies with is its successor's. */
        memmove(card.filled, card.filled + 1, --card.filled_count * sizeof(card.filled[0]));
    }
    while (card.sent_count > 0) {
        uint32_t which = below(card.sent_count);
        slot = card.sent[which];
        card.sent[which] = card.sent[--card.sent_count];
        packet_driver_done(&driver, slot);
    }
    packet_driver_refresh(&driver);
    while (card.receive_count < 128 && packet_driver_buffer(&driver, &buffer))
        card.receive[card.receive_count++] = buffer;
    while (packet_driver_take(&driver, &slot, &length)) {
        if (length != LENGTH)
            torn++;
        card.transmit[card.transmit_count++] = slot;
    }
    if (packet_driver_flush(&driver))
        stack_event = true;
    driver_awake = !packet_driver_sleep(&driver, card.receive_count < 64);
}

static void packet_handle(void)
{
    uint8_t *frame;
    uint32_t length, number;

    if (!packet_stack_receive(&stack, &frame, &length))
        return;
    if (length != LENGTH || !frame_is(frame, &number)) {
        torn++;
    } else if (number < expected) {
        backwards++;
    } else {
        lost += number - expected;
        expected = number + 1;
        received++;
    }
    packet_stack_release(&stack);
}

static void stack_work(void)
{
    packet_stack_wake(&stack);
    for (uint32_t n = below(20); n > 0; n--)
        packet_handle();
    for (uint32_t n = below(20); n > 0; n--) {
        uint8_t *frame = packet_stack_room(&stack);
        stack_waits_for_room = frame == NULL;
        if (!frame)
            break;
        frame_fill(frame, sending);
        packet_stack_send(&stack, LENGTH);
        sending++;
    }
    if (packet_stack_flush(&stack))
        driver_event = true;
    stack_awake = !packet_stack_sleep(&stack, stack_waits_for_room);
}

/* One step of a side; true when it died there. */
static bool step(void (*work)(void), bool mortal)
{
    if (setjmp(death) != 0)
        return true;
    stores_left = mortal && below(12) == 0 ? 1 + below(30) : 0;
    work();
    stores_left = 0;
    return false;
}

/* The card is reset; what it had finished is known to the successor. */
static void driver_reborn(void)
{
    packet_driver_open(&driver, pool);
    for (uint32_t i = 0; i < card.filled_count; i++)
        if (packet_driver_claim(&driver, card.filled[i]))
            packet_driver_publish(&driver, card.filled[i], LENGTH);
    for (uint32_t i = 0; i < card.sent_count; i++)
        packet_driver_sent(&driver, card.sent[i]);
    memset(&card, 0, sizeof(card));
    stack_event = driver_awake = true;
    driver_dead = false;
}

static void stack_reborn(void)
{
    packet_stack_open(&stack, pool);
    stack_awake = true;
}

static uint32_t buffers_held(void)
{
    bool seen[SW_PACKET_RECEIVE] = { false };
    uint32_t count = 0;

    for (uint32_t i = 0; i < driver.idle_count; i++)
        seen[driver.idle[i]] = true;
    for (uint32_t i = 0; i < card.receive_count; i++)
        seen[card.receive[i]] = true;
    for (uint32_t i = 0; i < card.filled_count; i++)
        seen[card.filled[i]] = true;
    for (uint32_t at = driver.returned; at != driver.published; at++)
        if (driver.window[at % SW_PACKET_RECEIVE] < SW_PACKET_RECEIVE)
            seen[driver.window[at % SW_PACKET_RECEIVE]] = true;
    for (uint32_t i = 0; i < SW_PACKET_RECEIVE; i++)
        count += seen[i];
    return count;
}

static void reset(uint32_t start)
{
    memset(pool, 0, sizeof(pool));
    memset(&card, 0, sizeof(card));
    HEAD->receive_produced.value = HEAD->receive_consumed.value = start;
    HEAD->transmit_produced.value = HEAD->transmit_consumed.value = start;
    driver_reborn();
    stack_reborn();
    arriving = leaving = sending = expected = lost = backwards = torn = repeats = gaps = 0;
    received = 0;
    driver_event = stack_event = stack_waits_for_room = false;
}

/* What runs next: only who is awake, was woken, or has an interrupt. */
static void turn(bool mortal, uint32_t *driver_deaths, uint32_t *stack_deaths)
{
    switch (below(4)) {
    case 0:
        card_receive();
        break;
    case 1:
        card_send();
        break;
    case 2:
        if (driver_dead) {
            if (below(10) == 0)
                driver_reborn();
        } else if (driver_awake || driver_event || card.filled_count > 0 || card.sent_count > 0) {
            driver_event = false;
            if (step(driver_work, mortal)) {
                *driver_deaths += 1;
                driver_dead = true;
            }
        }
        break;
    default:
        if (stack_awake || stack_event) {
            stack_event = false;
            if (step(stack_work, mortal)) {
                *stack_deaths += 1;
                stack_reborn();
            }
        }
    }
}

static void test_lives(void)
{
    uint32_t driver_deaths = 0, stack_deaths = 0;

    reset(0xffffff00u); /* positions wrap */
    uint32_t first = HEAD->transmit_produced.value;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        uint32_t before = stack_deaths;
        turn(true, &driver_deaths, &stack_deaths);
        if (stack_deaths != before) /* the pool says which frames were sent */
            sending = HEAD->transmit_produced.value - first;
    }
    CHECK(driver_deaths > 500 && stack_deaths > 500);
    CHECK(torn == 0 && gaps == 0);
    /* A death of the driver loses nothing, but a packet may come twice; one of the stack loses the packet
     * in its hand. */
    CHECK(lost <= stack_deaths && backwards <= driver_deaths && repeats <= driver_deaths);
    if (driver_dead)
        driver_reborn();
    CHECK(buffers_held() == SW_PACKET_RECEIVE);
    printf("# %u and %u deaths, %u received, %u lost, %u twice, %u sent, %u twice\n", driver_deaths,
           stack_deaths, (unsigned)received, lost, backwards, leaving, repeats);
    /* Nobody dies any more: all is delivered. */
    for (uint32_t i = 0; i < 20000; i++)
        turn(false, &driver_deaths, &stack_deaths);
    uint32_t lost_before = lost;
    uint64_t received_before = received;
    for (uint32_t i = 0; i < 20000; i++)
        turn(false, &driver_deaths, &stack_deaths);
    CHECK(lost == lost_before && received > received_before + 1000);
    CHECK(sending - leaving <= SW_PACKET_TRANSMIT && leaving > 10000);
    CHECK(driver.faults == 0 && stack.faults == 0);
}

static void scribble(void)
{
    size_t at = below(sizeof(struct sw_packet_pool) / 4) * 4;
    uint32_t value = below(3) ? below(0xffffffff) : below(300);

    if (at >= offsetof(struct sw_packet_pool, receive_produced))
        memcpy(pool + at, &value, 4);
}

/* Positions and wishes, which are few among the words of the head. */
static void scribble_line(void)
{
    struct sw_ring_word *lines = &HEAD->receive_produced;
    lines[below(7)].value = below(2) ? below(0xffffffff) : lines[below(4)].value + below(400) - 200;
}

static void test_nonsense(void)
{
    uint32_t deaths = 0;

    reset(0);
    for (uint32_t trial = 0; trial < 300; trial++) {
        for (uint32_t i = 0; i < 300; i++) {
            if (below(8) == 0)
                below(2) ? scribble() : scribble_line();
            turn(below(2), &deaths, &deaths);
        }
        /* It stops; both live on, look once, and traffic flows again. */
        driver_event = stack_event = true;
        for (uint32_t i = 0; i < 2000; i++)
            turn(false, &deaths, &deaths);
        uint64_t before = received + torn + backwards;
        uint32_t sent_before = sending;
        expected = 0;
        for (uint32_t i = 0; i < 2000; i++)
            turn(false, &deaths, &deaths);
        if (received + torn + backwards < before + 50 || sending < sent_before + 50) {
            tap_ok(0, "trial %u: %u received, %u sent after the nonsense stopped", trial,
                   (unsigned)(received + torn + backwards - before), sending - sent_before);
            return;
        }
    }
    CHECK(driver.faults + stack.faults > 0);
    tap_ok(1, "traffic flows again after each of 300 spells of nonsense");
}

/* The packet that killed a stack does not kill its successor. */
static void test_poison(void)
{
    uint8_t *frame;
    uint32_t length, buffer, number;

    reset(7);
    for (uint32_t i = 0; i < 3; i++) {
        packet_driver_buffer(&driver, &buffer);
        frame_fill(pool + packet_receive_offset(buffer) + SW_PACKET_ROOM, i);
        packet_driver_publish(&driver, buffer, LENGTH);
    }
    CHECK(packet_stack_receive(&stack, &frame, &length) && frame_is(frame, &number) && number == 0);
    stack_reborn();
    CHECK(stack.dropped == 1);
    CHECK(packet_stack_receive(&stack, &frame, &length) && frame_is(frame, &number) && number == 1);
    packet_stack_release(&stack);
    stack_reborn(); /* died between packets: none is left out */
    CHECK(stack.dropped == 0);
    CHECK(packet_stack_receive(&stack, &frame, &length) && frame_is(frame, &number) && number == 2);
}

/* Lengths no frame has, from either side. */
static void test_lengths(void)
{
    uint8_t *frame;
    uint32_t length, buffer, slot;

    reset(0);
    packet_driver_buffer(&driver, &buffer);
    CHECK(!packet_driver_publish(&driver, buffer, SW_PACKET_MOST + 1));
    CHECK(!packet_driver_publish(&driver, buffer, SW_PACKET_LEAST - 1));
    CHECK(buffers_held() == SW_PACKET_RECEIVE);
    HEAD->receive[0] = (uint64_t)SW_PACKET_RECEIVE << 32 | 100;
    HEAD->receive[1] = 0xffffffff;
    HEAD->receive_produced.value = 2;
    CHECK(!packet_stack_receive(&stack, &frame, &length) && stack.faults == 2);
    packet_stack_room(&stack);
    packet_stack_send(&stack, SW_PACKET_MOST + 1);
    packet_stack_send(&stack, 100);
    CHECK(packet_driver_take(&driver, &slot, &length) && slot == 1 && length == 100);
    CHECK(driver.faults == 1 && HEAD->transmit_consumed.value == 1);
    packet_driver_done(&driver, slot);
    CHECK(HEAD->transmit_consumed.value == 2);
}

/* ---- every word, every odd value, each side, while it runs and at its start */

static const uint32_t odd[] = { 0,
                                1,
                                2,
                                13,
                                SW_PACKET_TRANSMIT - 1,
                                SW_PACKET_TRANSMIT,
                                SW_PACKET_TRANSMIT + 1,
                                SW_PACKET_RECEIVE - 1,
                                SW_PACKET_RECEIVE,
                                SW_PACKET_RECEIVE + 1,
                                SW_PACKET_MOST,
                                SW_PACKET_MOST + 1,
                                SW_PACKET_BUFFER,
                                0x7fffffff,
                                0x80000000,
                                0xffffff00,
                                0xfffffffe,
                                0xffffffff };

/* Some of everything: packets published and not handled, frames sent, one at the card. */
static bool at_card[SW_PACKET_RECEIVE], slot_at_card[SW_PACKET_TRANSMIT];

static void traffic(void)
{
    uint32_t buffer, slot, length;

    memset(pool, 0, sizeof(struct sw_packet_pool));
    memset(&card, 0, sizeof(card));
    memset(at_card, 0, sizeof(at_card));
    memset(slot_at_card, 0, sizeof(slot_at_card));
    HEAD->receive_produced.value = HEAD->receive_consumed.value = 0xfffffffe;
    HEAD->transmit_produced.value = HEAD->transmit_consumed.value = 0xfffffffe;
    packet_driver_open(&driver, pool);
    packet_stack_open(&stack, pool);
    for (uint32_t i = 0; i < 3; i++) {
        packet_driver_buffer(&driver, &buffer);
        packet_driver_publish(&driver, buffer, LENGTH);
        packet_stack_room(&stack);
        packet_stack_send(&stack, LENGTH);
    }
    packet_driver_buffer(&driver, &buffer);
    at_card[buffer] = true;
    packet_driver_take(&driver, &slot, &length);
    slot_at_card[slot] = true;
}

static const char *stack_runs(void)
{
    uint8_t *frame;
    uint32_t length, count = 0;

    packet_stack_wake(&stack);
    while (packet_stack_receive(&stack, &frame, &length)) {
        size_t offset = (size_t)(frame - pool) - SW_PACKET_ROOM - SW_PACKET_BUFFERS;
        if (offset % SW_PACKET_BUFFER != 0 || offset / SW_PACKET_BUFFER >= SW_PACKET_RECEIVE)
            return "a packet outside its buffer";
        if (length < SW_PACKET_LEAST || length > SW_PACKET_MOST)
            return "a packet of no length there is";
        packet_stack_release(&stack);
        if (++count > SW_PACKET_RECEIVE)
            return "more packets than the ring holds";
    }
    for (count = 0; (frame = packet_stack_room(&stack)); count++) {
        size_t offset = (size_t)(frame - pool) - SW_PACKET_ROOM - packet_transmit_offset(0);
        if (offset % SW_PACKET_BUFFER != 0 || offset / SW_PACKET_BUFFER >= SW_PACKET_TRANSMIT)
            return "room outside a slot";
        if (count == SW_PACKET_TRANSMIT)
            return "more room than the ring has";
        packet_stack_send(&stack, LENGTH);
    }
    packet_stack_flush(&stack);
    for (count = 0; !packet_stack_sleep(&stack, false); count++) {
        if (count == 2)
            return "the stack does not sleep";
        while (packet_stack_receive(&stack, &frame, &length))
            packet_stack_release(&stack);
    }
    return NULL;
}

/* Idle buffers go to the card; which of them should not. */
static const char *buffers_go(void)
{
    uint32_t buffer;

    packet_driver_refresh(&driver);
    while (packet_driver_buffer(&driver, &buffer)) {
        if (buffer >= SW_PACKET_RECEIVE || at_card[buffer])
            return "a buffer given to the card that has it";
        at_card[buffer] = true;
        for (uint32_t at = driver.returned; at != driver.published; at++)
            if (driver.window[at % SW_PACKET_RECEIVE] == buffer)
                return "a buffer given to the card that the stack has";
    }
    return NULL;
}

static const char *driver_runs(void)
{
    uint32_t slot, length, count;
    const char *problem;

    packet_driver_wake(&driver);
    if ((problem = buffers_go()))
        return problem;
    if (driver.returned != driver.published) {
        HEAD->receive_consumed.value = driver.returned + 1; /* the stack is done with one */
        if ((problem = buffers_go()))
            return problem;
    }
    for (count = 0; packet_driver_take(&driver, &slot, &length); count++) {
        if (slot >= SW_PACKET_TRANSMIT || slot_at_card[slot])
            return "a slot sent that is being sent";
        if (length < SW_PACKET_LEAST || length > SW_PACKET_MOST)
            return "a frame of no length there is";
        slot_at_card[slot] = true;
        if (count == SW_PACKET_TRANSMIT)
            return "more frames than the ring holds";
    }
    for (slot = 0; slot < SW_PACKET_TRANSMIT; slot++)
        if (slot_at_card[slot])
            packet_driver_done(&driver, slot);
    for (slot = 0; driver.finished == driver.taken && slot < SW_PACKET_TRANSMIT; slot++)
        if (driver.done[slot])
            return "a slot that counts as sent before there is a frame";
    packet_driver_flush(&driver);
    for (count = 0; !packet_driver_sleep(&driver, true); count++) {
        if (count == 2)
            return "the driver does not sleep";
        packet_driver_refresh(&driver);
        while (packet_driver_take(&driver, &slot, &length))
            packet_driver_done(&driver, slot);
    }
    return NULL;
}

/* The lie is told to one side, while it runs or to its successor. */
static const char *lied_to(bool is_stack, bool is_reborn, size_t at, uint32_t value,
                           bool is_relative)
{
    uint32_t word;

    traffic();
    memcpy(&word, pool + at, sizeof(word));
    word = is_relative ? word + value : value;
    memcpy(pool + at, &word, sizeof(word));
    if (is_stack) {
        if (is_reborn)
            packet_stack_open(&stack, pool);
        return stack_runs();
    }
    if (is_reborn) {
        memset(at_card, 0, sizeof(at_card));
        memset(slot_at_card, 0, sizeof(slot_at_card));
        packet_driver_open(&driver, pool);
        packet_driver_claim(&driver, value);
        packet_driver_sent(&driver, value);
    }
    return driver_runs();
}

static void test_every_field(void)
{
    uint32_t lies = 0;

    for (size_t at = 0; at < sizeof(struct sw_packet_pool); at += 4) {
        for (uint32_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
            for (uint32_t kind = 0; kind < 8; kind++, lies++) {
                const char *problem = lied_to(kind & 1, kind & 2, at, odd[i], kind & 4);
                if (problem) {
                    tap_ok(0, "%s: %s%x at %zu, told to a %s%s", problem, kind & 4 ? "+" : "",
                           odd[i], at, kind & 2 ? "new " : "", kind & 1 ? "stack" : "driver");
                    return;
                }
            }
        }
    }
    tap_ok(1, "%u lies, in every word of the head", lies);
}

int main(void)
{
    test_lives();
    test_nonsense();
    test_poison();
    test_lengths();
    test_every_field();
    return tap_done();
}
