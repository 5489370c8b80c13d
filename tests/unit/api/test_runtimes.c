/* SPDX-License-Identifier: Apache-2.0 */
/* Runtimes over the API: who may, what is refused, and jobs that name one. */
#include "support.h"

static void post(struct rig *r, const char *body, int status, struct response *p)
{
	ask(r, "POST", "/api/v1/runtimes", "", body, p);
	assert_status(p, status);
}

static void they_are_listed_with_their_libraries(void **state)
{
	struct response p;

	ask_get(*state, "/api/v1/runtimes", &p);
	assert_status(&p, 200);
	assert_string_equal(response_str(&p, "runtimes.0.name"), "ort-1");
	assert_string_equal(response_str(&p, "runtimes.0.added"), "1970-01-01T00:00:01.000Z");
	assert_string_equal(response_str(&p, "runtimes.0.libraries.0.abi"), "aarch64");
	assert_string_equal(response_str(&p, "runtimes.0.libraries.0.libc"), "bionic");
	response_free(&p);
	ask_get(*state, "/api/v1/runtimes?all=1", &p);
	assert_status(&p, 400);
	response_free(&p);
}

static void a_file_is_uploaded_before_it_is_registered(void **state)
{
	struct rig *r = *state;
	struct response p;
	const char *body = "{\"sha256\": \"" SHA_MODEL "\", \"name\": \"ort-2\"}";

	post(r, body, 409, &p);
	assert_string_equal(response_str(&p, "missing.0"), SHA_MODEL);
	response_free(&p);
	fake_blob(r->ctl, SHA_MODEL, 10);
	post(r, body, 201, &p);
	assert_string_equal(response_str(&p, "name"), "ort-2");
	assert_string_equal(response_str(&p, "sha256"), SHA_MODEL);
	response_free(&p);
}

static void what_cannot_be_registered_is_said(void **state)
{
	static const struct {
		const char *name;
		int status;
		const char *says;
	} cases[] = {{"ort-1", 409, "another runtime"}, {"broken", 400, "no ELF file"},
		{"huge", 413, "too many bytes"}};
	struct rig *r = *state;
	struct response p;
	char body[200];

	fake_blob(r->ctl, SHA_MODEL, 10);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(body, sizeof(body), "{\"sha256\": \"" SHA_MODEL "\", \"name\": \"%s\"}",
			cases[i].name);
		post(r, body, cases[i].status, &p);
		assert_non_null(strstr(response_str(&p, "detail"), cases[i].says));
		response_free(&p);
	}
}

static void bad_requests_are_refused(void **state)
{
	static const char *const bad[] = {"", "{}", "{\"name\": \"a\"}",
		"{\"sha256\": \"" SHA_MODEL "\"}",
		"{\"sha256\": \"../../etc/passwd\", \"name\": \"a\"}",
		"{\"sha256\": \"" SHA_MODEL "\", \"name\": \"../a\"}",
		"{\"sha256\": \"" SHA_MODEL "\", \"name\": \"\"}",
		"{\"sha256\": \"" SHA_MODEL "\", \"name\": \"a\", \"path\": \"/etc/passwd\"}"};
	struct rig *r = *state;
	struct response p;

	fake_blob(r->ctl, SHA_MODEL, 10);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		post(r, bad[i], 400, &p);
		response_free(&p);
	}
}

static void one_is_removed_by_what_it_is_called(void **state)
{
	struct response p;

	ask(*state, "DELETE", "/api/v1/runtimes/ort-1", "", "", &p);
	assert_status(&p, 200);
	response_free(&p);
	ask(*state, "DELETE", "/api/v1/runtimes/ort-9", "", "", &p);
	assert_status(&p, 404);
	assert_non_null(strstr(response_str(&p, "detail"), "ort-9"));
	response_free(&p);
}

static void a_job_that_names_one_that_is_not_there_is_refused(void **state)
{
	static const char job[] = "{\"schema\": \"framefarm.job/1\", \"name\": \"n\", \"runner\": "
				  "{\"runtime\": \"%s\"}, "
				  "\"model\": {\"name\": \"m\", \"variants\": [{\"name\": \"v\", "
				  "\"file\": {\"sha256\": "
				  "\"" SHA_MODEL "\", \"bytes\": 10, \"name\": \"m.onnx\"}}]}}";
	struct rig *r = *state;
	struct response p;
	char body[600];

	fake_blob(r->ctl, SHA_MODEL, 10);
	snprintf(body, sizeof(body), job, "ort-9");
	ask(r, "POST", "/api/v1/jobs", "Idempotency-Key: k1\r\n", body, &p);
	assert_status(&p, 400);
	assert_non_null(strstr(response_str(&p, "detail"), "no runtime is called \"ort-9\""));
	response_free(&p);
	snprintf(body, sizeof(body), job, "ort-1");
	ask(r, "POST", "/api/v1/jobs", "Idempotency-Key: k2\r\n", body, &p);
	assert_status(&p, 201);
	response_free(&p);
}

#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(they_are_listed_with_their_libraries),
		T(a_file_is_uploaded_before_it_is_registered),
		T(what_cannot_be_registered_is_said),
		T(bad_requests_are_refused),
		T(one_is_removed_by_what_it_is_called),
		T(a_job_that_names_one_that_is_not_there_is_refused),
	};

	return cmocka_run_group_tests_name("api_runtimes", tests, NULL, NULL);
}
