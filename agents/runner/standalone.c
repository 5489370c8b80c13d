/* SPDX-License-Identifier: Apache-2.0 */
/* What the stand-alone modes share; see standalone.h. */
#include "standalone.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RUNS_DEFAULT   300
#define WARMUP_DEFAULT 50
#define RUNS_MAX       10000000

static int usage(struct fail *f, const char *what, const char *value)
{
	return fail_set(f, OUTCOME_INTERNAL, "%s: \"%.80s\"", what, value);
}

/* ---- one option each ---- */

static int to_number(const char *text, long low, long high, long *ret_v)
{
	char *end;
	long v;

	errno = 0;
	v = strtol(text, &end, 10);
	if (errno || end == text || *end || v < low || v > high)
		return -1;
	*ret_v = v;
	return 0;
}

/* Splits name=value. */
static int to_pair(const char *text, char *ret_name, const char **ret_value)
{
	const char *eq = strchr(text, '=');

	if (!eq || eq == text || eq - text >= PLAN_NAME)
		return -1;
	snprintf(ret_name, PLAN_NAME, "%.*s", (int)(eq - text), text);
	*ret_value = eq + 1;
	return 0;
}

static int set_u32(uint32_t *dst, const char *value, long low, long high, struct fail *f)
{
	long v;

	if (to_number(value, low, high, &v))
		return fail_set(f, OUTCOME_INTERNAL, "\"%.40s\" is no number from %ld to %ld",
			value, low, high);
	*dst = (uint32_t)v;
	return 0;
}

static int opt_runs(struct standalone *s, const char *value, struct fail *f)
{
	return set_u32(&s->runs, value, 1, RUNS_MAX, f);
}

static int opt_warmup(struct standalone *s, const char *value, struct fail *f)
{
	return set_u32(&s->warmup, value, 0, RUNS_MAX, f);
}

static int opt_threads(struct standalone *s, const char *value, struct fail *f)
{
	return set_u32((uint32_t *)&s->plan.threads, value, 0, 1024, f);
}

static int opt_level(struct standalone *s, const char *value, struct fail *f)
{
	uint32_t v = 0;

	if (set_u32(&v, value, 0, 3, f))
		return -1;
	s->plan.optimization = (uint8_t)v;
	return 0;
}

static int opt_provider(struct standalone *s, const char *value, struct fail *f)
{
	if (strlen(value) >= PLAN_NAME)
		return usage(f, "the provider's name is too long", value);
	snprintf(s->plan.provider, PLAN_NAME, "%s", value);
	return 0;
}

static int opt_strict(struct standalone *s, const char *value, struct fail *f)
{
	(void)value;
	(void)f;
	s->plan.strict = 1;
	return 0;
}

static int add_option(struct plan_option *list, uint32_t *n, const char *value, struct fail *f)
{
	const char *text;

	if (*n == PLAN_OPTIONS_MAX || to_pair(value, list[*n].key, &text) ||
		strlen(text) >= PLAN_OPTION_VALUE)
		return usage(f, "not KEY=VALUE, or too many", value);
	snprintf(list[(*n)++].value, PLAN_OPTION_VALUE, "%s", text);
	return 0;
}

static int opt_session(struct standalone *s, const char *value, struct fail *f)
{
	return add_option(s->plan.session_options, &s->plan.n_session_options, value, f);
}

static int opt_provider_option(struct standalone *s, const char *value, struct fail *f)
{
	return add_option(s->plan.provider_options, &s->plan.n_provider_options, value, f);
}

static int opt_dim(struct standalone *s, const char *value, struct fail *f)
{
	uint32_t n = s->plan.n_dimensions;
	const char *text;
	long v;

	if (n == PLAN_OPTIONS_MAX || to_pair(value, s->plan.dimensions[n].name, &text) ||
		to_number(text, 1, 1 << 30, &v))
		return usage(f, "not NAME=SIZE, or too many", value);
	s->plan.dimensions[n].value = v;
	s->plan.n_dimensions++;
	return 0;
}

static int opt_fix(struct standalone *s, const char *value, struct fail *f)
{
	(void)value;
	(void)f;
	s->plan.fix_dimensions = 1;
	return 0;
}

static int new_input(struct standalone *s, const char *value, struct plan_tensor **ret_t,
	const char **ret_text, struct fail *f)
{
	struct plan_tensor *t = &s->plan.inputs[s->plan.n_inputs];

	if (s->plan.n_inputs == PLAN_INPUTS_MAX || to_pair(value, t->name, ret_text))
		return usage(f, "not NAME=…, or too many inputs", value);
	s->plan.n_inputs++;
	*ret_t = t;
	return 0;
}

static int opt_input(struct standalone *s, const char *value, struct fail *f)
{
	uint32_t i = s->plan.n_inputs;
	struct plan_tensor *t;
	const char *path;

	if (new_input(s, value, &t, &path, f))
		return -1;
	t->fill = PLAN_FILL_FILE;
	snprintf(t->sha256, PLAN_SHA, "input-%u", i);
	snprintf(s->files.sha256[i], PLAN_SHA, "input-%u", i);
	s->files.fds[i] = open(path, O_RDONLY | O_CLOEXEC);
	if (s->files.fds[i] < 0)
		return fail_set(f, OUTCOME_MODEL, "%.120s: %s", path, strerror(errno));
	return 0;
}

