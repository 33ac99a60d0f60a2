// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Drains that are begun and ended with Samba's smbcontrol.
 */

#ifndef _DRAIN_SMBCONTROL_H_
#define _DRAIN_SMBCONTROL_H_

/**
 * Handle "smbcontrol smbd close-share drain:TARGET" and "resume:TARGET" from
 * now on. Messages about shares are passed on to smbd.
 */
NTSTATUS drain_smbcontrol_register(struct messaging_context *msg_ctx,
				   struct smbd_server_connection *sconn);

#endif /* _DRAIN_SMBCONTROL_H_ */
