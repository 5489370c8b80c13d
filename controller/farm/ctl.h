/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The controller as its API sees it: requests that change something and are answered once that is
 * on the disk, what happens (for server-sent events), what is live and in memory, uploaded files,
 * and work that may block. Loop thread only, except where it says otherwise. The API includes this,
 * store/store.h and core/rows.h, and nothing else of the farm.
 */
#ifndef FRAMEFARM_FARM_CTL_H
#define FRAMEFARM_FARM_CTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/limits.h"
#include "core/farm.h"

struct ctl;
struct driver_host;
struct driver_option;
struct err;
struct store;

/* ---- life ---- */

/* A driver that is to run. */
struct ctl_driver {
	const char *name;
	const struct driver_option *opts;
	int n_opts;
	bool required; /* the daemon does not start without it */
};

/* How long things are kept, in milliseconds (0: for ever), and how much. */
struct ctl_keep {
	int64_t samples_ms;        /* raw values, from their job's end */
	int64_t rollups_ms;        /* their rollups, and the runners' text */
	int64_t events_ms;         /* events, and leases that have ended */
	int64_t audit_ms;          /* who did what */
	int64_t files_ms;          /* uploads that nobody needs, from their last use */
	int64_t samples_max_bytes; /* of samples.db; 0: no quota */
	int64_t every_ms;          /* between two looks at all of it; 0: KEEP_EVERY_MS */
};

struct ctl_config {
	const char *data_dir;  /* absolute, ours, mode 0700 */
	const char *tools_dir; /* where framefarm-agent and the runners lie */
	const char *ort_path;  /* ONNX Runtime's library, "" when none was found */
	const struct ctl_driver *drivers;
	int n_drivers;
	struct farm_config farm;
	int64_t blobs_max_bytes; /* quota of uploads */
	struct ctl_keep keep;
	int64_t check_every_ms; /* between two readings through the store; 0: none */
};

/* What the outside world lends: time, timers, descriptors, children, threads (the upper half of
 * struct driver_host; its reports are filled in by the controller) and the way back from threads.
 * */
struct ctl_env {
	struct driver_host *host;
	struct now (*now)(void *ctx);
	/* fn(arg) on the loop thread, later; any thread. */
	void (*post)(void *ctx, void (*fn)(void *arg), void *arg);
	void (*random)(void *ctx, void *dst, size_t n);
	/* A broken invariant of the store or of ours: log, and end the process. */
	void (*fatal)(void *ctx, const char *text);
	void *ctx;
};

/* Opens the store (blocking), loads the farm, starts the drivers. NULL and *e on failure. */
struct ctl *ctl_new(const struct ctl_config *cfg, const struct ctl_env *env, struct err *e);
/* Ends sessions and drivers, waits for open transactions; stopped(arg) once, later. Runs on devices
 * go on and are found again by the next daemon. */
void ctl_stop(struct ctl *c, void (*stopped)(void *arg), void *arg);
void ctl_free(struct ctl *c); /* after stopped() */
/* The turn: once behind each batch of callbacks. */
void ctl_turn(struct ctl *c);

/* ---- requests that change something ---- */

typedef void ctl_answer_fn(void *arg, const struct farm_answer *a);

/*
 * Puts a request into the turn. ev->token is filled in here; ev->kind is one of the FARM_*_SUBMIT,
 * _CANCEL, _ADMIN, _ASK, _EXTEND, _RELEASE kinds; what it points to is copied. fn(arg, answer)
 * comes
 * exactly once, when the answer's transaction is on the disk, never inside this call. Returns
 * ERR_FULL (the queue has no room) or ERR_IO (the store is not writable just now; retry later)
 * without calling fn.
 */
int ctl_request(struct ctl *c, const struct farm_event *ev, ctl_answer_fn *fn, void *arg);
/* The asker is gone: its fn is not called any more. */
void ctl_forget(struct ctl *c, void *arg);

