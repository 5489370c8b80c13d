/* SPDX-License-Identifier: Apache-2.0 */
/* Uploads by SHA-256: right, wrong, twice, too big, broken off, too many. */
#include "support.h"

#include "api/bounds.h"
#include "base/hash.h"

static void name_of(const void *data, size_t n, char path[128])
{
	char sum[LIMIT_SHA256];

	hash_bytes(data, n, sum);
	snprintf(path, 128, "/api/v1/files/%s", sum);
}

static void send_put(struct client *c, const char *path, long long length, const char *headers)
{
	struct rig *r = c->rig;
	char head[512];

	snprintf(head, sizeof(head),
		"PUT %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Length: "
		"%lld\r\n"
		"%s\r\n",
		path, r->host, r->token, length, headers);
	assert_true(client_send(c, head, strlen(head)));
}

static void open_put(
	struct client *c, struct rig *r, const char *path, long long length, const char *headers)
{
	client_open(c, r);
	send_put(c, path, length, headers);
}

static void put(struct rig *r, const char *path, const void *data, size_t n, int status)
{
	struct response p;
	struct client c;

	open_put(&c, r, path, (long long)n, "");
	assert_true(client_send(&c, data, n));
	client_response(&c, &p);
	assert_status(&p, status);
	response_free(&p);
	client_close(&c);
}

static void head_is(struct rig *r, const char *path, int status)
{
	struct response p;

	ask(r, "HEAD", path, "", "", &p);
	assert_int_equal(p.status, status);
	response_free(&p);
}

static char *bytes_of(size_t n)
{
	char *data = mem_alloc(n);

	for (size_t i = 0; i < n; i++)
		data[i] = (char)(i * 7 % 127);
	return data;
}

static void a_file_is_kept_under_its_hash_and_not_taken_twice(void **state)
{
	size_t n = 3 * 1024 * 1024 + 11;
	char path[128], *data = bytes_of(n);
	struct rig *r = *state;

	name_of(data, n, path);
	head_is(r, path, 404);
	put(r, path, data, n, 201);
	head_is(r, path, 200);
	put(r, path, data, n, 200);
	assert_int_equal(fake_uploads_open(r->ctl), 0);
	mem_free(data);
}

static void an_empty_file_is_a_file(void **state)
{
	char path[128];
	struct rig *r = *state;

	name_of("", 0, path);
	put(r, path, "", 0, 201);
	head_is(r, path, 200);
}

static void who_asks_first_whether_it_is_there_need_not_send_it(void **state)
{
	struct rig *r = *state;
	struct response p;
	struct client c;

	fake_blob(r->ctl, SHA_MODEL, 500000000);
	open_put(&c, r, "/api/v1/files/" SHA_MODEL, 500000000, "Expect: 100-continue\r\n");
	client_response(&c, &p);
	assert_status(&p, 200);
	response_free(&p);
	client_close(&c);
}

static void other_bytes_than_the_name_says_are_refused(void **state)
{
	char path[128], *data = bytes_of(100000);
	struct rig *r = *state;

	name_of(data, 100000, path);
	data[5]++;
	put(r, path, data, 100000, 400);
	head_is(r, path, 404);
	mem_free(data);
}