static int opt_uniform(struct standalone *s, const char *value, struct fail *f)
{
	struct plan_tensor *t;
	const char *text;
	unsigned long long seed = INPUTS_SEED;

	if (new_input(s, value, &t, &text, f))
		return -1;
	t->fill = PLAN_FILL_UNIFORM;
	if (sscanf(text, "%lf:%lf:%llu", &t->low, &t->high, &seed) < 2)
		return usage(f, "not NAME=LOW:HIGH[:SEED]", value);
	t->seed = seed;
	return 0;
}

static int opt_output(struct standalone *s, const char *value, struct fail *f)
{
	uint32_t n = s->n_outputs;

	if (n == STANDALONE_OUTPUTS || to_pair(value, s->outputs[n].name, &s->outputs[n].path))
		return usage(f, "not NAME=FILE, or too many outputs", value);
	s->n_outputs++;
	return 0;
}

static int opt_dump(struct standalone *s, const char *value, struct fail *f)
{
	(void)f;
	s->dump = value;
	return 0;
}

/* ---- the table ---- */

static const struct {
	const char *name, *arg, *help;
	int (*set)(struct standalone *s, const char *value, struct fail *f);
} options[] = {
	{"runs", "N", "timed runs (300)", opt_runs},
	{"warmup", "N", "runs before them (50)", opt_warmup},
	{"threads", "N", "intra-op threads (1; 0: the runtime's default)", opt_threads},
	{"optimization", "0-3", "none, basic, extended, all (3)", opt_level},
	{"provider", "NAME", "execution provider (cpu)", opt_provider},
	{"provider-option", "KEY=VALUE", "for the provider", opt_provider_option},
	{"strict", NULL, "fail where a node would fall back to the CPU", opt_strict},
	{"session-option", "KEY=VALUE", "configuration entry of the session", opt_session},
	{"dim", "NAME=SIZE", "size of a free dimension", opt_dim},
	{"fix-dims", NULL, "tell the runtime these sizes, too", opt_fix},
	{"input", "NAME=FILE", "an input from a TensorProto file", opt_input},
	{"uniform", "NAME=LOW:HIGH[:SEED]", "an input from seeded numbers", opt_uniform},
	{"output", "NAME=FILE", "write an output as a TensorProto file (--run)", opt_output},
	{"dump", "DIR", "write every output as DIR/output_N.pb (--run)", opt_dump},
};

#define N_OPTIONS (sizeof(options) / sizeof(options[0]))

void standalone_help(void)
{
	char left[48];

	for (size_t i = 0; i < N_OPTIONS; i++) {
		snprintf(left, sizeof(left), "--%s %s", options[i].name,
			options[i].arg ? options[i].arg : "");
		printf("  %-32s %s\n", left, options[i].help);
	}
}

static int set_option(struct standalone *s, char ***arg, struct fail *f)
{
	const char *name = **arg + 2, *value = NULL;

	for (size_t i = 0; i < N_OPTIONS; i++) {
		if (strcmp(name, options[i].name))
			continue;
		if (options[i].arg) {
			value = *++*arg;
			if (!value)
				return usage(f, "this option needs a value", name);
		}
		return options[i].set(s, value, f) ? fail_wrap(f, "--%s", name) : 0;
	}
	return usage(f, "no such option", name);
}

int standalone_options(struct standalone *s, int argc, char **argv, struct fail *f)
{
	memset(s, 0, sizeof(*s));
	s->runs = RUNS_DEFAULT;
	s->warmup = WARMUP_DEFAULT;
	s->plan.threads = 1;
	s->plan.optimization = 3;
	s->plan.inputs = calloc(PLAN_INPUTS_MAX, sizeof(*s->plan.inputs));
	s->args = calloc((size_t)argc + 1, sizeof(*s->args));
	if (!s->plan.inputs || !s->args || files_init(&s->files, PLAN_INPUTS_MAX))
		return fail_set(f, OUTCOME_MEMORY, "no memory for the options");
	for (char **arg = argv; *arg; arg++) {
		if (strncmp(*arg, "--", 2))
			s->args[s->n_args++] = *arg;
		else if (set_option(s, &arg, f))
			return -1;
	}
	return 0;
}

/* ---- the model ---- */

int standalone_open(struct standalone *s, const char *lib, const char *model, struct fail *f)
{
	struct map m;
	int rc;

	if (ort_open(lib, &s->ort, f) || ort_start(s->ort, f) || map_path(model, &m, f))
		return -1;
	rc = session_open(s->ort, &s->plan, m.data, m.n, NULL, &s->session, f);
	map_fini(&m);
	if (rc || inputs_make(s->session, &s->plan, NULL, &s->files, &s->inputs, f))
		return -1;
	return binding_init(&s->binding, s->session, s->inputs, f);
}

void standalone_fini(struct standalone *s)
{
	binding_fini(&s->binding);
	inputs_free(s->inputs, s->session ? s->session->n_inputs : 0);
	session_close(s->session);
	ort_close(s->ort);
	files_fini(&s->files);
	plan_fini(&s->plan);
	free(s->args);
}

int standalone_fail(const struct fail *f)
{
	fprintf(stderr, "framefarm-runner-onnxruntime: %s\n", f->text);
	return f->outcome == OUTCOME_INTERNAL ? 2 : 1;
}
