/* Normal form of paths, and prefixes. */
#include "tap.h"
#include <string.h>
#include <swos/path.h>

static void normal(const char *directory, const char *path, const char *wanted)
{
    char out[SW_PATH_MAX];
    status_t status = sw_path_normalize(directory, path, out);
    tap_ok(status == SW_OK && strcmp(out, wanted) == 0, "%s + %s = %s", directory, path, wanted);
}

static void below(const char *path, const char *prefix, const char *wanted)
{
    const char *rest = NULL;
    int is = sw_path_below(path, prefix, &rest);
    tap_ok(wanted ? is && strcmp(rest, wanted) == 0 : !is, "%s below %s: %s", path, prefix,
           wanted ? wanted : "no");
}

static void test_length(void)
{
    char out[SW_PATH_MAX], path[SW_PATH_MAX + 2];
    memset(path, 'a', sizeof(path));
    path[SW_PATH_MAX - 2] = 0; /* with its slash and NUL just what fits */
    CHECK(sw_path_normalize("/", path, out) == SW_OK && strlen(out) == SW_PATH_MAX - 1);
    path[SW_PATH_MAX - 2] = 'a';
    path[SW_PATH_MAX - 1] = 0;
    CHECK(sw_path_normalize("/", path, out) == SW_NAME_TOO_LONG);
    char ups[3 * SW_PATH_MAX + 1];
    for (int i = 0; i < SW_PATH_MAX; i++)
        memcpy(ups + 3 * i, "../", 3);
    ups[3 * SW_PATH_MAX] = 0;
    CHECK(sw_path_normalize("/a/b", ups, out) == SW_OK && strcmp(out, "/") == 0);
}

int main(void)
{
    normal("/", "/", "/");
    normal("/", "", "/");
    normal("/a/b", "", "/a/b");
    normal("/a/b", "c", "/a/b/c");
    normal("/a/b", "/c", "/c");
    normal("/a/b", "../c", "/a/c");
    normal("/a/b", "../../../../c", "/c");
    normal("/a/b", ".", "/a/b");
    normal("/a/b", "..", "/a");
    normal("/a", "..", "/");
    normal("/", "//a///b//", "/a/b");
    normal("/", "a/./b/../c/", "/a/c");
    normal("/", "...", "/...");
    normal("/", "..a/.b", "/..a/.b");
    test_length();
    below("/", "/", "");
    below("/a", "/", "a");
    below("/tmp", "/tmp", "");
    below("/tmp/x/y", "/tmp", "x/y");
    below("/tmpx", "/tmp", NULL);
    below("/tm", "/tmp", NULL);
    below("/a/tmp", "/tmp", NULL);
    return tap_done();
}
