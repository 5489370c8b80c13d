/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a peer can open on a phone. A service is one file with an open() and a line in the table of
 * service.c. open() decides at once or later, as adb_mux_ops.open does; what it starts must live on
 * its own: the session may be gone while its streams still close. Each counts itself with
 * phone_service(), so that the phone is not freed under it. Loop thread.
 */
#ifndef FRAMEFARM_DRIVERS_VIRTUAL_SERVICE_H
#define FRAMEFARM_DRIVERS_VIRTUAL_SERVICE_H

#include <stdbool.h>
#include <stddef.h>

struct adb_stream;
struct session;

/* name: what stands before the first ':' or ',' ("shell"); rest: from there on (",v2,raw:ls"), n
 * bytes with a NUL behind them, which may hold NULs. Borrowed for the call. */
typedef bool service_open_fn(struct session *s, struct adb_stream *st, const char *rest, size_t n);

bool service_open(struct session *s, struct adb_stream *st, const char *service, size_t n);

service_open_fn service_shell;      /* shell, v1 and v2 */
service_open_fn service_exec;       /* exec */
service_open_fn service_abb;        /* abb: with shell v2 */
service_open_fn service_abb_exec;   /* abb_exec: raw */
service_open_fn service_sync;       /* sync */
service_open_fn service_tcp;        /* tcp */
service_open_fn service_abstract;   /* localabstract */
service_open_fn service_filesystem; /* localfilesystem */
service_open_fn service_reverse;    /* reverse */
service_open_fn service_reboot;     /* reboot */
service_open_fn service_root;       /* root and unroot: a user build says no */
service_open_fn service_remount;
service_open_fn service_tcpip; /* tcpip and usb: adbd restarts */
service_open_fn service_sink;
service_open_fn service_source;
service_open_fn service_jdwp; /* track-jdwp: no debuggable process, ever */

/* Accepts, sends the text and closes. */
bool service_say(struct session *s, struct adb_stream *st, const char *text, size_t n);

#endif
