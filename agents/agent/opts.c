/* SPDX-License-Identifier: Apache-2.0 */
/* The command line; see opts.h. */
#include "agent/opts.h"

#include <stdio.h>
#include <string.h>

#include "agent/text.h"

enum opt_kind { OPT_TEXT, OPT_INT, OPT_FLAG };

struct opt {
	const char *name;
	enum opt_kind kind;
	size_t offset;
	const char *arg; /* what stands for its value in --help */
	const char *help;
	int64_t min, max;
	const char *text_default;
	int64_t int_default;
};

#define OPT(member) offsetof(struct opts, member)

static const struct opt table[] = {
	{"dir", OPT_TEXT, OPT(dir), "DIR", "the agent's own directory; made when missing", 0, 0,
		NULL, 0},
	{"listen", OPT_TEXT, OPT(listen), "unix:PATH|tcp:127.0.0.1:PORT|abstract:NAME",
		"where the controller reaches it; port 0 takes a free one", 0, 0, NULL, 0},
	{"secret-file", OPT_TEXT, OPT(secret_file), "FILE",
		"the shared secret, 32 bytes, mode 0600; stdin when not given", 0, 0, NULL, 0},
	{"root", OPT_TEXT, OPT(root), "DIR", "the tree whose /sys and /proc are read", 0, 0, "/",
		0},
	{"clock-page", OPT_TEXT, OPT(clock_page), "FILE", "virtual time: a mapped clock page", 0, 0,
		NULL, 0},
	{"runner-uid", OPT_INT, OPT(runner_uid), "UID", "the runner's user and group, when root", 1,
		UINT32_MAX - 1, NULL, -1},
	{"spool-max", OPT_INT, OPT(spool_max), "BYTES", "bound of everything in the spool", 1 << 20,
		INT64_C(1) << 40, NULL, INT64_C(512) << 20},
	{"foreground", OPT_FLAG, OPT(foreground), NULL, "do not detach; the log goes to stderr", 0,
		0, NULL, 0},
	{"log", OPT_TEXT, OPT(log), "FILE", "the log; DIR/agent.log when not given", 0, 0, NULL, 0},
	{"help", OPT_FLAG, OPT(help), NULL, "this text", 0, 0, NULL, 0},
	{"version", OPT_FLAG, OPT(version), NULL, "the version", 0, 0, NULL, 0},
};

#define OPTS (sizeof(table) / sizeof(table[0]))

static void set_defaults(struct opts *o)
{
	memset(o, 0, sizeof(*o));
	for (size_t i = 0; i < OPTS; i++) {
		void *at = (char *)o + table[i].offset;

		if (table[i].kind == OPT_TEXT)
			*(const char **)at = table[i].text_default;
		else if (table[i].kind == OPT_INT)
			*(int64_t *)at = table[i].int_default;
	}
}

static const struct opt *find(const char *arg)
{
	for (size_t i = 0; i < OPTS; i++) {
		size_t n = strlen(table[i].name);

		if (!strncmp(arg, table[i].name, n) && (!arg[n] || arg[n] == '='))
			return &table[i];
	}
	return NULL;
}

static int take(const struct opt *op, void *at, const char *value, char *why, size_t size)
{
	if (op->kind == OPT_TEXT) {
		*(const char **)at = value;
		return 0;
	}
	if (text_int(value, at) || *(int64_t *)at < op->min || *(int64_t *)at > op->max) {
		snprintf(why, size, "--%s wants a number from %lld to %lld, not \"%s\"", op->name,
			(long long)op->min, (long long)op->max, value);
		return -1;
	}
	return 0;
}

int opts_parse(struct opts *o, int argc, char *const argv[], char *why, size_t size)
{
	set_defaults(o);
	for (int i = 1; i < argc; i++) {
		const struct opt *op = strncmp(argv[i], "--", 2) ? NULL : find(argv[i] + 2);
		const char *value = op ? strchr(argv[i], '=') : NULL;
		void *at = op ? (char *)o + op->offset : NULL;

		if (!op || (op->kind == OPT_FLAG && value)) {
			snprintf(why, size, "unknown argument \"%s\"; see --help", argv[i]);
			return -1;
		}
		if (op->kind == OPT_FLAG) {
			*(bool *)at = true;
			continue;
		}
		value = value ? value + 1 : argv[++i];
		if (!value) {
			snprintf(why, size, "--%s wants a value: %s", op->name, op->arg);
			return -1;
		}
		if (take(op, at, value, why, size))
			return -1;
	}
	if (!o->help && !o->version && (!o->dir || !o->listen)) {
		snprintf(why, size, "--dir and --listen are needed; see --help");
		return -1;
	}
	return 0;
}

void opts_print_help(void)
{
	puts("framefarm-agent: measures models on this device for a Framefarm controller.\n\n"
	     "  framefarm-agent --dir DIR --listen ENDPOINT [options] < secret\n");
	for (size_t i = 0; i < OPTS; i++)
		printf("  --%s %s\n        %s\n", table[i].name, table[i].arg ? table[i].arg : "",
			table[i].help);
	puts("\nPrints \"ready ENDPOINT\" and detaches. Ends with 0, 1 (failed), 2 (usage),\n"
	     "3 (another agent has DIR), 4 (cannot listen).");
}
