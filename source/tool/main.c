// SPDX-License-Identifier: GPL-3.0-or-later
/* The control program: parse the command line, choose a verb, run it. */

#include "drain/samba_compat.h"
#include "lib/cmdline/cmdline.h"
#include "lib/param/param.h"
#include "dynconfig/dynconfig.h"
#include "drain/duration.h"
#include "drain/policy.h"
#include "drain/record.h"
#include "drain/shares.h"
#include "drain/target.h"
#include "help.h"
#include "session.h"
#include "base/caller.h"
#include "base/error.h"
#include "base/text.h"
#include "base/tool.h"
#include "samba/conf_load.h"
#include "samba/namespace.h"
#include "samba/shares.h"
#include "protocol/end.h"
#include "verb/exit_status.h"
#include "verb/options.h"
#include "verb/verb.h"

static const struct verb *const verbs[] = {
	&verb_begin,  &verb_wait,    &verb_run,	   &verb_resume,
	&verb_status, &verb_holders, &verb_close,  &verb_monitor,
	&verb_check,  &verb_publish, &verb_top,	   &verb_help,
};

static const struct verb *find_verb(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(verbs); i++) {
		if (strcmp(verbs[i]->name, name) == 0) {
			return verbs[i];
		}
	}
	return NULL;
}

static bool is_run(const struct options *options)
{
	return options->verb != NULL && strcmp(options->verb, "run") == 0;
}

static int exit_usage(const struct options *options)
{
	return is_run(options) ? EXIT_RUN_FAILED : EXIT_USAGE;
}

static int exit_failed(const struct options *options)
{
	return is_run(options) ? EXIT_RUN_FAILED : EXIT_FAILED;
}

/* Split off the command: everything after the first "--". */
static int split_command(int argc, const char **argv, struct options *options)
{
	int i;

	for (i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--") == 0) {
			options->command =
				discard_const_p(char *, &argv[i + 1]);
			argv[i] = NULL;
			return i;
		}
	}
	return argc;
}

static bool parse_duration(const char *option,
			   const char *text,
			   uint64_t *duration,
			   bool *given)
{
	if (!drain_duration_parse(text, duration)) {
		complain("cannot use --%s=%s: not a duration; write it as for "
			 "sleep(1): 90, 90s, 15m, 2h",
			 option, text);
		return false;
	}
	*given = true;
	return true;
}

static bool parse_new_opens(struct options *options, const char *text)
{
	if (!drain_new_opens_parse(text, &options->terms.hold_opens)) {
		complain("cannot use --new-opens=%s: the value must be refuse "
			 "or hold", text);
		return false;
	}
	options->terms.has_new_opens = true;
	return true;
}

static bool parse_on_failure(struct options *options, const char *text)
{
	options->has_on_failure = true;
	if (strcmp(text, "resume") == 0) {
		options->resume_on_failure = true;
		return true;
	}
	if (strcmp(text, "keep") == 0) {
		options->resume_on_failure = false;
		return true;
	}
	complain("cannot use --on-failure=%s: the value must be keep or resume",
		 text);
	return false;
}

static bool parse_on_timeout(struct options *options, const char *text)
{
	if (!drain_on_timeout_parse(text, &options->terms.on_timeout)) {
		complain("cannot use --on-timeout=%s: the value must be fail, "
			 "force or resume", text);
		return false;
	}
	options->terms.has_on_timeout = true;
	return true;
}

enum {
	OPT_TIMEOUT = 1000,
	OPT_ON_FAILURE,
	OPT_ON_TIMEOUT,
	OPT_NEW_OPENS,
	OPT_HOLD_TIMEOUT,
	OPT_HELP,
	OPT_USAGE,
	OPT_VERSION,
};

