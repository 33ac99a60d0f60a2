// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Users and hosts that a drain exempts.
 */

#ifndef _DRAIN_EXEMPT_H_
#define _DRAIN_EXEMPT_H_

#include "drain/policy.h"

/**
 * Test whether the policy of a drain exempts a session. For an open handle
 * use drain_handle_is_exempt().
 */
bool drain_is_exempt(const struct connection_struct *conn,
		     uint64_t vuid,
		     const struct drain_policy *policy);

#endif /* _DRAIN_EXEMPT_H_ */
