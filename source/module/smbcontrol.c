// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Drains that are begun and ended with Samba's smbcontrol:
 *
 *     smbcontrol smbd close-share drain:TARGET
 *     smbcontrol smbd close-share resume:TARGET
 *
 * smbd passes that message on to the process of each client. The first process
 * writes or removes the record; the others find that done. No share name
 * contains a colon, so other messages are for smbd's own handler. smbcontrol
 * receives no answer, so errors are only logged.
 */

#include "module.h"
#include "drain/codec.h"
#include "drain/resolve.h"
#include "drain/shares.h"
#include "drain/text.h"
#include "client.h"
#include "drains.h"
#include "log.h"
#include "process.h"
#include "smbcontrol.h"

/* @target may be invalid */
static void log_failure(const char *verb, const char *target, const char *why)
{
	const struct drain_about about = {
		.client = drain_client_all(),
		.share = talloc_strndup(talloc_tos(), target,
					strcspn(target, "/")),
		.path = target,
	};

	DRAIN_LOG(DBG_ERR, about, "smbcontrol close-share %s: %s", verb, why);
}

static void log_success(const struct drain_record *record, const char *what)
{
	DRAIN_LOG(DBG_NOTICE, drain_about_record(record),
		  "%s by smbcontrol close-share", what);
}

static struct drain_record *new_record(TALLOC_CTX *mem_ctx,
				       const char *target,
				       const char **why)
{
	struct share_list *shares = shares_load(mem_ctx);
	struct drain_record *record = NULL;

	*why = "out of memory";
	if (shares == NULL) {
		return NULL;
	}
	record = shares_make_record(mem_ctx, shares, target, why);
	if (record == NULL) {
		return NULL;
	}
	record->id = drain_id_new();
	record->state = DRAIN_ARMING; /* until a tool has asked all smbds */
	record->begun = drain_now();
	record->by = talloc_asprintf(record, "smbcontrol (smbd %d)",
				     (int)getpid());
	if (record->by == NULL) {
		TALLOC_FREE(record);
	}
	return record;
}

static void begin(TALLOC_CTX *mem_ctx, const char *target)
{
	struct drain_record *record = NULL;
	struct drain_record *rival = NULL;
	const char *why = NULL;
	NTSTATUS status;

	record = new_record(mem_ctx, target, &why);
	if (record == NULL) {
		log_failure("drain", target, why);
		return;
	}
	status = drain_store_add(drain_process.store, mem_ctx, record,
				 &rival);
	if (NT_STATUS_IS_OK(status)) {
		log_success(record, "drained");
		drain_hold_wake(drain_process.locks, &record->id);
		drain_roster_tell(drain_process.locks);
	} else if (rival == NULL) {
		log_failure("drain", target, nt_errstr(status));
	}
}

static struct drain_record *find(TALLOC_CTX *mem_ctx,
				 const char *name,
				 const char **why)
{
	struct drain_record *record = NULL;
	struct share_list *shares = NULL;
	struct drain_list *list = NULL;
	struct drain_target target;
	NTSTATUS status;

	*why = drain_target_parse(mem_ctx, name, &target);
	if (*why != NULL) {
		return NULL;
	}
	status = drain_store_list(drain_process.store, mem_ctx, &list);
	if (!NT_STATUS_IS_OK(status)) {
		*why = nt_errstr(status);
		return NULL;
	}

	/* By name first: smb.conf may not have the share any more */
	record = drain_list_find(mem_ctx, list, &target, NULL);
	shares = shares_load(mem_ctx);
	if (record == NULL && shares != NULL) {
		const struct drain_record *place = shares_make_record(
			mem_ctx, shares, name, why);

		record = drain_list_find(mem_ctx, list, &target, place);
	}
	return record;
}

/* Does what "smbdrain resume" does without --force */
static const char *end_owned(TALLOC_CTX *mem_ctx,
			     const struct drain_id *id)
{
	struct drain_record *record = NULL;
	NTSTATUS status;

	status = drain_store_read(drain_process.store, mem_ctx, id, &record);
	if (NT_STATUS_EQUAL(status, NT_STATUS_NOT_FOUND)) {
		return NULL; /* another smbd has removed it */
	}
	if (!NT_STATUS_IS_OK(status)) {
		return nt_errstr(status);
	}
	if (record->publishing[0] != '\0') {
		return "a publish is not complete; see smbdrain status";
	}
	status = drain_store_remove(drain_process.store, id);
	if (!NT_STATUS_IS_OK(status)) {
		return nt_errstr(status);
	}
	log_success(record, "resumed");
	drain_hold_wake(drain_process.locks, id);
	drain_roster_tell(drain_process.locks);
	return NULL;
}

static const char *end(TALLOC_CTX *mem_ctx, const struct drain_id *id)
{
	struct server_id who = {0};
	struct server_id_buf buf;
	const char *why = NULL;
	NTSTATUS status;

	status = drain_end_claim(drain_process.locks, id, &who);
	if (NT_STATUS_IS_OK(status)) {
		why = end_owned(mem_ctx, id);
		drain_end_release(drain_process.locks, id);
		return why;
	}
	if (!NT_STATUS_EQUAL(status, NT_STATUS_IO_TIMEOUT)) {
		return nt_errstr(status);
	}
	if (drain_roster_has(drain_process.locks, who)) {
		return NULL; /* another smbd is removing it */
	}
	return talloc_asprintf(mem_ctx, "in use by pid %s",
			       server_id_str_buf(who, &buf));
}

static void resume(TALLOC_CTX *mem_ctx, const char *target)
{
	struct drain_record *record = NULL;
	const char *why = NULL;

	record = find(mem_ctx, target, &why);
	if (record != NULL) {
		why = end(mem_ctx, &record->id);
	}
	if (why != NULL) {
		log_failure("resume", target, why);
	}
}

static void handle(struct messaging_context *msg_ctx,
		   void *private_data,
		   uint32_t msg_type,
		   struct server_id src,
		   DATA_BLOB *data)
{
	const char *to_begin = drain_text_after(data->data, data->length,
						"drain:");
	const char *to_end = drain_text_after(data->data, data->length,
					      "resume:");
	TALLOC_CTX *frame = NULL;

	if (to_begin == NULL && to_end == NULL) {
		msg_force_tdis(msg_ctx, private_data, msg_type, src, data);
		return;
	}
	if (!drain_process.on_roster) {
		return; /* this client has no share with the module */
	}

	frame = talloc_stackframe();
	become_root();
	if (to_begin != NULL) {
		begin(frame, to_begin);
	} else {
		resume(frame, to_end);
	}
	(void)drains_catch_up();
	unbecome_root();
	TALLOC_FREE(frame);
}

NTSTATUS drain_smbcontrol_register(struct messaging_context *msg_ctx,
				   struct smbd_server_connection *sconn)
{
	/* With the same private pointer this replaces smbd's handler */
	return messaging_register(msg_ctx, sconn, MSG_SMB_FORCE_TDIS, handle);
}
