// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Find lost nodes of a cluster, as the ctdbd of this node sees them.
 *
 * The smbds of a lost node are not asked, and drop off the roster. They may
 * still run, if the node is cut off or its ctdbd hangs. They have ended only if
 * their ctdbd is known to have ended, for they end with it. A node that does
 * not answer is not assumed to be down.
 *
 * A node that is lost, or that returns, causes a recovery. What was read during
 * a recovery may be incomplete.
 */

#include "samba/nodes.h"
#include "ctdbd_conn.h"
#include "cluster_support.h"
#include "lib/messages_ctdb.h"
#include "ctdb/include/ctdb_protocol.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/loop.h"
#include "base/tool.h"

#define NODES_LOOK_MSEC 100
#define NODES_CONNECT_MSEC 1000
/* How long a recovery can take, including one repetition */
#define NODES_SETTLE_MSEC 5000
#define NODES_JOIN_MSEC 10000

/* The node map from ctdbd, on talloc_tos() */
struct nodes {
	struct ctdb_node_map_old *nodes;
	struct ctdb_vnn_map_wire *active;
};

static bool ask_ctdbd(uint32_t control, TDB_DATA *reply, int32_t *status)
{
	const TDB_DATA nothing = {0};

	return ctdbd_control_local(messaging_ctdb_connection(), control, 0, 0,
				   nothing, talloc_tos(), reply, status) == 0;
}

static void *read_from_ctdbd(uint32_t control, size_t least)
{
	TDB_DATA reply = {0};
	int32_t status = -1;

	if (!ask_ctdbd(control, &reply, &status) || status != 0 ||
	    reply.dsize < least) {
		complain("cannot query ctdbd for the nodes of the cluster");
		return NULL;
	}
	return reply.dptr;
}

/*
 * Send a control to the ctdbd of another node. Return NULL if it does not
 * answer in time.
 */
static struct ctdb_reply_control_old *ask_node(struct tool *tool,
					       uint32_t number,
					       uint32_t control)
{
	struct ctdb_req_control_old ask = {.opcode = control};
	struct iovec iov = {
		.iov_base = &ask,
		.iov_len = offsetof(struct ctdb_req_control_old, data),
	};
	struct ctdbd_connection *conn = NULL;
	struct ctdb_req_header *reply = NULL;
	struct tevent_req *req = NULL;

	/*
	 * Use a second connection: the first one handles one control at a time.
	 */
	if (ctdbd_init_async_connection(talloc_tos(), lp_ctdbd_socket(),
					lp_ctdb_timeout(), &conn) != 0) {
		return NULL;
	}
	ctdbd_prep_hdr_next_reqid(conn, &ask.hdr);
	ask.hdr.operation = CTDB_REQ_CONTROL;
	ask.hdr.length = iov.iov_len;
	ask.hdr.destnode = number;

	req = ctdbd_req_send(conn, tool->ev, conn, &iov, 1);
	if (req == NULL ||
	    !tool_poll(tool, req, tool_deadline(NODES_CONNECT_MSEC)) ||
	    ctdbd_req_recv(req, talloc_tos(), &reply) != 0 ||
	    reply->operation != CTDB_REPLY_CONTROL) {
		reply = NULL;
	}
	TALLOC_FREE(conn);
	return (struct ctdb_reply_control_old *)reply;
}

static bool nodes_read(struct nodes *n)
{
	n->nodes = read_from_ctdbd(CTDB_CONTROL_GET_NODEMAP,
				   offsetof(struct ctdb_node_map_old, nodes));
	n->active = read_from_ctdbd(CTDB_CONTROL_GETVNNMAP,
				    offsetof(struct ctdb_vnn_map_wire, map));
	return n->nodes != NULL && n->active != NULL;
}

/*
 * Return true for a node of the last recovery's vnn map, which need not contain
 * all nodes.
 */
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

/* Return true if node @number took part in the last recovery. */
static bool took_part(struct tool *tool,
		      const struct nodes *n,
		      uint32_t number)
{
	const struct ctdb_reply_control_old *reply = NULL;
	struct ctdb_vnn_map_wire theirs;
	const size_t least = offsetof(struct ctdb_vnn_map_wire, map);

	if (was_active(n, number)) {
		return true;
	}
	reply = ask_node(tool, number, CTDB_CONTROL_GETVNNMAP);
	if (reply == NULL || reply->status != 0 || reply->datalen < least) {
		return false;
	}
	memcpy(&theirs, reply->data, least);
	return theirs.generation == n->active->generation;
}

