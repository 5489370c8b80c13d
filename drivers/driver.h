/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver contract. A driver finds devices of one kind and carries bytes and commands to them;
 * it decides nothing. It is one `const struct driver`, listed in registry.c.
 *
 * Threads. Every call in either direction is made on the loop thread. What may block goes to
 * host->blocking(). A driver never sleeps, never reads a clock, starts no thread.
 *
 * Operations. A struct driver_op is owned by the caller and borrowed by the driver from submit()
 * until its completion. The contract of every operation:
 *	- submit() returns 0: host->op_done(op) comes exactly once, later, never inside submit() or
 *	  cancel();
 *	- submit() returns a negative code: it will not come;
 *	- cancel() is a request: the completion still comes, with ERR_CANCELLED if it worked;
 *	- when the device goes, every operation under way completes with ERR_GONE, every stream is
 *	  closed with it, and only then does the driver report the device gone.
 * The controller owns deadlines: it cancels what takes too long. A device's operations may run at
 * the same time unless a driver says otherwise in its README.
 *
 * Devices. A driver calls host->arrived(dev) when one appears. From then on `dev` is valid until
 * the driver has called host->gone(dev) and host returned. A device that needs a person says so
 * with host->needs_human(); the controller then cancels what it asked of the device, and identifies
 * it when the need is over.
 *
 * Streams. A connected endpoint is a struct stream: bytes both ways, bounded, closed exactly once.
 */
#ifndef FRAMEFARM_DRIVERS_DRIVER_H
#define FRAMEFARM_DRIVERS_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"

struct err;
struct driver;
struct driver_dev; /* defined by each driver */
struct driver_op;

#define DRIVER_API_VERSION 3
#define DRIVER_PATH_MAX    512
#define DRIVER_ARGV_MAX    64
#define DRIVER_OUTPUT_MAX  (64 * 1024)

/* What a driver, or one of its devices, can do. */
enum driver_cap {
	DRIVER_CAP_EXEC = 1 << 0,
	DRIVER_CAP_EXPOSE = 1 << 1, /* can hand the device to a reserving engineer */
	DRIVER_CAP_POWER = 1 << 2,  /* can cut and restore its power */
	DRIVER_CAP_REBOOT = 1 << 3,
	DRIVER_CAP_COLLECT = 1 << 4,    /* has logs to fetch after a failed run */
	DRIVER_CAP_IN_PROCESS = 1 << 5, /* runner lives inside the agent */
	DRIVER_CAP_VIRTUAL = 1 << 6,    /* not a real device: everything it measures is marked */
	DRIVER_CAP_DETACH = 1 << 7,     /* can be handed to another tool of this host */
	DRIVER_CAP_INSTALL = 1 << 8,    /* takes application packages */
	DRIVER_CAP_PROVISION = 1 << 9,  /* has settings that a farm cares for */
};

/* ---- streams ---- */

struct stream;

struct stream_events {
	/* Bytes came. They are the callee's only until it returns. */
	void (*data)(void *arg, const uint8_t *data, size_t n);
	/* Room again after a write took less than all. */
	void (*drained)(void *arg);
	/* The end, exactly once, never inside a call on the stream; afterwards it is gone. code is
	 * 0 for
	 * an orderly end. */
	void (*closed)(void *arg, int code, const char *text);
};

struct stream_ops {
	/* Takes up to n bytes, returns how many (0 … n): the rest waits for drained(). */
	size_t (*write)(struct stream *s, const uint8_t *data, size_t n);
	/* Stops (true) and goes on with (false) data(): back-pressure down to the device. */
	void (*pause)(struct stream *s, bool on);
	/* Asks for the end; closed() follows unless events were taken away first. What the device
	 * has
	 * not taken yet may be lost: who must know that it arrived waits for an answer. */
	void (*close)(struct stream *s);
};

struct stream {
	const struct stream_ops *ops;
	const struct stream_events *events; /* set by the receiver of the stream, at once */
	void *arg;
};

/* ---- operations ---- */

enum driver_op_kind {
	DRIVER_OP_IDENTIFY, /* who is it; fills result.identity */
	DRIVER_OP_PREPARE,  /* make its working directory, check space; fills result.workdir */
	DRIVER_OP_PUSH,     /* a host file to the device, by content: skipped when it is there */
	DRIVER_OP_PULL,     /* a device file to the host */
	DRIVER_OP_EXEC,     /* run a command to its end */
	DRIVER_OP_START,    /* start the agent, detached; fills result.endpoint */
	DRIVER_OP_STOP,     /* stop the agent that START started, kill it if need be */
	DRIVER_OP_CONNECT,  /* connect to an endpoint; fills result.stream */
	DRIVER_OP_COLLECT,  /* fetch crash logs into a host directory */
	DRIVER_OP_CLEAN,    /* delete what runs left, but for the files in keep */
	DRIVER_OP_POWER,    /* cut or restore power */
	DRIVER_OP_REBOOT,
	DRIVER_OP_EXPOSE, /* hand the device to an engineer; fills result.endpoint */
	DRIVER_OP_UNEXPOSE,
	DRIVER_OP_DETACH,    /* let go of the device, so that another tool can have it */
	DRIVER_OP_ATTACH,    /* take it back */
	DRIVER_OP_INSTALL,   /* install an application package */
	DRIVER_OP_PROVISION, /* hold its settings against what a farm device needs */
	DRIVER_OP_KINDS
};

