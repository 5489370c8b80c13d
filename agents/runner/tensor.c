/* SPDX-License-Identifier: Apache-2.0 */
/* Tensors; see tensor.h. */
#include "tensor.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan.h"

#define ALIGN 64 /* widest vector load of any CPU that the runtime has kernels for */

static const struct {
	const char *name;
	uint8_t size;
	bool is_float;
} types[] = {
	[TENSOR_F32] = {"float32", 4, true},
	[TENSOR_U8] = {"uint8", 1, false},
	[TENSOR_I8] = {"int8", 1, false},
	[TENSOR_U16] = {"uint16", 2, false},
	[TENSOR_I16] = {"int16", 2, false},
	[TENSOR_I32] = {"int32", 4, false},
	[TENSOR_I64] = {"int64", 8, false},
	[TENSOR_STRING] = {"string", 0, false},
	[TENSOR_BOOL] = {"bool", 1, false},
	[TENSOR_F16] = {"float16", 2, true},
	[TENSOR_F64] = {"float64", 8, true},
	[TENSOR_U32] = {"uint32", 4, false},
	[TENSOR_U64] = {"uint64", 8, false},
	[TENSOR_BF16] = {"bfloat16", 2, true},
};

static bool is_known(int type)
{
	return type > 0 && type < (int)(sizeof(types) / sizeof(types[0])) && types[type].name;
}

const char *tensor_type_name(int type)
{
	return is_known(type) ? types[type].name : "an unknown type";
}

size_t tensor_type_size(int type)
{
	return is_known(type) ? types[type].size : 0;
}

bool tensor_type_is_float(int type)
{
	return is_known(type) && types[type].is_float;
}

static int count_elements(int n_dims, const int64_t *dims, uint64_t *ret_count)
{
	uint64_t count = 1;

	if (n_dims < 0 || n_dims > TENSOR_DIMS)
		return -1;
	for (int i = 0; i < n_dims; i++)
		if (dims[i] < 0)
			return -1;
	for (int i = 0; i < n_dims; i++)
		if (__builtin_mul_overflow(count, (uint64_t)dims[i], &count))
			return -1;
	*ret_count = count;
	return 0;
}

int tensor_measure(int type, int n_dims, const int64_t *dims, uint64_t *ret_count, size_t *ret_n)
{
	size_t size = tensor_type_size(type);
	uint64_t count;

	if (!size || count_elements(n_dims, dims, &count) || count > TENSOR_BYTES_MAX / size)
		return -1;
	*ret_count = count;
	*ret_n = count * size;
	return 0;
}

/* t->bytes of zeroes, every page touched. */
static int allocate(struct tensor *t, struct fail *f)
{
	size_t room = (t->bytes + ALIGN) / ALIGN * ALIGN;

	if (posix_memalign(&t->data, ALIGN, room))
		return fail_set(f, OUTCOME_MEMORY, "no memory for a tensor of %zu bytes", t->bytes);
	memset(t->data, 0, room);
	return 0;
}

static int refuse(int type, int n_dims, const int64_t *dims, struct fail *f)
{
	char text[TENSOR_TEXT];

	return fail_set(f, OUTCOME_MODEL, "a tensor %s is not possible (at most %d MiB)",
		tensor_describe(text, type, n_dims, dims), (int)(TENSOR_BYTES_MAX >> 20));
}

int tensor_init(struct tensor *ret_t, int type, int n_dims, const int64_t *dims, struct fail *f)
{
	struct tensor t = {.type = type, .n_dims = n_dims};

	if (tensor_measure(type, n_dims, dims, &t.count, &t.bytes))
		return refuse(type, n_dims, dims, f);
	if (n_dims)
		memcpy(t.dims, dims, n_dims * sizeof(*dims));
	if (allocate(&t, f))
		return -1;
	*ret_t = t;
	return 0;
}

int tensor_init_strings(
	struct tensor *ret_t, int n_dims, const int64_t *dims, size_t bytes, struct fail *f)
{
	struct tensor t = {.type = TENSOR_STRING, .n_dims = n_dims, .bytes = bytes};

	/* Each element has its NUL, so bytes bound the count too. */
	if (count_elements(n_dims, dims, &t.count) || t.count > bytes || bytes > TENSOR_BYTES_MAX)
		return refuse(TENSOR_STRING, n_dims, dims, f);
	if (n_dims)
		memcpy(t.dims, dims, n_dims * sizeof(*dims));
	if (allocate(&t, f))
		return -1;
	*ret_t = t;
	return 0;
}

void tensor_fini(struct tensor *t)
{
	if (!t->borrowed)
		free(t->data);
	memset(t, 0, sizeof(*t));
}

