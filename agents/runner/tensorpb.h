/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ONNX TensorProto files (one message, no framing), read and written without protobuf: the message
 * is small, and what reads it must bear hostile bytes. Fields (onnx/onnx.proto, message
 * TensorProto): 1 dims, 2 data_type, 8 name, 9 raw_data, and the typed lists 4 float_data,
 * 5 int32_data (also of 8- and 16-bit types and bool), 7 int64_data, 10 double_data,
 * 11 uint64_data (also of uint32), 6 string_data. Segments, external data and strings with a NUL in
 * them are refused by name.
 *
 * Nothing is allocated before the number of elements in the file equals the shape's, so memory is
 * bounded by eight times the file. Any thread.
 */
#ifndef FRAMEFARM_RUNNER_TENSORPB_H
#define FRAMEFARM_RUNNER_TENSORPB_H

#include "tensor.h"

#define TENSORPB_NAME 64

/* ret_name may be NULL; a longer name is cut. Failures are OUTCOME_MODEL: the job's file is bad. */
int tensorpb_read(const void *data, size_t n, struct tensor *ret_t, char ret_name[TENSORPB_NAME],
	struct fail *f);

/* Bytes in front of the raw data, which the caller writes behind them; returns their number. Of a
 * string tensor each element follows, with its own bytes in front. */
#define TENSORPB_HEAD_MAX (TENSOR_DIMS * 11 + TENSORPB_NAME + 32)
size_t tensorpb_head(uint8_t dst[TENSORPB_HEAD_MAX], const struct tensor *t, const char *name);
size_t tensorpb_string_head(uint8_t dst[TENSORPB_HEAD_MAX], size_t len);

#endif
