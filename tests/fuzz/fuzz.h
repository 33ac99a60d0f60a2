/*
 * drain: take users off a Samba share so that it can be updated
 *
 * What all harnesses need: a talloc context for each input, and pieces of it.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#ifndef _DRAIN_TESTS_FUZZ_H_
#define _DRAIN_TESTS_FUZZ_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>

/* What must be true of every input; libFuzzer keeps the one of which it is not */
#define CHECK(condition)                                                      \
	do {                                                                  \
		if (!(condition)) {                                           \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__,      \
				__LINE__, #condition);                        \
			abort();                                              \
		}                                                             \
	} while (0)

struct fuzz_input {
	TALLOC_CTX *mem_ctx; /* freed when the harness is through */
	const uint8_t *data;
	size_t size;
};

/** What a harness does with an input. */
void fuzz_one(struct fuzz_input *input);

/** The next bytes as a number, little end first; 0 where there are none. */
uint64_t fuzz_number(struct fuzz_input *input, size_t bytes);

/** The rest, up to a NUL if there is one. */
char *fuzz_text(struct fuzz_input *input);

/** The same, up to the end of the line. */
char *fuzz_line(struct fuzz_input *input);

/** A line made an absolute clean path, as realpath(3) makes them. */
char *fuzz_path(struct fuzz_input *input);

#endif /* _DRAIN_TESTS_FUZZ_H_ */
