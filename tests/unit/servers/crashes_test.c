/* What logd keeps of crash records: places, what is cut, what is believed after a death. */
#include <stdlib.h>
#include <string.h>

#include "crashes.h"
#include "tap.h"

static struct crash_place *places;

static void store(uint64_t number, const char *text)
{
    struct crash_place *place = crash_begin(places);
    crash_add(place, "", text, strlen(text));
    crash_finish(place, number, number < 3);
}

static void test_places(void)
{
    char text[64], list[1024];
    places = calloc(CRASH_PLACES, sizeof(*places));
    CHECK(crashes_open(places) == 0 && !crash_find(places, 0) && !crash_find(places, 1));
    CHECK(crash_list(places, list, sizeof(list)) == 0);
    for (uint64_t n = 1; n <= CRASH_PLACES + 2; n++) {
        snprintf(text, sizeof(text), "p pid %d ended\nprogram a base b at %d ms\n", (int)n,
                 (int)n * 10);
        store(n, text);
    }
    CHECK(!crash_find(places, 1) && !crash_find(places, 2) && crash_find(places, 3));
    CHECK(crashes_open(places) == CRASH_PLACES + 2);
    list[crash_list(places, list, sizeof(list) - 1)] = 0;
    CHECK(strncmp(list, "10\t0\t100\tp pid 10 ended\n9\t0\t90\tp pid 9 ended\n", 45) == 0);
    CHECK(strstr(list, "\n3\t0\t30\tp pid 3 ended\n") && !strstr(list, "\n2\t"));
    size_t cut = crash_list(places, list, 60); /* whole lines */
    CHECK(cut == 45 && list[44] == '\n');
    free(places);
}

static void test_death(void)
{
    places = calloc(CRASH_PLACES, sizeof(*places));
    store(1, "one\n");
    store(5, "five\n");
    struct crash_place *place = crash_begin(places); /* and no more */
    crash_add(place, "", "half", 4);
    CHECK(crashes_open(places) == 5 && crash_find(places, 1) && crash_find(places, 1)->earlier);
    place->magic = CRASH_MAGIC;
    place->number = 6; /* the number, but not the check */
    CHECK(crashes_open(places) == 5 && !crash_find(places, 6));
    ((struct crash_place *)crash_find(places, 5))->text[1] ^= 1;
    CHECK(crashes_open(places) == 1 && !crash_find(places, 5));
    ((struct crash_place *)crash_find(places, 1))->length = CRASH_PLACE_SIZE;
    CHECK(crashes_open(places) == 0);
    free(places);
}

static void test_cut(void)
{
    struct crash_place *place;
    static char long_text[3 * CRASH_PLACE_SIZE];
    places = calloc(CRASH_PLACES, sizeof(*places));
    place = crash_begin(places);
    const char *text = "a last log lines\nb\nlast log lines\nc\nlast log lines\n";
    crash_add(place, "", text, strlen(text));
    crash_cut_lines(place);
    CHECK(place->length == 19 && memcmp(place->text, text, 19) == 0);
    crash_cut_lines(place);
    CHECK(place->length == 19);

    for (size_t i = 0; i < sizeof(long_text); i++)
        long_text[i] = i % 100 == 99 ? '\n' : 'a' + (char)(i / 100 % 26);
    crash_add(place, "title\n", long_text, sizeof(long_text));
    CHECK(place->length <= sizeof(place->text) && place->length > sizeof(place->text) - 100);
    CHECK(memcmp(place->text + 19, "title\n", 6) == 0 && (place->length - 25) % 100 == 4);
    CHECK(memcmp(place->text + place->length - 100, long_text + sizeof(long_text) - 100, 100) == 0);
    uint32_t full = place->length;
    for (int i = 0; i < 3; i++)
        crash_add(place,
                  "more of it: a title of more than what is left, for it is as long as a line "
                  "can be and a bit longer than that\n",
                  "x\n", 2);
    CHECK(place->length == full);

    /* the text may lie where it is to go */
    place = crash_begin(places);
    memcpy(place->text, "one\ntwo\n", 8);
    crash_add(place, "t\n", place->text, 8);
    CHECK(place->length == 10 && memcmp(place->text, "t\none\ntwo\n", 10) == 0);

    CHECK(crash_tail("ab\ncd\n", 6, 6) == 0 && crash_tail("ab\ncd\n", 6, 5) == 3 &&
          crash_tail("ab\ncd\n", 6, 3) == 3 && crash_tail("ab\ncd\n", 6, 2) == 6 &&
          crash_tail("abcdef", 6, 3) == 6);
    CHECK(crash_program("name pid 3\n", 11) == 4 && crash_program("name\nx y", 8) == 4 &&
          crash_program("", 0) == 0);
    free(places);
}

int main(void)
{
    test_places();
    test_death();
    test_cut();
    return tap_done();
}
