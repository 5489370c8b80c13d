/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --onnx-tests LIB DIR…: ONNX's own node tests, all in this one process. A test is a directory with
 * model.onnx and test_data_set_0/{input,output}_N.pb; a DIR that has no model.onnx is taken as a
 * directory of tests. Floating-point outputs must be within atol + rtol × |reference|, others
 * equal. Prints `not ok NAME<TAB>cause` for each that fails, and at the end `N ok, M not ok`.
 */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "standalone.h"
#include "tensorpb.h"

#define RTOL       1e-3
#define ATOL       1e-5
#define PATH_BYTES 4096

struct tally {
	struct standalone *s;
	uint32_t ok, bad;
};

static int read_tensor(
	const char *dir, const char *kind, uint32_t i, struct tensor *ret_t, struct fail *f)
{
	char path[PATH_BYTES];
	struct map m;
	int rc;

	snprintf(path, sizeof(path), "%s/test_data_set_0/%s_%u.pb", dir, kind, i);
	if (map_path(path, &m, f))
		return -1;
	rc = tensorpb_read(m.data, m.n, ret_t, NULL, f);
	map_fini(&m);
	return rc ? fail_wrap(f, "%s_%u", kind, i) : 0;
}

static int read_input(const char *dir, const struct session_io *io, uint32_t i,
	struct tensor *ret_t, struct fail *f)
{
	char text[TENSOR_TEXT];

	if (!io->is_tensor)
		return fail_set(f, OUTCOME_MODEL, "input \"%s\" is no tensor", io->name);
	if (read_tensor(dir, "input", i, ret_t, f))
		return -1;
	if (ret_t->type == io->type)
		return 0;
	return fail_set(f, OUTCOME_MODEL, "input \"%s\" is %s, its file holds %s", io->name,
		tensor_type_name(io->type),
		tensor_describe(text, ret_t->type, ret_t->n_dims, ret_t->dims));
}

static bool near(double ref, double out)
{
	if (isnan(ref) || isnan(out))
		return isnan(ref) && isnan(out);
	return ref == out || fabs(out - ref) <= ATOL + RTOL * fabs(ref);
}

static int compare(const struct tensor *ref, const struct tensor *out, struct fail *f)
{
	char a[TENSOR_TEXT], b[TENSOR_TEXT];

	if (!out->type)
		return fail_set(f, OUTCOME_GOLDEN, "the output is no tensor");
	if (!tensor_same_shape(ref, out))
		return fail_set(f, OUTCOME_GOLDEN, "expected %.70s, got %.70s",
			tensor_describe(a, ref->type, ref->n_dims, ref->dims),
			tensor_describe(b, out->type, out->n_dims, out->dims));
	if (!tensor_type_is_float(ref->type))
		return tensor_same_bytes(ref, out)
		               ? 0
		               : fail_set(f, OUTCOME_GOLDEN, "integers or strings differ");
	for (uint64_t i = 0; i < ref->count; i++)
		if (!near(tensor_get(ref, i), tensor_get(out, i)))
			return fail_set(f, OUTCOME_GOLDEN, "element %llu is %.9g, expected %.9g",
				(unsigned long long)i, tensor_get(out, i), tensor_get(ref, i));
	return 0;
}

static int compare_outputs(struct binding *b, const char *dir, struct fail *f)
{
	struct binding_results r;
	int rc = 0;

	if (binding_results(b, &r, f))
		return -1;
	for (uint32_t i = 0; !rc && i < r.n; i++) {
		struct tensor ref = {0};

		rc = read_tensor(dir, "output", i, &ref, f) || compare(&ref, &r.tensors[i], f);
		tensor_fini(&ref);
	}
	binding_release(b, &r);
	return rc;
}

static int run_inputs(struct session *s, const char *dir, struct tensor *inputs, struct fail *f)
{
	struct binding b = {0};
	int rc = 0;

	for (uint32_t i = 0; !rc && i < s->n_inputs; i++)
		rc = read_input(dir, &s->inputs[i], i, &inputs[i], f);
	if (!rc)
		rc = binding_init(&b, s, inputs, f) ||
		     ort_check(s->ort, binding_run(&b), f, "run") || compare_outputs(&b, dir, f);
	binding_fini(&b);
	return rc;
}

static int run_test(struct tally *t, const char *dir, struct fail *f)
{
	char path[PATH_BYTES];
	struct session *s = NULL;
	struct tensor *inputs;
	struct map m;
	int rc;

	snprintf(path, sizeof(path), "%s/model.onnx", dir);
	if (map_path(path, &m, f))
		return -1;
	rc = session_open(t->s->ort, &t->s->plan, m.data, m.n, NULL, &s, f);
	map_fini(&m);
	if (rc)
		return -1;
	inputs = calloc(s->n_inputs + 1, sizeof(*inputs));
	rc = inputs ? run_inputs(s, dir, inputs, f)
	            : fail_set(f, OUTCOME_MEMORY, "no memory for the inputs");
	inputs_free(inputs, s->n_inputs);
	session_close(s);
	return rc;
}

static void count_test(struct tally *t, const char *dir)
{
	const char *name = strrchr(dir, '/');
	struct fail f = {0};

	if (!run_test(t, dir, &f)) {
		t->ok++;
		return;
	}
	t->bad++;
	printf("not ok %s\t%s\n", name ? name + 1 : dir, f.text);
}

static int is_test(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

static int walk(struct tally *t, const char *dir, struct fail *f)
{
	char path[PATH_BYTES];
	struct dirent **list = NULL;
	int n;

	snprintf(path, sizeof(path), "%s/model.onnx", dir);
	if (!access(path, R_OK)) {
		count_test(t, dir);
		return 0;
	}
	n = scandir(dir, &list, is_test, alphasort);
	if (n < 0)
		return fail_set(f, OUTCOME_INTERNAL, "%.120s is no directory of tests", dir);
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, list[i]->d_name);
		count_test(t, path);
		free(list[i]);
	}
	free(list);
	return 0;
}

int nodes_main(int argc, char **argv)
{
	struct standalone s;
	struct tally t = {.s = &s};
	struct fail f = {0};
	int rc = standalone_options(&s, argc, argv, &f);

	if (!rc && s.n_args < 2)
		rc = fail_set(&f, OUTCOME_INTERNAL, "--onnx-tests needs a library and directories");
	if (!rc)
		rc = ort_open(s.args[0], &s.ort, &f) || ort_start(s.ort, &f);
	for (int i = 1; !rc && i < s.n_args; i++)
		rc = walk(&t, s.args[i], &f);
	if (!rc)
		printf("%u ok, %u not ok\n", t.ok, t.bad);
	fflush(stdout);
	standalone_fini(&s);
	return rc ? standalone_fail(&f) : t.bad ? 1 : 0;
}
