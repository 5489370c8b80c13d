/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan of an attempt: everything that agent and runner need to measure one model variant, as
 * the controller made it from the job. Files are named by their SHA-256 and lie in the device's
 * files directory under that name. Pure; the decoder bounds every count and allocates with calloc.
 */
#ifndef FRAMEFARM_AGENTS_PLAN_H
#define FRAMEFARM_AGENTS_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "proto.h"

#define PLAN_NAME          64
#define PLAN_SHA           65
#define PLAN_DIMS          8
#define PLAN_INPUTS_MAX    64
#define PLAN_CASES_MAX     128
#define PLAN_TENSORS_MAX   64 /* of one golden case, inputs or outputs */
#define PLAN_OPTIONS_MAX   32
#define PLAN_OPTION_VALUE  256
#define PLAN_SUPPORT_MAX   16 /* libraries that the runner comes with */
#define PLAN_SUPPORT_NEEDS 2  /* the first protocol version that knows them */

/* Phases, in the order of an attempt; they stand in PHASE frames, marks and STATUS. */
enum phase {
	PHASE_NONE = 0,
	PHASE_BASELINE = 1, /* environment before, idle counters */
	PHASE_LOAD_COLD = 2,
	PHASE_GOLDEN = 3,
	PHASE_COVERAGE = 4, /* a profiled run; never timed */
	PHASE_LOAD_WARM = 5,
	PHASE_FIRST = 6, /* first inference after ready */
	PHASE_WARMUP = 7,
	PHASE_THERMAL = 8, /* waits until the device is cool enough */
	PHASE_BACK2BACK = 9,
	PHASE_PACED = 10,
	PHASE_SUSTAINED = 11,
	PHASE_AFTER = 12, /* environment after */
};

/* How an attempt ended, as the agent saw it. */
enum outcome {
	OUTCOME_OK = 0,
	OUTCOME_CANCELLED = 1, /* told to stop */
	OUTCOME_GOLDEN = 2,    /* outputs wrong; nothing was timed */
	OUTCOME_MODEL = 3,     /* the runtime refused model, inputs or options: a reported result */
	OUTCOME_CRASH = 4,     /* the runner died of a signal: a reported result */
	OUTCOME_HANG = 5,      /* the runner missed a phase's deadline: a reported result */
	OUTCOME_MEMORY = 6,    /* killed for memory, or its limit: a reported result */
	OUTCOME_RUNTIME = 7,   /* the runtime library is missing or foreign: infrastructure */
	OUTCOME_INTERRUPTED = 8, /* the agent was restarted meanwhile: infrastructure */
	OUTCOME_LEASE = 9,       /* the lease ran out: infrastructure */
	OUTCOME_STORAGE = 10,    /* the spool could not be written: infrastructure */
	OUTCOME_INTERNAL = 11,   /* anything else of ours: infrastructure */
};

struct plan_option {
	char key[PLAN_NAME];
	char value[PLAN_OPTION_VALUE];
};

enum plan_fill { PLAN_FILL_FILE = 0, PLAN_FILL_NORMAL = 1, PLAN_FILL_UNIFORM = 2 };

struct plan_tensor {
	char name[PLAN_NAME];  /* the model's input or output name */
	char sha256[PLAN_SHA]; /* an ONNX TensorProto file; "" when filled from a seed */
	uint8_t fill;          /* enum plan_fill */
	uint64_t seed;
	double low, high; /* of PLAN_FILL_UNIFORM: [low, high), integers for integer tensors */
	uint8_t n_dims;   /* 0: the model's own, with the plan's dimensions put in */
	int64_t dims[PLAN_DIMS];
};

struct plan_case {
	uint32_t n_inputs, n_outputs;
	struct plan_tensor *inputs, *outputs; /* inputs may be fewer than the model's: the plan's
	                                         inputs fill the rest */
};

/* Limits a golden case is held against; a NaN means "not asked for". */
struct plan_tolerance {
	double cosine_min;
	double sqnr_db_min;
	double max_abs;
	double top1_min; /* share of cases whose argmax over the last axis agrees, 0…1 */
};