/* A network address that shall be connected and kept connected (add), or not any more, also after a
 * restart. ERR_INVAL for a malformed one, ERR_EXISTS, ERR_NOTFOUND, ERR_FULL, ERR_UNSUPPORTED where
 * no driver knows addresses. Kept by the driver, not in the turn: what comes of it is a device. */
int ctl_address(struct ctl *c, const char *address, bool add, struct err *e);
/* Each address that is connected or being connected, inside the call. kept: over a restart. trouble:
 * why there is no device; "" while there is one, or none is known. */
typedef void ctl_address_fn(void *arg, const char *address, bool kept, const char *trouble);
void ctl_addresses(struct ctl *c, ctl_address_fn *each, void *arg);

/* ---- what happens ---- */

/* Called for each stored event, in order of id, once its transaction is on the disk. */
typedef void ctl_event_fn(void *arg, const struct event_row *ev);
/* Called for each progress report of a run (at most two a second for each). */
struct ctl_progress {
	int64_t job, run, attempt, device;
	const char *phase; /* phase_name() */
	int permille;
	int64_t iterations, over_budget;
	bool thermal_known;
	int32_t hottest_mc;
	char note[96];
};
typedef void ctl_progress_fn(void *arg, const struct ctl_progress *p);

struct ctl_watch;
struct ctl_watch *ctl_watch_add(struct ctl *c, ctl_event_fn *ev, ctl_progress_fn *pr, void *arg);
void ctl_watch_del(struct ctl *c, struct ctl_watch *w);
/* Id of the newest event that is on the disk. */
int64_t ctl_last_event(const struct ctl *c);

/* ---- what is live ---- */

/* The latest progress of a run, false when it has none (not running). */
bool ctl_progress(const struct ctl *c, int64_t run, struct ctl_progress *ret_p);

/* What was removed since the start because of its age or a quota. */
struct ctl_kept {
	int64_t attempts, bytes, rows; /* whose samples were; of samples; rows of both files */
	int64_t files, file_bytes;     /* uploads */
	int64_t round_ms;              /* wall clock of the last whole round; 0: none yet */
	int64_t samples_used;          /* bytes of samples.db that hold something, at that time */
	bool over_quota;               /* and only what is running or pinned is left */
	bool failing;
};

/* Reading through the store, since the start. */
struct ctl_check {
	int64_t ended_ms; /* wall clock of the last that came to an end; 0: none yet */
	int64_t whole_ms; /* of the last that found no damage */
	int64_t rows;     /* that the last one read */
	bool damaged;     /* so it found */
};

struct ctl_health {
	bool store_ok;
	char store_text[LIMIT_CAUSE]; /* why not, when it is not */
	int64_t queued_events, pending_commits;
	struct farm_counts farm;
	int64_t sessions, chunks, samples, resends; /* since the start */
	int64_t started_ms;
	struct ctl_kept kept;
	struct ctl_check check;
};
void ctl_get_health(const struct ctl *c, struct ctl_health *ret_h);

/* ---- store and threads ---- */

struct store *ctl_store(struct ctl *c);
struct now ctl_now(const struct ctl *c);
/* work(arg) on a pool thread, then done(arg) on the loop thread; ERR_FULL when there is no room. */
int ctl_blocking(struct ctl *c, void (*work)(void *arg), void (*done)(void *arg), void *arg);

/* ---- uploaded files, by SHA-256 ---- */

/* Whether the file is there, and its size; who asks is about to use it, so it is as young as a new one
 * again. Any thread. */
bool ctl_blob_has(struct ctl *c, const char *sha256, int64_t *ret_bytes);

struct ctl_upload;
/* ERR_INVAL (no SHA-256), ERR_TOOBIG (bytes beyond LIMIT_UPLOAD_BYTES), ERR_NOSPACE (quota or
 * disk),
 * ERR_EXISTS (it is there already). */
int ctl_upload_begin(
	struct ctl *c, const char *sha256, int64_t bytes, struct ctl_upload **ret_u, struct err *e);
