/* What the parts of this program share: the operations of all protocols, and odd things to put into
 * messages. A thread's numbers follow from its random_state alone. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <swos/abi.h>

/* Where the parts of a request or reply lie. */
struct part {
    uint16_t size; /* of all before the strings */
    uint16_t strings_at, string_count;
};

struct operation {
    const char *protocol, *name;
    uint16_t id, version, number;
    struct part request, reply;
    uint32_t flags; /* SW_CALL_DATA_* */
    const char *send[SW_HANDLES_MAX], *receive[SW_HANDLES_MAX];
};

extern const struct operation operations[];
extern const size_t operation_count;

/* The operation a message says it is; NULL: none. */
const struct operation *operation_find(const uint8_t *message, size_t length);

extern _Thread_local uint64_t random_state;

uint32_t below(uint32_t limit);

/* A number of the kind that breaks things. */
uint64_t odd_number(void);

/* A word, which may mean something to a server, or nothing, or be long. */
const char *odd_text(void);

/* Odd numbers in the places of fields, and text behind. */
void odd_fill(uint8_t *bytes, size_t length);

/* Lines and columns of words, of the kind that servers answer. */
void odd_lines(uint8_t *bytes, size_t length);

/* A message whose strings have the lengths it says, which fit into `limit`. Returns its length. */
size_t odd_compose(uint8_t *bytes, const struct part *part, size_t limit);

/* Makes the handles that are sent. */
bool odds_create(void);

/* A handle of the kind the tables name, or of another. */
handle_t odd_handle(const char *kind);

/* The handle of that kind from now on. */
void odd_handle_set(const char *kind, handle_t handle);

/* Handles as the tables list them, or any number of any kind. Returns their number. */
uint32_t odd_handles(const char *const kinds[SW_HANDLES_MAX], handle_t handles[SW_HANDLES_MAX]);

#define HELD_MAX 8
#define PROTOCOLS 32 /* their numbers are below */

/* The hostile server (server.c). */
struct serving {
    handle_t channel, port, connection;
    uint64_t held[HELD_MAX]; /* calls not answered yet */
    uint32_t held_count;
    uint32_t answered[PROTOCOLS];
};
extern struct serving serving;

/* Answers a call, later, never (its channel loses its server), or wrongly. */
void misbehave(const struct sw_event *event, const uint8_t *message);

/* Whoever was kept waiting hears something at last. */
void release(void);

/* Hostile connections of netd: `count` pairs (rings.c). */
void rings(uint32_t count);

/* The ways to use the program; see main.c. Each returns its exit status. */
int client(uint32_t count);
int service_client(uint32_t count);
int service_disk(uint32_t count);
int service_packets(uint32_t count);
int server(const char *seed, uint32_t count);
int enemy(void);
int victim(uint32_t count);
int rules(void);
