/*
 * drain: take users off a Samba share so that it can be updated
 *
 * Mounts.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#include "unit.h"

#include "drain/mount.h"

static void test_parse(void **state)
{
	struct drain_mount mount;
	char *line = talloc_strdup(
		*state, "36 35 98:0 /a\\040b /mnt/x\\134y rw,noatime "
			"master:1 - ext3 /dev/root rw,errors=continue\n");

	assert_true(drain_mount_parse(line, &mount));
	assert_string_equal(mount.device, "98:0");
	assert_string_equal(mount.root, "/a b");
	assert_string_equal(mount.point, "/mnt/x\\y");
}

static void test_parse_others(void **state)
{
	static const char *lines[] = {
		"", "\n", "36", "36 35 98:0 /", "36 35 0:4 net:[4026531840] /x",
		"36 35 98:0 / x rw - ext3 /dev/root rw",
	};
	struct drain_mount mount;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		char *line = talloc_strdup(*state, lines[i]);

		if (drain_mount_parse(line, &mount) &&
		    (mount.root[0] != '/' || mount.point[0] != '/')) {
			fail_msg("%s: is a mount", lines[i]);
		}
	}
}

/* No octal number of three digits: as it is */
static void test_parse_escapes(void **state)
{
	struct drain_mount mount;
	char *line = talloc_strdup(*state, "1 2 3:4 /\\04 /\\400\\09 rw");

	assert_true(drain_mount_parse(line, &mount));
	assert_string_equal(mount.root, "/\\04");
	assert_string_equal(mount.point, "/\\400\\09");
}

static const struct drain_mount mounts[] = {
	{"8:1", "/", "/"},
	{"8:2", "/", "/srv"},
	{"8:2", "/pkg", "/export/pkg"},
	{"8:2", "/pkg/app", "/srv/alias"},
	{"8:1", "/var", "/export"},
	{"8:3", "/", "/srv/hidden"},
	{"8:4", "/", "/srv/hidden"},
};

static void test_of(void **state)
{
	static const struct {
		const char *path;
		size_t mount;
	} cases[] = {
		{"/", 0}, {"/srvx", 0}, {"/srv", 1}, {"/srv/pkg/app", 1},
		{"/export/pkg/app", 2}, {"/export/pkg2", 4},
		{"/srv/alias/x", 3}, {"/srv/hidden/x", 6},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_ptr_equal(drain_mount_of(mounts, ARRAY_SIZE(mounts),
						cases[i].path),
				 &mounts[cases[i].mount]);
	}
	assert_null(drain_mount_of(mounts + 1, 1, "/home"));
}

static void test_alias(void **state)
{
	static const struct {
		const char *path;
		size_t other;
		const char *name; /* NULL: there is none */
		const char *alias;
	} cases[] = {
		{"/srv/pkg", 2, "/srv/pkg", "/export/pkg"},
		{"/srv/pkg/app", 2, "/srv/pkg/app", "/export/pkg/app"},
		{"/srv", 2, "/srv/pkg", "/export/pkg"},
		{"/srv/pkg", 3, "/srv/pkg/app", "/srv/alias"},
		{"/srv/pkg2", 2, NULL, NULL},
		{"/srv/pkg/app2", 3, NULL, NULL},
		{"/srv/pkg", 1, NULL, NULL}, /* itself */
		{"/srv/pkg", 4, NULL, NULL}, /* another file system */
		{"/export/pkg", 1, "/export/pkg", "/srv/pkg"},
		{"/export/pkg/app", 3, "/export/pkg/app", "/srv/alias"},
		{"/var/x", 4, "/var/x", "/export/x"},
		{"/", 4, "/var", "/export"},
		{"/export/x", 0, "/export/x", "/var/x"},
	};
	const char *alias = NULL;
	const char *name = NULL;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		bool found = drain_mount_alias(
			*state,
			drain_mount_of(mounts, ARRAY_SIZE(mounts),
				       cases[i].path),
			&mounts[cases[i].other], cases[i].path, &name, &alias);

		if (found != (cases[i].name != NULL)) {
			fail_msg("%s by mount %zu: %d", cases[i].path,
				 cases[i].other, found);
		}
		if (found) {
			assert_string_equal(name, cases[i].name);
			assert_string_equal(alias, cases[i].alias);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		talloc_test(test_parse),
		talloc_test(test_parse_others),
		talloc_test(test_parse_escapes),
		talloc_test(test_of),
		talloc_test(test_alias),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
