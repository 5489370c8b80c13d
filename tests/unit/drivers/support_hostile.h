/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A phone whose every byte a test decides, at an address of loopback in the test's own loop. It greets
 * as a phone does, answers IDENTIFY and PREPARE as it was told, and hands every other command and
 * every byte of sync: to the test.
 *
 *	hostile_init(&p, sh); p.command = …; p.sync = …;
 *	hostile_drive(&p, dir)		the driver meets it
 */
#ifndef FRAMEFARM_TESTS_DRIVERS_SUPPORT_HOSTILE_H
#define FRAMEFARM_TESTS_DRIVERS_SUPPORT_HOSTILE_H

#include "support_host.h"

#include "base/buf.h"
#include "drivers/adb/device.h"

#define HOSTILE_STREAMS 64
#define HOSTILE_SCRIPT  4096

struct hostile;

struct hostile_stream {
	struct hostile *p;
	struct adb_stream *s; /* NULL behind closed() */
	bool is_sync, finishing;
	int step;       /* the test's */
	struct buf in;  /* what came on a sync: stream */
	struct buf out; /* what waits for room */
	size_t out_at;
	int64_t pour; /* bytes of stdout that go before `out`; < 0: without end */
	size_t poured, block_at;
};

struct hostile {
	struct support_host *sh;
	char address[LIMIT_NAME];
	int fd;
	struct host_fd *watch;
	struct adb_device *dev; /* of the newest connection */
	struct adb_device *old[8];
	int n_old;
	struct adb_device_config cfg;
	struct hostile_stream *streams;
	int n_streams, n_closed;

	/* What IDENTIFY is told. */
	const char *serial, *uuid;
	size_t junk; /* bytes of properties between the beginning and the serial */

	/* Others' commands; NULL: the status 0 and no output. */
	void (*command)(struct hostile_stream *st, const char *script);
	void (*sync)(struct hostile_stream *st); /* something was added to st->in */
	int n_commands;
	char last[HOSTILE_SCRIPT];
	void *arg; /* the test's */
};

void hostile_init(struct hostile *p, struct support_host *sh);
void hostile_fini(struct hostile *p);
/* The driver's only address is this one; until it is identified and prepared. */
void hostile_drive(struct hostile *p, const char *dir);
/* IDENTIFY of the nth device that arrived; its code, and the key when that is 0. */
int hostile_identify(struct hostile *p, int n, char key[LIMIT_KEY]);

/* Answers of a stream; what does not fit waits. */
void hostile_send(struct hostile_stream *st, const void *data, size_t n);
void hostile_stdout(struct hostile_stream *st, const char *text);
void hostile_exit(struct hostile_stream *st, int code); /* and the end of the stream */
void hostile_finish(struct hostile_stream *st);
/* A message of sync: id, number, and the bytes of it. */
void hostile_say(
	struct hostile_stream *st, const char id[4], uint32_t v, const void *data, size_t n);

#endif
