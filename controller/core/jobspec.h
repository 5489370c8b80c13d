/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The job format `framefarm.job/1`, read into a struct. JSON Schema: profiles/job.schema.json.
 * The CLI reads it with paths (JOBSPEC_PATHS) to find what to upload, and submits it with every
 * path replaced by {"sha256", "bytes", "name"}; the daemon takes only that form. Pure: no file is
 * opened here.
 *
 *	{
 *	  "schema": "framefarm.job/1",
 *	  "name": "mobilenet-v1",
 *	  "model": {
 *	    "name": "mobilenet-v1-0.25-224",
 *	    "variants": [
 *	      {"name": "fp32", "file": "mbv1_fp32.onnx"},
 *	      {"name": "int8", "file": "mbv1_int8.onnx", "golden": {…}, "runner": {…}, "inputs": […]}
 *	    ]
 *	  },
 *	  "runner": {"name": "onnxruntime", "runtime": "ort-1.20", "threads": 1, "inter_threads": 0, "provider": "cpu",
 *	             "provider_options": {}, "session_options": {}, "strict": false,
 *	             "optimization": "all"},
 *	  "dimensions": {"batch": 1, "seq": 128}, "fix_dimensions": false,
 *	  "inputs": [{"name": "input", "file": "in.pb"},
 *	             {"name": "ids", "seed": 7, "fill": "uniform", "low": 0, "high": 2000,
 *	              "shape": [1, 128]}],
 *	  "golden": {"cosine": 0.999, "sqnr_db": 30, "max_abs": 0.01, "top1": 0.98,
 *	             "cases": [{"inputs": {"input": "in0.pb"}, "outputs": {"probs": "out0.pb"}}]},
 *	  "preset": "quick",
 *	  "measure": {"cold_loads": 1, …},                  overrides of the preset, by name
 *	  "devices": {"select": {"kind": "local"}, "count": 1,    count: number or "all"
 *	              "keep_files": false},
 *	  "budget": {"ms": 16, "percentile": 0.99, "share": 1.0},  or null
 *	  "gates": ["budget", "golden", "execution"],       default: those that apply
 *	  "coverage_min": 0.9,                              limit of the coverage gate
 *	  "priority": 0, "retries": 2, "timeout_s": 0, "labels": {"team": "vision"},
 *	  "commit": "…", "branch": "…"
 *	}
 *
 * A variant's runner, inputs and golden override the job's, member by member for runner, whole for
 * the others. Golden data without any tolerance are held to a cosine of 0.999 and an SQNR of 30 dB.
 * The execution gate is always on; the others are where the job names no gates: the budget gate
 * unless the budget is null, the golden gate where a variant has golden data, the coverage gate
 * where coverage_min is given. A bound of "measure" that only the preset set (max_ms, say) follows
 * the other end that the job sets (min_ms). Selector: every term must equal the device's attribute
 * of that name; the attributes `kind` (the driver), `name`, `model`, `abi`, `id`, `virtual` (yes or
 * no) are always there. A selector without `virtual`, `id` or `name` matches no virtual device;
 * "virtual": "any" matches both.
 */
#ifndef FRAMEFARM_CORE_JOBSPEC_H
#define FRAMEFARM_CORE_JOBSPEC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"

struct err;
struct json;
struct json_doc;

#define JOBSPEC_SCHEMA   "framefarm.job/1"
#define JOBSPEC_PATH_MAX 1024
#define JOBSPEC_OPTION   256

struct jobspec_file {
	char path[JOBSPEC_PATH_MAX]; /* with JOBSPEC_PATHS: as written; else "" */
	char sha256[LIMIT_SHA256];   /* "" when it is a path */
	int64_t bytes;
	char name[LIMIT_VALUE]; /* for messages */
	int line;
};

struct jobspec_option {
	char key[LIMIT_NAME];
	char value[JOBSPEC_OPTION];
};

struct jobspec_dimension {
	char name[LIMIT_NAME];
	int64_t value;
};

enum jobspec_fill { FILL_FILE, FILL_NORMAL, FILL_UNIFORM };

struct jobspec_tensor {
	char name[LIMIT_NAME];
	struct jobspec_file file; /* when fill is FILL_FILE */
	int fill;                 /* enum jobspec_fill */
	int64_t seed;
	double low, high;
	int n_dims; /* 0: the model's own shape */
	int64_t dims[LIMIT_DIMS];
};

struct jobspec_case {
	int n_inputs, n_outputs;
	struct jobspec_tensor *inputs, *outputs;
};

struct jobspec_golden {
	bool set;
	double cosine, sqnr_db, max_abs, top1; /* NaN: not asked for */
	int n_cases;
	struct jobspec_case *cases;
};

