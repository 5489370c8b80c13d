/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the functions of ONNX Runtime's C API stand. The API is a table of pointers that only ever
 * grows at its end (onnxruntime/core/session/onnxruntime_c_api.cc, "Rules on how to add a new Ort
 * API version"), so a slot number is a fact about every release from the one that brought it. The
 * numbers are compared with a real header, by offsetof, in tests/system/runner/ort_slots.c.
 *
 *	X(slot, API version that brought it, upstream's name, return type, parameters)
 *
 * Three lists: what the runner cannot do without (API 16 is its floor), what it takes where the
 * runtime grants API 24, and enumerators. `status` is struct ort_status *, NULL for success.
 */
#ifndef FRAMEFARM_RUNNER_ORT_SLOTS_H
#define FRAMEFARM_RUNNER_ORT_SLOTS_H

#include <stddef.h>
#include <stdint.h>

#define ORT_API_FLOOR 16
#define ORT_API_MORE  24

/* clang-format off */
#define ORT_SLOTS(X) \
	X(1, 1, GetErrorCode, int, (const struct ort_status *)) \
	X(2, 1, GetErrorMessage, const char *, (const struct ort_status *)) \
	X(4, 1, CreateEnvWithCustomLogger, struct ort_status *, (ort_log_fn, void *param, int level, \
		const char *id, struct ort_env **)) \
	X(8, 1, CreateSessionFromArray, struct ort_status *, (const struct ort_env *, const void *model, \
		size_t, const struct ort_options *, struct ort_session **)) \
	X(9, 1, Run, struct ort_status *, (struct ort_session *, const struct ort_run_options *, \
		const char *const *in_names, const struct ort_value *const *in, size_t n_in, \
		const char *const *out_names, size_t n_out, struct ort_value **out)) \
	X(10, 1, CreateSessionOptions, struct ort_status *, (struct ort_options **)) \
	X(13, 1, SetSessionExecutionMode, struct ort_status *, (struct ort_options *, int mode)) \
	X(14, 1, EnableProfiling, struct ort_status *, (struct ort_options *, const char *prefix)) \
	X(17, 1, DisableMemPattern, struct ort_status *, (struct ort_options *)) \
	X(19, 1, DisableCpuMemArena, struct ort_status *, (struct ort_options *)) \
	X(23, 1, SetSessionGraphOptimizationLevel, struct ort_status *, (struct ort_options *, int)) \
	X(24, 1, SetIntraOpNumThreads, struct ort_status *, (struct ort_options *, int)) \
	X(25, 1, SetInterOpNumThreads, struct ort_status *, (struct ort_options *, int)) \
	X(30, 1, SessionGetInputCount, struct ort_status *, (const struct ort_session *, size_t *)) \
	X(31, 1, SessionGetOutputCount, struct ort_status *, (const struct ort_session *, size_t *)) \
	X(33, 1, SessionGetInputTypeInfo, struct ort_status *, (const struct ort_session *, size_t i, \
		struct ort_type_info **)) \
	X(34, 1, SessionGetOutputTypeInfo, struct ort_status *, (const struct ort_session *, size_t i, \
		struct ort_type_info **)) \
	X(36, 1, SessionGetInputName, struct ort_status *, (const struct ort_session *, size_t i, \
		struct ort_allocator *, char **)) \
	X(37, 1, SessionGetOutputName, struct ort_status *, (const struct ort_session *, size_t i, \
		struct ort_allocator *, char **)) \
	X(39, 1, CreateRunOptions, struct ort_status *, (struct ort_run_options **)) \
	X(46, 1, RunOptionsSetTerminate, struct ort_status *, (struct ort_run_options *)) \
	X(48, 1, CreateTensorAsOrtValue, struct ort_status *, (struct ort_allocator *, \
		const int64_t *dims, size_t n_dims, int type, struct ort_value **)) \
	X(49, 1, CreateTensorWithDataAsOrtValue, struct ort_status *, (const struct ort_memory_info *, \
		void *data, size_t, const int64_t *dims, size_t n_dims, int type, struct ort_value **)) \
	X(51, 1, GetTensorMutableData, struct ort_status *, (struct ort_value *, void **)) \
	X(52, 1, FillStringTensor, struct ort_status *, (struct ort_value *, const char *const *, \
		size_t)) \
	X(53, 1, GetStringTensorDataLength, struct ort_status *, (const struct ort_value *, size_t *)) \
	X(54, 1, GetStringTensorContent, struct ort_status *, (const struct ort_value *, void *, size_t, \
		size_t *offsets, size_t n)) \
	X(55, 1, CastTypeInfoToTensorInfo, struct ort_status *, (const struct ort_type_info *, \
		const struct ort_tensor_info **)) \
	X(56, 1, GetOnnxTypeFromTypeInfo, struct ort_status *, (const struct ort_type_info *, int *)) \
	X(60, 1, GetTensorElementType, struct ort_status *, (const struct ort_tensor_info *, int *)) \
	X(61, 1, GetDimensionsCount, struct ort_status *, (const struct ort_tensor_info *, size_t *)) \
	X(62, 1, GetDimensions, struct ort_status *, (const struct ort_tensor_info *, int64_t *, \
		size_t)) \
	X(63, 1, GetSymbolicDimensions, struct ort_status *, (const struct ort_tensor_info *, \
		const char **, size_t)) \
	X(65, 1, GetTensorTypeAndShape, struct ort_status *, (const struct ort_value *, \
		struct ort_tensor_info **)) \
	X(67, 1, GetValueType, struct ort_status *, (const struct ort_value *, int *)) \
	X(69, 1, CreateCpuMemoryInfo, struct ort_status *, (int allocator, int memory, \
		struct ort_memory_info **)) \
	X(76, 1, AllocatorFree, struct ort_status *, (struct ort_allocator *, void *)) \
	X(78, 1, GetAllocatorWithDefaultOptions, struct ort_status *, (struct ort_allocator **)) \
	X(92, 1, ReleaseEnv, void, (struct ort_env *)) \
	X(93, 1, ReleaseStatus, void, (struct ort_status *)) \
	X(94, 1, ReleaseMemoryInfo, void, (struct ort_memory_info *)) \
	X(95, 1, ReleaseSession, void, (struct ort_session *)) \
	X(96, 1, ReleaseValue, void, (struct ort_value *)) \
	X(97, 1, ReleaseRunOptions, void, (struct ort_run_options *)) \
	X(98, 1, ReleaseTypeInfo, void, (struct ort_type_info *)) \
	X(99, 1, ReleaseTensorTypeAndShapeInfo, void, (struct ort_tensor_info *)) \
	X(100, 1, ReleaseSessionOptions, void, (struct ort_options *)) \
	X(110, 2, SessionEndProfiling, struct ort_status *, (struct ort_session *, \
		struct ort_allocator *, char **)) \
	X(124, 3, AddFreeDimensionOverrideByName, struct ort_status *, (struct ort_options *, \
		const char *, int64_t)) \
	X(125, 4, GetAvailableProviders, struct ort_status *, (char ***, int *)) \
	X(126, 4, ReleaseAvailableProviders, struct ort_status *, (char **, int)) \
	X(130, 5, AddSessionConfigEntry, struct ort_status *, (struct ort_options *, const char *, \
		const char *)) \
	X(133, 5, RunWithBinding, struct ort_status *, (struct ort_session *, \
		const struct ort_run_options *, const struct ort_binding *)) \
	X(134, 5, CreateIoBinding, struct ort_status *, (struct ort_session *, struct ort_binding **)) \
	X(135, 5, ReleaseIoBinding, void, (struct ort_binding *)) \
	X(136, 5, BindInput, struct ort_status *, (struct ort_binding *, const char *, \
		const struct ort_value *)) \
	X(137, 5, BindOutput, struct ort_status *, (struct ort_binding *, const char *, \
		const struct ort_value *)) \
	X(138, 5, BindOutputToDevice, struct ort_status *, (struct ort_binding *, const char *, \
		const struct ort_memory_info *)) \
	X(140, 5, GetBoundOutputValues, struct ort_status *, (const struct ort_binding *, \
		struct ort_allocator *, struct ort_value ***, size_t *)) \
	X(216, 12, SessionOptionsAppendExecutionProvider, struct ort_status *, (struct ort_options *, \
		const char *, const char *const *keys, const char *const *values, size_t)) \
	X(254, 15, GetBuildInfoString, const char *, (void))

#define ORT_SLOTS_MORE(X) \
	X(407, 24, Session_GetEpGraphAssignmentInfo, struct ort_status *, (const struct ort_session *, \
		const struct ort_subgraph *const **, size_t *)) \
	X(408, 24, EpAssignedSubgraph_GetEpName, struct ort_status *, (const struct ort_subgraph *, \
		const char **)) \
	X(409, 24, EpAssignedSubgraph_GetNodes, struct ort_status *, (const struct ort_subgraph *, \
		const struct ort_node *const **, size_t *))

/* X(value, our name, upstream's name) */
#define ORT_ENUMS(X) \
	X(2, LOG_WARNING, ORT_LOGGING_LEVEL_WARNING) \
	X(3, LOG_ERROR, ORT_LOGGING_LEVEL_ERROR) \
	X(0, OPT_DISABLE, ORT_DISABLE_ALL) \
	X(1, OPT_BASIC, ORT_ENABLE_BASIC) \
	X(2, OPT_EXTENDED, ORT_ENABLE_EXTENDED) \
	X(99, OPT_ALL, ORT_ENABLE_ALL) \
	X(1, MODE_PARALLEL, ORT_PARALLEL) \
	X(0, ALLOCATOR_DEVICE, OrtDeviceAllocator) \
	X(0, MEM_DEFAULT, OrtMemTypeDefault) \
	X(1, KIND_TENSOR, ONNX_TYPE_TENSOR)
/* clang-format on */

#endif
