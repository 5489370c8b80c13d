/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One command on a phone, to its end: shell protocol 2 where the phone has it, else the old shell
 * with the exit status asked for behind the command and carriage returns taken off. Loop thread.
 *
 * Closing a stream ends the phone's shell but not always what it started (shell v2 sends SIGHUP to
 * the shell alone), so what may run long says its own `exec` and is killed by name.
 */
#ifndef FRAMEFARM_DRIVERS_ADB_SHELL_H
#define FRAMEFARM_DRIVERS_ADB_SHELL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "drivers/adb/conn.h"

struct adb_shell;

struct adb_shell_result {
	int exit_code;  /* 0 … 255; 128 + signal for a command that a signal ended */
	bool cut;       /* there was more output */
	struct buf out; /* taken by whoever moves it away; the rest is freed behind done() */
	struct buf err; /* empty with the old shell, which mixes both */
};

struct adb_shell_config {
	const char *script;
	const void *input; /* copied; NULL: none. ERR_UNSUPPORTED without shell protocol 2 */
	size_t n_input;
	size_t output_max; /* of each of out and err */
	/* Output goes here instead, as it comes (out and err alike); may be NULL. */
	void (*sink)(void *arg, const uint8_t *data, size_t n);
};

/* done(arg, rc, text, result) comes once, later: rc 0 when the command ended, whatever its status;
 * ERR_GONE, ERR_CANCELLED, ERR_PROTO, ERR_IO ("ended without a status"). NULL and *e at once
 * otherwise. */
struct adb_shell *adb_shell_run(struct adb_conn *c, const struct adb_shell_config *cfg,
	void (*done)(void *arg, int rc, const char *text, struct adb_shell_result *r), void *arg,
	struct err *e);
/* A request: done() still comes. */
void adb_shell_cancel(struct adb_shell *s);

/* Appends `text` to a script so that the shell takes it as one word. */
int adb_quote(struct buf *b, const char *text);

#endif
