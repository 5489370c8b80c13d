/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the ADB driver share: the instance, a device, an operation. Everything here is
 * the loop thread's; what runs on the pool is inside sync.c and a few helpers that copy what they
 * need.
 *
 * A device (struct driver_dev) lives from its arrival to its gone(). How it is reached (a USB
 * interface, a TCP address, an adb server) is its `port`'s affair: a port makes sessions, a device
 * uses the one that is online. Operations are sequences of commands and transfers over `conn`.
 */
#ifndef FRAMEFARM_DRIVERS_ADB_ADB_H
#define FRAMEFARM_DRIVERS_ADB_ADB_H

#include <sys/queue.h>

#include "base/buf.h"
#include "base/err.h"
#include "drivers/adb/conn.h"
#include "drivers/adb/host.h"
#include "drivers/adb/shell.h"
#include "drivers/adb/sync.h"
#include "drivers/driver.h"

#define ADB_OPS_MAX     64 /* of one device, under way */
#define ADB_UUID        36
#define ADB_SCRIPT_MAX  3072 /* old phones refuse services beyond 4 096 bytes */
#define ADB_STREAMS_OUT 8    /* handed out by CONNECT, of one device */

struct adb;
struct adb_op;
struct adb_port;
struct adb_usb;

struct adb_config {
	bool usb;
	char workdir[LIMIT_VALUE]; /* on the phone; "": /data/local/tmp/framefarm */
	int64_t min_free_mb;
	uint32_t features; /* to offer */
	int server_port;   /* of an adb server that owns phones */
	int n_imported;
	char imported[ADB_KEYS_MAX - 1][DRIVER_PATH_MAX]; /* private keys, PEM */
};

/* ---- a device ---- */

struct adb_stream_out; /* stream_out.c */

struct driver_dev {
	struct adb *a;
	struct adb_port *port;
	struct adb_conn *conn; /* NULL while it cannot be used */
	char where[LIMIT_NAME];
	char serial[LIMIT_VALUE]; /* as the transport knows it; may be "" */
	bool usb;
	bool needy;    /* needs_human() was said and not taken back */
	bool ending;   /* gone() follows once nothing of it is left */
	bool detached; /* on purpose */
	char why[LIMIT_CAUSE];
	struct host_timer *end_timer;

	/* What IDENTIFY learned and other operations need. */
	char key[LIMIT_KEY];
	char workdir[LIMIT_VALUE];
	char uuid[ADB_UUID + 1];
	char root[LIMIT_VALUE], clock[LIMIT_VALUE]; /* of a virtual phone; "": none */

	struct adb_op *ops;
	int n_ops, n_of[DRIVER_OP_KINDS];
	struct adb_stream_out *streams;
	int n_streams;
	TAILQ_ENTRY(driver_dev) link;
};

TAILQ_HEAD(adb_devs, driver_dev);
TAILQ_HEAD(adb_ports, adb_port);

/* ---- the instance ---- */

struct adb {
	struct driver_host *host;
	struct adb_config cfg;
	char dir[DRIVER_PATH_MAX];
	struct adb_host_keys keys;
	bool ready; /* the keys are there, discovery runs */
	bool loading;
	struct err load_err;
	struct adb_devs devs;
	struct adb_ports ports;
	struct adb_usb *usb; /* NULL: not looked at */
	struct adb_addresses *addresses;
	bool saving;   /* addresses are being written, on the pool */
	int resolving; /* names are being looked up, on the pool */
	void (*stopped)(void *arg);
	void *stopped_arg;
	struct host_timer *stop_timer;
};

/* adb.c */
void adb_check_stopped(struct adb *a);

/* keys.c: on the pool. Reads or makes the farm's own key, then the imported ones. */
int adb_keys_load(struct adb *a, struct err *e);
void adb_keys_free(struct adb *a);

/* ---- dev.c: the life of a device ---- */

struct driver_dev *adb_dev_new(
	struct adb *a, struct adb_port *p, const char *where, const char *serial, bool usb);