static void a_name_that_is_no_hash_is_refused(void **state)
{
	struct rig *r = *state;

	put(r, "/api/v1/files/model.onnx", "x", 1, 400);
	put(r, "/api/v1/files/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"x", 1, 400);
	head_is(r, "/api/v1/files/..", 400);
}

static void too_many_bytes_are_refused_before_they_are_sent(void **state)
{
	struct rig *r = *state;
	struct response p;
	struct client c;

	open_put(&c, r, "/api/v1/files/" SHA_MODEL, LIMIT_UPLOAD_BYTES + 1, "");
	client_response(&c, &p);
	assert_status(&p, 413);
	response_free(&p);
	client_close(&c);
	/* As many as are allowed, but there is no room for them. */
	open_put(&c, r, "/api/v1/files/" SHA_MODEL, LIMIT_UPLOAD_BYTES, "Expect: 100-continue\r\n");
	client_response(&c, &p);
	assert_status(&p, 507);
	response_free(&p);
	client_close(&c);
}

static void a_file_of_unsaid_length_is_refused(void **state)
{
	struct rig *r = *state;
	struct response p;
	struct client c;
	char head[512];

	client_open(&c, r);
	snprintf(head, sizeof(head),
		"PUT /api/v1/files/%s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n"
		"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		SHA_MODEL, r->host, r->token);
	assert_true(client_send(&c, head, strlen(head)));
	client_response(&c, &p);
	assert_status(&p, 411);
	response_free(&p);
	client_close(&c);
}

static void a_disk_that_fills_up_meanwhile_is_reported_when_all_is_sent(void **state)
{
	size_t n = 8 * 1024 * 1024;
	char path[128], *data = bytes_of(n);
	struct rig *r = *state;

	data[0] = '\xff'; /* this is what the fake controller's disk cannot take */
	name_of(data, n, path);
	put(r, path, data, n, 507);
	assert_int_equal(fake_uploads_open(r->ctl), 0);
	mem_free(data);
}

static bool none_open(void *arg)
{
	return !fake_uploads_open(((struct rig *)arg)->ctl);
}

static bool is_idle(void *arg)
{
	return api_idle(((struct rig *)arg)->api);
}

static void an_upload_that_breaks_off_leaves_nothing(void **state)
{
	struct rig *r = *state;
	struct client c;

	open_put(&c, r, "/api/v1/files/" SHA_MODEL, 1000000, "");
	assert_true(client_send(&c, "abc", 3));
	rig_settle(r);
	assert_int_equal(fake_uploads_open(r->ctl), 1);
	client_close(&c);
	rig_until(r, none_open, r);
	rig_until(r, is_idle, r);
}

static void an_upload_that_stands_still_is_cut_off(void **state)
{
	struct rig *r = *state;
	struct client c;
	char *data = bytes_of(API_MOVE_BYTES);

	open_put(&c, r, "/api/v1/files/" SHA_MODEL, 10000000, "");
	for (int i = 0; i < 3; i++) { /* slow, but it moves */
		assert_true(client_send(&c, data, API_MOVE_BYTES));
		rig_settle(r);
		fake_advance(r->ctl, API_MOVE_MS - 1000);
		rig_settle(r);
		assert_int_equal(fake_uploads_open(r->ctl), 1);
	}
	fake_advance(r->ctl, 1001);
	rig_until(r, none_open, r);
	client_close(&c);
	mem_free(data);
}

static void uploads_are_bounded(void **state)
{
	struct client all[API_UPLOADS], more;
	struct response p;
	struct rig *r = *state;

	for (int i = 0; i < API_UPLOADS; i++) {
		if (i == API_UPLOADS_OF_ONE) /* another one's are let in all the same */
			put(r, "/api/v1/files/" SHA_MODEL, "x", 1, 503);
		client_open_from(&all[i], r, i < API_UPLOADS_OF_ONE ? "127.0.0.1" : "127.0.0.2");
		send_put(&all[i], "/api/v1/files/" SHA_MODEL, 1000, "");
		rig_settle(r);
	}
	client_open_from(&more, r, "127.0.0.3");
	send_put(&more, "/api/v1/files/" SHA_MODEL, 1, "");
	client_send(&more, "x", 1);
	client_response(&more, &p);
	assert_status(&p, 503);
	response_free(&p);
	client_close(&more);
	for (int i = 0; i < API_UPLOADS; i++)
		client_close(&all[i]);
	rig_until(r, none_open, r);
	put(r, "/api/v1/files/" SHA_MODEL, "x", 1, 400);
}

static void a_client_that_leaves_while_its_file_is_checked_is_not_answered(void **state)
{
	char path[128];
	struct rig *r = *state;
	struct client c;

	name_of("hello", 5, path);
	fake_hold_pool(r->ctl, true);
	open_put(&c, r, path, 5, "");
	assert_true(client_send(&c, "hello", 5));
	rig_settle_held(r);
	client_close(&c);
	fake_advance(r->ctl, API_HASH_MS + 1);
	rig_until(r, is_idle, r);
	fake_hold_pool(r->ctl, false);
	rig_settle(r);
	head_is(r, path, 200); /* it was whole, so it is kept */
}

#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_file_is_kept_under_its_hash_and_not_taken_twice),
		T(an_empty_file_is_a_file),
		T(who_asks_first_whether_it_is_there_need_not_send_it),
		T(other_bytes_than_the_name_says_are_refused),
		T(a_name_that_is_no_hash_is_refused),
		T(too_many_bytes_are_refused_before_they_are_sent),
		T(a_file_of_unsaid_length_is_refused),
		T(a_disk_that_fills_up_meanwhile_is_reported_when_all_is_sent),
		T(an_upload_that_breaks_off_leaves_nothing),
		T(an_upload_that_stands_still_is_cut_off),
		T(uploads_are_bounded),
		T(a_client_that_leaves_while_its_file_is_checked_is_not_answered),
	};

	return cmocka_run_group_tests_name("api_files", tests, NULL, NULL);
}
