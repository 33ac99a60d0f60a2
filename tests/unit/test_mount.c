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

static const struct drain_mount mounts[] = {
	{1, "/", "/"},
	{2, "/", "/srv"},
	{2, "/pkg", "/export/pkg"},
	{2, "/pkg/app", "/srv/alias"},
	{1, "/var", "/export"},
	{3, "/", "/srv/hidden"},
	{4, "/", "/srv/hidden"},
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
		talloc_test(test_of),
		talloc_test(test_alias),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
