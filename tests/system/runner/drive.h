/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plays the agent for one runner process: socket pair, ring, files as descriptors, a scratch
 * directory; keeps what the runner said. Where things are comes from the environment:
 *	FRAMEFARM_RUNNER  the program, or a script that starts it
 *	FRAMEFARM_ORT     the runtime's library
 *	FRAMEFARM_MODELS  what `make models` wrote
 * One drive at a time. A check that fails ends the test (cmocka).
 */
#ifndef FRAMEFARM_TESTS_DRIVE_H
#define FRAMEFARM_TESTS_DRIVE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "msg.h"
#include "plan.h"
#include "ring.h"
#include "proto.h"
#include "timesrc.h"

#define DRIVE_FACTS  2048
#define DRIVE_PHASES 64
#define DRIVE_FILES  256
#define DRIVE_LIB    "00000000000000000000000000000000000000000000000000000000000000aa"
#define DRIVE_MODEL  "00000000000000000000000000000000000000000000000000000000000000bb"

struct drive {
	/* What the runner is given. */
	struct plan plan;
	uint32_t n_files;
	struct {
		char name[PLAN_SHA]; /* a made-up hash */
		char path[512];
	} files[DRIVE_FILES];
	struct plan_tensor inputs[8];
	struct plan_case cases[16];
	struct plan_tensor tensors[64]; /* of the cases */
	uint32_t n_tensors;
	uint64_t capacity;
	bool virtual_time; /* with a clock page, whose owner the drive is */

	/* What came of it. */
	pid_t pid;
	int fd;
	struct proto_parser parser;
	struct ring_header *ring;
	struct fact facts[DRIVE_FACTS];
	uint32_t n_facts;
	uint16_t phases[DRIVE_PHASES];
	uint32_t n_phases;
	bool done;
	uint16_t outcome;
	char cause[512];
	int status;       /* of the process, as waitpid() gives it */
	char text[65536]; /* stdout and stderr */
	char scratch[64];
	struct timesrc_page *page;
};

/* A plan for one model, one thread, nothing measured, and the library. */
void drive_init(struct drive *d, const char *model);
void drive_fini(struct drive *d); /* kills a process that is left, removes the scratch directory */

/* Adds a file and makes a name for the plan; the path is under FRAMEFARM_MODELS unless absolute. */
void drive_file(struct drive *d, const char *path, char ret_name[PLAN_SHA]);
/* The file behind a name is another. */
void drive_replace(struct drive *d, const char *name, const char *path);
struct plan_tensor *drive_input(struct drive *d, const char *name, const char *path);
/* A golden case with one input and one output. */
void drive_case(struct drive *d, const char *input, const char *in_path, const char *output,
	const char *out_path);

/* Starts process number n of the plan; a second start keeps the ring and forgets the rest. */
void drive_start(struct drive *d, uint32_t n);
void drive_cancel(struct drive *d);
/* Reads until the process is gone. Fails the test after so many seconds. */
void drive_wait(struct drive *d, int seconds);
/* Reads until a phase has begun, or the ring holds so many records. */
void drive_until_phase(struct drive *d, enum phase phase, int seconds);
void drive_until_records(struct drive *d, uint64_t n, int seconds);

/* Start and wait; the outcome must be as wanted, and the cause hold the text. */
void drive_run(struct drive *d, uint32_t n, enum outcome outcome, const char *says);

const struct fact *drive_fact(const struct drive *d, const char *key); /* must be there */
bool drive_has(const struct drive *d, const char *key);
/* Whether exactly these phases came, in this order. */
void drive_expect_phases(const struct drive *d, const enum phase *phases, uint32_t n);
int drive_scratch_entries(const struct drive *d);

#endif
