/*
 * drain: take users off a Samba share so that it can be updated
 *
 * The rooms of the tool:
 *
 * main.c        options, the table of verbs, what all verbs need
 * caller.c      descriptors, signals, limits, output and exit status
 * help.c        how it is used, and the version
 * verb_*.c      a file a verb
 * shares.c      what shares reach, and what clients see of them
 * mounts.c      other paths to the same files, by mounts
 * ask.c         asking smbds over the bus, and hearing them
 * survey.c      asking all of the roster: who has acknowledged
 * parents.c     the parent smbds, one on each node of a cluster
 * namespace.c   whether smbds are in our PID namespace
 * nodes.c       which nodes of a cluster can not be asked
 * conf_files.c  what smb.conf is made of, and when that was changed
 * conf_load.c   loading it, and loading it again
 * conf_views.c  what it is to clients for whom other files are included
 * reload.c      after a change of smb.conf: have all smbds read it
 * check_now.c   what check finds among the smbds and clients of now
 * trees.c       Samba's table of tree connections: who is not guarded
 * arm.c         from arming to armed
 * below.c       which files are in a target, by device and inode
 * handles.c     Samba's table of open files: what the smbds can not tell of
 * holders.c     who holds files, from the smbds and from that table
 * quiesce.c     from armed to quiescent: the waiter
 * relations.c   drains of what a target is in, and of parts of it
 * view.c        what a drain looks like now
 * prometheus.c  the same for a monitoring system
 * warn.c        telling people before their time is up
 * command.c     starting the command of "run"
 * near.c        drains around and inside of one that is worked on
 * deadline.c    who opens a target at the deadline of its drain
 * watch.c       all drains, as they come, change and go
 * countdown.c   the holders of a drain, fewer with each that goes
 * progress.c    the line that counts holders down
 * notify.c      telling the service manager how it goes
 * screen.c      a terminal, all of it
 * end.c         resume
 * publish.c     a prepared directory takes the place of a quiescent target
 * exchange.c    directories and links, exchanged in one step
 * link_name.c   what a new link is called until then
 * plan_json.c   what is to be exchanged, as it is written to a journal
 * journal.c     the entries of a share's root, exchanged one by one
 * show.c        for people and for programs (JSON)
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#ifndef _DRAIN_TOOL_H_
#define _DRAIN_TOOL_H_

#include "drain/samba_compat.h"
#include <jansson.h>
#include "drain/alive.h"
#include "drain/codec.h"
#include "drain/locks.h"
#include "drain/shares.h"
#include "drain/store.h"

/* Exit statuses; those of "run" are like those of timeout(1) */
enum {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_UNTOLD = 123, /* done, but the output could not be written */
	EXIT_TIMED_OUT = 124,
	EXIT_RUN_FAILED = 125,
	EXIT_NOT_EXECUTABLE = 126,
	EXIT_NOT_FOUND = 127,
};

/* What the person at the keyboard wants */
struct options {
	const char *verb;
	const char *target; /* NULL: none was named */
	const char *new_directory; /* what is to be published; NULL: none */
	const char *extra; /* a word that no verb takes */
	int about; /* --help, --usage or --version; 0: none of them */
	char **command; /* after "--", NULL-terminated */
	const char *reason;
	const char *warn_command;
	const char *client; /* close: whose handles; NULL: everybody's */
	const char *user;
	const char *path;
	bool has_timeout;
	uint64_t timeout; /* milliseconds */
	bool has_on_timeout;
	enum drain_on_timeout on_timeout;
	bool has_new_opens;
	bool hold_opens;
	bool has_hold_timeout;
	uint64_t hold_timeout; /* milliseconds */
	int let_holders_finish;
	int purge_durables;
	int all;
	int allow_unguarded;
	int adopt; /* --continue */
	int force;
	int if_needed; /* that it is so already is no failure */
	int json;
	int prometheus;
	int wait;
	bool has_on_failure;
	bool resume_on_failure;
	const char *publish; /* run: the directory; NULL: a command */
	const char *id; /* publish: of the drain that its user holds */
	int dry_run;
	int undo;
};

/* What all verbs need */
struct tool {
	const struct options *options;
	struct tevent_context *ev;
	struct messaging_context *msg_ctx;
	struct drain_store *store;
	struct drain_locks *locks;
	const char *conf_file; /* where it begins */
	struct conf_files *conf;
	struct share_list *views; /* of files that some clients get */
	struct ask_listener *listeners;
	struct survey *armed; /* what smbds have said of our drain; or NULL */
	/* Somebody watches: is told of each holder that goes; may be NULL */
	void (*on_gone)(const struct drain_tell_gone *gone,
			struct server_id src,
			void *private_data);
	void *on_gone_data;
	uint64_t last_cookie;
	bool heard_junk; /* that is said once */
	/* A signal (or a key) asked us to stop; see verb_run.c, screen.c */
	int stop_signal;
};

struct verb {
	const char *name;
	const char *usage;
	bool takes_target; /* must be named; else it may be */
	/* What has happened even if the output is lost; NULL: it is all */
	const char *succeeded;
	bool relies_on_locks; /* smbds have to be in our PID namespace */
	bool minds_deadline; /* of its target, by itself */
	int (*run)(struct tool *tool);
};

extern const struct verb verb_begin;
extern const struct verb verb_check;
extern const struct verb verb_close;
extern const struct verb verb_holders;
extern const struct verb verb_monitor;
extern const struct verb verb_publish;
extern const struct verb verb_resume;
extern const struct verb verb_run;
extern const struct verb verb_status;
extern const struct verb verb_top;
extern const struct verb verb_wait;

/**
 * Open what all verbs need.
 *
 * @return false after a complaint.
 */
bool tool_open(struct tool *tool);

