// SPDX-License-Identifier: GPL-3.0-or-later
/* Print how the program and its verbs are used, and the version. */

#include "help.h"
#include "lib/param/param.h"
#include "verb/verb.h"

#define HELP_TERMS "TARGET is SHARE or SHARE/PATH. Write durations as for " \
		   "sleep(1): 90, 90s, 15m, 2h.\n"

const struct verb verb_help = {
	.name = "help",
	.purpose = "Show all verbs and options, or those of one verb.",
	.usage = "help [VERB]",
};

bool verb_takes(const struct verb *verb, const char *option)
{
	const char *p = verb->usage;
	size_t len = strlen(option);

	while ((p = strstr(p, option)) != NULL) {
		/* "--all" is not the beginning of "--allow-unguarded" */
		if (!isalpha((unsigned char)p[len]) && p[len] != '-') {
			return true;
		}
		p += len;
	}
	return false;
}

char *help_on_verbs(TALLOC_CTX *mem_ctx,
		    const struct verb *const *verbs,
		    size_t num_verbs)
{
	char *text = talloc_strdup(mem_ctx, "[OPTION...] VERB ...\n\n");
	size_t i;

	for (i = 0; i < num_verbs; i++) {
		text = talloc_asprintf_append(text, "  smbdrain %s\n",
					      verbs[i]->usage);
	}
	return talloc_asprintf_append(
		text, "\n\"smbdrain help VERB\" shows the options of VERB. "
		HELP_TERMS);
}

static size_t count_options(const struct poptOption *options)
{
	size_t num = 0;

	while (options[num].longName != NULL || options[num].arg != NULL ||
	       options[num].argInfo != 0) {
		num += 1;
	}
	return num;
}

/* Select the options that the verb takes. */
static struct poptOption *options_of(TALLOC_CTX *mem_ctx,
				     const struct verb *verb,
				     const struct poptOption *options)
{
	const size_t num = count_options(options);
	struct poptOption *taken = NULL;
	size_t num_taken = 0;
	size_t i;

	taken = talloc_zero_array(mem_ctx, struct poptOption, num + 1);
	for (i = 0; taken != NULL && i < num; i++) {
		const char *name = options[i].longName;
		char *dashed = (name != NULL) ? talloc_asprintf(taken, "--%s",
								name)
					      : NULL;

		if (dashed != NULL && verb_takes(verb, dashed)) {
			taken[num_taken] = options[i];
			num_taken += 1;
		}
	}
	return taken;
}

bool help_on_verb(TALLOC_CTX *mem_ctx,
		  const struct verb *verb,
		  const struct poptOption *options)
{
	const char *argv[] = {"smbdrain", NULL};
	struct poptOption *taken = options_of(mem_ctx, verb, options);
	const char *usage = talloc_asprintf(
		mem_ctx, "%s\n\n%s\n\n%sSee smbdrain(8).\n", verb->usage,
		verb->purpose,
		verb_takes(verb, "TARGET") ? HELP_TERMS : "");
	poptContext pc = NULL;

	if (taken != NULL && usage != NULL) {
		pc = poptGetContext("smbdrain", 1, argv, taken, 0);
	}
	if (pc == NULL) {
		return false;
	}
	poptSetOtherOptionHelp(pc, usage);
	poptPrintHelp(pc, stdout, 0);
	poptFreeContext(pc);
	return true;
}

void help_print_version(void)
{
	printf("smbdrain %s\n"
	       "built for Samba %s\n"
	       "runs with the libraries of Samba %s\n",
	       DRAIN_VERSION, DRAIN_SAMBA_VERSION, samba_version_string());
}