struct jobspec_runner {
	char name[LIMIT_NAME];
	char runtime[LIMIT_NAME]; /* a registered one, by name or hash; "": the runner's own */
	int64_t threads, inter_threads;
	char provider[LIMIT_NAME];
	bool strict;
	int optimization; /* 0 disabled, 1 basic, 2 extended, 3 all */
	int n_provider_options, n_session_options;
	struct jobspec_option provider_options[LIMIT_OPTIONS], session_options[LIMIT_OPTIONS];
};

struct jobspec_variant {
	char name[LIMIT_NAME];
	struct jobspec_file model;
	struct jobspec_runner runner;
	int n_inputs;
	struct jobspec_tensor *inputs;
	struct jobspec_golden golden;
};

enum jobspec_preset { PRESET_QUICK, PRESET_STANDARD, PRESET_NIGHTLY };

/* What a preset sets and "measure" overrides. */
struct jobspec_measure {
	int64_t cold_loads, warm_loads;
	int64_t warmup_min_runs, warmup_min_ms, warmup_max_ms;
	bool back_to_back, paced;
	int64_t min_runs, max_runs, min_ms, max_ms; /* of each timed block */
	double pace_hz;       /* 0: the device's display, 60 where it has none */
	int64_t sustained_ms; /* 0: no sustained block */
	int64_t baseline_ms;
	int64_t thermal_wait_ms;
	double thermal_start_c; /* NaN: the profile's, or none */
	bool coverage;
	int64_t sample_hz, sample_hz_timed;
	int64_t rounds;     /* least number of rounds */
	int64_t max_rounds; /* inconclusive repeats up to this */
	int64_t stall_ms;
	int64_t memory_mb; /* limit of the runner; 0: none */
};

struct jobspec_selector {
	int n_terms;
	struct {
		char key[LIMIT_NAME];
		char value[LIMIT_VALUE];
	} terms[LIMIT_SELECTOR_TERMS];
};

enum jobspec_gate { GATE_EXECUTION = 1, GATE_BUDGET = 2, GATE_GOLDEN = 4, GATE_COVERAGE = 8 };

struct jobspec {
	char name[LIMIT_NAME];
	char model_name[LIMIT_NAME];
	int n_variants;
	struct jobspec_variant *variants;
	int n_dimensions;
	struct jobspec_dimension dimensions[LIMIT_OPTIONS];
	bool fix_dimensions;
	int preset; /* enum jobspec_preset */
	struct jobspec_measure measure;
	struct jobspec_selector select;
	int64_t count;   /* devices; 0: all that match */
	bool keep_files; /* models and data stay on the devices behind the job */
	bool has_budget;
	int64_t budget_ns; /* ms × share, as integer nanoseconds */
	double percentile;
	unsigned gates;      /* or of enum jobspec_gate */
	double coverage_min; /* share of node time or nodes on the asked-for provider, 0…1 */
	int64_t priority;    /* -100…100, larger first */
	int64_t retries;     /* after an infrastructure error, per round */
	int64_t timeout_ms;  /* of one attempt; 0: from the plan */
	int n_labels;
	struct jobspec_option labels[LIMIT_ATTRS];
	char commit_id[LIMIT_VALUE], branch[LIMIT_VALUE];
};

#define JOBSPEC_PATHS 1 /* a file may be a path */

/* Reads a whole job. On failure returns ERR_PARSE, ERR_RANGE or ERR_EXISTS and a sentence with the
 * line (or ERR_NOMEM); *ret_spec is then untouched. Free with jobspec_free(). */
int jobspec_parse(
	const struct json_doc *doc, unsigned flags, struct jobspec **ret_spec, struct err *e);
void jobspec_free(struct jobspec *s); /* NULL is allowed */

/* Calls fn for every file the job names (a file named twice comes twice). A non-zero return stops
 * and is returned. */
int jobspec_files(struct jobspec *s, int (*fn)(void *arg, struct jobspec_file *f), void *arg);

/* The job as JSON with every file in its {"sha256", "bytes", "name"} form: a copy of doc in which
 * each path was replaced. `spec` must have been parsed from doc, its files' sha256 and bytes filled
 * in. Free with json_free(). */
struct json *jobspec_wire(const struct json_doc *doc, const struct jobspec *spec);

/* An upper bound of one attempt's length on the device, ms: what its deadline is made of.
 * (estimate.c) */
int64_t jobspec_deadline_ms(const struct jobspec *s, const struct jobspec_variant *v);

/* Whether the term "virtual", where there is one, is a word that it may be. */
bool jobspec_virtual_ok(const struct jobspec_selector *s);

/* The preset's values, before overrides. */
void jobspec_preset(int preset, struct jobspec_measure *ret_m);

#endif
