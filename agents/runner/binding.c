/* SPDX-License-Identifier: Apache-2.0 */
/* Bound inputs and outputs; see binding.h. */
#include "binding.h"

#include <stdlib.h>
#include <string.h>

static int wrap(struct binding *b, const struct tensor *t, struct ort_value **ret_v, struct fail *f)
{
	struct ort *o = b->session->ort;

	if (ort_check(o,
		    o->CreateTensorWithDataAsOrtValue(
			    o->cpu, t->data, t->bytes, t->dims, (size_t)t->n_dims, t->type, ret_v),
		    f, "a tensor"))
		return -1;
	b->values[b->n_values++] = *ret_v;
	return 0;
}

/* The runtime keeps copies of its own: it has no tensor over foreign strings. */
static int copy_strings(
	struct binding *b, const struct tensor *t, struct ort_value **ret_v, struct fail *f)
{
	struct ort *o = b->session->ort;
	const char **list = calloc(t->count + 1, sizeof(*list)), *p = t->data;
	int rc;

	if (!list)
		return fail_set(f, OUTCOME_MEMORY, "no memory for its strings");
	for (uint64_t i = 0; i < t->count; i++, p += strlen(p) + 1)
		list[i] = p;
	rc = ort_check(o,
		o->CreateTensorAsOrtValue(o->allocator, t->dims, (size_t)t->n_dims, t->type, ret_v),
		f, "a tensor");
	if (!rc) {
		b->values[b->n_values++] = *ret_v;
		rc = ort_check(o, o->FillStringTensor(*ret_v, list, t->count), f, "its strings");
	}
	free(list);
	return rc;
}

static int bind_input(
	struct binding *b, const struct session_io *io, const struct tensor *t, struct fail *f)
{
	struct ort *o = b->session->ort;
	struct ort_value *v = NULL;

	if ((t->type == TENSOR_STRING ? copy_strings : wrap)(b, t, &v, f) ||
		ort_check(o, o->BindInput(b->b, io->name, v), f, "binding"))
		return fail_wrap(f, "input \"%.60s\"", io->name);
	return 0;
}

static bool is_static(const struct session_io *io)
{
	uint64_t count;
	size_t bytes;

	return io->is_tensor && !tensor_measure(io->type, io->n_dims, io->dims, &count, &bytes);
}

static int bind_output(struct binding *b, uint32_t i, struct fail *f)
{
	const struct session_io *io = &b->session->outputs[i];
	struct ort *o = b->session->ort;
	struct ort_value *v = NULL;
	struct tensor *t = &b->outputs[i];
	int rc;

	if (!is_static(io))
		rc = ort_check(o, o->BindOutputToDevice(b->b, io->name, o->cpu), f, "binding");
	else
		rc = tensor_init(t, io->type, io->n_dims, io->dims, f) || wrap(b, t, &v, f) ||
		     ort_check(o, o->BindOutput(b->b, io->name, v), f, "binding");
	return rc ? fail_wrap(f, "output \"%.60s\"", io->name) : 0;
}

int binding_init(struct binding *b, struct session *s, const struct tensor *inputs, struct fail *f)
{
	struct ort *o = s->ort;

	memset(b, 0, sizeof(*b));
	b->session = s;
	b->values = calloc(s->n_inputs + s->n_outputs + 1, sizeof(*b->values));
	b->outputs = calloc(s->n_outputs + 1, sizeof(*b->outputs));
	if (!b->values || !b->outputs)
		return fail_set(f, OUTCOME_MEMORY, "no memory to bind inputs and outputs");
	if (ort_check(o, o->CreateIoBinding(s->s, &b->b), f, "binding"))
		return -1;
	for (uint32_t i = 0; i < s->n_inputs; i++)
		if (bind_input(b, &s->inputs[i], &inputs[i], f))
			return -1;
	for (uint32_t i = 0; i < s->n_outputs; i++)
		if (bind_output(b, i, f))
			return -1;
	return 0;
}

void binding_fini(struct binding *b)
{
	if (!b->session)
		return;
	if (b->b)
		b->session->ort->ReleaseIoBinding(b->b);
	for (uint32_t i = 0; i < b->n_values; i++)
		b->session->ort->ReleaseValue(b->values[i]);
	for (uint32_t i = 0; b->outputs && i < b->session->n_outputs; i++)
		tensor_fini(&b->outputs[i]);
	free(b->values);
	free(b->outputs);
	memset(b, 0, sizeof(*b));
}

/* ---- results ---- */

static int view_shape(
	struct ort *o, const struct ort_value *v, struct tensor *ret_t, struct fail *f)
{
	struct ort_tensor_info *info = NULL;
	struct tensor t = {.borrowed = true};
	size_t n = 0;
	int rc;

