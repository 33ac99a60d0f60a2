/*
 * drain: take users off a Samba share so that it can be updated
 *
 * The nodes of a cluster, as the ctdbd of this one sees them.
 *
 * The smbds of a node that is lost are not asked, and fall out of the roster.
 * They may live on: if the node is cut off, or its ctdbd stands still. Only if
 * its ctdbd is known to have ended have they, for they end with it. For all
 * that is done here somebody who answers no more is no dead one.
 *
 * A node that is lost, or comes back, makes for a recovery. What was read while
 * it went on may be less than there is.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#include "tool.h"
#include "ctdbd_conn.h"
#include "lib/messages_ctdb.h"
#include "ctdb/include/ctdb_protocol.h"

#define NODES_LOOK_MSEC 100
#define NODES_CONNECT_MSEC 1000
/* A recovery, also one that has to be repeated */
#define NODES_SETTLE_MSEC 5000

/*
 * Nodes that are no lmaster are never among the active ones. That is found out
 * once, by waiting for it in vain.
 */
static bool some_are_no_lmaster;

/* As ctdbd sends them; on talloc_tos() */
struct nodes {
	struct ctdb_node_map_old *nodes;
	struct ctdb_vnn_map_wire *active;
};

static void *ask_ctdbd(uint32_t control, size_t least)
{
	const TDB_DATA nothing = {0};
	TDB_DATA reply = {0};
	int32_t status = -1;
	int ret;

	ret = ctdbd_control_local(messaging_ctdb_connection(), control, 0, 0,
				  nothing, talloc_tos(), &reply, &status);
	if (ret != 0 || status != 0 || reply.dsize < least) {
		complain("can not ask ctdbd about the cluster");
		return NULL;
	}
	return reply.dptr;
}

static bool nodes_read(struct nodes *n)
{
	n->nodes = ask_ctdbd(CTDB_CONTROL_GET_NODEMAP,
			     offsetof(struct ctdb_node_map_old, nodes));
	n->active = ask_ctdbd(CTDB_CONTROL_GETVNNMAP,
			      offsetof(struct ctdb_vnn_map_wire, map));
	return n->nodes != NULL && n->active != NULL;
}

static bool was_active(const struct nodes *n, uint32_t number)
{
	uint32_t i;

	for (i = 0; i < n->active->size; i++) {
		if (n->active->map[i] == number) {
			return true;
		}
	}
	return false;
}

/* Is there a recovery to come, because of this node? */
static bool is_unsettled(const struct nodes *n,
			 const struct ctdb_node_and_flags *node)
{
	if (node->flags & NODE_FLAGS_INACTIVE) {
		return was_active(n, node->pnn);
	}
	return !was_active(n, node->pnn) && !some_are_no_lmaster;
}

static bool any_unsettled(const struct nodes *n)
{
	uint32_t i;

	if (n->active->generation == INVALID_GENERATION) {
		return true;
	}
	for (i = 0; i < n->nodes->num; i++) {
		if (is_unsettled(n, &n->nodes->nodes[i])) {
			return true;
		}
	}
	return false;
}

/* Nothing listens where it did: then it has ended, and the machine has not */
static bool ctdbd_has_ended(const struct ctdb_node_and_flags *node)
{
	struct sockaddr_storage address = {0};
	NTSTATUS status;
	int fd = -1;

	memcpy(&address, &node->addr, MIN(sizeof(address), sizeof(node->addr)));
	status = open_socket_out(&address,
				 get_sockaddr_port(&address),
				 NODES_CONNECT_MSEC, &fd);
	if (NT_STATUS_IS_OK(status)) {
		close(fd);
	}
	return NT_STATUS_EQUAL(status, NT_STATUS_CONNECTION_REFUSED);
}

static bool is_lost(const struct ctdb_node_and_flags *node)
{
	return (node->flags & NODE_FLAGS_DISCONNECTED) &&
	       !(node->flags & NODE_FLAGS_DELETED) && !ctdbd_has_ended(node);
}

static bool add_lost(struct lost_node_list *list,
		     const struct ctdb_node_and_flags *node)
{
	struct lost_node *nodes = NULL;
	char address[INET6_ADDRSTRLEN];

	nodes = talloc_realloc(list, list->nodes, struct lost_node,
			       list->num_nodes + 1);
	if (nodes == NULL) {
		return false;
	}
	list->nodes = nodes;
	nodes[list->num_nodes] = (struct lost_node) {
		.number = node->pnn,
		.address = talloc_strdup(
			list, print_sockaddr(
				      address, sizeof(address),
				      (const void *)&node->addr)),
	};
	list->num_nodes += 1;
	return nodes[list->num_nodes - 1].address != NULL;
}

static bool settle(struct tool *tool, struct nodes *n, uint64_t deadline)
{
	const uint64_t patience = tool_deadline(NODES_SETTLE_MSEC);

	while (nodes_read(n)) {
		struct tevent_req *pause = NULL;

		if (!any_unsettled(n)) {
			return true;
		}
		if (tool_is_late(patience)) {
			some_are_no_lmaster = true;
			return true;
		}
		pause = tevent_wakeup_send(
			talloc_tos(), tool->ev,
			timeval_current_ofs_msec(NODES_LOOK_MSEC));
		if (pause == NULL || !tool_poll(tool, pause, deadline)) {
			return true;
		}
		TALLOC_FREE(pause);
	}
	return false;
}

struct lost_node_list *nodes_lost(TALLOC_CTX *mem_ctx,
				  struct tool *tool,
				  uint64_t deadline)
{
	TALLOC_CTX *frame = talloc_stackframe();
	struct lost_node_list *list = talloc_zero(mem_ctx,
						  struct lost_node_list);
	struct nodes n = {.nodes = NULL};
	bool ok = list != NULL;
	uint32_t i;

	if (ok && lp_clustering()) {
		ok = settle(tool, &n, deadline);
		for (i = 0; ok && i < n.nodes->num; i++) {
			if (is_lost(&n.nodes->nodes[i])) {
				ok = add_lost(list, &n.nodes->nodes[i]);
			}
		}
	}
	if (!ok) {
		TALLOC_FREE(list);
	}
	TALLOC_FREE(frame);
	return list;
}

bool nodes_steady(uint32_t *generation)
{
	TALLOC_CTX *frame = talloc_stackframe();
	struct nodes n = {.nodes = NULL};
	bool steady = true;

	*generation = 0;
	if (lp_clustering()) {
		steady = nodes_read(&n) && !any_unsettled(&n);
		*generation = steady ? n.active->generation : 0;
	}
	TALLOC_FREE(frame);
	return steady;
}
