/* SPDX-License-Identifier: Apache-2.0 */
/* Virtual time, timers and posts of a life. */
#ifndef FRAMEFARM_SIM_HOST_H
#define FRAMEFARM_SIM_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

#define HOST_BEGIN_MS 1000000 /* when a life begins */

struct driver_host;
struct host;

struct host *host_new(void);
void host_free(struct host *h);
struct driver_host *host_driver_host(struct host *h);
struct now host_now(void *h);
void host_post(void *h, void (*fn)(void *arg), void *arg);
/* Once, after ms of virtual time; the world's own, which a crash of the controller does not stop.
 * With free_arg, arg is given to mem_free() when the life ends before that. */
void host_after(struct host *h, int64_t ms, void (*fn)(void *arg), void *arg);
void host_after_own(struct host *h, int64_t ms, void (*fn)(void *arg), void *arg);
void host_step_wall(struct host *h, int64_t ms); /* somebody sets the clock */
/* Runs what is posted; else moves time to the next timer and runs what is due. False: nothing is
 * left to wait for. */
bool host_turn(struct host *h);
int64_t host_ms(const struct host *h);
int64_t host_next_ms(const struct host *h); /* of the next thing to happen; INT64_MAX: none */
void host_crash(struct host *h); /* timers and posts of the process are gone, the world's go on */

#endif
