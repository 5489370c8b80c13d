/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the program's stand-alone modes share: their options, from one table, and a model that is
 * open with its inputs bound. They are for developers and tests; `framefarm doctor` uses --check.
 * Files are named by path here, and known to the plan under made-up hashes.
 */
#ifndef FRAMEFARM_RUNNER_STANDALONE_H
#define FRAMEFARM_RUNNER_STANDALONE_H

#include "binding.h"
#include "files.h"
#include "inputs.h"
#include "session.h"

#define STANDALONE_OUTPUTS 64

struct standalone {
	struct plan plan; /* as the options made it */
	struct files files;
	uint32_t runs, warmup;
	const char *dump; /* directory for every output; NULL: none */
	uint32_t n_outputs;
	struct {
		char name[PLAN_NAME];
		const char *path;
	} outputs[STANDALONE_OUTPUTS];
	int n_args; /* what is left behind the options */
	char **args;

	/* From standalone_open() on. */
	struct ort *ort;
	struct session *session;
	struct tensor *inputs;
	struct binding binding;
};

/* Reads options and arguments. OUTCOME_INTERNAL stands for a usage error. */
int standalone_options(struct standalone *s, int argc, char **argv, struct fail *f);
/* Opens library and model, makes and binds the inputs. */
int standalone_open(struct standalone *s, const char *lib, const char *model, struct fail *f);
void standalone_fini(struct standalone *s);
/* The options' lines of --help. */
void standalone_help(void);

/* The modes, one file each. Arguments from the mode's own on; they return an exit code. */
int check_main(int argc, char **argv);
int bench_main(int argc, char **argv);
int run_main(int argc, char **argv);
int nodes_main(int argc, char **argv);

/* Prints "framefarm-runner-onnxruntime: <text>" and returns the exit code of a failure. */
int standalone_fail(const struct fail *f);

#endif
