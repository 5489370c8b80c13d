/* SPDX-License-Identifier: Apache-2.0 */
/* CONNECT: a stream to the agent's socket, through the phone's localabstract: service. */
#include "drivers/adb/adb.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

struct connect {
	struct adb_op *o;   /* NULL once the stream was handed out */
	struct stream *out; /* NULL before */
};

static void opened(void *arg)
{
	struct connect *c = arg;
	struct adb_op *o = c->o;
	struct stream *inner = o->stream;

	if (o->why) {
		inner->ops->close(inner);
		return; /* closed() ends the operation */
	}
	c->out = adb_stream_out_new(o->dev);
	adb_stream_out_set(c->out, inner);
	inner->events = &adb_stream_out_events;
	inner->arg = c->out;
	o->stream = NULL;
	o->op->result.stream = c->out;
	adb_op_finish(o, 0);
}

/* Before it was open. */
static void closed(void *arg, int code, const char *text)
{
	struct connect *c = arg;
	struct adb_op *o = c->o;

	o->stream = NULL;
	if (code == ERR_NOTFOUND)
		adb_op_fail(o, ERR_UNREACHABLE, "nothing listens at %.80s on the phone",
			o->op->in.connect.endpoint);
	else
		adb_op_fail(o, code ? code : ERR_IO, "%s",
			code ? text : "the phone closed the connection to the agent");
}

static const struct stream_events events = {.closed = closed};

/* "abstract:NAME" is what the agent calls it. */
static int service(const char *endpoint, char *dst, size_t size, struct err *e)
{
	if (!strncmp(endpoint, "abstract:", 9))
		snprintf(dst, size, "localabstract:%s", endpoint + 9);
	else if (!strncmp(endpoint, "unix:", 5))
		snprintf(dst, size, "localfilesystem:%s", endpoint + 5);
	else if (!strncmp(endpoint, "tcp:127.0.0.1:", 14))
		snprintf(dst, size, "tcp:%s", endpoint + 14);
	else
		return err_set(e, ERR_INVAL, "\"%.60s\" is no endpoint of a phone", endpoint);
	return 0;
}

int adb_connect(struct adb_op *o, struct err *e)
{
	struct connect *c;
	char name[LIMIT_VALUE + 32];
	int rc = service(o->op->in.connect.endpoint, name, sizeof(name), e);

	if (!rc && o->dev->n_streams >= ADB_STREAMS_OUT)
		rc = err_set(e, ERR_FULL, "the phone has %d streams open", ADB_STREAMS_OUT);
	if (rc)
		return rc;
	c = mem_zalloc(sizeof(*c));
	c->o = o;
	o->data = c;
	o->stream =
		o->dev->conn->ops->open(o->dev->conn, name, strlen(name), &events, opened, c, e);
	return o->stream ? 0 : e->code;
}

void adb_connect_release(struct adb_op *o)
{
	mem_free(o->data);
}
