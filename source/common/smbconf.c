// SPDX-License-Identifier: GPL-3.0-or-later
/* Read the options of the module from smb.conf. */

#include "drain/samba_compat.h"
#include "drain/smbconf.h"

int drain_smbconf_find(const char *name)
{
	int snum;

	for (snum = lp_numservices() - 1; snum >= 0; snum--) {
		if (strequal(lp_const_servicename(snum), name)) {
			break;
		}
	}
	return snum;
}

static bool add_complaint(struct drain_share_config *config, char *complaint)
{
	char **list = NULL;

	list = talloc_realloc(config, config->complaints, char *,
			      config->num_complaints + 1);
	if (list == NULL) {
		return false;
	}
	list[config->num_complaints] = talloc_move(list, &complaint);
	config->complaints = list;
	config->num_complaints += 1;
	return true;
}

/* Read one line of a dump: "\tdrain:name = value". */
static bool read_line(struct drain_share_config *config, char *line)
{
	static const char prefix[] = "drain:";
	char *name = line + strspn(line, " \t");
	char *value = NULL;
	char *complaint = NULL;

	if (!strnequal(name, prefix, sizeof(prefix) - 1)) {
		return true;
	}
	name += sizeof(prefix) - 1;
	value = strstr(name, " = ");
	if (value == NULL) {
		return true;
	}
	*value = '\0';
	value += 3;

	complaint = drain_options_set(config, &config->options, name, value);
	return complaint == NULL || add_complaint(config, complaint);
}

/*
 * Read the options from the dump that testparm prints: Samba has no call that
 * lists parametric options, including misspelt ones.
 */
static bool read_dump(struct drain_share_config *config, int snum)
{
	char *text = NULL;
	char *line = NULL;
	char *save = NULL;
	size_t size = 0;
	bool ok = true;
	FILE *f = open_memstream(&text, &size);

	if (f == NULL) {
		return false;
	}
	if (snum < 0) {
		lp_dump(f, false, 0);
	} else {
		lp_dump_one(f, false, snum);
	}
	if (fclose(f) != 0) {
		free(text);
		return false;
	}

	for (line = strtok_r(text, "\n", &save); ok && line != NULL;
	     line = strtok_r(NULL, "\n", &save)) {
		ok = read_line(config, line);
	}
	free(text);
	return ok;
}

struct drain_share_config *drain_smbconf_read(TALLOC_CTX *mem_ctx, int snum)
{
	struct drain_share_config *config = NULL;

	config = talloc_zero(mem_ctx, struct drain_share_config);
	if (config == NULL) {
		return NULL;
	}
	config->options = drain_options_default;
	if (!read_dump(config, GLOBAL_SECTION_SNUM) ||
	    !read_dump(config, snum)) {
		TALLOC_FREE(config);
	}
	return config;
}

/*
 * Return true for modules that pass on all opens, with names as on disk; see
 * test_stacked.py.
 */
static bool is_harmless(const char *object)
{
	static const char *const known[] = {
		"acl_xattr", "catia",	     "full_audit",
		"recycle",   "shadow_copy2", "streams_xattr",
	};
	const size_t len = strcspn(object, ":");
	size_t i;

	for (i = 0; i < ARRAY_SIZE(known); i++) {
		if (strlen(known[i]) == len &&
		    strncmp(known[i], object, len) == 0) {
			return true;
		}
	}
	return false;
}

const char *drain_smbconf_module_before(int snum)
{
	const char **objects = lp_vfs_objects(snum);
	const int end = drain_smbconf_module_index(snum);
	int i;

	for (i = 0; i < end; i++) {
		if (!is_harmless(objects[i])) {
			return objects[i];
		}
	}
	return NULL;
}

char *drain_smbconf_objects(TALLOC_CTX *mem_ctx, int snum)
{
	const char **objects = lp_vfs_objects(snum);
	char *text = talloc_strdup(mem_ctx, "");
	size_t i;

	for (i = 0; objects != NULL && objects[i] != NULL; i++) {
		text = talloc_asprintf_append(text, "%s%s", i > 0 ? " " : "",
					      objects[i]);
	}
	return text;
}

int drain_smbconf_module_index(int snum)
{
	const char **objects = lp_vfs_objects(snum);
	int i;

	for (i = 0; objects != NULL && objects[i] != NULL; i++) {
		/* "drain" or "drain:instance" (smbd_vfs_init()) */
		if (strcmp(objects[i], "drain") == 0 ||
		    strncmp(objects[i], "drain:", 6) == 0) {
			return i;
		}
	}
	return -1;
}
