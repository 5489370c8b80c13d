/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What drivers may use (struct driver_host), made of the event loop, for the daemon and for the
 * virtual phone. Who owns it fills in the reports (arrived, gone, needs_human, op_done). Loop thread.
 */
#ifndef FRAMEFARM_LOOP_HOST_H
#define FRAMEFARM_LOOP_HOST_H

struct driver_host;
struct host;
struct loop;

struct host *host_new(struct loop *l);
void host_free(struct host *h); /* NULL allowed */
/* Both borrowed until host_free(). */
struct driver_host *host_drivers(struct host *h);
struct loop *host_loop(struct host *h);

#endif