/* A moment, by the monotonic clock; UINT64_MAX: never */
uint64_t tool_deadline(uint64_t milliseconds);
/** Has it come? */
bool tool_is_late(uint64_t deadline);
/** The moment half way between now and then. */
uint64_t tool_halfway(uint64_t deadline);
/** What is left until then, at most @most milliseconds. */
struct timeval tool_until(uint64_t deadline, uint64_t most);

/**
 * Run the event loop until @req is done, @deadline has come or we shall stop.
 *
 * @return false: it is not done.
 */
bool tool_poll(struct tool *tool, struct tevent_req *req, uint64_t deadline);

/** Why a change of the database failed. */
const char *tool_write_error(NTSTATUS status);

/** "smbdrain: ...", one line on standard error. */
void complain(const char *fmt, ...) PRINTF_ATTRIBUTE(1, 2);

/*
 * caller.c
 */

/**
 * First of all, before a library opens anything: descriptors 0 to 2 are open,
 * no failed write ends us by a signal, output that is lost is an exit status.
 *
 * @param failed The exit status of a failure.
 */
void caller_start(int failed);

/** A panic of Samba's libraries ends us with a line and an exit status. */
void caller_catch_panics(void);

/** For each smbd that is written to a socket stays open for a while. */
void caller_allow_many_files(void);

/**
 * In a child, just before it becomes another program: it gets descriptors 0 to
 * 2, signals and limits as the caller has given them, and nothing of Samba's.
 *
 * @param[in] keep  A descriptor that stays open until the exec; -1: none.
 * @return Its number from now on.
 */
int caller_leave(int keep);

/** Standard output could not be written. */
void output_failed(int error);

/** What was printed has left us. false: some of it is lost. */
bool output_flush(void);

/**
 * At the end: close standard output.
 *
 * @param[in] done  What has happened even if the output is lost, or NULL.
 * @return false: output is lost, after a complaint unless it was a pipe whose
 *         reader has gone.
 */
bool caller_finish(const char *done);

/*
 * conf_files.c
 */

/* "include" or "config file" of a file that depends on who asks */
struct conf_pattern {
	const char *text; /* "/etc/samba/%m.conf" */
	const char *in; /* the file that has it */
	bool instead; /* "config file" */
	const char **files; /* that are there, and may change shares */
	size_t num_files;
};

struct conf_files {
	const char **paths;
	size_t num_paths;
	struct conf_pattern *patterns;
	size_t num_patterns;
	const char **unknown; /* lines that lead nobody knows where */
	size_t num_unknown;
	bool nomem;
};

/**
 * Find all that smb.conf, which has been loaded, is made of: what it includes,
 * for any client, the registry, shares of users. NULL: out of memory.
 */
struct conf_files *conf_files_find(TALLOC_CTX *mem_ctx, const char *file);

/** For glob(3): any name in the place of each word that varies. */
char *conf_glob(TALLOC_CTX *mem_ctx, const char *text, size_t len);

/** The names of those parameters. */
bool conf_is_include(const char *name);
bool conf_is_instead(const char *name);

/** The file that one of them names, as far as it is the same for all. */
char *conf_file_named(TALLOC_CTX *mem_ctx, const char *name, const char *value);

/**
 * When was any of it last changed? Asked after a change, it need not know of
 * what has come with it.
 *
 * @return false: that can not be known.
 */
bool conf_files_changed(const struct conf_files *files, struct timespec *when);

/*
 * conf_load.c
 */

/**
 * Load smb.conf, and find out what it is to whom. What was loaded before is
 * forgotten: the numbers of shares, too.
 *
 * @return false after a complaint.
 */
bool conf_load(struct tool *tool);

/**
 * Load one file and what it includes: all shares of the registry, too, which
 * smbd loads when one is asked for. What Samba says about it is heard once.
 */
bool conf_load_file(const char *path);

/** The same, and go on to "config file", as smbd does. Without a complaint. */
bool conf_load_files(const char *file);

/** Load the shares of users, all that a client can ask for. */
void conf_load_usershares(void);

/** Forget all shares. */
void conf_forget_shares(void);

/**
 * All shares, as shares_load(), and those that only some clients get. NULL: out
 * of memory.
 */
struct share_list *conf_shares(TALLOC_CTX *mem_ctx, const struct tool *tool);

/*
 * conf_views.c
 */

/**
 * The shares that are other ones for some clients, by files that smb.conf
 * includes for them. Loads those: smb.conf is to be loaded again afterwards.
 *
 * @return NULL: out of memory.
 */
struct share_list *conf_views(TALLOC_CTX *mem_ctx,
			      struct conf_files *files,
			      const char *file,
			      const struct share_list *shares);

/** Are there any to look at? */
bool conf_has_views(const struct conf_files *files);

/*
 * shares.c
 */

/** May the share give access to an absolute real path, or a part of that? */
bool share_reaches(const struct share *share, const char *path);

/** May it to what the record covers? */
bool share_overlaps(const struct share *share,
		    const struct drain_record *record);

/** The same as shares_make_record(); NULL after a complaint. */
struct drain_record *shares_resolve(TALLOC_CTX *mem_ctx,
				    const struct share_list *list,
				    const char *target);

/**
 * The target that a person may have meant who typed @text: as shares_suggest(),
 * and a relative path is taken from the working directory. NULL: nothing is
 * like it.
 */
const char *shares_meant(TALLOC_CTX *mem_ctx,
			 const struct share_list *list,
			 const char *text);

/* What kind of thing a target is, for those who replace it */
enum target_kind {
	TARGET_DIRECTORY,
	TARGET_SHARE, /* the root of one */
	TARGET_LINK, /* a symbolic link to a directory in the share */
};

/** Of a record that shares_resolve() has made. */
enum target_kind shares_kind(const struct drain_record *record);

/** "directory", "share", "link". */
const char *target_kind_string(enum target_kind kind);

/** The path of what the target names itself, links on the way resolved. */
const char *shares_lexical(const struct drain_record *record);

/**
 * Do its "veto files" hide a path in the share from clients?
 *
 * @param[in] path  Relative to the root of the share.
 */
