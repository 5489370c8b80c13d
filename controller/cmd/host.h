/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's environment: what drivers and farm may use (struct driver_host, struct ctl_env), made
 * of the event loop. Loop thread. */
#ifndef FRAMEFARM_CMD_HOST_H
#define FRAMEFARM_CMD_HOST_H

struct ctl_env;
struct host;
struct loop;

struct host *host_new(struct loop *l);
void host_free(struct host *h); /* NULL allowed */
/* Borrowed until host_free(). */
void host_env(struct host *h, struct ctl_env *ret_env);

#endif
