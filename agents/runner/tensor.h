/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tensor in memory: element type, shape, and the elements row by row in the machine's order
 * (little-endian on every ABI the runner is built for). Type numbers are those of ONNX's
 * TensorProto.data_type, which the runtime's C API shares. Pure but for allocation; any thread.
 */
#ifndef FRAMEFARM_RUNNER_TENSOR_H
#define FRAMEFARM_RUNNER_TENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fail.h"

#define TENSOR_DIMS      8
#define TENSOR_BYTES_MAX (INT64_C(1) << 31)
#define TENSOR_TEXT      128 /* room for tensor_describe() */

enum tensor_type {
	TENSOR_F32 = 1,
	TENSOR_U8 = 2,
	TENSOR_I8 = 3,
	TENSOR_U16 = 4,
	TENSOR_I16 = 5,
	TENSOR_I32 = 6,
	TENSOR_I64 = 7,
	TENSOR_STRING = 8, /* elements have no size: see struct tensor */
	TENSOR_BOOL = 9,
	TENSOR_F16 = 10,
	TENSOR_F64 = 11,
	TENSOR_U32 = 12,
	TENSOR_U64 = 13,
	TENSOR_BF16 = 16,
};

/* The data of a string tensor are its elements one behind the other, each closed with a NUL. */
struct tensor {
	int type;
	int n_dims; /* 0: a scalar, of one element */
	int64_t dims[TENSOR_DIMS];
	uint64_t count;
	size_t bytes;
	void *data;
	bool borrowed; /* data belongs to somebody else */
};

const char *tensor_type_name(int type); /* "float32"; "type 99" is said as "an unknown type" */
size_t tensor_type_size(int type);      /* 0 for strings, and for types that cannot be carried */
bool tensor_type_is_float(int type);

/* Number of elements and bytes of a shape. Returns -1 for a negative dimension, too many of them,
 * strings or a type that cannot be carried, or more than TENSOR_BYTES_MAX. */
int tensor_measure(int type, int n_dims, const int64_t *dims, uint64_t *ret_count, size_t *ret_n);

/* Allocates zeroes, aligned to 64 bytes, every page touched. Free with tensor_fini(). */
int tensor_init(struct tensor *ret_t, int type, int n_dims, const int64_t *dims, struct fail *f);
/* A string tensor with room for `bytes` of elements and their NULs, all zero. */
int tensor_init_strings(
	struct tensor *ret_t, int n_dims, const int64_t *dims, size_t bytes, struct fail *f);
void tensor_fini(struct tensor *t); /* a zeroed struct is allowed */

double tensor_get(const struct tensor *t, uint64_t i);
/* Stores v as the type can hold it: integers are rounded to nearest and clamped, a bool is v != 0. */
void tensor_set(struct tensor *t, uint64_t i, double v);

/* Type and shape are the same: are the elements, bit by bit? */
bool tensor_same_bytes(const struct tensor *a, const struct tensor *b);
bool tensor_same_shape(const struct tensor *a, const struct tensor *b);
/* "float32[1,3,224,224]"; negative dimensions are shown as '?'. Returns dst. */
const char *tensor_describe(char dst[TENSOR_TEXT], int type, int n_dims, const int64_t *dims);

/* IEEE 754 half and bfloat16, round to nearest even; NaN stays NaN. */
float half_to_float(uint16_t h);
uint16_t half_from_float(float v);
float bf16_to_float(uint16_t h);
uint16_t bf16_from_float(float v);

#endif