static bool parse_option(struct options *options, int c, const char *arg)
{
	switch (c) {
	case OPT_TIMEOUT:
		return parse_duration("timeout", arg, &options->terms.timeout,
				      &options->terms.has_timeout);
	case OPT_ON_FAILURE:
		return parse_on_failure(options, arg);
	case OPT_ON_TIMEOUT:
		return parse_on_timeout(options, arg);
	case OPT_NEW_OPENS:
		return parse_new_opens(options, arg);
	case OPT_HOLD_TIMEOUT:
		return parse_duration("hold-timeout", arg,
				      &options->terms.hold_timeout,
				      &options->terms.has_hold_timeout);
	case OPT_HELP:
	case OPT_USAGE:
	case OPT_VERSION:
		options->about = c;
		return true;
	default:
		return true;
	}
}

static bool parse_words(poptContext pc, struct options *options)
{
	options->verb = poptGetArg(pc);
	options->target = poptGetArg(pc);
	options->new_directory = poptGetArg(pc);
	options->extra = poptGetArg(pc);

	if (options->verb == NULL) {
		fprintf(stderr, "Usage: smbdrain %s",
			help_on_verbs(talloc_tos(), verbs,
				      ARRAY_SIZE(verbs)));
		return false;
	}
	return true;
}

static bool check_options(const struct verb *verb,
			  const struct options *options)
{
	const struct {
		const char *name;
		bool given;
	} given[] = {
		{"--reason", options->terms.reason != NULL},
		{"--timeout", options->terms.has_timeout},
		{"--on-timeout", options->terms.has_on_timeout},
		{"--warn-command", options->terms.warn_command != NULL},
		{"--new-opens", options->terms.has_new_opens},
		{"--hold-timeout", options->terms.has_hold_timeout},
		{"--let-holders-finish", options->terms.let_holders_finish},
		{"--purge-durables", options->terms.purge_durables},
		{"--client", options->client != NULL},
		{"--user", options->user != NULL},
		{"--path", options->path != NULL},
		{"--all", options->all},
		{"--allow-unguarded", options->terms.allow_unguarded},
		{"--continue", options->adopt},
		{"--force", options->force},
		{"--if-needed", options->if_needed},
		{"--json", options->json},
		{"--prometheus", options->prometheus},
		{"--wait", options->wait},
		{"--on-failure", options->has_on_failure},
		{"--publish", options->publish != NULL},
		{"--id", options->id != NULL},
		{"--dry-run", options->dry_run},
		{"--undo", options->undo},
		{"-- COMMAND", options->command != NULL},
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(given); i++) {
		if (given[i].given && !verb_takes(verb, given[i].name)) {
			complain("cannot use %s with %s; "
				 "try 'smbdrain %s --help'",
				 given[i].name, verb->name, verb->name);
			return false;
		}
	}
	return true;
}

static bool check_words(const struct verb *verb, const struct options *options)
{
	const bool takes_directory = verb_takes(verb, "TARGET NEW_DIRECTORY");
	const char *extra = takes_directory ? options->extra
					    : options->new_directory;

	if (extra != NULL) {
		complain("cannot use %s: one argument too many%s; "
			 "try 'smbdrain %s --help'", show_text(extra),
			 is_run(options) ? " (the command comes after --)" : "",
			 verb->name);
		return false;
	}
	if (takes_directory && options->target != NULL &&
	    options->new_directory == NULL) {
		complain("cannot use %s without NEW_DIRECTORY; "
			 "try 'smbdrain %s --help'", verb->name, verb->name);
		return false;
	}
	return true;
}

/*
 * Return the target that the user may have meant, or NULL if there is none or
 * smb.conf cannot be read.
 */
static const char *find_meant(TALLOC_CTX *mem_ctx, const char *target)
{
	const char *file = talloc_strdup(mem_ctx, get_dyn_CONFIGFILE());
	const struct share_list *shares = NULL;

	conf_silence_samba();
	if (file == NULL || access(file, R_OK) != 0 ||
	    !conf_load_files(file)) {
		return NULL;
	}
	shares = shares_load(mem_ctx);
	return (shares != NULL) ? shares_meant(mem_ctx, shares, target) : NULL;
}

