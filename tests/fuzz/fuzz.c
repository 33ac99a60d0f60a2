/*
 * drain: take users off a Samba share so that it can be updated
 *
 * What all harnesses need.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#include "fuzz.h"

/* libFuzzer calls it by this name */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {
		.mem_ctx = talloc_new(NULL),
		.data = data,
		.size = size,
	};

	fuzz_one(&input);
	talloc_free(input.mem_ctx);
	return 0;
}

uint64_t fuzz_number(struct fuzz_input *input, size_t bytes)
{
	uint64_t number = 0;
	size_t i;

	for (i = 0; i < bytes && input->size > 0; i++) {
		number |= (uint64_t)*input->data << (8 * i);
		input->data += 1;
		input->size -= 1;
	}
	return number;
}

/* The first of them; *skip is not given to the next */
static char *take(struct fuzz_input *input, size_t len, size_t skip)
{
	char *text = talloc_strndup(input->mem_ctx, (const char *)input->data,
				    len);

	CHECK(text != NULL);
	input->data += len + skip;
	input->size -= len + skip;
	return text;
}

char *fuzz_text(struct fuzz_input *input)
{
	return take(input, input->size, 0);
}

char *fuzz_line(struct fuzz_input *input)
{
	const uint8_t *end = memchr(input->data, '\n', input->size);

	if (end == NULL) {
		return fuzz_text(input);
	}
	return take(input, end - input->data, 1);
}

char *fuzz_path(struct fuzz_input *input)
{
	char *line = fuzz_line(input);
	char *path = talloc_strdup(input->mem_ctx, "");
	char *save = NULL;
	char *name = strtok_r(line, "/", &save);

	for (; name != NULL; name = strtok_r(NULL, "/", &save)) {
		if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0) {
			path = talloc_asprintf_append(path, "/%s", name);
		}
	}
	if (path[0] == '\0') {
		path = talloc_strdup_append(path, "/");
	}
	return path;
}
