/*
 * drain: take users off a Samba share so that it can be updated
 *
 * Text from strangers: file, user and machine names on their way to a terminal,
 * a log or JSON.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#ifndef _DRAIN_TEXT_H_
#define _DRAIN_TEXT_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

/**
 * One character of UTF-8.
 *
 * @return Its length in bytes (1 to 4) and the character in *@c, or 0 when
 *         the bytes at @s are not well-formed UTF-8 (RFC 3629).
 */
size_t drain_utf8_next(const char *s, size_t len, uint32_t *c);

/**
 * Safe to print on one line of a terminal: control characters, line and
 * paragraph separators, marks that reorder text, backslashes and bytes that
 * are not UTF-8 become \xNN. NULL: out of memory.
 */
char *drain_text_printable(TALLOC_CTX *mem_ctx, const char *s);

/**
 * Well-formed UTF-8: every byte that is none becomes U+FFFD, all else is as
 * it was. NULL: out of memory.
 */
char *drain_text_utf8(TALLOC_CTX *mem_ctx, const char *s);

/**
 * What follows @word in a message of @len bytes that is a string, as smbd's own
 * are: its last byte is a NUL. NULL: it is none, or begins otherwise.
 */
const char *drain_text_after(const uint8_t *data, size_t len, const char *word);

#endif /* _DRAIN_TEXT_H_ */