bool share_hides(const struct share *share, const char *path);

/** A share through which clients see an absolute real path; NULL: none. */
const struct share *shares_serving(const struct share_list *list,
				   const char *path);

/*
 * ask.c
 */

typedef void (*ask_fn)(const struct drain_reply *reply,
		       struct server_id src,
		       void *private_data);

struct ask_listener {
	struct ask_listener *prev, *next;
	struct tool *tool;
	uint64_t cookie;
	ask_fn fn;
	void *private_data;
};

/** Hear replies from now on. */
bool ask_start(struct tool *tool);

/** Hear the replies that bear @cookie, until it is freed. */
struct ask_listener *ask_listen(TALLOC_CTX *mem_ctx,
				struct tool *tool,
				uint64_t cookie,
				ask_fn fn,
				void *private_data);

uint64_t ask_new_cookie(struct tool *tool);

/*
 * Many are asked the same, some at a time: what they answer has to fit into our
 * socket. It takes ten messages (net.unix.max_dgram_qlen); an smbd that finds
 * it full starts a thread that waits (messages_dgm.c), which costs more than
 * all the rest. If answers come slowly more are asked: then the machine is
 * busy, and who waits for a processor does not wait in turn.
 */
struct ask_round {
	size_t num;
	/* Ask number @i; false: there is no answer to wait for */
	bool (*ask)(size_t i, void *private_data);
	void *private_data;
	bool over; /* set when nothing is left to be heard */

	size_t next; /* to be asked */
	size_t waiting; /* for an answer */
	size_t window; /* at most so many */
	size_t num_heard; /* since the last tick */
};

/** Begin with @round->num, @round->ask and @round->private_data set. */
void ask_round_start(struct ask_round *round);

/**
 * There was an answer.
 *
 * @param[in] last  Of the one who gave it: the next one may be asked.
 */
void ask_round_heard(struct ask_round *round, bool last);

/**
 * Hear answers until it is over, until all have been asked and there was none
 * for @quiet milliseconds, until @deadline, or until we shall stop.
 *
 * @return false: out of memory.
 */
bool ask_round_hear(struct tool *tool,
		    struct ask_round *round,
		    uint64_t quiet,
		    uint64_t deadline);

/*
 * survey.c
 */

struct survey_smbd {
	struct server_id id;
	bool answered;
	bool gone; /* it could not even be asked */
	bool obeys; /* it has acknowledged the drain */
	uint32_t holders;
	uint32_t parked; /* opens that wait for the end of the drain */
	uint64_t parked_since; /* the first of them; 0: none */
	uint32_t *trees; /* guarded, global ids */
	uint32_t num_trees;
	uint32_t errors;
	const char *last_error;
};

struct survey {
	struct survey_smbd *smbds; /* on the roster when last read; sorted */
	size_t num_smbds;
	bool complete; /* all that are on the roster have answered */
};

/**
 * Ask every smbd on the roster, and those that join meanwhile, to apply the
 * drain @id (null: just to say how it is). The dead and those that leave fall
 * out.
 *
 * @return NULL after a complaint.
 */
struct survey *survey_take(TALLOC_CTX *mem_ctx,
			   struct tool *tool,
			   const struct drain_id *id,
			   bool watch,
			   uint64_t deadline);

/** The same, of those that had holders in the survey @before. */
struct survey *survey_holders(const struct survey *before,
			      TALLOC_CTX *mem_ctx,
			      struct tool *tool,
			      const struct drain_id *id,
			      uint64_t deadline);

/** What to do about one that has not answered. */
const char *survey_silence(const struct survey_smbd *smbd);

/** Has the smbd said that it guards this tree connection in the drain? */
bool survey_guards(const struct survey *survey,
		   const struct server_id *id,
		   uint32_t tree);

/*
 * parents.c
 */

struct parent_list {
	struct server_id *ids;
	size_t num_ids;
};

/** The parent smbds that live, on all nodes. NULL after a complaint. */
struct parent_list *parents_find(TALLOC_CTX *mem_ctx);

/** That of this node. false: there is none. */
bool parents_own(struct server_id *id);

/** Does smbd run, on any node? Without a parent: does it serve a client? */
bool parents_any(void);

/*
 * namespace.c
 */

/**
 * What is to be said if a process on the bus is in another PID namespace, or
 * nobody can tell; NULL: all are in ours.
 */
const char *namespace_problem(TALLOC_CTX *mem_ctx);

/** Are all in ours? false after a complaint. */
bool namespace_is_shared(void);

/*
 * nodes.c
 */

struct lost_node {
	uint32_t number;
	const char *address;
};

struct lost_node_list {
	struct lost_node *nodes;
	size_t num_nodes;
};

/**
 * The nodes of a cluster whose smbds may serve without that they can be asked.
 * Waits some seconds for a recovery that is going on. NULL on failure, after a
 * complaint.
 */
struct lost_node_list *nodes_lost(TALLOC_CTX *mem_ctx,
				  struct tool *tool,
				  uint64_t deadline);

/**
 * Is there no recovery, neither under way nor to come?
 *
 * @param[out] generation  Another one after each recovery; without a cluster
 *                         it is always the same.
 */
bool nodes_steady(struct tool *tool, uint32_t *generation);

/**
 * Wait until this node is part of the cluster, for some seconds. Until then
 * whoever opens a database hangs.
 *
 * @return false after a complaint: it is not.
 */
bool nodes_join(struct tool *tool);

/** Is it banned or stopped, or not there, so that its smbds stand still? */
bool nodes_is_out(uint32_t number);

/*
 * reload.c
 */

/**
 * If smb.conf is so young that not every smbd need have read it, have them.
 *
 * @return false after a complaint: somebody has not.
 */
bool reload_if_changed(struct tool *tool, uint64_t deadline);

/*
 * mounts.c
 */

struct alias_list {
	const char **paths;
	size_t num_paths;
};

