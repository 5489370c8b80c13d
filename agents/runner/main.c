/* SPDX-License-Identifier: Apache-2.0 */
/*
 * framefarm-runner-onnxruntime: runs one model in ONNX Runtime. Started by the agent it takes its
 * orders from descriptor 3 (runner.h); the other modes are for developers, tests and
 * `framefarm doctor`.
 */
#include <stdio.h>
#include <string.h>

#include "process.h"
#include "standalone.h"

static int version_main(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	printf("framefarm-runner-onnxruntime %s\n", FRAMEFARM_VERSION);
	return 0;
}

static int help_main(int argc, char **argv);

static const struct mode {
	const char *name, *args, *help;
	int (*main)(int argc, char **argv);
} modes[] = {
	{"--help", "", "this text", help_main},
	{"--version", "", "the program's version", version_main},
	{"--check", "LIB", "whether a library is a runtime that works here", check_main},
	{"--bench", "LIB MODEL [OPTION…]", "latency of a model, back to back", bench_main},
	{"--run", "LIB MODEL [OPTION…]", "one inference, its outputs to files", run_main},
	{"--onnx-tests", "LIB DIR…", "ONNX's node tests", nodes_main},
};

#define N_MODES (sizeof(modes) / sizeof(modes[0]))

static int help_main(int argc, char **argv)
{
	char left[48];

	(void)argc;
	(void)argv;
	puts("framefarm-runner-onnxruntime [--clock PAGE]: started by the agent, with its socket "
	     "on\n"
	     "descriptor 3 and its ring on 4. By hand:");
	for (size_t i = 0; i < N_MODES; i++) {
		snprintf(left, sizeof(left), "%s %s", modes[i].name, modes[i].args);
		printf("  %-32s %s\n", left, modes[i].help);
	}
	puts("Options:");
	standalone_help();
	puts("Exit codes: 0 done, 1 failed, 2 wrong usage.");
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 1)
		return process_main(NULL);
	if (argc == 3 && !strcmp(argv[1], "--clock"))
		return process_main(argv[2]);
	for (size_t i = 0; i < N_MODES; i++)
		if (!strcmp(argv[1], modes[i].name))
			return modes[i].main(argc - 2, argv + 2);
	fprintf(stderr, "framefarm-runner-onnxruntime: no such mode: %s (see --help)\n", argv[1]);
	return 2;
}
