/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One peer's connection to a virtual phone, over any link: the handshake, the keys that are let in,
 * and the services that the peer opens (service.h). Knows nothing of how the link came to be. Loop
 * thread.
 */
#ifndef FRAMEFARM_DRIVERS_VIRTUAL_SESSION_H
#define FRAMEFARM_DRIVERS_VIRTUAL_SESSION_H

#include <stdbool.h>
#include <stdint.h>

struct adb_device;
struct adb_link;
struct adb_mux;
struct driver_host;
struct phone;
struct session;

/* Takes the link. gone(arg, s) comes once, later, when the peer is gone by itself; then s is freed. */
struct session *session_new(
	struct phone *p, struct adb_link *l, void (*gone)(void *arg, struct session *s), void *arg);
/* Ends it at once: gone() does not come, streams are closed later on the loop. */
void session_free(struct session *s);

struct phone *session_phone(const struct session *s);
struct driver_host *session_host(const struct session *s);
struct adb_mux *session_mux(const struct session *s);
uint32_t session_max_payload(const struct session *s);

/* Whether any banner feature is in use on both sides; enum adb_feature. */
bool session_has(const struct session *s, uint32_t feature);

/* The owner says yes to the dialog that is up, if one is. */
void session_allow(struct session *s);

/* ---- reverse: listeners live as long as their session ---- */

struct reverse;
struct reverse **session_reverse(struct session *s);

#endif
