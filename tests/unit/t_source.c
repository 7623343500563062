/* SPDX-License-Identifier: Apache-2.0 */
/* t_source.c - listing pictures: order, identities, names, links, what is passed over, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "formats/source.h"
#include "temp.h"

static lk_error err;

/* The list as "path=identity;" with the temporary folder left out. */
static char *flat(const struct lk_source *s)
{
    char *text;
    size_t len, skip = strlen(temp_path(""));
    FILE *f = open_memstream(&text, &len);
    struct lk_str path = LK_STR_INIT;
    for (size_t i = 0; i < lk_source_count(s); i++) {
        assert_int_equal(lk_source_path(s, i, &path, &err), LK_OK);
        const char *identity = lk_source_identity(s, i);
        fprintf(f, "%s=%s;", path.text + skip, identity != NULL ? identity : "");
    }
    lk_str_free(&path);
    fclose(f);
    return text;
}

static void check_list(const char *const *inputs, size_t n, size_t identities, const char *want)
{
    struct lk_source *s;
    if (lk_source_open(&s, inputs, n, NULL, &err) != LK_OK)
        fail_msg("%s", err.text);
    char *got = flat(s);
    assert_string_equal(got, want);
    assert_int_equal(lk_source_identities(s), identities);
    free(got);
    lk_source_close(s);
}

static void refuse(const char *input, lk_status code, const char *why)
{
    struct lk_source *s;
    assert_int_equal(lk_source_open(&s, &input, 1, NULL, &err), code);
    if (strstr(err.text, why) == NULL)
        fail_msg("'%s' does not say '%s'", err.text, why);
}

static void test_order(void **state)
{
    (void)state;
    const char *root = temp_dir("set");
    static const char *const dirs[] = {"set/b", "set/a", "set/a.b", "set/a/deep", "set/.hidden", "set/empty"};
    for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++)
        temp_dir(dirs[i]);
    static const char *const files[] = {
        "set/b/2.jpg", "set/b/10.JPG",       "set/a/x.png",        "set/a.b/x.WebP", "set/a/deep/y.jpeg",
        "set/top.png", "set/.hidden/z.png",  "set/.z.png",         "set/notes.txt",  "set/jpg",
        "set/.jpg",    "set/b/\xc3\xa9.jpg", "set/b/\xe9,\"\n.jpg"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        temp_text(files[i], "x");
    const char *want =
        "/set/a.b/x.WebP=a.b;/set/a/deep/y.jpeg=a;/set/a/x.png=a;/set/b/10.JPG=b;/set/b/2.jpg=b;"
        "/set/b/\xc3\xa9.jpg=b;/set/b/\xe9,\"\n.jpg=b;/set/top.png=;";
    check_list(&root, 1, 3, want);
    const char *single = temp_path("set/b/2.jpg"), *slash = temp_path("set/b//");
    const char *both[] = {single, slash, temp_path("set/a")};
    check_list(both, 3, 1,
               "/set/b/2.jpg=;/set/b//10.JPG=;/set/b//2.jpg=;/set/b//\xc3\xa9.jpg=;"
               "/set/b//\xe9,\"\n.jpg=;/set/a/deep/y.jpeg=deep;/set/a/x.png=;");
    const char *twice[] = {root, root};
    struct lk_source *s;
    assert_int_equal(lk_source_open(&s, twice, 2, NULL, &err), LK_OK);
    assert_int_equal(lk_source_count(s), 16);
    assert_int_equal(lk_source_identities(s), 3);
    uint8_t *bytes;
    size_t len;
    assert_int_equal(lk_source_read(s, 15, &bytes, &len, &err), LK_OK);
    assert_int_equal(len, 1);
    free(bytes);
    lk_source_close(s);
}

static void test_links(void **state)
{
    (void)state;
    const char *root = temp_dir("links");
    temp_dir("links/sub");
    temp_text("links/sub/a.png", "x");
    assert_int_equal(symlink("sub/a.png", temp_path("links/file.png")), 0);
    assert_int_equal(symlink("..", temp_path("links/sub/loop")), 0);
    assert_int_equal(symlink("..", temp_path("links/sub/loop.png")), 0);
    assert_int_equal(symlink("nowhere", temp_path("links/broken.png")), 0);
    assert_int_equal(mkfifo(temp_path("links/pipe.png"), 0600), 0);
    check_list(&root, 1, 1, "/links/broken.png=;/links/file.png=;/links/sub/a.png=sub;");
    refuse(temp_path("links/pipe.png"), LK_EFORMAT, "a special file");
    struct lk_source *s;
    uint8_t *bytes;
    size_t len;
    assert_int_equal(lk_source_open(&s, &root, 1, NULL, &err), LK_OK);
    assert_int_equal(lk_source_read(s, 0, &bytes, &len, &err), LK_EIO); /* reported, not lost */
    lk_source_close(s);
}

static void test_refuses(void **state)
{
    (void)state;
    refuse(temp_path("missing"), LK_EIO, "/missing: cannot open: No such file");
    temp_dir("texts");
    temp_text("texts/a.txt", "x");
    temp_text("texts/b.csv", "x");
    refuse(temp_path("texts"), LK_EFORMAT,
           "/texts: no pictures in this folder: expected files ending in .jpg");
    assert_non_null(strstr(err.text, "found 2 other files, and 0 links"));
    temp_dir("linked");
    assert_int_equal(symlink(temp_path("texts"), temp_path("linked/a")), 0);
    refuse(temp_path("linked"), LK_EFORMAT, "found 0 other files, and 1 links to folders, which are not followed");
    struct lk_source *s;
    assert_int_equal(lk_source_open(&s, NULL, 0, NULL, &err), LK_EINVAL);

    char deep[1000];
    strcpy(deep, "deep");
    temp_dir(deep);
    for (int i = 0; i < 70; i++) {
        strcat(deep, "/d");
        temp_dir(deep);
    }
    refuse(temp_path("deep"), LK_EFORMAT, "folders nested more than 64 deep");

    temp_dir("locked");
    temp_dir("locked/in");
    temp_text("locked/a.png", "x");
    chmod(temp_path("locked/in"), 0);
    if (access(temp_path("locked/in"), R_OK) != 0) /* root may read everything */
        refuse(temp_path("locked"), LK_EIO, "/locked/in: cannot read this folder: Permission denied");
    chmod(temp_path("locked/in"), 0700);
}

/* Names so long that the whole path is beyond PATH_MAX: an error that names it, no overflow. */
static void test_long_path(void **state)
{
    (void)state;
    char name[201];
    memset(name, 'n', 200);
    name[200] = '\0';
    const char *root = temp_dir("long");
    char *here = getcwd(NULL, 0);
    assert_int_equal(chdir(root), 0);
    for (int i = 0; i < 25; i++) {
        assert_int_equal(mkdir(name, 0700), 0);
        assert_int_equal(chdir(name), 0);
    }
    refuse(root, LK_EIO, "File name too long");
    for (int i = 0; i < 25; i++) {
        assert_int_equal(chdir(".."), 0);
        assert_int_equal(rmdir(name), 0);
    }
    assert_int_equal(chdir(here), 0);
    free(here);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_links),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_long_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
