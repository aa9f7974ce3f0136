/* E. W. Myers, "An O(ND) Difference Algorithm and Its Variations" (1986), section 4b: the middle of a shortest way is
 * looked for from both ends at once, then each half alone, so that memory is linear in the number of lines. */
#include "myers.h"
#include <stdlib.h>

struct comparison {
    const uint32_t *a, *b;
    bool *a_changed, *b_changed;
    /* how far each diagonal has come: x of the furthest point, forward and backward */
    ptrdiff_t *forward, *backward;
};

struct point {
    ptrdiff_t x, y;
};

/* A point in the middle of a shortest way through a[a0..a1), b[b0..b1); both have lines, and differ at both ends. */
static struct point middle(struct comparison *c, ptrdiff_t a0, ptrdiff_t a1, ptrdiff_t b0,
                           ptrdiff_t b1)
{
    ptrdiff_t least = a0 - b1, most = a1 - b0, start = a0 - b0, stop = a1 - b1;
    ptrdiff_t low = start, high = start, back_low = stop, back_high = stop;
    bool odd = (start - stop) & 1;
    c->forward[start] = a0;
    c->backward[stop] = a1;
    for (;;) {
        /* one step more from the start; diagonals beyond the edges are left out */
        if (low > least)
            c->forward[--low - 1] = -1;
        else
            low++;
        if (high < most)
            c->forward[++high + 1] = -1;
        else
            high--;
        for (ptrdiff_t d = high; d >= low; d -= 2) {
            ptrdiff_t down = c->forward[d - 1], right = c->forward[d + 1];
            ptrdiff_t x = down >= right ? down + 1 : right, y = x - d;
            while (x < a1 && y < b1 && c->a[x] == c->b[y]) {
                x++;
                y++;
            }
            c->forward[d] = x;
            if (odd && back_low <= d && d <= back_high && c->backward[d] <= x)
                return (struct point){ x, y };
        }
        if (back_low > least)
            c->backward[--back_low - 1] = PTRDIFF_MAX;
        else
            back_low++;
        if (back_high < most)
            c->backward[++back_high + 1] = PTRDIFF_MAX;
        else
            back_high--;
        for (ptrdiff_t d = back_high; d >= back_low; d -= 2) {
            ptrdiff_t up = c->backward[d - 1], left = c->backward[d + 1];
            ptrdiff_t x = up < left ? up : left - 1, y = x - d;
            while (x > a0 && y > b0 && c->a[x - 1] == c->b[y - 1]) {
                x--;
                y--;
            }
            c->backward[d] = x;
            if (!odd && low <= d && d <= high && x <= c->forward[d])
                return (struct point){ x, y };
        }
    }
}

static void compare(struct comparison *c, ptrdiff_t a0, ptrdiff_t a1, ptrdiff_t b0, ptrdiff_t b1)
{
    for (;;) {
        while (a0 < a1 && b0 < b1 && c->a[a0] == c->b[b0]) {
            a0++;
            b0++;
        }
        while (a0 < a1 && b0 < b1 && c->a[a1 - 1] == c->b[b1 - 1]) {
            a1--;
            b1--;
        }
        if (a0 == a1 || b0 == b1)
            break;
        struct point point = middle(c, a0, a1, b0, b1);
        compare(c, a0, point.x, b0, point.y);
        a0 = point.x;
        b0 = point.y;
    }
    for (; a0 < a1; a0++)
        c->a_changed[a0] = true;
    for (; b0 < b1; b0++)
        c->b_changed[b0] = true;
}

/* A run of changed lines may stand as well one line later when the line behind it is its first one. As late as that goes,
 * runs that meet become one, and it is where people look for it. */
static void settle(const uint32_t *lines, bool *changed, size_t count, const bool *other,
                   size_t other_count)
{
    size_t i = 0, j = 0;
    for (;;) {
        while (i < count && !changed[i]) {
            while (j < other_count && other[j])
                j++;
            i++;
            j++;
        }
        if (i >= count)
            return;
        size_t end = i;
        while (end < count && changed[end])
            end++;
        /* not when the other side has a change here as well: both together are one change */
        bool together = j < other_count && other[j];
        while (!together && end < count && lines[i] == lines[end]) {
            changed[i++] = false;
            changed[end++] = true;
            j++;
            while (end < count && changed[end])
                end++;
            together = j < other_count && other[j];
        }
        i = end;
    }
}

bool myers_compare(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count,
                   bool *a_changed, bool *b_changed)
{
    size_t diagonals = a_count + b_count + 5;
    ptrdiff_t *space = malloc(2 * diagonals * sizeof(*space));
    if (!space)
        return false;
    struct comparison c = {
        a, b, a_changed, b_changed, space + b_count + 2, space + diagonals + b_count + 2
    };
    compare(&c, 0, (ptrdiff_t)a_count, 0, (ptrdiff_t)b_count);
    free(space);
    settle(a, a_changed, a_count, b_changed, b_count);
    settle(b, b_changed, b_count, a_changed, a_count);
    return true;
}
