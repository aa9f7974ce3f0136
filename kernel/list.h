/* Intrusive doubly linked list with a head of the same type. An element that is in no list
 * points to itself, so list_remove is harmless twice. */
#pragma once
#include "types.h"

struct list {
    struct list *next, *previous;
};

#define LIST_INIT(name)                                                                            \
    {                                                                                              \
        &(name), &(name)                                                                           \
    }

static inline void list_init(struct list *list)
{
    list->next = list->previous = list;
}

static inline bool list_empty(const struct list *list)
{
    return list->next == list;
}

static inline void list_add_tail(struct list *head, struct list *element)
{
    element->previous = head->previous;
    element->next = head;
    head->previous->next = element;
    head->previous = element;
}

static inline void list_add_head(struct list *head, struct list *element)
{
    list_add_tail(head->next, element);
}

static inline void list_remove(struct list *element)
{
    element->previous->next = element->next;
    element->next->previous = element->previous;
    list_init(element);
}

#define list_first(head, type, member) CONTAINER((head)->next, type, member)
#define list_for_each(at, head) for (struct list *at = (head)->next; at != (head); at = at->next)
#define list_for_each_safe(at, after, head)                                                        \
    for (struct list *at = (head)->next, *after = at->next; at != (head);                          \
         at = after, after = at->next)
