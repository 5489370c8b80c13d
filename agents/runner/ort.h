/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ONNX Runtime, opened at run time: the only file that knows how its library is found, how its
 * table is reached and how its errors look. No header of the runtime is included anywhere; the
 * slots are in ort_slots.h. The library is opened once and never unloaded, for its threads and
 * thread-local destructors outlive any moment at which that would be safe.
 *
 * Telemetry: some builds report home from CreateEnv on, unless ORT_DISABLE_TELEMETRY=1 is in the
 * environment; ort_open() sets it before the library is opened.
 */
#ifndef FRAMEFARM_RUNNER_ORT_H
#define FRAMEFARM_RUNNER_ORT_H

#include "fail.h"
#include "ort_slots.h"

struct ort_status;
struct ort_env;
struct ort_options;
struct ort_session;
struct ort_run_options;
struct ort_value;
struct ort_type_info;
struct ort_tensor_info;
struct ort_memory_info;
struct ort_allocator;
struct ort_binding;
struct ort_subgraph;
struct ort_node;

typedef void (*ort_log_fn)(void *param, int level, const char *category, const char *id,
	const char *place, const char *message);

enum ort_enum {
#define ORT_ENUM(value, name, upstream) ORT_##name = value,
	ORT_ENUMS(ORT_ENUM)
#undef ORT_ENUM
};

struct ort {
	void *lib;
	int api;                         /* granted: ORT_API_FLOOR or ORT_API_MORE */
	char version[32];                /* "1.27.0" */
	struct ort_env *env;             /* from ort_start() on */
	struct ort_allocator *allocator; /* the runtime's default one */
	struct ort_memory_info *cpu;
	struct ort_run_options *run; /* of every run, so that one terminate reaches whatever runs */
#define ORT_MEMBER(slot, since, name, type, params) type(*name) params;
	ORT_SLOTS(ORT_MEMBER)
	ORT_SLOTS_MORE(ORT_MEMBER) /* NULL unless api is ORT_API_MORE */
#undef ORT_MEMBER
};

/* Opens the library. Failures are OUTCOME_RUNTIME. Free with ort_close(). */
int ort_open(const char *path, struct ort **ret_ort, struct fail *f);
/* Starts the runtime, its messages going to stderr, bounded in number and length. */
int ort_start(struct ort *o, struct fail *f);
void ort_close(struct ort *o); /* NULL is allowed */

/* Frees a status. Returns 0 for success; otherwise -1, with "<what>: <the runtime's message>".
 * The outcome is OUTCOME_MEMORY where the runtime says that memory was out, else OUTCOME_MODEL. */
int ort_check(struct ort *o, struct ort_status *st, struct fail *f, const char *what);

/* "CPUExecutionProvider,…", cut at size. */
int ort_providers(struct ort *o, char *ret_text, size_t size, struct fail *f);
/* A build's own exported function, for providers that have no slot; NULL when it is not there. */
void *ort_symbol(struct ort *o, const char *name);

#endif