/**
 * Find other paths, outside of what the record covers, by which that or a part
 * of it is reached: mount --bind, and file systems that are mounted twice.
 *
 * @return NULL after a complaint.
 */
struct alias_list *mounts_aliases(TALLOC_CTX *mem_ctx,
				  const struct drain_record *record);

/** One that the share gives access to; NULL: none. */
const char *share_alias_in(const struct share *share,
			   const struct alias_list *list);

/**
 * Does a share give access to what the record covers past the module, whoever
 * connects to it? Of [homes] only who is connected is looked at: trees.c.
 *
 * @param[out] alias  NULL: it has no module. Else by a mount, as this path.
 */
bool share_passes_by(const struct share *share,
		     const struct drain_record *record,
		     const struct alias_list *aliases,
		     const char **alias);

/*
 * trees.c
 */

struct open_tree {
	struct server_id server_id;
	uint32_t id;
	uint32_t session;
	const char *share;
	struct drain_addresses client;
	const char *why; /* what is wrong with that: follows the name */
	bool has_module; /* the share has it by now, for who connects again */
};

struct open_tree_list {
	struct open_tree *trees;
	size_t num_trees;
};

/**
 * The tree connections, of all or of those in @among, that may reach what the
 * record covers and that no smbd of the survey guards. NULL after a complaint.
 */
struct open_tree_list *trees_unguarded(TALLOC_CTX *mem_ctx,
				       const struct share_list *shares,
				       const struct drain_record *record,
				       const struct alias_list *aliases,
				       const struct survey *survey,
				       const struct open_tree_list *among);

/**
 * The same after a look or ten, so that those on their way have settled.
 *
 * @param[in,out] survey  The last one that was taken; NULL after a complaint.
 */
struct open_tree_list *trees_settled(TALLOC_CTX *mem_ctx,
				     struct tool *tool,
				     const struct share_list *shares,
				     const struct drain_record *record,
				     const struct alias_list *aliases,
				     struct survey **survey,
				     uint64_t deadline);

/** Who is connected, what disconnects it, and what that does. */
const char *trees_advice(const struct open_tree *tree);

/*
 * verb_check.c, and check_now.c for it
 */

/* What is not as it should be, so far */
struct findings {
	json_t *problems;
	json_t *shares;
	json_t *target; /* NULL: all shares are looked at */
	const char *real_path; /* of the target; NULL: it can not be drained */
};

/** Note what is wrong, with a share (NULL: with all of them). */
void check_problem(struct findings *f, const char *share, const char *fmt, ...)
	PRINTF_ATTRIBUTE(3, 4);

/**
 * What stands in the way of a drain of these paths right now: that smbd does not
 * run, that one does not answer, clients that are connected without the module.
 *
 * @return false after a complaint.
 */
bool check_now(struct findings *f,
	       struct tool *tool,
	       const struct share_list *shares,
	       const struct drain_record *paths);

/*
 * arm.c
 */

/**
 * Arm the drain. Name what stands in the way.
 *
 * @return false: it is not armed.
 */
bool arm(struct tool *tool,
	 const struct share_list *shares,
	 const struct drain_record *record,
	 uint64_t deadline);

/**
 * Does every smbd refuse opens in all that the record covers now, and does
 * nothing reach it past the module? Asked of a drain that covers more than
 * when it was armed.
 *
 * @return false after a complaint.
 */
bool arm_again(struct tool *tool,
	       const struct share_list *shares,
	       const struct drain_record *record,
	       uint64_t deadline);

/**
 * Does anything in smb.conf, as it is loaded, give access to what the record
 * covers past the module? Each is complained of.
 */
bool arm_is_passed_by(const struct tool *tool,
		      TALLOC_CTX *mem_ctx,
		      const struct share_list *shares,
		      const struct drain_record *record);

/** That it is not armed, and what to do. */
void arm_complain(const struct drain_record *record);

/** What in smb.conf leads nobody knows where; none if all are guarded then. */
size_t arm_unknown(const struct tool *tool);

/**
 * The same without a word, and of a drain that is armed: is everybody on the
 * roster who may have something open in the target? After a recovery smbds of a
 * node that was cut off have to come back to it first.
 */
bool arm_is_known_to_all(struct tool *tool,
			 const struct share_list *shares,
			 const struct drain_record *record);

/*
 * below.c
 */

struct below;

/** All files and directories that a record covers. NULL: out of memory. */
struct below *below_walk(TALLOC_CTX *mem_ctx,
			 const struct drain_record *record);

/** Is that file among them? @param[in] dev  NULL: on whatever device. */
bool below_has(const struct below *below, uint64_t ino, const uint64_t *dev);

/*
 * identity.c
 */

/**
 * Is @path the directory @dir or below it, by device and inode? If @path is not
 * there, the directories above it decide. false: @dir is not there.
 */
bool identity_within(const char *path, const char *dir);

/** Is one of two paths the other, or above it, by device and inode? */
bool identity_overlap(const char *a, const char *b);

/*
 * inside.c
 */

struct inside;

/** For looking at many files. NULL: out of memory. */
struct inside *inside_new(TALLOC_CTX *mem_ctx,
			  const struct drain_record *record);

/**
 * Is an open file in the target? By its name, as far as that leads to the file;
 * else, as it does not if a module maps it or somebody has renamed a directory,
 * by the id of the file.
 *
 * @param[out] nomem  Set if out of memory, else left alone.
 */
bool inside_has(struct inside *inside,
		struct file_id id,
		const char *servicepath,
		const char *path,
		bool *nomem);

/*
 * handles.c
 */

/* An entry of Samba's table of open files, in a target */
struct open_handle {
	struct file_id file_id;
	struct server_id server_id;
	uint64_t share_file_id;
	uint32_t access;
	uint16_t oplock;
	uint64_t opened;
	uid_t uid;
	const char *path; /* absolute */
	bool disconnected; /* a durable handle whose client is away */
	uint64_t returns_until; /* microseconds since 1970; 0: unknown */
	bool expired; /* nobody can come back to it any more */
};

