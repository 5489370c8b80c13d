/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The adb server's "smart socket": one request on a connection, and a phone's services through it.
 * Loopback alone. Never asks a server to start, stop or kill. Loop thread. Source: AOSP
 * SERVICES.TXT, OVERVIEW.TXT.
 */
#ifndef FRAMEFARM_DRIVERS_ADB_SERVER_H
#define FRAMEFARM_DRIVERS_ADB_SERVER_H

#include "drivers/adb/conn.h"

#define ADB_SERVER_TEXT_MAX 4096 /* of an answer */
#define ADB_SERVER_MS       5000 /* for an answer */

struct adb_server_ask;

/* One request, one text as its answer. done(arg, 0, text), or a code and a sentence: ERR_UNREACHABLE
 * (no server listens), ERR_NOTFOUND (it said FAIL), ERR_TIMEOUT, ERR_PROTO. Once, later. */
struct adb_server_ask *adb_server_ask(struct driver_host *h, int port, const char *request,
	void (*done)(void *arg, int rc, const char *text), void *arg);
void adb_server_ask_cancel(struct adb_server_ask *q); /* done() does not come */

/* Services of the phone with this serial; features: the server's list, "shell_v2,cmd,…". */
struct adb_conn *adb_conn_server(
	struct driver_host *h, int port, const char *serial, const char *features);

#endif
