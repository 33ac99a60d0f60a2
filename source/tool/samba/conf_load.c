// SPDX-License-Identifier: GPL-3.0-or-later
/* Load smb.conf as smbd does, repeatedly if needed. */

#include "samba/conf_load.h"
#include <dirent.h>
#include "lib/param/param.h"
#include "dynconfig/dynconfig.h"
#include "drain/smbconf.h"
#include "base/caller.h"

#define MOST_CONFIG_FILES 10

static void say_nothing(void *private_data _UNUSED_,
			int level _UNUSED_,
			const char *msg _UNUSED_)
{
}

void conf_silence_samba(void)
{
	if (debuglevel_get() == 0) {
		debuglevel_set(-1);
	}
}

/* Loading resets the debug level to that of -d. */
bool conf_load_file(const char *path)
{
	const int level = debuglevel_get();
	bool ok;

	if (level < 0) {
		debug_set_callback(NULL, say_nothing);
	}
	ok = lp_load_with_registry_shares(path);
	if (level < 0) {
		debug_set_callback(NULL, NULL);
	}
	debuglevel_set(level);
	caller_catch_panics(); /* loading has installed Samba's panic action */
	return ok;
}

bool conf_load_files(const char *file)
{
	const struct loadparm_substitution *lp_sub =
		loadparm_s3_global_substitution();
	char *next = NULL;
	int i;

	set_dyn_CONFIGFILE(file);
	for (i = 0; i < MOST_CONFIG_FILES; i++) {
		if (!conf_load_file(get_dyn_CONFIGFILE())) {
			break;
		}
		next = lp_next_configfile(talloc_tos(), lp_sub);
		if (next == NULL || !file_exist(next) ||
		    strcmp(next, get_dyn_CONFIGFILE()) == 0) {
			return true;
		}
		set_dyn_CONFIGFILE(next);
	}
	return false;
}

static char *filler_name(int number)
{
	return talloc_asprintf(talloc_tos(), "smbdrain filler %d", number);
}

/*
 * Fill the gaps that removed shares leave in Samba's array of shares, because
 * its search for "usershare template share" stops at a gap
 * (source3/param/loadparm.c). A new share takes the first gap. Return the
 * number of fillers, for remove_fillers().
 */
static int fill_gaps(void)
{
	const int before = lp_numservices();
	int num = 0;

	while (lp_numservices() == before) {
		char *name = filler_name(num);

		if (name == NULL || lp_add_service(name, -1) < 0) {
			TALLOC_FREE(name);
			return -1;
		}
		TALLOC_FREE(name);
		num += 1;
	}
	return num;
}

static void remove_fillers(int num)
{
	int i;

	for (i = 0; i < num; i++) {
		char *name = filler_name(i);
		int snum = (name != NULL) ? drain_smbconf_find(name) : -1;

		if (snum >= 0) {
			lp_killservice(snum);
		}
		TALLOC_FREE(name);
	}
}

/*
 * Make all shares valid. Samba does not remove a share with "-valid = no", and
 * a share of that name stays invalid after the next load. Without gaps every
 * number is a share.
 */
static void make_all_valid(void)
{
	int num = fill_gaps();
	int snum;

	if (num < 0) {
		return;
	}
	for (snum = 0; snum < lp_numservices(); snum++) {
		(void)lp_do_parameter(snum, "-valid", "yes");
	}
	remove_fillers(num);
}

void conf_forget_shares(void)
{
	int snum;

	if (lp_numservices() > 0) {
		make_all_valid();
	}
	/*
	 * Remove usershares, too: Samba would keep one whose file has not
	 * changed.
	 */
	for (snum = lp_numservices() - 1; snum >= 0; snum--) {
		lp_killservice(snum);
	}
}

/*
 * Load all usershares, beyond "usershare max shares": that limit does not apply
 * when a client connects to a usershare.
 */
static void load_all_of_users(void)
{
	const char *path = lp_usershare_path(talloc_tos(),
					     lpcfg_noop_substitution());
	struct dirent *entry = NULL;
	DIR *d = NULL;

	(void)load_usershare_shares(NULL, NULL);
	if (path == NULL || path[0] == '\0' || lp_usershare_max_shares() == 0) {
		return;
	}
	d = opendir(path);
	while (d != NULL && (entry = readdir(d)) != NULL) {
		if (entry->d_name[0] != '.' && entry->d_name[0] != ':') {
			(void)load_usershare_service(entry->d_name);
		}
	}
	if (d != NULL) {
		closedir(d);
	}
}

void conf_load_usershares(void)
{
	int num = fill_gaps();

	if (num > 0) {
		load_all_of_users();
		remove_fillers(num);
	}
}