struct open_handle_list {
	struct open_handle *handles;
	size_t num_handles;
};

/* Files to look at again when the smbds say that nothing is left */
struct suspect_list {
	struct file_id *files;
	size_t num_files;
};

/** Open Samba's tables. false after a complaint. */
bool handles_start(void);

/**
 * Go through the whole table once.
 *
 * @return Handles that no smbd on the roster answers for. NULL after a
 *         complaint.
 */
struct open_handle_list *handles_scan(TALLOC_CTX *mem_ctx,
				      struct tool *tool,
				      const struct drain_record *record);

/**
 * The files that are, or may come to be, held by such handles.
 *
 * @param[in] held  Others, of handles that smbds answer for now.
 * @return NULL after a complaint.
 */
struct suspect_list *handles_suspects(TALLOC_CTX *mem_ctx,
				      struct tool *tool,
				      const struct drain_record *record,
				      const struct suspect_list *held);

/**
 * The same, but only the suspects are looked at, each by its id; those that
 * have gone leave the list.
 */
struct open_handle_list *handles_look(TALLOC_CTX *mem_ctx,
				      struct tool *tool,
				      const struct drain_record *record,
				      struct suspect_list *suspects);

/**
 * Remove durable handles whose client is away: those that have expired, which
 * Samba forgets to do when it was restarted, or all before their time.
 */
void handles_purge(const struct open_handle_list *list, bool all);

/** Done when one of the files' entries changes, or some seconds have passed. */
struct tevent_req *handles_watch_send(TALLOC_CTX *mem_ctx,
				      struct tevent_context *ev,
				      const struct open_handle_list *list);
NTSTATUS handles_watch_recv(struct tevent_req *req);

/*
 * holders.c
 */

struct holder {
	uint64_t key; /* unique in its smbd */
	const struct drain_addresses *client;
	const char *machine;
	const char *user;
	const char *share;
	const char *path;
	const char *server;
	const char *lease;
	uint32_t access;
	uint64_t opened;
	bool counts;
	bool directory;
	bool unguarded;
	bool disconnected;
	bool exempt;
	bool grace; /* its client may open more until its last one closes */
	uint64_t returns_until; /* of a disconnected one; 0: unknown */
	struct server_id server_id;
	uint64_t share_file_id;
	struct file_id file_id; /* of those that an smbd tells of */
	bool may_be_durable; /* the same */
};

struct holder_list {
	struct holder *holders;
	size_t num_holders;
	size_t num_silent; /* smbds that did not answer */
};

/**
 * Who has handles in what the record covers, whether it drains or not.
 *
 * @param[in] all  Those that do not count as well.
 * @param[in] patience  For how many ms all smbds may be silent; while pages
 *                      come it is no matter how long the list is.
 * @return NULL after a complaint.
 */
struct holder_list *holders_get(TALLOC_CTX *mem_ctx,
				struct tool *tool,
				const struct drain_record *record,
				bool all,
				uint64_t patience);

/**
 * The files of those handles of smbds on the roster that may be durable.
 *
 * @return false after a complaint, or if an smbd did not answer.
 */
bool holders_durable(TALLOC_CTX *mem_ctx,
		     struct tool *tool,
		     const struct drain_record *record,
		     uint64_t patience,
		     struct suspect_list *files);

/**
 * The place that the target names, with the policy of its drain if there is
 * one, else with what that would be. NULL after a complaint.
 */
struct drain_record *find_place(TALLOC_CTX *mem_ctx,
				   struct tool *tool,
				   const char *target);

/** Leave those out that nobody waits for. @return How many are left. */
size_t holders_drop_exempt(struct holder_list *list);

/* So many are named who can be asked for later */
#define HOLDERS_TO_NAME 10

/** List on standard error who is left, the first of them. */
void holders_complain(struct tool *tool,
		      const struct drain_record *record,
		      size_t at_most);

/** Are there counted handles through connections that nobody guards? */
bool holders_unguarded(struct tool *tool, const struct drain_record *record);

/*
 * quiesce.c
 */

enum quiesce_result {
	QUIESCE_DONE, /* by us or by another waiter */
	QUIESCE_RESUMED, /* somebody has ended the drain */
	QUIESCE_TIMED_OUT,
	QUIESCE_GAVE_UP, /* and opened it again, as its deadline says */
	QUIESCE_UNGUARDED, /* smb.conf has a way past the module now */
	QUIESCE_STOPPED, /* tool->stop_signal */
	QUIESCE_FAILED, /* after a complaint */
};

/**
 * Wait until nothing counted is open, and record it. It must be armed.
 *
 * @param[in] deadline  Of this wait; the drain's own, in its record, is
 *                      minded too.
 */
enum quiesce_result quiesce(struct tool *tool,
			    const struct share_list *shares,
			    const struct drain_record *record,
			    uint64_t deadline);

/** Arm the drain unless it is armed, and wait. Complain if that fails. */
enum quiesce_result arm_and_wait(struct tool *tool,
				 const struct share_list *shares,
				 const struct drain_record *record,
				 uint64_t deadline);

/*
 * exit_status.c
 */

/** That of a verb that has waited. */
int exit_status_of_wait(enum quiesce_result result);

/*
 * relations.c
 */

/* Drains in force, other than a target's own */
struct relations {
	const struct drain_record **outer; /* they cover all of the target */
	size_t num_outer;
	const struct drain_record **inner; /* they cover a part of it */
	size_t num_inner;
};

/**
 * Look for them.
 *
 * @param[in] place  What shares_resolve() makes of the target, or its drain.
 * @return NULL after a complaint.
 */
struct relations *relations_find(TALLOC_CTX *mem_ctx,
				 struct tool *tool,
				 const struct drain_record *place);

/** Is one of those that cover all of it armed? */
bool relations_close(const struct relations *relations);

