/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every bound on what comes from outside, by name. A bound that belongs to one module alone (a
 * protocol's payload, say) stands in that module's header; what several rooms share stands here.
 */
#ifndef FRAMEFARM_BASE_LIMITS_H
#define FRAMEFARM_BASE_LIMITS_H

/* Texts, in bytes with the closing NUL. */
#define LIMIT_NAME   64  /* names of jobs, variants, counters, labels' keys, actors */
#define LIMIT_VALUE  128 /* values of labels and attributes */
#define LIMIT_KEY    96  /* a device's stable identity */
#define LIMIT_CAUSE  256 /* a sentence that says why something failed */
#define LIMIT_SHA256 65  /* lower-case hex and NUL */

/* JSON. */
#define LIMIT_JSON_DEPTH 32
#define LIMIT_JSON_BYTES (1024 * 1024)
#define LIMIT_JSON_NODES 65536

/* The farm. */
#define LIMIT_DEVICES        1024
#define LIMIT_ATTRS          32 /* attributes of one device, labels of one job */
#define LIMIT_SELECTOR_TERMS 16
#define LIMIT_JOBS_LIVE      10000
#define LIMIT_RUNS_QUEUED    120000
#define LIMIT_RUNS_PER_JOB   4096
#define LIMIT_VARIANTS       64
#define LIMIT_INPUTS         64
#define LIMIT_GOLDEN_CASES   128
#define LIMIT_DIMS           8
#define LIMIT_OPTIONS        32 /* session-config entries, provider options, dimensions */
#define LIMIT_RETRIES        8
#define LIMIT_ROUNDS         8

/* Files that a job names. */
#define LIMIT_UPLOAD_BYTES (2LL * 1024 * 1024 * 1024)

#endif
