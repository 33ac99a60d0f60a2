/*
 * drain: take users off a Samba share so that it can be updated
 *
 * The addresses of a client.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#include "unit.h"

#include "drain/address.h"

static void test_of(void **state)
{
	static const char *const cases[][2] = {
		{"ipv4:10.0.0.17:49152", "10.0.0.17"},
		{"ipv6:::1:49152", "::1"},
		{"ipv6:2001:db8::17:49152", "2001:db8::17"},
		{"ipv6:::ffff:10.0.0.17:49152", "10.0.0.17"},
		{"ipv6:::ffff:17:49152", "::ffff:17"},
		{"unix:/run/x:y:z", "unix:/run/x:y:z"},
		{"ipv4", "ipv4"},
		{"ipv4:", "ipv4:"},
		{"", ""},
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_string_equal(drain_address_of(*state, cases[i][0]),
				    cases[i][1]);
	}
}

static void test_each_once(void **state)
{
	struct drain_addresses client = {.num = 0};

	assert_string_equal(drain_addresses_text(*state, &client), "?");
	assert_true(drain_addresses_add(*state, &client, "ipv4:10.0.0.1:1"));
	assert_string_equal(drain_addresses_text(*state, &client), "10.0.0.1");
	assert_true(drain_addresses_add(*state, &client, "ipv4:10.0.0.2:1"));
	assert_true(drain_addresses_add(*state, &client, "ipv4:10.0.0.1:2"));
	assert_int_equal(client.num, 2);
	assert_string_equal(client.list[0], "10.0.0.1");
	assert_string_equal(client.list[1], "10.0.0.2");
	assert_string_equal(drain_addresses_text(*state, &client),
			    "10.0.0.1+1");
}

static void test_no_room(void **state)
{
	struct drain_addresses client = {.num = 0};
	int i;

	for (i = 0; i <= DRAIN_ADDRESSES_MAX; i++) {
		assert_true(drain_addresses_add(
			*state, &client,
			talloc_asprintf(*state, "ipv4:10.0.0.%d:1", i)));
	}
	assert_int_equal(client.num, DRAIN_ADDRESSES_MAX);
	assert_string_equal(client.list[DRAIN_ADDRESSES_MAX - 1], "10.0.0.31");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		talloc_test(test_of),
		talloc_test(test_each_once),
		talloc_test(test_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