/** "closed by the drain of pkg; "smbdrain resume pkg" opens it" */
const char *relations_of_outer(const struct relations *relations);

/** "a part of it is drained: pkg/office; "smbdrain resume pkg/office" ..." */
const char *relations_of_inner(const struct relations *relations);

/** Say that the target has no drain of its own, and what drains it instead. */
void relations_complain(const char *target, const struct relations *relations);

/*
 * view.c
 */

/* How long smbds may be silent */
#define VIEW_MSEC 2000

/* What a drain looks like now */
struct view {
	const struct drain_record *record;
	struct survey *survey;
	size_t holders;
	size_t num_silent; /* smbds that have not acknowledged it */
	size_t waiting; /* opens */
	uint64_t longest_wait; /* milliseconds */
};

/* All that "status" tells */
struct overview {
	struct view *views;
	size_t num_views;
	struct survey *survey; /* of all smbds, whatever drains */
	struct lost_node_list *lost; /* of a cluster */
	size_t num_unreadable; /* records */
	bool smbd_runs;
	const char *stranger; /* what namespace_problem() says */
	const char *target; /* NULL: all drains are looked at */
	const struct relations *relations; /* of the target */
};

/**
 * Look at a drain.
 *
 * @param[out] view  Its survey hangs off @mem_ctx.
 * @return false after a complaint.
 */
bool view_take(TALLOC_CTX *mem_ctx,
	       struct tool *tool,
	       const struct drain_record *record,
	       struct view *view);

/**
 * The same by what smbds say alone: handles that none answers for are left
 * out. If somebody is to hear of each holder that goes (tool->on_gone), they
 * tell of it from now on.
 */
bool view_ask(TALLOC_CTX *mem_ctx,
	      struct tool *tool,
	      const struct drain_record *record,
	      uint64_t patience,
	      struct view *view);

/** Has it not acknowledged the drain? */
bool view_is_silent(const struct survey_smbd *smbd);

/*
 * prometheus.c
 */

/** In the text format that node_exporter collects. false: it failed. */
bool show_as_metrics(const struct overview *all);

/*
 * watch.c
 */

/**
 * Look at once, and whenever a drain has begun, changed or ended, until @look
 * says false or we shall stop (tool->stop_signal).
 *
 * @param[in] every  Milliseconds after which to look in any case; UINT64_MAX:
 *                   only when there is something to see.
 */
void watch_drains(struct tool *tool,
		  uint64_t every,
		  bool (*look)(void *private_data),
		  void *private_data);

/*
 * countdown.c
 */

struct gone_handle;

/* The holders of a drain, fewer with each that goes */
struct countdown {
	struct drain_id id;
	struct holder_list *list; /* NULL: not there yet */
	bool filling; /* the list is being made */
	struct gone_handle *gone; /* meanwhile */
	size_t num_gone;
};

/** Before its smbds are asked to tell of each that goes. NULL: no memory. */
struct countdown *countdown_new(TALLOC_CTX *mem_ctx,
				const struct drain_record *record);

/** List the holders, anew. false after a complaint: the list is as it was. */
bool countdown_fill(struct countdown *c,
		    struct tool *tool,
		    const struct drain_record *record);

/** For tool->on_gone. false: it is of another drain. */
bool countdown_gone(struct countdown *c,
		    const struct drain_tell_gone *gone,
		    struct server_id src);

/** Those of an smbd that was killed: it did not say goodbye. */
void countdown_drop_dead(struct countdown *c);

/*
 * screen.c
 */

struct screen;

/**
 * Take the terminal over: an empty screen, keys without Return. When it is
 * freed, or the program stops for a while (Ctrl-Z), all is as it was.
 *
 * @param[in] redraw  Called when it has another size, or comes back.
 * @return NULL after a complaint: standard output is no such terminal.
 */
struct screen *screen_new(TALLOC_CTX *mem_ctx,
			  struct tool *tool,
			  void (*redraw)(void *private_data),
			  void *private_data);

/** How many lines it has. */
size_t screen_lines(void);

/** Write one line; what does not fit is cut off. */
void screen_line(struct screen *screen, const char *fmt, ...)
	PRINTF_ATTRIBUTE(2, 3);

/** The same, as the heading of a table. */
void screen_heading(struct screen *screen, const char *text);

/** Show the lines that were written since, and nothing else. */
void screen_show(struct screen *screen);

/*
 * progress.c
 */

struct progress;

/**
 * Show who is left while we wait: on a terminal, and to the service manager.
 * NULL if neither is there.
 */
struct progress *progress_start(TALLOC_CTX *mem_ctx,
				struct tool *tool,
				const struct drain_record *record);

/** Take the line away. */
void progress_end(struct progress *progress);

/*
 * notify.c
 */

/** Whether a service manager has started us, and listens. */
bool notify_is_wanted(void);

/** Tell it how it goes, in one line. */
void notify_status(const char *line);

/** Tell it that units that come after ours can be started now. */
void notify_quiescent(const struct drain_record *record);

/*
 * warn.c
 */

/** Run --warn-command with the holders; never waits for it. */
void warn(struct tool *tool, const struct drain_record *record);

/** DRAIN_ID, DRAIN_SHARE, ... for a command. false: out of memory. */
bool drain_set_environment(const struct drain_record *record);

/*
 * command.c
 */

/**
 * Would execvp(3) find the command? Looked up before anybody is drained.
 *
 * @return 0, or the errno of the exec that would fail.
 */
int command_look_up(const char *name);

/** Handle the signals that end a run, but those that are ignored. */
bool command_catch_signals(struct tool *tool,
			   TALLOC_CTX *mem_ctx,
			   tevent_signal_handler_t handler,
			   void *private_data);

/* A command that runs */
struct child {
	pid_t pid; /* 0: not started */
	int status; /* of waitpid(2), when it is gone */
	bool gone;
};

