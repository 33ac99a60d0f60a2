// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Evaluate values of smb.conf as smbd does: quotes, and %-words.
 *
 * smbd replaces words in lp_string() (param/loadparm.c) and in
 * talloc_sub_full() (lib/substitute.c). Some of them are the same for every
 * client. What it does not know stays as it is.
 */

#include "drain/samba_compat.h"
#include "drain/smbconf.h"

/* Words for the client, its user, the time, the process and the environment */
#define VARYING_WORDS "DGHIJLMRTUVadgijmtuv$"

/* smbd keeps the outer quotes if there is a '"' inside. */
char *drain_words_unquote(TALLOC_CTX *mem_ctx, const char *value)
{
	char *text = talloc_strdup(mem_ctx, value);

	if (text != NULL && trim_char(text, '"', '"') &&
	    strchr(text, '"') != NULL) {
		TALLOC_FREE(text);
		text = talloc_strdup(mem_ctx, value);
	}
	return text;
}

/*
 * Return true for "139", "nbt" and "nbt:PORT"; "+..." adds to the default,
 * which includes it.
 */
static bool is_of_netbios(const char *port)
{
	return strcmp(port, "139") == 0 || strnequal(port, "nbt", 3) ||
	       port[0] == '+' || port[0] == '-';
}

/*
 * Return true if clients can connect over NetBIOS, and thus choose the name of
 * the server.
 */
static bool has_netbios(void)
{
	const char **ports = drain_smb_ports();
	size_t i;

	if (lp_disable_netbios() || ports == NULL) {
		return !lp_disable_netbios();
	}
	for (i = 0; ports[i] != NULL; i++) {
		if (is_of_netbios(ports[i])) {
			return true;
		}
	}
	return false;
}

/*
 * Return true unless the name depends on the client, as for a "default
 * service".
 */
static bool has_one_name(const char *share)
{
	const char *fallback = lp_defaultservice(talloc_tos(),
						 lpcfg_noop_substitution());

	return share != NULL && !strequal(share, HOMES_NAME) &&
	       !strequal(share, fallback);
}

char *drain_words_settle(TALLOC_CTX *mem_ctx,
			 const char *value,
			 const char *share)
{
	const struct {
		const char *word;
		const char *replacement;
		bool is_known;
	} words[] = {
		{"%N", lp_netbios_name(), true},
		{"%L", lp_netbios_name(), !has_netbios()},
		{"%h", myhostname(), true},
		{"%w", lp_winbind_separator(), true},
		/* smbd reads the path before it knows its value */
		{"%P", "", share != NULL},
		{"%S", share, has_one_name(share)},
	};
	char *text = talloc_strdup(mem_ctx, value);
	size_t i;

	for (i = 0; text != NULL && i < ARRAY_SIZE(words); i++) {
		if (words[i].is_known) {
			text = talloc_string_sub(mem_ctx, text, words[i].word,
						 words[i].replacement);
		}
	}
	return text;
}

const char *drain_words_vary(const char *value)
{
	const char *p = NULL;

	for (p = strchr(value, '%'); p != NULL; p = strchr(p + 1, '%')) {
		if (p[1] != '\0' && strchr(VARYING_WORDS "S", p[1]) != NULL) {
			return p;
		}
	}
	return NULL;
}

bool drain_words_lead_anywhere(const char *value)
{
	const char *p = NULL;

	for (p = drain_words_vary(value); p != NULL;
	     p = drain_words_vary(p + 1)) {
		if (strchr("HT$", p[1]) != NULL) {
			return true;
		}
	}
	return false;
}
