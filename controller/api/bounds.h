/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every bound of the API by name. Each has a test at the bound or says where it is enforced. Times
 * are milliseconds of the monotonic clock.
 */
#ifndef FRAMEFARM_API_BOUNDS_H
#define FRAMEFARM_API_BOUNDS_H

#include "base/limits.h"

/* Connections; libmicrohttpd stops accepting at the first and closes at once beyond the second. */
#define API_CONNECTIONS        256
#define API_CONNECTIONS_PER_IP 64

/* Requests: tokens a second and the most that are kept, for a client with a token (each of its
 * addresses) and for an address without one. */
#define API_RATE_PER_S     200
#define API_RATE_BURST_S   5  /* seconds of the rate */
#define API_RATE_ANONYMOUS 10 /* part of the rate: a tenth */
#define API_RATE_KEYS      1024
#define API_RATE_PER_S_MAX 1000000

/* Memory of one connection: its request's head must fit (else 431 or 414). */
#define API_CONNECTION_BYTES (32 * 1024)
#define API_PATH_MAX         256 /* of a request's path; longer ones name nothing we have */

#define API_BODY_BYTES LIMIT_JSON_BYTES
/* What is read and thrown away of a body that is refused, so that its sender can read why: a closed
 * socket with unread data resets the connection, and the answer is lost. */
#define API_DRAIN_BYTES (4 * 1024 * 1024)

/* Slow clients: a head must be there, and of a body or for an answer so much must move, in time. */
#define API_HEAD_MS    20000
#define API_IDLE_MS    60000 /* between two requests of a connection */
#define API_MOVE_MS    30000
#define API_MOVE_BYTES (64 * 1024)
#define API_LOOK_MS    1000 /* between two looks whether those who wait are still there */

/* Waiting requests. */
#define API_READ_MS        10000  /* for a pool thread to read the store */
#define API_ANSWER_MS      30000  /* for the controller to answer a changing request */
#define API_SERVICE_MS     180000 /* for a device to be detached, attached, provisioned */
#define API_INSTALL_MS     660000 /* for packages to be installed: farm_config.install_ms and a grace */
#define API_HASH_MS        600000 /* to flush and check an upload of up to LIMIT_UPLOAD_BYTES */
#define API_READER_WAIT_MS 2000   /* of a pool thread, for one of the store's readers */
#define API_TASKS          128    /* pieces of work given to pool threads and not yet done */
#define API_WAIT_MS        60000  /* longest long poll */
#define API_WAITERS        128    /* long polls at a time */
#define API_UPLOADS        16     /* at a time; each holds a descriptor and a hash */
#define API_UPLOADS_OF_ONE 8      /* of a client: a token and an address */

/* Watchers of server-sent events. */
#define API_WATCHERS     128 /* more than the connections of one address */
#define API_WATCH_QUEUE  256 /* events that wait for one watcher; beyond, it is sent to replay */
#define API_HEARTBEAT_MS 15000
#define API_REPLAY_PAGE  200 /* at most API_WATCH_QUEUE */

/* Lists. */
#define API_PAGE_DEFAULT   50
#define API_PAGE_MAX       200
#define API_RUNS_IN_JOB    100 /* runs inside one job's answer; the others are paged */
#define API_ATTEMPTS_MAX   200 /* attempts shown of one run */
#define API_STREAMS_MAX    320
#define API_FACTS_MAX      4096
#define API_PHASES_MAX     1024
#define API_BUCKETS_MAX    4000
#define API_LOG_PIECE      (256 * 1024)
#define API_CSV_PIECE      (256 * 1024)
#define API_PACKAGES_MAX   32 /* that are installed together: a base and its splits */
#define API_ARTIFACT_BYTES (16 * 1024 * 1024)

/* Dashboard sessions, in memory. */
#define API_SESSIONS   64
#define API_SESSION_MS (12 * 3600 * 1000LL)

#endif