/** Note the end of a child: from before it is started, while @mem_ctx is. */
bool command_await_end(struct tool *tool,
		       TALLOC_CTX *mem_ctx,
		       struct child *child);

/**
 * Start the command.
 *
 * @param[out] pid  Its process; command_await_end() tells of its end.
 * @return 0, or an errno: there is no process, and the command has not begun.
 */
int command_start(char **command, pid_t *pid);

/*
 * end.c
 */

enum end_owner {
	END_IS_OURS, /* until drain_owner_release() or our own end */
	END_IS_OF_A_RUN, /* whose command we may be */
	END_IS_NOT_OURS, /* after a complaint, or tool->stop_signal */
};

/**
 * From here on nobody else resumes the drain, other than by force: nobody's
 * command shall find itself on an open share. Waits some seconds for who is
 * resuming it.
 */
enum end_owner end_own(struct tool *tool, const struct drain_record *record);

/**
 * drain_end_claim(), which waits some seconds for somebody who resumes it: that
 * one has the locks for a moment, also after the record is gone.
 *
 * @return NT_STATUS_NOT_FOUND: the drain has ended; NT_STATUS_IO_TIMEOUT: @who
 *         works on it.
 */
NTSTATUS end_claim(struct tool *tool,
		   const struct drain_id *id,
		   struct server_id *who);

/**
 * Take the record away and tell everybody. The caller owns the end of the
 * drain, and nobody publishes (drain_end_claim()).
 *
 * @return NT_STATUS_NOT_FOUND: it had ended before.
 */
NTSTATUS end_drain(struct tool *tool, const struct drain_record *record);

/**
 * Was a publish of the share interrupted? Complains, with both ways out. Nobody
 * can begin one meanwhile if the caller has drain_end_claim().
 */
bool end_is_half_published(struct tool *tool, const struct drain_id *id);

/** Has the drain's deadline come, and is it to be resumed then? */
bool end_is_due(const struct drain_record *record);

/**
 * Resume a drain whose deadline says so, with a word to the person.
 *
 * @return NT_STATUS_NOT_FOUND: it had ended before; NT_STATUS_IO_TIMEOUT: a
 *         command is at work on it; NT_STATUS_INVALID_DEVICE_STATE: it is
 *         quiescent by now, or has been given more time.
 */
NTSTATUS end_at_deadline(struct tool *tool, const struct drain_record *record);

/**
 * Resume all drains whose deadline says so, and on which nobody works. Whoever
 * looks does that.
 */
void end_all_due(struct tool *tool);

/*
 * deadline.c
 */

/**
 * See to it that somebody resumes the drain at its deadline when no tool waits
 * for it, if it is to be resumed then, and say who does.
 */
void deadline_arrange(struct tool *tool, const struct drain_record *record);

/*
 * near.c
 */

enum near_kind {
	NEAR_PUBLISHES, /* the other exchanges files */
	NEAR_WORKS, /* that, or it runs a command */
};

/**
 * Is nobody else doing that in a drain around @record's target, or inside of
 * it? Waits some seconds until that is so. Of two that ask about each other one
 * at least is refused, if each has its own lock before it asks: owner(id) to
 * run a command, publish(id) to publish. Who has started us, a run whose command
 * we are part of, does not count.
 *
 * @param[in] path  Another directory that is about to change; may be NULL.
 * @return false after a complaint, or when told to stop.
 */
bool near_is_quiet(struct tool *tool,
		   const struct drain_record *record,
		   const char *path,
		   enum near_kind kind);

/*
 * verb_begin.c, for run and wait
 */

/** Complains when smbd is not running. */
bool begin_smbd_runs(void);

/**
 * Put a new record there. One that should have been resumed at its deadline is
 * no obstacle: that is made up for.
 *
 * @param[out] rival  What drains there already, if that is why it failed.
 * @return The record, or NULL after a complaint.
 */
struct drain_record *begin_record(TALLOC_CTX *mem_ctx,
				  struct tool *tool,
				  const struct share_list *shares,
				  struct drain_record **rival);

/**
 * With --on-timeout it is the drain's deadline, whoever waits: put it into the
 * record. false after a complaint.
 */
bool begin_set_deadline(struct tool *tool, struct drain_record *record);

/**
 * Go on with a drain that somebody began: with another deadline if the options
 * have one, and with all else that they ask for if it is still arming. false
 * after a complaint.
 */
bool begin_go_on(struct tool *tool, struct drain_record *rival);

/** Say what drains there already. */
void begin_complain_of(const struct drain_record *rival);

/** The same as arm_and_wait(), with a word to the person if all went well. */
enum quiesce_result begin_wait(struct tool *tool,
			       const struct share_list *shares,
			       const struct drain_record *record);

/** How long smbds have to acknowledge. */
uint64_t begin_deadline(const struct options *options);

/*
 * exchange.c
 */

/*
 * An entry of a directory, held by descriptors: whoever renames what is above
 * it, or plants a symbolic link there, does not lead us elsewhere.
 */
struct pinned {
	const char *path; /* absolute and real */
	const char *name; /* in the directory that it is in; "": it is "/" */
	int parent; /* -1: it is "/" */
	int fd; /* -1: it is not there, or no directory */
	struct statx in; /* of the directory that it is in */
	struct statx self; /* if it is there */
};

/**
 * Pin a directory.
 *
 * @param[in] may_be_missing  Then only the one that it is in must be there.
 * @return NULL after a complaint.
 */
struct pinned *pin_directory(TALLOC_CTX *mem_ctx,
			     const char *path,
			     bool may_be_missing);

/** Pin a symbolic link. NULL after a complaint. */
struct pinned *pin_link(TALLOC_CTX *mem_ctx, const char *path);

/** What is under a name in an open directory; false: errno says why. */
bool pin_look(int dir, const char *name, struct statx *st);

/** Are both the same file? */
bool pin_same(const struct statx *a, const struct statx *b);