/* A person is needed ("" when not any more). */
void adb_dev_need(struct driver_dev *d, const char *what_to_do, bool may_pass);
/* The connection is there; takes it. */
void adb_dev_online(struct driver_dev *d, struct adb_conn *c);
/* The connection is not there any more, the device stays: every operation ends with `code`. */
void adb_dev_offline(struct driver_dev *d, int code, const char *why);
/* The device goes: operations, streams, then gone(), later. The port forgets it at once. */
void adb_dev_end(struct driver_dev *d, const char *why);
void adb_dev_check_end(struct driver_dev *d);
/* As adb_dev_end(), but the connection stays good: another device arrives over it. */
void adb_dev_change(struct driver_dev *d, const char *why);

/* ---- port.c: how devices are reached ---- */

struct adb_port_ops {
	void (*free)(struct adb_port *p); /* at once; its device was ended before */
	/* Lets go of the device, and takes it back; done through adb_dev_offline() and
	 * adb_dev_online(). NULL: cannot. */
	int (*detach)(struct adb_port *p, struct err *e);
	int (*attach)(struct adb_port *p, struct err *e);
	/* Its device was ended because another phone answers; that one arrives. NULL: by itself. */
	void (*again)(struct adb_port *p);
};

struct adb_port {
	const struct adb_port_ops *ops;
	struct adb *a;
	struct driver_dev *dev;   /* NULL between two connections */
	char address[LIMIT_NAME]; /* "" for USB, which comes and goes by itself */
	char trouble
		[LIMIT_CAUSE]; /* why there is no device at the address; "" while none is known */
	TAILQ_ENTRY(adb_port) link;
};

void adb_port_init(struct adb_port *p, struct adb *a, const struct adb_port_ops *ops);
void adb_port_fini(struct adb_port *p); /* ends its device, unlinks; does not free */
/* Why nobody is there; logged when it is news. "": somebody is. */
void adb_port_trouble(struct adb_port *p, const char *text);

/* port_tcp.c, port_server.c: keep one address connected. */
struct adb_port *adb_port_tcp(struct adb *a, const char *address);
struct adb_port *adb_port_server(struct adb *a, const char *serial);
/* addresses.c: the list, kept over a restart. */
int adb_address_check(const char *address, struct err *e);
int adb_address(void *inst, const char *address, bool add, struct err *e);
void adb_addresses(void *inst, driver_address_fn *each, void *arg);
/* fixed: given at the start, so it is not kept in the file. */
int adb_address_add(struct adb *a, const char *address, bool fixed, struct err *e);
void adb_addresses_load(struct adb *a);  /* on the pool, with adb_keys_load() */
void adb_addresses_begin(struct adb *a); /* connects them */
void adb_addresses_free(struct adb *a);

/* ---- resolve.c: names of hosts ---- */

#define ADB_FOUND_MAX 8

struct adb_found {
	int n; /* 0: why says what is wrong */
	char list[ADB_FOUND_MAX][LIMIT_NAME];
	char why[LIMIT_CAUSE];
};

struct adb_resolve;

/* Whether an address that adb_address_check() let through needs no looking up. */
bool adb_address_is_numeric(const char *address);
/* done(arg, found) once, from the pool, unless it is cancelled; found is lent. NULL and *e when the
 * pool has no room. */
struct adb_resolve *adb_resolve(struct adb *a, const char *address,
	void (*done)(void *arg, const struct adb_found *f), void *arg, struct err *e);
void adb_resolve_cancel(struct adb_resolve *r);

/* What a person does about a session's state; shared by ports. False for states in which nothing is
 * to be done. */
bool adb_need_text(enum adb_host_state st, const char *said, bool usb, char dst[LIMIT_CAUSE]);

/* ---- operations ---- */

struct adb_kind {
	/* Arranges for adb_op_finish(); a code and *e when it cannot begin. */
	int (*begin)(struct adb_op *o, struct err *e);
	int (*check)(const struct driver_dev *d, const struct driver_op *op, struct err *e);
	void (*release)(struct adb_op *o); /* what hangs on o->data; before the end */
	bool offline;                      /* works without a connection */
	bool waits;                        /* begins when there is one */
};

struct adb_op {
	struct driver_dev *dev;
	struct driver_op *op;
	const struct adb_kind *kind;
	struct adb_op *next, **prev;
	int why;      /* 0, ERR_CANCELLED or ERR_GONE: why it should end early */
	bool waiting; /* for the connection */
	bool blame;
	struct err err;
	int rc;
	struct host_timer *soon;

