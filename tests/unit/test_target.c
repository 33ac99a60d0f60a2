/*
 * drain: take users off a Samba share so that it can be updated
 *
 * Targets and the relations of paths.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#include "unit.h"

#include "drain/target.h"

/*
 * What a person types
 */

static void test_parse_takes(void **state)
{
	static const struct {
		const char *text;
		const char *share;
		const char *path;
	} cases[] = {
		{"pkg", "pkg", ""},
		{"pkg/", "pkg", ""},
		{"pkg/office", "pkg", "office"},
		{"pkg/office/", "pkg", "office"},
		{"pkg/office/16.0/x86", "pkg", "office/16.0/x86"},
		{"my share/my files", "my share", "my files"},
		{"admin$/x", "admin$", "x"},
		{"pkg/...", "pkg", "..."},
		{"pkg/.hidden/..x/x..", "pkg", ".hidden/..x/x.."},
		{"pkg/100%", "pkg", "100%"},
		{"gr\xc3\xb6\xc3\x9f" "e/\xc3\xa4", "gr\xc3\xb6\xc3\x9f" "e",
		 "\xc3\xa4"},
		{"pkg/\xff", "pkg", "\xff"},
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct drain_target target = {.share = NULL};
		const char *why = NULL;

		why = drain_target_parse(*state, cases[i].text, &target);
		if (why != NULL) {
			fail_msg("'%s': %s", cases[i].text, why);
		}
		assert_string_equal(target.share, cases[i].share);
		assert_string_equal(target.path, cases[i].path);
	}
}

enum mistake {
	NO_SHARE,
	BACKSLASH,
	EMPTY_NAME,
	DOT,
	DOT_DOT,
	NUM_MISTAKES,
};

/* Each mistake has a complaint of its own, the same wherever it is made */
static void test_parse_refuses(void **state)
{
	static const struct {
		const char *text;
		enum mistake mistake;
	} cases[] = {
		{"", NO_SHARE},
		{"/", NO_SHARE},
		{"//", NO_SHARE},
		{"/pkg", NO_SHARE},
		{"/pkg/office", NO_SHARE},
		{"//server/pkg", NO_SHARE},
		{"pkg\\office", BACKSLASH},
		{"pkg/office\\16", BACKSLASH},
		{"\\\\server\\pkg", BACKSLASH},
		{"pkg/office\\", BACKSLASH},
		{"pkg//office", EMPTY_NAME},
		{"pkg/office//", EMPTY_NAME},
		{"pkg/office//16", EMPTY_NAME},
		{"pkg///", EMPTY_NAME},
		{"pkg/.", DOT},
		{"pkg/./", DOT},
		{"pkg/./office", DOT},
		{"pkg/office/.", DOT},
		{"pkg/..", DOT_DOT},
		{"pkg/../", DOT_DOT},
		{"pkg/../office", DOT_DOT},
		{"pkg/office/..", DOT_DOT},
		{"pkg/office/../16", DOT_DOT},
	};
	const char *complaints[NUM_MISTAKES] = {NULL};
	size_t i;
	size_t j;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		const char **known = &complaints[cases[i].mistake];
		struct drain_target target = {.share = "as", .path = "before"};
		const char *why = NULL;

		why = drain_target_parse(*state, cases[i].text, &target);
		if (why == NULL || why[0] == '\0') {
			fail_msg("'%s' is taken", cases[i].text);
		}
		if (*known == NULL) {
			*known = why;
		}
		if (strcmp(why, *known) != 0) {
			fail_msg("'%s': %s", cases[i].text, why);
		}
		assert_string_equal(target.share, "as");
		assert_string_equal(target.path, "before");
	}

	assert_non_null(strstr(complaints[NO_SHARE],
			       "a share name is missing"));
	for (i = 0; i < NUM_MISTAKES; i++) {
		for (j = 0; j < i; j++) {
			assert_string_not_equal(complaints[i], complaints[j]);
		}
	}
	/* They are static and nothing else was left behind */
	assert_int_equal(talloc_total_blocks(*state), 1);
}

/* One '/' at the end is forgiven, not two: what if that is "pkg/$name/"? */
static void test_parse_empty_name_after_share(void **state)
{
	struct drain_target target;

	assert_non_null(drain_target_parse(*state, "pkg//", &target));
}

static void test_parse_owns_its_strings(void **state)
{
	TALLOC_CTX *mem_ctx = talloc_new(*state);
	char text[] = "pkg/office";
	struct drain_target target;

	assert_null(drain_target_parse(mem_ctx, text, &target));
	memset(text, 'x', sizeof(text) - 1);
	assert_string_equal(target.share, "pkg");
	assert_string_equal(target.path, "office");

	assert_true(talloc_total_blocks(mem_ctx) > 1);
	talloc_free(mem_ctx);
	assert_int_equal(talloc_total_blocks(*state), 1);
}

