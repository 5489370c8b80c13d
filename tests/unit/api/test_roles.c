/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may do what: each route of the table, asked by each role. There is one token so far, an admin's;
 * lesser roles are made as sessions here, so that the table's last column is held to.
 */
#include "support.h"

#include "api/internal.h"
#include "api/route.h"

/* The route's path with something in its {…}; what it names need not be there. */
static void path_of(const struct route *t, char *dst, size_t size)
{
	const char *open = strchr(t->pattern, '{');

	if (open)
		snprintf(dst, size, "%.*s%c1%s", (int)(open - t->pattern), t->pattern, open[1],
			strchr(open, '}') + 1);
	else
		snprintf(dst, size, "%s", t->pattern);
}

/* The status that a route answers with; session "": nobody's. */
static int status_for(struct rig *r, const struct route *t, const char *session)
{
	struct client c;
	char path[128];
	char *text;
	int status;

	path_of(t, path, sizeof(path));
	text = mem_printf("%s %s HTTP/1.1\r\nHost: %s\r\nOrigin: http://%s\r\nCookie: " AUTH_COOKIE
			  "=%s\r\nContent-Length: 0\r\n\r\n",
		method_name(t->method), path, r->host, r->host, session);
	client_open(&c, r);
	client_send(&c, text, strlen(text));
	client_until_text(&c, "\r\n\r\n");
	assert_int_equal(sscanf(buf_text(&c.in), "HTTP/1.1 %d", &status), 1);
	client_close(&c);
	mem_free(text);
	return status;
}

static void as_role(struct rig *r, enum role role, char session[AUTH_SESSION])
{
	struct principal who = {.role = role};

	snprintf(who.actor, sizeof(who.actor), "a %s", role_name(role));
	auth_session_new(r->api->auth, &who, api_now_ms(r->api), session);
}

static void every_route_takes_its_role_and_more_and_no_less(void **state)
{
	char session[AUTH_SESSION];
	struct rig *r = *state;
	int refused = 0;

	for (enum role role = ROLE_VIEWER; role <= ROLE_ADMIN; role++) {
		as_role(r, role, session);
		for (const struct route *t = routes; t->pattern; t++) {
			int status = status_for(r, t, session);

			if ((status == 403) != (t->role > role))
				fail_msg("%s %s as %s: %d", method_name(t->method), t->pattern,
					role_name(role), status);
			refused += status == 403;
			if (t->role == ROLE_NONE && t->method == METHOD_DELETE)
				as_role(r, role, session); /* it was logged out */
		}
	}
	assert_true(refused > 30);
}

static void nobody_gets_what_needs_a_role(void **state)
{
	struct rig *r = *state;

	for (const struct route *t = routes; t->pattern; t++) {
		int status = status_for(r, t, "");

		if ((status == 401) != (t->role != ROLE_NONE))
			fail_msg("%s %s: %d", method_name(t->method), t->pattern, status);
	}
}

static void what_was_refused_for_its_role_says_which_one_it_needs(void **state)
{
	char session[AUTH_SESSION];
	struct rig *r = *state;
	struct response p;
	struct client c;
	char *text;

	as_role(r, ROLE_CI, session);
	text = mem_printf("POST /api/v1/devices/d1/retire HTTP/1.1\r\nHost: %s\r\nOrigin: "
			  "http://%s\r\nCookie: " AUTH_COOKIE "=%s\r\nContent-Length: 0\r\n\r\n",
		r->host, r->host, session);
	client_open(&c, r);
	client_send(&c, text, strlen(text));
	client_response(&c, &p);
	assert_status(&p, 403);
	assert_non_null(strstr(response_str(&p, "detail"), "needs the role admin; you are ci"));
	response_free(&p);
	client_close(&c);
	mem_free(text);
}

#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(every_route_takes_its_role_and_more_and_no_less),
		T(nobody_gets_what_needs_a_role),
		T(what_was_refused_for_its_role_says_which_one_it_needs),
	};

	return cmocka_run_group_tests_name("api_roles", tests, NULL, NULL);
}