struct plan_block {
	uint8_t on;
	uint32_t min_runs;
	uint32_t max_runs; /* bounds the ring */
	uint32_t min_ms;   /* runs until min_runs and min_ms both hold */
	uint32_t max_ms;   /* stops starting iterations */
	int64_t period_ns; /* paced: release to release; 0 for back to back */
};

/* A library of the runner's own, for a device whose system has none that fits: its name there. */
struct plan_support {
	char name[PLAN_NAME]; /* "libc.so.6" */
	char sha256[PLAN_SHA];
};

struct plan {
	char job[PLAN_NAME], variant[PLAN_NAME]; /* for messages only */
	char runner[PLAN_NAME];                  /* "onnxruntime" */
	char runner_sha256[PLAN_SHA];            /* the runner's program */
	char runtime_sha256[PLAN_SHA];           /* the runtime's library */
	char model_sha256[PLAN_SHA];
	int64_t model_bytes;

	/* Runner options. */
	int32_t threads;          /* intra-op; 0: the runtime's default (all cores) */
	int32_t inter_threads;    /* 0: default */
	uint8_t optimization;     /* 0 disabled, 1 basic, 2 extended, 3 all */
	char provider[PLAN_NAME]; /* "cpu", "xnnpack", … */
	uint8_t strict;           /* no fallback to the CPU */
	uint32_t n_provider_options, n_session_options, n_dimensions;
	struct plan_option provider_options[PLAN_OPTIONS_MAX];
	struct plan_option session_options[PLAN_OPTIONS_MAX];
	struct {
		char name[PLAN_NAME];
		int64_t value;
	} dimensions[PLAN_OPTIONS_MAX]; /* symbolic dimension → size */
	uint8_t fix_dimensions;         /* also tell the runtime (free dimension override) */

	uint32_t n_inputs;
	struct plan_tensor *inputs;
	uint32_t n_cases;
	struct plan_case *cases;
	struct plan_tolerance tolerance;
	uint8_t golden_stop; /* wrong outputs end the attempt before anything is timed */

	/* What is measured. */
	uint32_t cold_loads, warm_loads; /* fresh processes each */
	uint8_t coverage;                /* do a profiled run */
	uint32_t warmup_min_runs, warmup_min_ms, warmup_max_ms;
	uint32_t baseline_ms;     /* idle sampling before and after */
	uint32_t thermal_wait_ms; /* cap of the thermal gate; 0: no gate */
	int32_t thermal_start_mc; /* start at or below this temperature; INT32_MIN: none is set */
	struct plan_block back2back, paced, sustained;
	int64_t budget_ns;                   /* 0: no budget */
	uint32_t sample_hz, sample_hz_timed; /* counters outside and inside timed blocks */

	/* Bounds. */
	uint32_t deadline_ms; /* of the whole attempt */
	uint32_t stall_ms;    /* longest time without sign of life of the runner outside blocks, or
	                           for one inference inside one */
	int64_t memory_bytes; /* limit on the runner's address space growth; 0: none */

	/* From version 2 on: the program that loads the runner, "" for the system's own, and the
	 * libraries that it finds. */
	char loader_sha256[PLAN_SHA];
	uint32_t n_support;
	struct plan_support support[PLAN_SUPPORT_MAX];
};

/* Returns the number of bytes, or 0 when it does not fit cap. */
size_t plan_encode(const struct plan *p, void *dst, size_t cap);
/* Returns 0 or -1; free with plan_fini() in both cases. Refused besides lists beyond their bounds:
 * a foreign fill, and a hash that is neither empty nor 64 lower-case hex digits, since hashes
 * become names of files. Whether the plan makes sense is for its reader to judge. */
int plan_decode(const void *src, size_t n, struct plan *ret_p);
void plan_fini(struct plan *p);

const char *phase_name(int phase);     /* "paced"; "unknown" for a foreign number */
const char *outcome_name(int outcome); /* "ok", "crash", … */

#endif
