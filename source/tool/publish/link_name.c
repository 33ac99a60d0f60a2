// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Name a new link until it takes the place of the old one.
 *
 * Clients may be able to create files beside it, so the name is random. It
 * contains the id of the drain, so that a link left by a killed publish can be
 * told from one in use.
 */

#include "publish/link_name.h"
#include "lib/util/genrand.h"
#include "drain/record.h"
#include "drain/store.h"
#include "base/tool.h"
#include "publish/pin.h"

#define LINK_PREFIX ".smbdrain-link-"
#define LINK_RANDOM "-%016" PRIx64

char *link_name_new(TALLOC_CTX *mem_ctx, const struct drain_id *id)
{
	struct drain_id_buf buf;
	uint64_t number = 0;

	generate_random_buffer((uint8_t *)&number, sizeof(number));
	return talloc_asprintf(mem_ctx, LINK_PREFIX "%s" LINK_RANDOM,
			       drain_id_string(id, &buf), number);
}

static bool parse_link_name(const char *name, struct drain_id *id)
{
	const size_t prefix = strlen(LINK_PREFIX);
	struct drain_id_buf text;

	if (strncmp(name, LINK_PREFIX, prefix) != 0) {
		return false;
	}
	strlcpy(text.buf, name + prefix, sizeof(text.buf));
	return drain_id_parse(text.buf, id);
}

/*
 * Return true if a temporary link of the drain @id is not in use: the drain is
 * ours (@own) or has ended.
 */
static bool is_over(struct tool *tool,
		    const struct drain_id *id,
		    const struct drain_id *own)
{
	return drain_id_equal(id, own) || drain_store_is_over(tool->store, id);
}

/* Return true for our link, which may already have the owner of the old one. */
static bool is_ours(const struct pinned *link, const char *name)
{
	struct statx st;

	return pin_look(link->parent, name, &st) && S_ISLNK(st.stx_mode) &&
	       (st.stx_uid == geteuid() ||
		st.stx_uid == link->self.stx_uid);
}

void link_remove_left(struct tool *tool,
		      const struct pinned *link,
		      const struct drain_id *own)
{
	int fd = openat(link->parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = (fd != -1) ? fdopendir(fd) : NULL;
	struct dirent *entry = NULL;
	struct drain_id id;

	if (d == NULL) {
		if (fd != -1) {
			close(fd);
		}
		return; /* a link that stays does no harm */
	}
	while ((entry = readdir(d)) != NULL) {
		if (parse_link_name(entry->d_name, &id) &&
		    is_over(tool, &id, own) && is_ours(link, entry->d_name)) {
			(void)unlinkat(link->parent, entry->d_name, 0);
		}
	}
	closedir(d);
}