static bool check_target(const char *target)
{
	TALLOC_CTX *frame = talloc_stackframe();
	struct drain_target parsed;
	const char *meant = NULL;
	const char *why = drain_target_parse(frame, target, &parsed);

	if (why != NULL) {
		meant = find_meant(frame, target);
	}
	if (meant != NULL) {
		complain("cannot use %s as a target: %s; did you mean %s?",
			 show_text(target), why, show_text(meant));
	} else if (why != NULL) {
		complain("cannot use %s as a target: %s",
			 show_text(target), why);
	}
	TALLOC_FREE(frame);
	return why == NULL;
}

/* Check that run has either a command or a directory to publish. */
static bool check_work(const struct verb *verb, const struct options *options)
{
	const bool command = options->command != NULL &&
			     options->command[0] != NULL;

	if (command && options->publish != NULL) {
		complain("cannot use run with both --publish and a command");
		return false;
	}
	if (!command && options->publish == NULL) {
		complain("cannot use %s without -- COMMAND or --publish; "
			 "try 'smbdrain %s --help'", verb->name, verb->name);
		return false;
	}
	return true;
}

static const char *names_of_verbs(void)
{
	char *names = talloc_strdup(talloc_tos(), "");
	size_t i;

	for (i = 0; i < ARRAY_SIZE(verbs); i++) {
		talloc_asprintf_addbuf(&names, "%s%s", i > 0 ? ", " : "",
				       verbs[i]->name);
	}
	return (names != NULL) ? names : "?";
}

/* Return NULL after an error message. */
static const struct verb *known_verb(const char *name)
{
	const struct verb *verb = find_verb(name);

	if (verb == NULL) {
		complain("cannot use verb %s: the verbs are %s; "
			 "try 'smbdrain --help'",
			 show_text(name), names_of_verbs());
	}
	return verb;
}

static const struct verb *choose_verb(const struct options *options)
{
	const struct verb *verb = known_verb(options->verb);

	if (verb == NULL) {
		return NULL;
	}
	if (!check_words(verb, options) ||
	    !check_options(verb, options)) {
		return NULL;
	}
	if (verb->takes_target && options->target == NULL &&
	    !(options->all && verb_takes(verb, "TARGET|--all"))) {
		complain("cannot use %s without TARGET; "
			 "try 'smbdrain %s --help'", verb->name, verb->name);
		return NULL;
	}
	if (verb != &verb_help && options->target != NULL &&
	    !check_target(options->target)) {
		return NULL;
	}
	if (options->terms.has_on_timeout && !options->terms.has_timeout) {
		complain("cannot use --on-timeout without --timeout=DURATION");
		return NULL;
	}
	if (is_run(options) && !check_work(verb, options)) {
		return NULL;
	}
	return verb;
}

static int run_open(struct tool *tool,
		    const struct verb *verb,
		    const struct options *options)
{
	if (!verb->minds_deadline) {
		end_all_due(tool);
	}
	return verb->run(tool, options);
}

static int run_verb(const struct verb *verb, const struct options *options)
{
	struct tool *tool = talloc_zero(NULL, struct tool);
	int ret;

	if (tool == NULL) {
		complain("out of memory");
		return exit_failed(options);
	}
	if (tool_open(tool) &&
	    (!verb->relies_on_locks || namespace_is_shared())) {
		ret = run_open(tool, verb, options);
	} else {
		ret = exit_failed(options);
	}
	TALLOC_FREE(tool);
	return ret;
}

/*
 * Find out if the verb is run before options are parsed, because run has its
 * own exit statuses.
 */
static const char *find_run(int argc, const char **argv)
{
	int i;

	for (i = 1; i < argc; i++) {
		if (strcmp(argv[i], "run") == 0) {
			return argv[i];
		}
	}
	return NULL;
}

static int give_up(TALLOC_CTX *frame)
{
	complain("out of memory");
	TALLOC_FREE(frame);
	return EXIT_FAILED;
}

/* Show the help of all verbs, or of the one named @name. */
static int show_help(TALLOC_CTX *mem_ctx,
		     poptContext pc,
		     const char *name,
		     const struct poptOption *table)
{
	const struct verb *verb = NULL;

	if (name == NULL) {
		poptPrintHelp(pc, stdout, 0);
		return EXIT_DONE;
	}
	verb = known_verb(name);
	if (verb == NULL) {
		return EXIT_USAGE;
	}
	if (!help_on_verb(mem_ctx, verb, table)) {
		complain("out of memory");
		return EXIT_FAILED;
	}
	return EXIT_DONE;
}

