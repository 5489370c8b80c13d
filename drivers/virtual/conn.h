/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A socket of the phone's joined with a stream of ADB: what tcp:, localabstract: and accepted
 * connections of reverse: have in common. It frees itself when both are closed. Loop thread.
 */
#ifndef FRAMEFARM_DRIVERS_VIRTUAL_CONN_H
#define FRAMEFARM_DRIVERS_VIRTUAL_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

struct adb_stream;
struct session;

/* A peer's OPEN: connects (at most a fifth of a second) and accepts the stream. False refuses it. */
bool conn_dial(struct session *s, struct adb_stream *st, const struct sockaddr *sa, socklen_t n);
/* A connection that the phone accepted: opens `service` at the peer. Takes fd, also on failure. */
void conn_accepted(struct session *s, int fd, const char *service);

#endif