	/* The step under way: at most one of these. */
	struct adb_shell *shell;
	void (*then)(struct adb_op *o, struct adb_shell_result *r);
	struct adb_sync *sync;
	struct stream *stream; /* a service of the operation's own */

	void *data;
};

extern const struct adb_kind adb_kinds[DRIVER_OP_KINDS];

int adb_op_submit(void *inst, struct driver_op *op, struct err *e);
void adb_op_cancel(void *inst, struct driver_op *op);
/* The connection is there: what waited for it begins. */
void adb_op_begin_waiting(struct driver_dev *d);
/* Ends early, with why; used by dev.c. */
void adb_op_end_early(struct adb_op *o, int why, const char *text);

/* The one way an operation ends; frees o. Never from inside submit() or cancel(). */
void adb_op_finish(struct adb_op *o, int rc);
void adb_op_finish_soon(struct adb_op *o, int rc);
/* As adb_op_finish() with a failure: sets the text, and blames the device unless the code says that
 * it is not its fault. */
void adb_op_fail(struct adb_op *o, int rc, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Runs a command; then(o, result) when it ended, whatever its status. When it cannot run, the
 * operation fails by itself. Returns a code only when nothing was begun. */
int adb_op_shell(struct adb_op *o, const char *script, size_t output_max,
	void (*then)(struct adb_op *o, struct adb_shell_result *r), struct err *e);
/* Goes on with a next step from inside a callback: a code ends the operation. */
void adb_op_step(struct adb_op *o, int rc, const struct err *e);
/* Opens o->sync where there is none. */
int adb_op_sync(struct adb_op *o, struct err *e);
/* The end of a transfer that failed: closes o->sync and ends the operation. */
void adb_op_sync_failed(struct adb_op *o, const struct adb_sync_done *d);

/* What a command printed, as one line for a person. */
void adb_op_said(const struct adb_shell_result *r, char *dst, size_t size);

/* ---- stream_out.c ---- */

struct stream *adb_stream_out_new(struct driver_dev *d);
/* The phone's end of it; must come before the receiver's first event. */
void adb_stream_out_set(struct stream *out, struct stream *inner);
extern const struct stream_events adb_stream_out_events; /* arg: the struct stream of _new() */
void adb_stream_out_drop(struct stream *out);            /* nobody received it */
void adb_streams_out_end(struct driver_dev *d, const char *why);

/* ---- one file an operation ---- */

int adb_identify(struct adb_op *o, struct err *e);
int adb_prepare(struct adb_op *o, struct err *e);
int adb_push(struct adb_op *o, struct err *e);
int adb_push_check(const struct driver_dev *d, const struct driver_op *op, struct err *e);
int adb_pull(struct adb_op *o, struct err *e);
int adb_exec(struct adb_op *o, struct err *e);
int adb_start(struct adb_op *o, struct err *e);
int adb_start_check(const struct driver_dev *d, const struct driver_op *op, struct err *e);
void adb_start_release(struct adb_op *o);
int adb_stop(struct adb_op *o, struct err *e);
void adb_stop_script(const struct driver_dev *d, char *dst, size_t size);
int adb_stop_check(const struct driver_dev *d, const struct driver_op *op, struct err *e);
int adb_connect(struct adb_op *o, struct err *e);
void adb_connect_release(struct adb_op *o);
int adb_collect(struct adb_op *o, struct err *e);
void adb_collect_release(struct adb_op *o);
int adb_clean(struct adb_op *o, struct err *e);
int adb_clean_check(const struct driver_dev *d, const struct driver_op *op, struct err *e);
void adb_clean_release(struct adb_op *o);
int adb_reboot(struct adb_op *o, struct err *e);
int adb_detach(struct adb_op *o, struct err *e);
int adb_attach(struct adb_op *o, struct err *e);
int adb_install(struct adb_op *o, struct err *e);
void adb_install_release(struct adb_op *o);
int adb_provision(struct adb_op *o, struct err *e);
void adb_provision_release(struct adb_op *o);

#endif
