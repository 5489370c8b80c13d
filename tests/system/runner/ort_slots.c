/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiled, not run: the runner's slot table against a real onnxruntime_c_api.h, which is included
 * nowhere else. Slots that the header's release did not have yet are left out.
 */
#include <stddef.h>

#include <onnxruntime_c_api.h>

#include "agents/runner/ort_slots.h"

#define CHECK_SLOT(slot, since, name, type, params)                                                \
	_Static_assert(offsetof(OrtApi, name) == (slot) * sizeof(void *), #name);
ORT_SLOTS(CHECK_SLOT)
#if ORT_API_VERSION >= ORT_API_MORE
ORT_SLOTS_MORE(CHECK_SLOT)
#endif

#define CHECK_ENUM(value, name, upstream) _Static_assert((int)(upstream) == (value), #upstream);
ORT_ENUMS(CHECK_ENUM)

_Static_assert(offsetof(OrtApiBase, GetApi) == 0, "struct api_base of ort.c");
_Static_assert(
	offsetof(OrtApiBase, GetVersionString) == sizeof(void *), "struct api_base of ort.c");
_Static_assert(ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT == 1 &&
		       ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8 == 2 &&
		       ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8 == 3 &&
		       ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT16 == 4 &&
		       ONNX_TENSOR_ELEMENT_DATA_TYPE_INT16 == 5 &&
		       ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32 == 6 &&
		       ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64 == 7 &&
		       ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING == 8 &&
		       ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL == 9 &&
		       ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16 == 10 &&
		       ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE == 11 &&
		       ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT32 == 12 &&
		       ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT64 == 13 &&
		       ONNX_TENSOR_ELEMENT_DATA_TYPE_BFLOAT16 == 16,
	"enum tensor_type of tensor.h");