/* Show what the option asks for, whatever the other arguments are. */
static int show_about(TALLOC_CTX *mem_ctx,
		      poptContext pc,
		      int about,
		      const struct poptOption *table)
{
	switch (about) {
	case OPT_VERSION:
		help_print_version();
		return EXIT_DONE;
	case OPT_USAGE:
		poptPrintUsage(pc, stdout, 0);
		return EXIT_DONE;
	default:
		return show_help(mem_ctx, pc, poptGetArg(pc), table);
	}
}

/* The exit status, which is another one if the output is lost */
static int finish(int status, const struct verb *verb, int failed)
{
	const char *done = (status == EXIT_DONE && verb != NULL)
				   ? verb->succeeded
				   : NULL;

	if (caller_finish(done) || status != EXIT_DONE) {
		return status;
	}
	if (done != NULL) {
		return EXIT_UNTOLD;
	}
	return (verb != NULL) ? EXIT_FAILED : failed;
}

int main(int argc, const char **argv)
{
	TALLOC_CTX *frame = NULL;
	struct options options = {.verb = NULL};
	const struct verb *verb = NULL;
	const char *other_help = NULL;
	poptContext pc = NULL;
	int failed;
	int ret;
	int c;
	struct poptOption help_options[] = {
		{"help", '?', POPT_ARG_NONE, NULL, OPT_HELP,
		 "Show this help, or the help of VERB", NULL},
		{"usage", 0, POPT_ARG_NONE, NULL, OPT_USAGE,
		 "Show the options briefly", NULL},
		POPT_TABLEEND
	};
	struct poptOption version_options[] = {
		{"version", 'V', POPT_ARG_NONE, NULL, OPT_VERSION,
		 "Print the versions of smbdrain and Samba", NULL},
		POPT_TABLEEND
	};
	struct poptOption table[] = {
		{NULL, 0, POPT_ARG_INCLUDE_TABLE, help_options, 0,
		 "Help options:", NULL},
		{"reason", 0, POPT_ARG_STRING, &options.terms.reason, 0,
		 "Reason for the drain, shown by status and in logs", "TEXT"},
		{"timeout", 0, POPT_ARG_STRING, NULL, OPT_TIMEOUT,
		 "Limit the wait to this time", "DURATION"},
		{"on-timeout", 0, POPT_ARG_STRING, NULL, OPT_ON_TIMEOUT,
		 "Action when the timeout has passed", "fail|force|resume"},
		{"warn-command", 0, POPT_ARG_STRING,
		 &options.terms.warn_command, 0,
		 "Run with the holders as JSON on standard input when the wait "
		 "begins and at half time", "COMMAND"},
		{"new-opens", 0, POPT_ARG_STRING, NULL, OPT_NEW_OPENS,
		 "Refuse new opens, or defer them until the drain ends",
		 "refuse|hold"},
		{"hold-timeout", 0, POPT_ARG_STRING, NULL, OPT_HOLD_TIMEOUT,
		 "Refuse deferred opens after this time", "DURATION"},
		{"let-holders-finish", 0, POPT_ARG_NONE,
		 &options.terms.let_holders_finish, 0,
		 "Let clients with open files open more files until they have "
		 "closed all of them", NULL},
		{"purge-durables", 0, POPT_ARG_NONE,
		 &options.terms.purge_durables, 0,
		 "Remove disconnected durable handles", NULL},
		{"client", 0, POPT_ARG_STRING, &options.client, 0,
		 "Close only handles of this client", "ADDRESS"},
		{"user", 0, POPT_ARG_STRING, &options.user, 0,
		 "Close only handles of this user", "NAME"},
		{"path", 0, POPT_ARG_STRING, &options.path, 0,
		 "Close only handles on paths that match", "GLOB"},
		{"wait", 0, POPT_ARG_NONE, &options.wait, 0,
		 "Wait until the target is quiescent", NULL},
		{"allow-unguarded", 0, POPT_ARG_NONE,
		 &options.terms.allow_unguarded, 0,
		 "Arm even if clients can reach the target without the module",
		 NULL},
		{"continue", 0, POPT_ARG_NONE, &options.adopt, 0,
		 "Take over a drain that is in force", NULL},
		{"on-failure", 0, POPT_ARG_STRING, NULL, OPT_ON_FAILURE,
		 "Action when the command or the publish fails",
		 "keep|resume"},
		{"publish", 0, POPT_ARG_STRING, &options.publish, 0,
		 "Publish this directory instead of running a command",
		 "NEW_DIRECTORY"},
		{"all", 0, POPT_ARG_NONE, &options.all, 0,
		 "resume: end every drain and remove unreadable records; "
		 "holders: also show handles that are not counted",
		 NULL},
		{"force", 0, POPT_ARG_NONE, &options.force, 0,
		 "Resume even while a command runs for the drain or after a "
		 "publish was interrupted", NULL},
		{"if-needed", 0, POPT_ARG_NONE, &options.if_needed, 0,
		 "Succeed if the target is already drained or open", NULL},
		{"id", 0, POPT_ARG_STRING, &options.id, 0,
		 "publish: drain to use (default: $DRAIN_ID); resume: resume "
		 "only this drain", "DRAIN_ID"},
		{"dry-run", 0, POPT_ARG_NONE, &options.dry_run, 0,
		 "Only check whether the publish can work", NULL},
		{"undo", 0, POPT_ARG_NONE, &options.undo, 0,
		 "Revert a publish that was interrupted", NULL},
		{"json", 0, POPT_ARG_NONE, &options.json, 0,
		 "Print JSON, see docs/json.md", NULL},
		{"prometheus", 0, POPT_ARG_NONE, &options.prometheus, 0,
		 "Print metrics for the textfile collector of node_exporter",
		 NULL},
		POPT_COMMON_SAMBA
		{NULL, 0, POPT_ARG_INCLUDE_TABLE, version_options, 0,
		 "Version options:", NULL},
		POPT_TABLEEND
	};

	options.verb = find_run(argc, argv);
	failed = exit_failed(&options);
	caller_start(failed);
	frame = talloc_stackframe();

	smb_init_locale();
	/* so that programs can parse numbers */
	(void)setlocale(LC_NUMERIC, "POSIX");
	argc = split_command(argc, argv, &options);
	other_help = help_on_verbs(frame, verbs, ARRAY_SIZE(verbs));

	if (!samba_cmdline_init(frame, SAMBA_CMDLINE_CONFIG_NONE, false)) {
		return give_up(frame);
	}
	caller_catch_panics();
	/* The log level of smb.conf is for the daemons, not for a terminal. */
	lpcfg_set_cmdline(samba_cmdline_get_lp_ctx(), "log level", "0");

	pc = samba_popt_get_context("smbdrain", argc, argv, table, 0);
	if (pc == NULL) {
		return give_up(frame);
	}
	poptSetOtherOptionHelp(pc, other_help);

	while ((c = poptGetNextOpt(pc)) > 0) {
		if (!parse_option(&options, c, poptGetOptArg(pc))) {
			c = 0;
			break;
		}
	}
	if (c < -1 && options.about == 0) {
		complain("cannot use %s: %s; try 'smbdrain --help'",
			 poptBadOption(pc, 0), poptStrerror(c));
	}
	if (options.about != 0) {
		ret = show_about(frame, pc, options.about, table);
	} else if (c != -1) {
		options.verb = find_run(argc, argv);
		ret = exit_usage(&options);
	} else if (!parse_words(pc, &options)) {
		ret = exit_usage(&options);
	} else {
		verb = choose_verb(&options);
		if (verb == NULL) {
			ret = exit_usage(&options);
		} else if (verb == &verb_help) {
			ret = show_help(frame, pc, options.target, table);
		} else {
			ret = run_verb(verb, &options);
		}
	}

	poptFreeContext(pc);
	TALLOC_FREE(frame);
	return finish(ret, verb, failed);
}
