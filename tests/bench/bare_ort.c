/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The peer of the runner's timed loop: the least that C can do with ONNX Runtime. One float input
 * and one float output of fixed shape, bound once; then clock, run, clock into an array. Shares no
 * line with the runner.
 *
 * bare_ort LIB MODEL INPUT OUTPUT RUNS WARMUP IN_DIMS OUT_DIMS, dimensions as 1,3,224,224: one
 * thread, all optimisations. Prints p50_ns, p90_ns, p99_ns.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Slots of the C API that are used, by number. */
enum {
	GET_MESSAGE = 2,
	CREATE_ENV = 3,
	CREATE_SESSION = 7,
	CREATE_OPTIONS = 10,
	SET_LEVEL = 23,
	SET_THREADS = 24,
	CREATE_TENSOR = 49,
	CPU_MEMORY = 69,
	RUN_BINDING = 133,
	CREATE_BINDING = 134,
	BIND_INPUT = 136,
	BIND_OUTPUT = 137,
};

struct base {
	void *const *(*get_api)(uint32_t);
	const char *(*version)(void);
};

static void *const *api;

static void check(void *status, const char *what)
{
	if (!status)
		return;
	fprintf(stderr, "%s: %s\n", what, ((const char *(*)(void *))api[GET_MESSAGE])(status));
	exit(1);
}

#define CALL(slot, types, ...) check(((void *(*)types)api[slot])(__VA_ARGS__), #slot)

static size_t parse_dims(const char *text, int64_t dims[8], size_t *ret_count)
{
	size_t n = 0;

	*ret_count = 1;
	for (const char *p = text; n < 8 && *p; p += *p == ',') {
		dims[n] = strtoll(p, (char **)&p, 10);
		*ret_count *= (size_t)dims[n++];
	}
	return n;
}

static void *make_tensor(void *memory, const char *text)
{
	int64_t dims[8];
	size_t count, n = parse_dims(text, dims, &count);
	float *data = aligned_alloc(64, (count * sizeof(*data) + 63) / 64 * 64);
	void *value = NULL;

	/* Untouched memory would all be one page of zeroes, which fits the nearest cache. */
	for (size_t i = 0; i < count; i++)
		data[i] = (float)(i % 17) * 0.1f - 0.8f;

	CALL(CREATE_TENSOR, (void *, void *, size_t, int64_t *, size_t, int, void **), memory, data,
		count * sizeof(*data), dims, n, 1, &value);
	return value;
}

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static void measure(void *session, void *binding, int runs, int warmup)
{
	int64_t *ns = calloc((size_t)runs, sizeof(*ns)), start, end;
	void *(*run)(void *, void *, void *);

	*(void **)&run = api[RUN_BINDING];
	memset(ns, 1, (size_t)runs * sizeof(*ns));
	for (int i = 0; i < warmup; i++)
		check(run(session, NULL, binding), "run");
	start = now_ns();
	for (int i = 0; i < runs; i++) {
		check(run(session, NULL, binding), "run");
		end = now_ns();
		ns[i] = end - start;
		start = end;
	}
	qsort(ns, (size_t)runs, sizeof(*ns), by_value);
	printf("p50_ns %lld\np90_ns %lld\np99_ns %lld\n", (long long)ns[(runs + 1) / 2 - 1],
		(long long)ns[(runs * 9 + 9) / 10 - 1], (long long)ns[(runs * 99 + 99) / 100 - 1]);
	free(ns);
}

int main(int argc, char **argv)
{
	void *env = NULL, *options = NULL, *session = NULL, *memory = NULL, *binding = NULL, *lib;
	const struct base *(*get_base)(void);

	if (argc != 9) {
		fprintf(stderr,
			"usage: bare_ort LIB MODEL INPUT OUTPUT RUNS WARMUP IN_DIMS OUT_DIMS\n");
		return 2;
	}
	setenv("ORT_DISABLE_TELEMETRY", "1", 1);
	lib = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
	*(void **)&get_base = lib ? dlsym(lib, "OrtGetApiBase") : NULL;
	api = get_base ? get_base()->get_api(16) : NULL;
	if (!api) {
		fprintf(stderr, "%s is not a usable ONNX Runtime\n", argv[1]);
		return 1;
	}
	CALL(CREATE_ENV, (int, const char *, void **), 3, "bare", &env);
	CALL(CREATE_OPTIONS, (void **), &options);
	CALL(SET_LEVEL, (void *, int), options, 99);
	CALL(SET_THREADS, (void *, int), options, 1);
	CALL(CREATE_SESSION, (void *, const char *, void *, void **), env, argv[2], options,
		&session);
	CALL(CPU_MEMORY, (int, int, void **), 0, 0, &memory);
	CALL(CREATE_BINDING, (void *, void **), session, &binding);
	CALL(BIND_INPUT, (void *, const char *, void *), binding, argv[3],
		make_tensor(memory, argv[7]));
	CALL(BIND_OUTPUT, (void *, const char *, void *), binding, argv[4],
		make_tensor(memory, argv[8]));
	measure(session, binding, atoi(argv[5]), atoi(argv[6]));
	fflush(stdout);
	_Exit(0); /* what is open ends with the process */
}