int ctl_upload_write(struct ctl_upload *u, const void *data, size_t n, struct err *e);
/* Flushes and checks size and hash on a pool thread, then done(arg, rc, text) on the loop thread,
 * once: 0, ERR_CORRUPT (the bytes are not what the name says), ERR_IO, ERR_NOSPACE. Takes u. */
void ctl_upload_finish(
	struct ctl_upload *u, void (*done)(void *arg, int rc, const char *text), void *arg);
void ctl_upload_abort(struct ctl_upload *u); /* takes u; NULL allowed */

/* ---- runtimes: libraries that jobs may name; any thread, blocks ---- */

#define CTL_RUNTIMES_MAX     64
#define CTL_RUNTIME_LIBS_MAX 8 /* one for each ABI */

struct ctl_runtime_lib {
	char abi[32];
	char libc[16]; /* that it needs: "glibc", "bionic", "musl", "" for none */
	char sha256[LIMIT_SHA256];
	int64_t bytes;
};

struct ctl_runtime {
	char name[LIMIT_NAME];
	char sha256[LIMIT_SHA256]; /* of the file that it came in */
	int64_t added_ms;          /* wall clock */
	int n_libs;
	struct ctl_runtime_lib libs[CTL_RUNTIME_LIBS_MAX];
};

/* In the order in which they came; returns how many. */
int ctl_runtimes(struct ctl *c, struct ctl_runtime ret[CTL_RUNTIMES_MAX]);
/* Registers the uploaded file under the name: a shared library, or an archive of them. The same file
 * under the same name once more is no error. ERR_NOTFOUND (it was never uploaded), ERR_EXISTS (the
 * name, or the file under another name), ERR_INVAL, ERR_TOOBIG,
 * ERR_WRONGSTATE (there are so many), ERR_NOSPACE, ERR_IO. */
int ctl_runtime_add(struct ctl *c, const char *sha256, const char *name, struct ctl_runtime *ret_r,
	struct err *e);
/* By its name, or by the first 12 or more digits of its hash; its files go as well. */
int ctl_runtime_remove(struct ctl *c, const char *called, struct err *e);
/* Whether there is one that is so called. */
bool ctl_runtime_known(struct ctl *c, const char *called);

/* ---- a backup of the farm while it runs ---- */

enum ctl_backup_state { CTL_BACKUP_NONE, CTL_BACKUP_RUNNING, CTL_BACKUP_DONE, CTL_BACKUP_FAILED };

/* The present or last one. */
struct ctl_backup {
	enum ctl_backup_state state;
	char dir[1024];
	char what[160]; /* is being copied … */
	int64_t done_bytes, of_bytes;
	int n_files; /* of what is done */
	int64_t bytes;
	int64_t started_ms, ended_ms; /* wall clock; 0: not yet */
	int64_t last_ms;              /* of the last that was done since the start; 0: none */
	char cause[LIMIT_CAUSE * 2];  /* why it failed */
};

/* Begins one into dir, which is made, or is empty. ERR_WRONGSTATE (one is under way), ERR_EXISTS (there is
 * something in it), ERR_PERM, ERR_INVAL, ERR_FULL. */
int ctl_backup_begin(struct ctl *c, const char *dir, struct err *e);
void ctl_backup_get(struct ctl *c, struct ctl_backup *ret_b); /* any thread */

/* ---- artifacts: what a device itself wrote about an attempt that failed; any thread, blocks ---- */

#define CTL_ARTIFACTS_MAX 64 /* of one attempt that are shown */

struct ctl_artifact {
	char name[LIMIT_NAME];
	int64_t bytes;
};

/* By name; returns how many. */
int ctl_artifacts(struct ctl *c, int64_t attempt, struct ctl_artifact ret[CTL_ARTIFACTS_MAX]);
/* A descriptor for reading, and the file's size; or ERR_NOTFOUND. */
int ctl_artifact_open(
	struct ctl *c, int64_t attempt, const char *name, int64_t *ret_bytes, struct err *e);

#endif
