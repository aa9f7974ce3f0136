/* The pairing heap against a sorted array, with random insertions, removals and key ties. */
#include "heap.h"
#include "tap.h"
#include <stdlib.h>

#define NODES 2000

static struct heap_node nodes[NODES];
static struct heap heap;

static const struct heap_node *smallest(void)
{
    const struct heap_node *best = NULL;
    for (int i = 0; i < NODES; i++)
        if (nodes[i].queued && (!best || nodes[i].key < best->key))
            best = &nodes[i];
    return best;
}

static bool agrees(void)
{
    const struct heap_node *expected = smallest(), *found = heap_first(&heap);
    return expected ? found && found->key == expected->key : !found;
}

int main(void)
{
    srand(1);
    bool good = true;
    for (int step = 0; step < 20000; step++) {
        struct heap_node *node = &nodes[rand() % NODES];
        if (!node->queued)
            heap_insert(&heap, node, (uint64_t)(rand() % 500));
        else if (rand() % 2)
            heap_remove(&heap, node);
        if (rand() % 3 == 0 && heap_first(&heap))
            heap_remove(&heap, heap_first(&heap));
        good = good && agrees();
    }
    tap_ok(good, "the first is the smallest after each of 20000 steps");
    heap_remove(&heap, &nodes[0]);
    heap_remove(&heap, &nodes[0]);
    tap_ok(agrees(), "removing twice is harmless");
    uint64_t last = 0, count = 0;
    struct heap_node *node;
    for (good = true; (node = heap_first(&heap)); count++) {
        good = good && node->key >= last;
        last = node->key;
        heap_remove(&heap, node);
    }
    tap_ok(good && !smallest(), "%lu come out in order", (unsigned long)count);
    /* The worst shape: each removal of the root melds all others. */
    for (int i = 0; i < NODES; i++)
        heap_insert(&heap, &nodes[i], (uint64_t)(NODES - i));
    for (good = true, last = 0; (node = heap_first(&heap));
         last = node->key, heap_remove(&heap, node))
        good = good && node->key > last;
    tap_ok(good, "descending keys come out ascending");
    return tap_done();
}