/* PROVISION: what to do with the settings that are not as a farm device needs them. */
enum driver_provision { DRIVER_PROVISION_CHECK, DRIVER_PROVISION_APPLY, DRIVER_PROVISION_UNDO };

struct driver_attr {
	char key[LIMIT_NAME];
	char value[LIMIT_VALUE];
};

/* Who a device is. Everything here came from outside and was bounded and cleaned by the driver. */
struct driver_identity {
	char key[LIMIT_KEY];           /* stable over reboots and moves: "local:3f2a…" */
	char name[LIMIT_NAME];         /* short, for people: "local", "pixel-8-1f3a" */
	char model[LIMIT_VALUE];       /* "Pixel 8", "Intel(R) Xeon(R) …" */
	char abi[32];                  /* "x86_64", "aarch64": chooses agent and runner */
	char os[LIMIT_VALUE];          /* "Debian GNU/Linux 12 (bookworm), Linux 6.1.0" */
	char fingerprint[LIMIT_VALUE]; /* changes when the system image does */
	uint32_t caps;                 /* enum driver_cap, of this device */
	int n_attrs;
	struct driver_attr attrs[LIMIT_ATTRS]; /* selectable: "cpu.cores"="8", "ram_mb"="7984" */
};

struct driver_op {
	/* Filled in by the caller. */
	enum driver_op_kind kind;
	struct driver_dev *dev;
	union {
		struct {
			char src[DRIVER_PATH_MAX]; /* on the host */
			char sha256[LIMIT_SHA256]; /* its name in the device's files directory */
			int64_t bytes;
			bool executable;
		} push;
		struct {
			char src[DRIVER_PATH_MAX]; /* on the device */
			char dst[DRIVER_PATH_MAX]; /* on the host */
			int64_t max_bytes;
		} pull;
		struct {
			const char *argv[DRIVER_ARGV_MAX + 1]; /* borrowed; NULL-terminated */
			const char *input;                     /* borrowed; NULL: none */
		} exec;
		struct {
			char agent_sha256[LIMIT_SHA256]; /* pushed before */
			/* In: a new secret, shared with the agent. Out, on success: the one in
			 * force,
			 * which is an older one where an agent that was running is kept. */
			uint8_t secret[32];
			/* Borrowed "--flag=value" texts, NULL-terminated. */
			const char *options[16];
		} start;
		struct {
			char endpoint[LIMIT_VALUE]; /* as START gave it */
		} connect;
		struct {
			char dst[DRIVER_PATH_MAX];
		} collect;
		struct {
			const char *const
				*keep; /* borrowed SHA-256 list, NULL-terminated; NULL: none */
			bool all;      /* the agent's directory too */
		} clean;
		struct {
			bool on;
		} power;
		struct {
			const char *const *src; /* borrowed host paths, NULL-terminated: one APK, or
						   a base and its splits */
		} install;
		struct {
			enum driver_provision what;
		} provision;
	} in;
	void *user; /* the caller's; the driver does not touch it */

	/* Filled in by the driver before op_done(). */
	int rc;                 /* 0 or an enum err_code */
	char text[LIMIT_CAUSE]; /* on failure: a sentence that says what to do */
	bool blame_device;      /* on failure: the device is at fault, not the request */
	union {
		struct driver_identity identity;
		char workdir[DRIVER_PATH_MAX];
		struct {
			bool skipped; /* it was there already */
			int64_t bytes;
		} push;
		struct {
			int exit_code; /* or -1 */
			size_t n_out, n_err;
			/* At most DRIVER_OUTPUT_MAX each; the caller frees with mem_free(). */
			char *out, *err;
			bool cut; /* there was more */
		} exec;
		struct {
			char endpoint[LIMIT_VALUE];
			bool running; /* an agent was running already and was kept */
		} start;
		struct stream *stream; /* the caller sets events before it returns from op_done() */
		struct {
			int64_t freed_bytes;
		} clean;
		struct {
			/* JSON array of {"setting", "want", "is", "ok", "applied", "how"}: `how`
			 * tells a person what to do by hand. The caller frees with mem_free(). */
			char *json;
		} provision;
	} result;

	/* The driver's own, from submit() to op_done(). */
	void *priv;
	struct driver_op *next;
};

/* ---- the host: what a driver may use ---- */

struct host_timer;
struct host_fd;
struct host_child;

#define HOST_FD_READ  1
#define HOST_FD_WRITE 2

/* A child process; its standard streams are descriptors of the caller's (copied), or -1 for
 * /dev/null. It inherits nothing else and leads a process group of its own. */
