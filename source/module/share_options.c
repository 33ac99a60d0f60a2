// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The drain: options of a share in smb.conf. Samba itself accepts any, so
 * invalid ones are logged here.
 */

#include "module.h"
#include "drain/smbconf.h"
#include "error.h"
#include "share_options.h"

/* Names of shares that were logged: their numbers change at a reload */
static const char **checked;
static size_t num_checked;

static bool check_once(const char *share)
{
	const char **list = NULL;
	size_t i;

	for (i = 0; i < num_checked; i++) {
		if (strequal(checked[i], share)) {
			return false;
		}
	}
	list = talloc_realloc(NULL, checked, const char *, num_checked + 1);
	if (list == NULL) {
		return false;
	}
	checked = list;
	checked[num_checked] = talloc_strdup(checked, share);
	if (checked[num_checked] == NULL) {
		return false;
	}
	num_checked += 1;
	return true;
}

void drain_config_read(TALLOC_CTX *mem_ctx,
		       const struct connection_struct *conn,
		       struct drain_options *options)
{
	const struct drain_about about = drain_about_tree(conn);
	struct drain_share_config *config = NULL;
	size_t i;

	*options = drain_options_default;
	config = drain_smbconf_read(mem_ctx, SNUM(conn));
	if (config == NULL) {
		drain_error(about,
			    "out of memory for the options of the share");
		return;
	}
	*options = config->options;

	if (config->num_complaints == 0 || !check_once(about.share)) {
		return;
	}
	for (i = 0; i < config->num_complaints; i++) {
		DRAIN_LOG(DBG_ERR, about, "%s. It has no effect.",
			  config->complaints[i]);
	}
}
