// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Untrusted text: names of files, users and machines, before they are written
 * to a terminal, a log or JSON.
 */

#ifndef _DRAIN_TEXT_H_
#define _DRAIN_TEXT_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

/**
 * Decode one character of UTF-8.
 *
 * @param[out] c  The character.
 * @return Its length in bytes, 1 to 4; 0: the bytes at @s are not well-formed
 *         UTF-8 (RFC 3629).
 */
size_t drain_utf8_next(const char *s, size_t len, uint32_t *c);

/**
 * Make text safe to print on one line of a terminal. Control characters, line
 * and paragraph separators, marks that reorder text, backslashes and bytes
 * that are not UTF-8 become \xNN.
 *
 * @return NULL: out of memory.
 */
char *drain_text_printable(TALLOC_CTX *mem_ctx, const char *s);

/**
 * Make text well-formed UTF-8: each byte that is not becomes U+FFFD.
 *
 * @return NULL: out of memory.
 */
char *drain_text_utf8(TALLOC_CTX *mem_ctx, const char *s);

/**
 * Return the text after @word in a message of @len bytes. Like smbd's own
 * messages it must be a string whose last byte is NUL.
 *
 * @return NULL: it is not, or begins with other text.
 */
const char *drain_text_after(const uint8_t *data, size_t len, const char *word);

#endif /* _DRAIN_TEXT_H_ */
