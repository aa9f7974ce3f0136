/* Pairing heap: insert is constant, removal logarithmic on average, nothing allocates.
 *
 * Children of a node form a list through `sibling`; `previous` is the left sibling, or the parent
 * for the leftmost child. Melding two trees makes the one with the larger key the leftmost child
 * of the other. Removal pairs the children iteratively: no recursion, whatever the shape. */
#include "heap.h"

static struct heap_node *heap_meld(struct heap_node *a, struct heap_node *b)
{
    if (!a)
        return b;
    if (!b)
        return a;
    if (b->key < a->key) {
        struct heap_node *swap = a;
        a = b;
        b = swap;
    }
    b->previous = a;
    b->sibling = a->child;
    if (a->child)
        a->child->previous = b;
    a->child = b;
    a->sibling = NULL;
    a->previous = NULL;
    return a;
}

/* Melds a list of siblings into one tree: pairs from the left, then the pairs from the right. */
static struct heap_node *heap_pair(struct heap_node *first)
{
    struct heap_node *pairs = NULL; /* linked by sibling, last pair first */
    while (first) {
        struct heap_node *a = first, *b = a->sibling;
        first = b ? b->sibling : NULL;
        a->sibling = NULL;
        if (b)
            b->sibling = NULL;
        a = heap_meld(a, b);
        a->sibling = pairs;
        pairs = a;
    }
    struct heap_node *root = NULL;
    while (pairs) {
        struct heap_node *after = pairs->sibling;
        pairs->sibling = NULL;
        root = heap_meld(root, pairs);
        pairs = after;
    }
    if (root)
        root->previous = NULL;
    return root;
}

void heap_insert(struct heap *heap, struct heap_node *node, uint64_t key)
{
    node->child = node->sibling = node->previous = NULL;
    node->key = key;
    node->queued = true;
    heap->root = heap_meld(heap->root, node);
}

void heap_remove(struct heap *heap, struct heap_node *node)
{
    if (!node->queued)
        return;
    node->queued = false;
    struct heap_node *children = heap_pair(node->child);
    node->child = NULL;
    if (heap->root == node) {
        heap->root = children;
        return;
    }
    if (node->previous->child == node)
        node->previous->child = node->sibling;
    else
        node->previous->sibling = node->sibling;
    if (node->sibling)
        node->sibling->previous = node->previous;
    node->sibling = node->previous = NULL;
    heap->root = heap_meld(heap->root, children);
}