struct host_spawn {
	const char *path;
	char *const *argv;
	char *const *envp; /* NULL: a small clean environment */
	int fd_in, fd_out, fd_err;
	bool detach; /* setsid, not killed with the daemon; only its start is reported */
};

struct driver_host {
	/* The time of this turn. */
	int64_t (*now_ms)(struct driver_host *h); /* monotonic */

	/* Once, at or after at_ms (monotonic), never inside timer_add(). The timer is gone when its
	 * callback begins; timer_del() is for one that has not fired. */
	struct host_timer *(*timer_add)(
		struct driver_host *h, int64_t at_ms, void (*fn)(void *arg), void *arg);
	void (*timer_del)(struct driver_host *h, struct host_timer *t);

	/* Level-triggered; `events` is an or of HOST_FD_*, 0 to rest (not even a hang-up is
	 * reported).
	 * fd_del() is allowed in any callback, and comes before close(). SIGPIPE is ignored. */
	struct host_fd *(*fd_add)(struct driver_host *h, int fd, unsigned events,
		void (*fn)(void *arg, unsigned events), void *arg);
	void (*fd_set)(struct driver_host *h, struct host_fd *f, unsigned events);
	void (*fd_del)(struct driver_host *h, struct host_fd *f); /* does not close */

	/* exited() comes once, unless detached: status as from waitpid(); the child is gone when it
	 * begins. NULL on failure, *e filled. child_kill() signals the child's whole group. */
	struct host_child *(*spawn)(struct driver_host *h, const struct host_spawn *sp,
		void (*exited)(void *arg, int status), void *arg, struct err *e);
	void (*child_kill)(struct driver_host *h, struct host_child *c, int sig);

	/* work(arg) on a pool thread, then done(arg) on the loop thread, exactly once. Returns
	 * ERR_FULL when the bounded pool has no room; then neither comes. */
	int (*blocking)(
		struct driver_host *h, void (*work)(void *arg), void (*done)(void *arg), void *arg);

	/* Reports. */
	/* where: "usb 1-4.2", "tcp 127.0.0.1:5555": names the device until it is identified. */
	void (*arrived)(struct driver_host *h, const struct driver *drv, struct driver_dev *dev,
		const char *where);
	void (*gone)(struct driver_host *h, struct driver_dev *dev, const char *why);
	/* what_to_do: a sentence; "" when the need is over. may_pass: it may come right without a
	 * person (a dialog that is up on the phone; an owner that may let go). */
	void (*needs_human)(struct driver_host *h, struct driver_dev *dev, const char *what_to_do,
		bool may_pass);
	void (*op_done)(struct driver_host *h, struct driver_op *op);
};

/* ---- the driver ---- */

struct driver_option {
	const char *key, *value; /* a key may be given several times */
};

/* kept: over a restart. trouble: why there is no device; "" while there is one, or none is known. */
typedef void driver_address_fn(void *arg, const char *address, bool kept, const char *trouble);

struct driver {
	int api_version;       /* DRIVER_API_VERSION */
	const char *name;      /* "local": the first part of its devices' keys */
	const char *long_name; /* "this Linux machine" */
	uint32_t caps;         /* what its devices can at most */

	/* Starts discovery; devices are reported from later turns on, never inside start(). `dir`
	 * is the
	 * driver's own directory on the host, there and private; borrowed until stop(). Options are
	 * borrowed for the call. *ret_inst is handed to every other call. */
	int (*start)(struct driver_host *h, const char *dir, const struct driver_option *opts,
		int n_opts, void **ret_inst, struct err *e);
	/* Ends discovery and gives up every device: completes what is under way, reports each
	 * gone, then
	 * calls stopped(arg), exactly once, later. Agents on devices go on running. */
	void (*stop)(void *inst, void (*stopped)(void *arg), void *arg);
	int (*submit)(void *inst, struct driver_op *op, struct err *e);
	void (*cancel)(void *inst, struct driver_op *op);
	/* A network address that shall be connected and kept connected (add), or not any more. The
	 * driver remembers it over a restart. A device arrives when something answers there. NULL
	 * where devices have no addresses. ERR_INVAL for a malformed one, ERR_EXISTS, ERR_NOTFOUND,
	 * ERR_FULL. */
	int (*address)(void *inst, const char *address, bool add, struct err *e);
	/* Each of them, inside the call. There wherever address() is. */
	void (*addresses)(void *inst, driver_address_fn *each, void *arg);
	/* Whether a start with these options would go well, as far as that can be known without
	 * making, opening a device or changing anything; for whoever checks a configuration, so it
	 * may block and needs no host. NULL where there are no options. */
	int (*check)(const struct driver_option *opts, int n_opts, struct err *e);
};

/* registry.c: NULL-terminated, the only place that names concrete drivers. */
extern const struct driver *const driver_registry[];
const struct driver *driver_find(const char *name);
const char *driver_op_name(enum driver_op_kind kind);

#endif
