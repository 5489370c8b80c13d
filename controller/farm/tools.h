/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The programs and libraries that go to devices: the agent and the runner for each ABI, the runtime
 * library. Each is known by its SHA-256, which is computed once for each version of the file. All
 * functions but tools_new() and tools_free() may block and run on pool threads; a mutex guards the
 * cache.
 */
#ifndef FRAMEFARM_FARM_TOOLS_H
#define FRAMEFARM_FARM_TOOLS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"

struct err;
struct tools;

struct tool {
	char path[512];
	char sha256[LIMIT_SHA256];
	int64_t bytes;
};

/* dir: where framefarm-agent and framefarm-runner-* of this host's ABI lie; those of another ABI
 * lie
 * in dir/ABI. ort: ONNX Runtime's library for this host, "" when there is none. */
struct tools *tools_new(const char *dir, const char *ort);
void tools_free(struct tools *t);

/* ERR_NOTFOUND with a sentence that says what to build or to install. */
int tools_agent(struct tools *t, const char *abi, struct tool *ret_t, struct err *e);
int tools_runner(
	struct tools *t, const char *name, const char *abi, struct tool *ret_t, struct err *e);
/* The runner of Android's own C library, from dir/ABI/bionic. */
int tools_runner_bionic(
	struct tools *t, const char *name, const char *abi, struct tool *ret_t, struct err *e);
int tools_runtime(
	struct tools *t, const char *runner, const char *abi, struct tool *ret_t, struct err *e);

#define TOOLS_SUPPORT_MAX 17 /* a loader and the libraries of a runner */

/* What a runner comes with, from dir/ABI/lib: its loader (a name that begins with "ld-") and
 * libraries, each under its file's name. *ret_n is 0 where it needs none: on this host's ABI, unless
 * the device's C library is foreign. */
int tools_support(struct tools *t, const char *abi, bool foreign_libc,
	struct tool ret_t[TOOLS_SUPPORT_MAX], int *ret_n, struct err *e);
const char *tool_name(const struct tool *t); /* the last part of its path */

#endif
