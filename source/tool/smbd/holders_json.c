// SPDX-License-Identifier: GPL-3.0-or-later
/* Print a list of holders as JSON. */

#include "smbd/holders_json.h"
#include "base/text.h"
#include "output/json.h"
#include "smbd/holders.h"

static json_t *json_holder(const struct holder *h)
{
	return json_pack(
		"{s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:I, s:s, s:o, s:s, s:b, "
		"s:b, s:b, s:b, s:o, s:b, s:b}",
		"client", show_json_client(h->client),
		"addresses", show_json_addresses(h->client),
		"machine", show_json_text(h->machine),
		"user", show_json_text(h->user),
		"share", show_json_text(h->share),
		"path", show_json_text(h->path),
		"access", show_access(h->access),
		"access_mask", (json_int_t)h->access,
		"lease", h->lease,
		"opened", show_json_time(h->opened),
		"server_id", h->server,
		"counts", (int)h->counts,
		"directory", (int)h->directory,
		"unguarded", (int)h->unguarded,
		"disconnected", (int)h->disconnected,
		"returns_until", show_json_time(h->returns_until),
		"exempt", (int)h->exempt,
		"grace", (int)h->grace);
}

/*
 * Print one element at a time, so that a long list is not in memory as a whole.
 */
bool show_json_holders(FILE *f, const struct holder_list *list)
{
	bool ok = true;
	size_t i;

	fprintf(f, "{\"version\": %d, \"silent_smbds\": %zu, \"holders\": [",
		SHOW_JSON_VERSION, list->num_silent);
	for (i = 0; ok && i < list->num_holders; i++) {
		TALLOC_CTX *frame = talloc_stackframe();
		json_t *json = json_holder(&list->holders[i]);

		ok = json != NULL && fputs(i > 0 ? ",\n" : "\n", f) >= 0 &&
		     json_dumpf(json, f, JSON_COMPACT) == 0;
		json_decref(json);
		TALLOC_FREE(frame);
	}
	return ok && fputs("\n]}\n", f) >= 0 && fflush(f) == 0;
}
