/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's environment (struct ctl_env) over the event loop, beside what loop/host.h lends to
 * drivers. Loop thread. */
#ifndef FRAMEFARM_CMD_HOST_H
#define FRAMEFARM_CMD_HOST_H

struct ctl_env;
struct host;

/* Borrowed until host_free(). */
void host_env(struct host *h, struct ctl_env *ret_env);

#endif