/* Return true if a recovery because of @node is still to come. */
static bool is_unsettled(struct tool *tool,
			 const struct nodes *n,
			 const struct ctdb_node_and_flags *node)
{
	if (node->flags & NODE_FLAGS_INACTIVE) {
		return was_active(n, node->pnn);
	}
	return !took_part(tool, n, node->pnn);
}

static bool any_unsettled(struct tool *tool, const struct nodes *n)
{
	uint32_t i;

	if (n->active->generation == INVALID_GENERATION) {
		return true;
	}
	for (i = 0; i < n->nodes->num; i++) {
		if (is_unsettled(tool, n, &n->nodes->nodes[i])) {
			return true;
		}
	}
	return false;
}

/*
 * Return true if ctdbd has ended but its machine is up: the connection is
 * refused.
 */
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

static bool is_lost(struct tool *tool,
		    const struct nodes *n,
		    const struct ctdb_node_and_flags *node)
{
	if (!(node->flags & NODE_FLAGS_INACTIVE)) {
		return !took_part(tool, n, node->pnn);
	}
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

static bool wait_to_settle(struct tool *tool,
			   struct nodes *n,
			   uint64_t deadline)
{
	const uint64_t patience = tool_deadline(NODES_SETTLE_MSEC);

	while (nodes_read(n)) {
		struct tevent_req *pause = NULL;

		if (!any_unsettled(tool, n) || tool_is_late(patience)) {
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
	bool nomem = list == NULL;
	bool ok = true;
	uint32_t i;

	if (!nomem && lp_clustering()) {
		ok = wait_to_settle(tool, &n, deadline);
		for (i = 0; ok && !nomem && i < n.nodes->num; i++) {
			nomem = is_lost(tool, &n, &n.nodes->nodes[i]) &&
				!add_lost(list, &n.nodes->nodes[i]);
		}
	}
	if (nomem) {
		complain("out of memory");
	}
	if (nomem || !ok) {
		TALLOC_FREE(list);
	}
	TALLOC_FREE(frame);
	return list;
}

bool nodes_steady(struct tool *tool, uint32_t *generation)
{
	TALLOC_CTX *frame = talloc_stackframe();
	struct nodes n = {.nodes = NULL};
	bool steady = true;

	*generation = 0;
	if (lp_clustering()) {
		steady = nodes_read(&n) && !any_unsettled(tool, &n);
		*generation = steady ? n.active->generation : 0;
	}
	TALLOC_FREE(frame);
	return steady;
}

static bool can_be_used(void)
{
	TALLOC_CTX *frame = talloc_stackframe();
	TDB_DATA nothing = {0};
	int32_t mode = -1;
	bool ok;

	ok = ask_ctdbd(CTDB_CONTROL_GET_RECMODE, &nothing, &mode) &&
	     mode == CTDB_RECOVERY_NORMAL;
	TALLOC_FREE(frame);
	return ok;
}

bool nodes_join(struct tool *tool)
{
	const uint64_t patience = tool_deadline(NODES_JOIN_MSEC);

	while (lp_clustering() && !can_be_used()) {
		if (tool_is_late(patience) || tool->stop_signal != 0) {
			complain("cannot use this node: it is not part of the "
				 "cluster; bring it back, or use another node");
			return false;
		}
		smb_msleep(NODES_LOOK_MSEC);
	}
	return true;
}

bool nodes_is_out(uint32_t number)
{
	TALLOC_CTX *frame = talloc_stackframe();
	struct nodes n = {.nodes = NULL};
	bool out = false;
	uint32_t i;

	if (lp_clustering() && nodes_read(&n)) {
		for (i = 0; i < n.nodes->num; i++) {
			const struct ctdb_node_and_flags *node =
				&n.nodes->nodes[i];

			out |= node->pnn == number &&
			       (node->flags & NODE_FLAGS_INACTIVE);
		}
	}
	TALLOC_FREE(frame);
	return out;
}