static bool name_may_be_in_path(const char *name)
{
	return name[0] != '\0' && strcmp(name, ".") != 0 &&
	       strcmp(name, "..") != 0;
}

/* The rules once more, another way: cut at each '/', then look at the names */
static bool may_be_target(const char *text)
{
	char copy[32];
	char *name = copy;
	char *slash = NULL;
	size_t len = strlen(text);

	snprintf(copy, sizeof(copy), "%s", text);
	if (strchr(copy, '\\') != NULL) {
		return false;
	}
	if (len > 0 && copy[len - 1] == '/') {
		copy[len - 1] = '\0';
	}

	for (;;) {
		slash = strchr(name, '/');
		if (slash != NULL) {
			*slash = '\0';
		}
		if (!name_may_be_in_path(name)) {
			return false;
		}
		if (slash == NULL) {
			return true;
		}
		name = slash + 1;
	}
}

static void check_text(TALLOC_CTX *mem_ctx, const char *text)
{
	struct drain_target target;
	bool taken = drain_target_parse(mem_ctx, text, &target) == NULL;
	char *name = NULL;
	size_t len;

	if (taken != may_be_target(text)) {
		fail_msg("'%s' is %s", text, taken ? "taken" : "refused");
	}
	if (!taken) {
		return;
	}

	/* What is said is what was typed, but for the '/' at the end */
	name = drain_target_name(mem_ctx, &target);
	assert_non_null(name);
	len = strlen(name);
	if (strncmp(name, text, len) != 0 ||
	    (text[len] != '\0' && strcmp(text + len, "/") != 0)) {
		fail_msg("'%s' is called '%s'", text, name);
	}
}

/* Every text of up to 8 characters out of these four */
static void test_parse_everything(void **state)
{
	static const char alphabet[4] = {'a', '/', '.', '\\'};
	size_t len;

	for (len = 0; len <= 8; len++) {
		size_t n;

		for (n = 0; n < (size_t)1 << (2 * len); n++) {
			char text[9] = "";
			size_t i;

			for (i = 0; i < len; i++) {
				text[i] = alphabet[n >> (2 * i) & 3];
			}
			check_text(*state, text);
			talloc_free_children(*state);
		}
	}
}

static void test_name(void **state)
{
	const struct drain_target share = {.share = "pkg", .path = ""};
	const struct drain_target path = {.share = "pkg", .path = "a/b"};

	assert_string_equal(drain_target_name(*state, &share), "pkg");
	assert_string_equal(drain_target_name(*state, &path), "pkg/a/b");
}

/*
 * Relations of paths
 */

static void test_within(void **state)
{
	static const struct {
		const char *path;
		const char *root;
		bool within;
	} cases[] = {
		{"/srv/pkg/off", "/srv/pkg/off", true},
		{"/srv/pkg/off/x", "/srv/pkg/off", true},
		{"/srv/pkg/off/x/y", "/srv/pkg/off", true},
		{"/srv/pkg/office", "/srv/pkg/off", false},
		{"/srv/pkg/office/x", "/srv/pkg/off", false},
		{"/srv/pkg/of", "/srv/pkg/off", false},
		{"/srv/pkg", "/srv/pkg/off", false},
		{"/srv/pkg/Off", "/srv/pkg/off", false},
		{"/srv/pkg/off-", "/srv/pkg/off", false},
		{"/srv/pkg/off.", "/srv/pkg/off", false},
		{"/x/srv/pkg/off", "/srv/pkg/off", false},
		{"/", "/", true},
		{"/srv", "/", true},
		{"/srv/pkg", "/", true},
		{"/", "/srv", false},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		if (drain_path_within(cases[i].path, cases[i].root) !=
		    cases[i].within) {
			fail_msg("%s is %swithin %s", cases[i].path,
				 cases[i].within ? "not " : "", cases[i].root);
		}
	}
}

/* Cut up into names */
struct names {
	size_t count;
	char *name[16];
};

static struct names cut(TALLOC_CTX *mem_ctx, const char *path)
{
	struct names names = {.count = 0};
	char *copy = talloc_strdup(mem_ctx, path);
	char *save = NULL;
	char *name = strtok_r(copy, "/", &save);

	for (; name != NULL; name = strtok_r(NULL, "/", &save)) {
		assert_true(names.count < ARRAY_SIZE(names.name));
		names.name[names.count] = name;
		names.count += 1;
	}
	return names;
}

/* Are all names that both have the same? */
static bool go_the_same_way(const struct names *a, const struct names *b)
{
	size_t i;

	for (i = 0; i < a->count && i < b->count; i++) {
		if (strcmp(a->name[i], b->name[i]) != 0) {
			return false;
		}
	}
	return true;
}

