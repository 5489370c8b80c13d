/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon as a service: what the manager (notify.h) and who hangs up is told, in the loop. It says that it
 * lives as long as the loop turns, and in one line what goes on. Loop thread.
 */
#ifndef FRAMEFARM_CMD_SERVICE_H
#define FRAMEFARM_CMD_SERVICE_H

struct ctl;
struct loop;
struct service;

#define SERVICE_STATUS_MS 5000 /* how often the line for people is looked at */

/* Before anything that takes time; what the daemon is about to do stands in the line. */
struct service *service_new(const char *about_to);
/* The daemon listens: ready, and alive from now on. Both are borrowed until service_free(). */
void service_start(struct service *s, struct loop *l, struct ctl *c, const char *url);
void service_failed(struct service *s, const char *why); /* instead of service_start() */
void service_stopping(struct service *s);
void service_free(struct service *s); /* before the loop */

#endif