/** Can the one be renamed to be in the place of the other? */
bool pin_one_mount(const struct statx *a, const struct statx *b);

/** Why a rename failed; ESTALE: it was not what we meant that it renamed. */
const char *pin_error(void);

/** May we change an open directory? Complains. */
bool pin_writable(int dir, const char *path);

/** Is it what it was when it was pinned? Complains. */
bool pin_is_still_there(const struct pinned *pinned);

/** All that was written to the file system of a directory is on disk. */
bool pin_sync(const struct pinned *pinned);

/** What was renamed in the directory that it is in is on disk. Complains. */
bool pin_sync_parent(const struct pinned *pinned);

/**
 * What takes long, while the old directory is still served: the new one gets
 * owner, mode, ACL and extended attributes of the old one, and all that was
 * written to it goes to disk.
 *
 * @return false after a complaint.
 */
bool exchange_prepare(const struct pinned *old, const struct pinned *staged);

/**
 * Exchange two directories in one step. It may not be on disk yet. What has
 * changed of the rights of the old one since exchange_prepare() is made up for.
 *
 * @return false after a complaint.
 */
bool exchange_directories(const struct pinned *old,
			  const struct pinned *staged);

/**
 * Have a symbolic link lead to another directory, in one step. It may not be on
 * disk yet.
 *
 * @param[in] id  Of the drain for which this is done.
 * @param[in] path  Absolute and real; written as the link was, relative or not.
 * @return false after a complaint: it leads where it did, or where somebody
 *         else has made it lead meanwhile.
 */
bool exchange_link(const struct pinned *link,
		   const char *path,
		   const struct drain_id *id);

/*
 * link_name.c
 */

/** A name for a new link beside the old one. NULL: out of memory. */
char *link_name_new(TALLOC_CTX *mem_ctx, const struct drain_id *id);

/**
 * Remove links with such names that a killed publish has left beside @link.
 *
 * @param own The drain whose publish lock we have.
 */
void link_remove_left(struct tool *tool,
		      const struct pinned *link,
		      const struct drain_id *own);

/*
 * plan_json.c
 */

struct drain_plan;

/** An array; NULL: out of memory. */
json_t *plan_to_json(const struct drain_plan *plan);

/** The reverse. NULL: it is none, or out of memory. */
struct drain_plan *plan_from_json(TALLOC_CTX *mem_ctx, json_t *entries);

/*
 * journal.c
 */

/* The root of a share that is published entry by entry */
struct root_publish {
	struct tool *tool;
	const struct drain_record *record;
	const struct share *share;
	const struct pinned *root;
	const struct pinned *staged; /* its files are on disk */
	bool undo;
};

/**
 * Do it, go on with one that was interrupted, or go back.
 *
 * @return false after a complaint.
 */
bool journal_publish(const struct root_publish *publish);

/*
 * publish.c
 */

struct publish;

/**
 * Check all that can be checked before there is a drain.
 *
 * @param[in] new_directory   To become what tool->options->target is.
 * @param[in] may_be_missing  Only whether it could be published is asked.
 * @return NULL after a complaint.
 */
struct publish *publish_new(TALLOC_CTX *mem_ctx,
			    struct tool *tool,
			    const struct share_list *shares,
			    const char *new_directory,
			    bool may_be_missing);

/**
 * What takes long: best done before users have to wait, else by publish_now().
 *
 * @return false after a complaint.
 */
bool publish_prepare(struct publish *p);

/**
 * Do it. The target must be quiescent.
 *
 * @param[in] id     Whoever holds the drain knows its id.
 * @param[in] owned  The end of the drain is the caller's.
 * @return false after a complaint: nothing has changed, unless it is the root
 *         of a share, see end_is_half_published().
 */
bool publish_now(struct publish *p, const struct drain_id *id, bool owned);

/**
 * The rest: get it to disk, and tell the person. Users need not wait for that:
 * what a power failure can still undo, it undoes as a whole.
 *
 * @return false after a complaint.
 */
bool publish_finish(const struct publish *p);

/*
 * show.c
 */

/** All drains in force. NULL after a complaint. */
struct drain_list *find_all(TALLOC_CTX *mem_ctx, struct tool *tool);

/**
 * The record of the drain that a person means: by name, or by place.
 *
 * @param[out] place  The target, if it can be drained and no drain is in force.
 * @return NULL: there is none, which is no reason to complain, or, with @place
 *         NULL, after a complaint.
 */
struct drain_record *find_drain(TALLOC_CTX *mem_ctx,
				      struct tool *tool,
				      const char *target,
				      struct drain_record **place);

/** "pkg/office", safe to print. On talloc_tos(), as all below. */
const char *show_target(const struct drain_record *record);
const char *show_text(const char *untrusted);
/** "rwxd": read, write, execute, delete, ... */
/** The addresses of a client in one word. */
const char *show_client(const struct drain_addresses *client);
const char *show_access(uint32_t access);
/** "2026-11-23T20:15:01Z" */
const char *show_time(uint64_t usec);
const char *show_server(struct server_id id);

#define SHOW_JSON_VERSION 1 /* of the documents */

/** JSON strings that are UTF-8 whatever came in. */
json_t *show_json_text(const char *untrusted);
/** A time, or null for one that has not come. */
json_t *show_json_time(uint64_t usec);
/** A new document with its version. */
json_t *show_json_new(void);
/** "pkg/office", to be typed: not as it is shown. */
json_t *show_json_target(const struct drain_record *record);
/** The part of a document that describes a record. */
json_t *show_json_record(const struct drain_record *record);
/** The first address, or all. */
json_t *show_json_client(const struct drain_addresses *client);
json_t *show_json_addresses(const struct drain_addresses *client);
/** The document of "holders --json". false: it failed. */
bool show_json_holders(FILE *f, const struct holder_list *list);
/** Print @json on one line or many, and free it. false: it failed. */
bool show_json(json_t *json, bool one_line);

#endif /* _DRAIN_TOOL_H_ */
