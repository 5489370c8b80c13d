/* SPDX-License-Identifier: Apache-2.0 */
/* --run LIB MODEL: one inference; writes the outputs asked for as TensorProto files, and says what
 * each output is. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "standalone.h"
#include "tensorpb.h"

#define PATH_BYTES 4096

static bool write_elements(FILE *file, const struct tensor *t)
{
	uint8_t head[TENSORPB_HEAD_MAX];
	const char *p = t->data;
	bool ok = true;

	if (t->type != TENSOR_STRING)
		return fwrite(t->data, 1, t->bytes, file) == t->bytes;
	for (uint64_t i = 0; ok && i < t->count; i++, p += strlen(p) + 1) {
		size_t n = tensorpb_string_head(head, strlen(p));

		ok = fwrite(head, 1, n, file) == n && fwrite(p, 1, strlen(p), file) == strlen(p);
	}
	return ok;
}

static int write_tensor(const char *path, const struct tensor *t, const char *name, struct fail *f)
{
	uint8_t head[TENSORPB_HEAD_MAX];
	size_t n = tensorpb_head(head, t, name);
	FILE *file = fopen(path, "wb");
	bool bad;

	if (!file)
		return fail_set(f, OUTCOME_MODEL, "%.120s: %s", path, strerror(errno));
	bad = fwrite(head, 1, n, file) != n || !write_elements(file, t);
	if (fclose(file) || bad)
		return fail_set(f, OUTCOME_MODEL, "%.120s cannot be written", path);
	return 0;
}

static int save(const struct standalone *s, uint32_t i, const struct tensor *t, struct fail *f)
{
	const char *name = s->session->outputs[i].name;
	char path[PATH_BYTES], text[TENSOR_TEXT];

	if (!t->type)
		return fail_set(f, OUTCOME_MODEL, "output \"%.60s\" is no tensor", name);
	printf("%s\t%s\n", name, tensor_describe(text, t->type, t->n_dims, t->dims));
	if (s->dump) {
		snprintf(path, sizeof(path), "%s/output_%u.pb", s->dump, i);
		if (write_tensor(path, t, name, f))
			return -1;
	}
	for (uint32_t j = 0; j < s->n_outputs; j++)
		if (!strcmp(s->outputs[j].name, name) &&
			write_tensor(s->outputs[j].path, t, name, f))
			return -1;
	return 0;
}

static int run(struct standalone *s, struct fail *f)
{
	struct binding_results r;
	int rc = 0;

	for (uint32_t i = 0; i < s->n_outputs; i++)
		if (session_find(s->session->outputs, s->session->n_outputs, s->outputs[i].name) <
			0)
			return fail_set(f, OUTCOME_MODEL, "the model has no output \"%s\"",
				s->outputs[i].name);
	if (ort_check(s->ort, binding_run(&s->binding), f, "the inference failed") ||
		binding_results(&s->binding, &r, f))
		return -1;
	for (uint32_t i = 0; !rc && i < s->session->n_outputs; i++)
		rc = save(s, i, &r.tensors[i], f);
	binding_release(&s->binding, &r);
	return rc;
}

int run_main(int argc, char **argv)
{
	struct standalone s;
	struct fail f = {0};
	int rc = standalone_options(&s, argc, argv, &f);

	if (!rc && s.n_args != 2)
		rc = fail_set(&f, OUTCOME_INTERNAL, "--run needs a library and a model");
	if (!rc)
		rc = standalone_open(&s, s.args[0], s.args[1], &f) || run(&s, &f);
	fflush(stdout);
	standalone_fini(&s);
	return rc ? standalone_fail(&f) : 0;
}
