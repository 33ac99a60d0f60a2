// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Requests from smbdrain.
 */

#ifndef _DRAIN_ANSWER_H_
#define _DRAIN_ANSWER_H_

/** Handle MSG_DRAIN_REQUEST. */
void drain_answer(struct messaging_context *msg_ctx,
		  void *private_data,
		  uint32_t msg_type,
		  struct server_id src,
		  DATA_BLOB *data);

#endif /* _DRAIN_ANSWER_H_ */