double tensor_get(const struct tensor *t, uint64_t i)
{
	switch (t->type) {
	case TENSOR_F32:
		return ((const float *)t->data)[i];
	case TENSOR_F64:
		return ((const double *)t->data)[i];
	case TENSOR_F16:
		return half_to_float(((const uint16_t *)t->data)[i]);
	case TENSOR_BF16:
		return bf16_to_float(((const uint16_t *)t->data)[i]);
	case TENSOR_I8:
		return ((const int8_t *)t->data)[i];
	case TENSOR_U8:
	case TENSOR_BOOL:
		return ((const uint8_t *)t->data)[i];
	case TENSOR_I16:
		return ((const int16_t *)t->data)[i];
	case TENSOR_U16:
		return ((const uint16_t *)t->data)[i];
	case TENSOR_I32:
		return ((const int32_t *)t->data)[i];
	case TENSOR_U32:
		return ((const uint32_t *)t->data)[i];
	case TENSOR_I64:
		return (double)((const int64_t *)t->data)[i];
	case TENSOR_U64:
		return (double)((const uint64_t *)t->data)[i];
	default:
		return NAN;
	}
}

static double clamp_round(double v, double low, double high)
{
	if (!(v > low)) /* NaN too */
		return low;
	return v < high ? rint(v) : high;
}

void tensor_set(struct tensor *t, uint64_t i, double v)
{
	switch (t->type) {
	case TENSOR_F32:
		((float *)t->data)[i] = (float)v;
		break;
	case TENSOR_F64:
		((double *)t->data)[i] = v;
		break;
	case TENSOR_F16:
		((uint16_t *)t->data)[i] = half_from_float((float)v);
		break;
	case TENSOR_BF16:
		((uint16_t *)t->data)[i] = bf16_from_float((float)v);
		break;
	case TENSOR_I8:
		((int8_t *)t->data)[i] = (int8_t)clamp_round(v, INT8_MIN, INT8_MAX);
		break;
	case TENSOR_U8:
		((uint8_t *)t->data)[i] = (uint8_t)clamp_round(v, 0, UINT8_MAX);
		break;
	case TENSOR_BOOL:
		((uint8_t *)t->data)[i] = v != 0;
		break;
	case TENSOR_I16:
		((int16_t *)t->data)[i] = (int16_t)clamp_round(v, INT16_MIN, INT16_MAX);
		break;
	case TENSOR_U16:
		((uint16_t *)t->data)[i] = (uint16_t)clamp_round(v, 0, UINT16_MAX);
		break;
	case TENSOR_I32:
		((int32_t *)t->data)[i] = (int32_t)clamp_round(v, INT32_MIN, INT32_MAX);
		break;
	case TENSOR_U32:
		((uint32_t *)t->data)[i] = (uint32_t)clamp_round(v, 0, UINT32_MAX);
		break;
	case TENSOR_I64: /* the largest double below 2^63 */
		((int64_t *)t->data)[i] = (int64_t)clamp_round(v, -0x1p63, 0x1.fffffffffffffp62);
		break;
	case TENSOR_U64:
		((uint64_t *)t->data)[i] = (uint64_t)clamp_round(v, 0, 0x1.fffffffffffffp63);
		break;
	default:
		break;
	}
}

bool tensor_same_bytes(const struct tensor *a, const struct tensor *b)
{
	return a->bytes == b->bytes && (!a->bytes || !memcmp(a->data, b->data, a->bytes));
}

bool tensor_same_shape(const struct tensor *a, const struct tensor *b)
{
	return a->type == b->type && a->n_dims == b->n_dims &&
	       (!a->n_dims || !memcmp(a->dims, b->dims, a->n_dims * sizeof(a->dims[0])));
}

const char *tensor_describe(char dst[TENSOR_TEXT], int type, int n_dims, const int64_t *dims)
{
	size_t len = snprintf(dst, TENSOR_TEXT, "%s[", tensor_type_name(type));

	for (int i = 0; i < n_dims && i < TENSOR_DIMS && len < TENSOR_TEXT - 1; i++) {
		if (dims[i] < 0)
			len += snprintf(dst + len, TENSOR_TEXT - len, i ? ",?" : "?");
		else
			len += snprintf(dst + len, TENSOR_TEXT - len, i ? ",%lld" : "%lld",
				(long long)dims[i]);
	}
	if (len < TENSOR_TEXT - 1)
		snprintf(dst + len, TENSOR_TEXT - len, n_dims > TENSOR_DIMS ? ",…]" : "]");
	return dst;
}