static void test_within_and_overlap_by_name(void **state)
{
	uint64_t seed = 1;
	size_t seen[2] = {0};
	size_t i;

	for (i = 0; i < 50000; i++) {
		const char *path = unit_path(*state, &seed, 5);
		const char *root = unit_path(*state, &seed, 3);
		struct names p = cut(*state, path);
		struct names r = cut(*state, root);
		bool overlap = go_the_same_way(&p, &r);
		bool within = overlap && p.count >= r.count;

		if (drain_path_within(path, root) != within) {
			fail_msg("%s within %s: not %d", path, root, within);
		}
		if (drain_path_overlap(path, root) != overlap ||
		    drain_path_overlap(root, path) != overlap) {
			fail_msg("%s overlaps %s: not %d", path, root,
				 overlap);
		}
		assert_true(drain_path_within(path, path));
		seen[within] += 1;
		talloc_free_children(*state);
	}
	assert_true(seen[false] > 1000 && seen[true] > 1000);
}

/*
 * Paths with %-substitutions
 */

static void test_pattern(void **state)
{
	static const struct {
		const char *pattern;
		const char *path;
		bool overlap;
	} cases[] = {
		/* no substitution */
		{"/srv/pkg", "/srv/pkg", true},
		{"/srv/pkg", "/srv/pkg/x", true},
		{"/srv/pkg", "/srv", true},
		{"/srv/pkg", "/", true},
		{"/", "/srv", true},
		{"/srv/pkg", "/srv/pk", false},
		{"/srv/pkg", "/srv/pkgs", false},
		{"/srv/pkg", "/home", false},
		/* one name, any */
		{"/home/%U", "/home/anna", true},
		{"/home/%U", "/home/anna/bin", true},
		{"/home/%U", "/home", true},
		{"/home/%U", "/", true},
		{"/home/%U", "/srv", false},
		{"/home/%U/bin", "/home/anna/bin", true},
		{"/home/%U/bin", "/home/anna/bin/x", true},
		{"/home/%U/bin", "/home/anna", true},
		{"/home/%U/bin", "/home/anna/lib", false},
		{"/home/%U/bin", "/home/bin", true}, /* bin/bin is below */
		{"/home/%U/%m/x", "/home/anna/pc/x", true},
		{"/home/%U/%m/x", "/home/anna/pc/y", false},
		/* no name at all */
		{"/home/%U/bin", "/home/bin/x", true},
		{"/home/%U%m/%D/bin", "/home/bin/x", true},
		{"/home/x%m/bin", "/home/bin/x", false},
		/* a part of a name */
		{"/srv/pkg-%a", "/srv/pkg-win10", true},
		{"/srv/%D-pkg/x", "/srv/corp-pkg/x", true},
		{"/srv/pkg-%a", "/home/pkg-win10", false},
		/* a whole path */
		{"%H", "/any/where", true},
		{"%H/pub", "/any/where", true},
		{"%P/x", "/any/where", true},
		{"%U", "/any/where", true},
		{"%U/x", "/any/where", true},
		{"%u%m/x/y", "/any/where/else", true},
		{"/jail/%H", "/jail/home/anna", true},
		{"/jail/%H/pub", "/jail/home/anna/pub", true},
		{"/jail/%H/pub", "/jail/home/anna", true},
		{"/jail/%P/pub", "/jail/srv/pkg/pub", true},
		{"/jail/%H/pub", "/jail", true},
		{"/jail/%H/pub", "/srv", false},
		{"/srv/%U/../pkg", "/srv/pkg", true},
		{"/srv/%U/../../pkg", "/srv/pkg/office", true},
		{"/srv/%U/..", "/home", false},
		{"/srv/%U/..pkg", "/srv/anna/pkg", false},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		if (drain_pattern_overlap(cases[i].pattern, cases[i].path) !=
		    cases[i].overlap) {
			fail_msg("%s overlaps %s: not %d", cases[i].pattern,
				 cases[i].path, cases[i].overlap);
		}
	}
}

/* "/jail%H/pub" comes to be "/jail/home/anna/pub" */
static void test_pattern_path_after_name(void **state)
{
	(void)state;
	assert_true(drain_pattern_overlap("/jail%H/pub",
					  "/jail/home/anna/pub"));
	assert_true(drain_pattern_overlap("/jail%P/pub",
					  "/jail/srv/pkg/pub"));
	assert_true(drain_pattern_overlap("/jail%H/pub", "/jail/home"));
	assert_false(drain_pattern_overlap("/x/jail%H", "/y/jail"));
}