	if (ort_check(o, o->GetTensorTypeAndShape(v, &info), f, "its shape"))
		return -1;
	rc = ort_check(o, o->GetTensorElementType(info, &t.type), f, "its type") ||
	     ort_check(o, o->GetDimensionsCount(info, &n), f, "its shape");
	if (!rc && n > TENSOR_DIMS)
		rc = fail_set(f, OUTCOME_MODEL, "%zu dimensions; at most %d work", n, TENSOR_DIMS);
	if (!rc && n)
		rc = ort_check(o, o->GetDimensions(info, t.dims, n), f, "its shape");
	o->ReleaseTensorTypeAndShapeInfo(info);
	if (rc)
		return -1;
	t.n_dims = (int)n;
	if (t.type == TENSOR_STRING ||
		!tensor_measure(t.type, t.n_dims, t.dims, &t.count, &t.bytes))
		*ret_t = t;
	return 0;
}

/* An element that holds a NUL becomes several here, and is not equal to any that a file can give. */
static int take_strings(struct ort *o, const struct ort_value *v, size_t *offsets, uint64_t count,
	struct tensor *t, size_t n, struct fail *f)
{
	char *to = t->data, *text = malloc(n + 1);
	int rc;

	if (!text)
		return fail_set(f, OUTCOME_MEMORY, "no memory for its strings");
	rc = ort_check(o, o->GetStringTensorContent(v, text, n, offsets, count), f, "its strings");
	for (uint64_t i = 0; !rc && i < count; i++) {
		size_t len = (i + 1 < count ? offsets[i + 1] : n) - offsets[i];

		memcpy(to, text + offsets[i], len);
		to += len + 1;
	}
	free(text);
	return rc;
}

static int view_strings(struct ort *o, const struct ort_value *v, struct tensor *t, struct fail *f)
{
	struct tensor shape = *t;
	size_t n = 0, *offsets;
	uint64_t count = 1;
	int rc;

	for (int i = 0; i < shape.n_dims; i++)
		count *= (uint64_t)shape.dims[i];
	memset(t, 0, sizeof(*t));
	if (ort_check(o, o->GetStringTensorDataLength(v, &n), f, "its strings") ||
		tensor_init_strings(t, shape.n_dims, shape.dims, n + count, f))
		return -1;
	offsets = calloc(count + 1, sizeof(*offsets));
	rc = offsets ? take_strings(o, v, offsets, count, t, n, f)
	             : fail_set(f, OUTCOME_MEMORY, "no memory for its strings");
	free(offsets);
	return rc;
}

static int view(struct ort *o, struct ort_value *v, struct tensor *ret_t, struct fail *f)
{
	int kind = 0;

	memset(ret_t, 0, sizeof(*ret_t));
	if (!v)
		return 0;
	if (ort_check(o, o->GetValueType(v, &kind), f, "its type"))
		return -1;
	if (kind != ORT_KIND_TENSOR)
		return 0;
	if (view_shape(o, v, ret_t, f))
		return -1;
	if (!ret_t->type)
		return 0;
	if (ret_t->type == TENSOR_STRING)
		return view_strings(o, v, ret_t, f);
	return ort_check(o, o->GetTensorMutableData(v, &ret_t->data), f, "its data");
}

int binding_results(struct binding *b, struct binding_results *ret_r, struct fail *f)
{
	struct ort *o = b->session->ort;
	struct binding_results r = {0};

	if (ort_check(o, o->GetBoundOutputValues(b->b, o->allocator, &r.values, &r.n), f,
		    "the outputs"))
		return -1;
	r.tensors = calloc(r.n + 1, sizeof(*r.tensors));
	if (!r.tensors || r.n != b->session->n_outputs) {
		fail_set(f, OUTCOME_MEMORY, "no memory for %zu outputs", r.n);
		goto out;
	}
	for (size_t i = 0; i < r.n; i++)
		if (view(o, r.values[i], &r.tensors[i], f)) {
			fail_wrap(f, "output \"%.60s\"", b->session->outputs[i].name);
			goto out;
		}
	*ret_r = r;
	return 0;
out:
	binding_release(b, &r);
	return -1;
}

void binding_release(struct binding *b, struct binding_results *r)
{
	struct ort *o = b->session->ort;
	struct fail ignored;

	for (size_t i = 0; i < r->n; i++)
		o->ReleaseValue(r->values[i]);
	for (size_t i = 0; r->tensors && i < r->n; i++)
		tensor_fini(&r->tensors[i]);
	if (r->values)
		ort_check(o, o->AllocatorFree(o->allocator, r->values), &ignored, "");
	free(r->tensors);
	memset(r, 0, sizeof(*r));
}