/* With every substitution by one of the names that there are, and another */
static bool some_overlaps(TALLOC_CTX *mem_ctx,
			  const char *pattern,
			  const char *path)
{
	static const char *names[] = {
		"", "a", "b", "ab", "abc", "b.", "A", "\xc3\xa4", "another",
	};
	const char *percent = strchr(pattern, '%');
	size_t i;

	if (percent == NULL) {
		char *clean = talloc_strdup(mem_ctx, pattern);
		char *slashes = NULL;

		while ((slashes = strstr(clean, "//")) != NULL) {
			memmove(slashes, slashes + 1, strlen(slashes));
		}
		if (clean[1] != '\0' && clean[strlen(clean) - 1] == '/') {
			clean[strlen(clean) - 1] = '\0';
		}
		return drain_path_overlap(clean, path);
	}
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		char *one = talloc_asprintf(mem_ctx, "%.*s%s%s",
					    (int)(percent - pattern), pattern,
					    names[i], percent + 2);

		assert_non_null(one);
		if (some_overlaps(mem_ctx, one, path)) {
			return true;
		}
	}
	return false;
}

static void test_pattern_by_substitution(void **state)
{
	uint64_t seed = 2;
	size_t seen[2] = {0};
	size_t i;

	for (i = 0; i < 20000; i++) {
		const char *path = unit_path(*state, &seed, 4);
		struct names names = cut(*state,
					 unit_path(*state, &seed, 4));
		char *pattern = talloc_strdup(*state, "");
		bool overlap;
		size_t j;

		for (j = 0; j < names.count; j++) {
			bool any = unit_below(&seed, 3) == 0;

			pattern = talloc_asprintf_append(
				pattern, "/%s", any ? "%U" : names.name[j]);
		}
		if (names.count == 0) {
			pattern = talloc_strdup_append(pattern, "/");
		}

		overlap = some_overlaps(*state, pattern, path);
		if (drain_pattern_overlap(pattern, path) != overlap) {
			fail_msg("%s overlaps %s: not %d", pattern, path,
				 overlap);
		}
		seen[overlap] += 1;
		talloc_free_children(*state);
	}
	assert_true(seen[false] > 1000 && seen[true] > 1000);
}

static void test_join(void **state)
{
	static const struct {
		const char *dir;
		const char *path;
		const char *joined;
	} cases[] = {
		{"/srv/pkg", "", "/srv/pkg"},
		{"/srv/pkg", ".", "/srv/pkg"},
		{"/srv/pkg", "office", "/srv/pkg/office"},
		{"/srv/pkg", "office/16", "/srv/pkg/office/16"},
		{"/srv/pkg", ".hidden", "/srv/pkg/.hidden"},
		{"/", "", "/"},
		{"/", ".", "/"},
		{"/", "srv", "/srv"},
		{"/", "srv/pkg", "/srv/pkg"},
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		char *joined = drain_path_join(*state, cases[i].dir,
					       cases[i].path);

		assert_string_equal(joined, cases[i].joined);
		assert_ptr_equal(talloc_parent(joined), *state);
	}
}

/*
 * Relative
 */

static void test_relative(void **state)
{
	static const struct {
		const char *path;
		const char *dir;
		const char *relative;
	} cases[] = {
		{"/srv/pkg/release-8", "/srv/pkg", "release-8"},
		{"/srv/pkg/a/b", "/srv/pkg", "a/b"},
		{"/srv/pkg/a", "/srv/pkg/b", "../a"},
		{"/srv/pkg/a/b", "/srv/pkg/c/d/e", "../../../a/b"},
		{"/srv/pkg", "/srv/pkg", "."},
		{"/srv", "/srv/pkg", ".."},
		{"/srv", "/srv/pkg/a", "../.."},
		/* by component */
		{"/srv/pkg2", "/srv/pkg", "../pkg2"},
		{"/srv/pkg", "/srv/pkg2", "../pkg"},
		{"/srv/pkg2/a", "/srv/pkg/a", "../../pkg2/a"},
		{"/a", "/b", "../a"},
		{"/a", "/", "a"},
		{"/", "/a", ".."},
		{"/", "/", "."},
		{"/a b/-c\n", "/a b", "-c\n"},
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		char *relative = drain_path_relative(*state, cases[i].path,
						     cases[i].dir);

		assert_string_equal(relative, cases[i].relative);
		assert_ptr_equal(talloc_parent(relative), *state);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		talloc_test(test_parse_takes),
		talloc_test(test_parse_refuses),
		talloc_test(test_parse_empty_name_after_share),
		talloc_test(test_parse_owns_its_strings),
		talloc_test(test_parse_everything),
		talloc_test(test_name),
		talloc_test(test_within),
		talloc_test(test_within_and_overlap_by_name),
		talloc_test(test_pattern),
		talloc_test(test_pattern_path_after_name),
		talloc_test(test_pattern_by_substitution),
		talloc_test(test_join),
		talloc_test(test_relative),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
