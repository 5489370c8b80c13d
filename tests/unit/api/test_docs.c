/* SPDX-License-Identifier: Apache-2.0 */
/* What describes the API is held against what it does: /openapi.json and /metrics. */
#include "support.h"

#include <ctype.h>

#include "api/metrics.h"
#include "api/route.h"
#include "core/rows.h"

/* ---- openapi ---- */

static const char *lower(const char *s)
{
	static char out[16];
	size_t i;

	for (i = 0; s[i] && i < sizeof(out) - 1; i++)
		out[i] = (char)tolower((unsigned char)s[i]);
	out[i] = '\0';
	return out;
}

static void every_route_is_described(void **state)
{
	struct rig *r = *state;
	struct response p;
	const struct json *paths;

	ask_get(r, "/openapi.json", &p);
	assert_status(&p, 200);
	assert_memory_equal(response_str(&p, "openapi"), "3.", 2);
	paths = response_at(&p, "paths");
	for (const struct route *t = routes; t->pattern; t++) {
		const struct json *op;

		if (t->flags & ROUTE_PAGE)
			continue;
		op = json_get(json_get(paths, t->pattern), lower(method_name(t->method)));
		if (!op)
			fail_msg("%s %s is not described", method_name(t->method), t->pattern);
		if (strcmp(json_str(json_get(op, "x-role")), role_name(t->role)))
			fail_msg("%s %s needs %s", method_name(t->method), t->pattern,
				role_name(t->role));
		if (!*json_str(json_get(op, "summary")) || !json_get(op, "responses"))
			fail_msg("%s %s lacks summary or responses", method_name(t->method),
				t->pattern);
		if (t->method != METHOD_GET && t->method != METHOD_HEAD &&
			!*json_str(json_get(op, "x-repeat")))
			fail_msg("%s %s does not say what a second one does",
				method_name(t->method), t->pattern);
		if (!!json_get(op, "requestBody") != !!(t->flags & (ROUTE_JSON | ROUTE_UPLOAD)))
			fail_msg("%s %s: requestBody", method_name(t->method), t->pattern);
	}
	response_free(&p);
}

static bool is_route(const char *path, const char *method)
{
	for (const struct route *t = routes; t->pattern; t++)
		if (!strcmp(t->pattern, path) && !strcmp(lower(method_name(t->method)), method))
			return true;
	return false;
}

static void nothing_is_described_that_is_not_there(void **state)
{
	struct rig *r = *state;
	struct response p;

	ask_get(r, "/openapi.json", &p);
	JSON_FOREACH (path, response_at(&p, "paths"))
		JSON_FOREACH (op, path)
			if (strcmp(json_key(op), "parameters") &&
				!is_route(json_key(path), json_key(op)))
				fail_msg("%s %s", json_key(op), json_key(path));
	response_free(&p);
}

static const struct json *pointed(const struct json *root, const char *ref)
{
	char word[128];

	assert_memory_equal(ref, "#/", 2);
	ref += 2;
	while (root && *ref) {
		size_t n = strcspn(ref, "/");

		snprintf(word, sizeof(word), "%.*s", (int)n, ref);
		root = json_get(root, word);
		ref += n + (ref[n] == '/');
	}
	return root;
}

static void check_refs(const struct json *root, const struct json *n)
{
	JSON_FOREACH (child, n) {
		if (!strcmp(json_key(child), "$ref") && !pointed(root, json_str(child)))
			fail_msg("%s points nowhere", json_str(child));
		check_refs(root, child);
	}
}

/* Whether value has the members that the schema says it always has, all the way down. */
static void check_against(
	const struct json *root, const struct json *schema, const struct json *v, const char *where)
{
	const struct json *ref = json_get(schema, "$ref");

	if (ref)
		schema = pointed(root, json_str(ref));
	JSON_FOREACH (name, json_get(schema, "required"))
		if (!json_get(v, json_str(name)))
			fail_msg("%s has no '%s'", where, json_str(name));
	if (!json_is_object(v))
		return;
	JSON_FOREACH (member, v) {
		const struct json *s = json_get(json_get(schema, "properties"), json_key(member));

		if (json_get(schema, "properties") && !s &&
			!json_get(schema, "additionalProperties"))
			fail_msg("%s has a '%s' that is not described", where, json_key(member));
		if (s && json_is_object(member))
			check_against(root, s, member, json_key(member));
		if (s && json_is_array(member))
			JSON_FOREACH (item, member)
				check_against(root, json_get(s, "items"), item, json_key(member));
	}
}

static void answers_are_as_described(void **state)
{
	static const char *const asked[][2] = {
		{"/api/v1/jobs", "Jobs"},
		{"/api/v1/jobs/j1", "Job"},
		{"/api/v1/runs", "Runs"},
		{"/api/v1/runs?view=summary", "Runs"},
		{"/api/v1/runs/r1", "Run"},
		{"/api/v1/runs/r1/series?stream=paced", "Series"},
		{"/api/v1/devices", "Devices"},
		{"/api/v1/devices/d1", "Device"},
		{"/api/v1/session", "Session"},
		{"/api/v1/runtimes", "Runtimes"},
		{"/api/v1/jobs/j99", "Problem"},
		{"/healthz", "Health"},
	};
	struct rig *r = *state;
	struct response doc, p;
	const struct json *schemas;

	seed_one(r->ctl);
	ask_get(r, "/openapi.json", &doc);
	check_refs(response_json(&doc), response_json(&doc));
	schemas = response_at(&doc, "components.schemas");
	for (size_t i = 0; i < sizeof(asked) / sizeof(*asked); i++) {
		ask_get(r, asked[i][0], &p);
		if (!json_get(schemas, asked[i][1]))
			fail_msg("no schema %s", asked[i][1]);
		check_against(response_json(&doc), json_get(schemas, asked[i][1]),
			response_json(&p), asked[i][0]);
		response_free(&p);
	}
	response_free(&doc);
}

/* ---- metrics ---- */

static void metrics_are_openmetrics(void **state)
{
	char family[128] = "", *next, *line;
	struct rig *r = *state;
	struct response p;
	int n = 0;

	seed_one(r->ctl);
	ask_get(r, "/metrics", &p);
	assert_status(&p, 200);
	assert_string_equal(response_header(&p, "Content-Type"),
		"application/openmetrics-text; version=1.0.0; charset=utf-8");
	assert_string_equal(p.body + p.len - 6, "# EOF\n");
	next = p.body;
	while ((line = strsep(&next, "\n")) && strcmp(line, "# EOF")) {
		if (!strncmp(line, "# TYPE ", 7)) {
			snprintf(family, sizeof(family), "%.*s", (int)strcspn(line + 7, " "),
				line + 7);
			assert_memory_equal(family, "framefarm_", 10);
		} else if (line[0] != '#') {
			/* Every value stands below its family. */
			assert_memory_equal(line, family, strlen(family));
			assert_non_null(strrchr(line, ' '));
			n++;
		}
	}
	assert_true(n > 40);
	response_free(&p);
}

static void metrics_tell_of_jobs_devices_and_store(void **state)
{
	const struct ctl_progress busy = {.run = 5,
		.device = 1,
		.phase = "paced",
		.thermal_known = true,
		.hottest_mc = 41500};
	struct rig *r = *state;
	struct response p;

	seed_one(r->ctl);
	seed_jobs(r->ctl, 2);
	fake_progress(r->ctl, &busy);
	ask_get(r, "/metrics", &p);
	assert_non_null(
		strstr(p.body, "\nframefarm_jobs{state=\"completed\",verdict=\"fail\"} 1\n"));
	assert_non_null(strstr(p.body, "\nframefarm_jobs{state=\"running\",verdict=\"none\"} 2\n"));
	assert_non_null(strstr(p.body, "\nframefarm_queue_depth 7\n"));
	assert_non_null(strstr(p.body, "\nframefarm_samples_ingested_total 123456\n"));
	assert_non_null(strstr(p.body, "\nframefarm_build_info{version=\""));
	assert_non_null(strstr(p.body,
		"\nframefarm_device_up{unit=\"bench<b>1</b>\",device_model=\"Test Phone\","
		"virtual=\"false\"} 0\n"));
	assert_non_null(strstr(p.body, "sensor=\"hottest\"} 41.500\n"));
	response_free(&p);
}

static void who_asks_for_the_older_format_gets_it(void **state)
{
	static const struct {
		const char *accept;
		enum metrics_format format;
	} asked[] = {
		{NULL, METRICS_OPEN},
		{"*/*", METRICS_OPEN},
		{"text/plain", METRICS_CLASSIC},
		{"text/*;q=0.3", METRICS_CLASSIC},
		{"TEXT/PLAIN; version=0.0.4", METRICS_CLASSIC},
		{"text/plain;q=0.5, application/openmetrics-text; q=0.4", METRICS_CLASSIC},
		{"text/plain;q=0.5,application/openmetrics-text;version=1.0.0", METRICS_OPEN},
		{"application/openmetrics-text;q=0,*/*;q=0.1", METRICS_CLASSIC},
		{"text/html, */*;q=0.1", METRICS_OPEN},
		{"text/plainer", METRICS_NEITHER},
		{"application/json", METRICS_NEITHER},
		{"*/*;q=0", METRICS_NEITHER},
		{", ,", METRICS_NEITHER},
	};
	struct buf b;

	(void)state;
	for (size_t i = 0; i < sizeof(asked) / sizeof(*asked); i++)
		if (metrics_accepted(asked[i].accept) != asked[i].format)
			fail_msg("%s", asked[i].accept);
	buf_init(&b, 4096);
	metrics_to_classic(&b,
		"# TYPE f_n counter\n# HELP f_n How many.\nf_n_total{a=\"# TYPE\"} 1\n"
		"# TYPE f_build info\n# HELP f_build What.\nf_build_info{v=\"1\"} 1\n"
		"# TYPE f_x_seconds gauge\n# UNIT f_x_seconds seconds\n# HELP f_x_seconds Long.\n"
		"f_x_seconds 2\n# EOF\n");
	assert_string_equal(buf_text(&b),
		"# TYPE f_n_total counter\n# HELP f_n_total How many.\n"
		"f_n_total{a=\"# TYPE\"} 1\n# TYPE f_build_info gauge\n"
		"# HELP f_build_info What.\nf_build_info{v=\"1\"} 1\n"
		"# TYPE f_x_seconds gauge\n# HELP f_x_seconds Long.\nf_x_seconds 2\n");
	buf_fini(&b);
}

static void a_hostile_name_does_not_break_out_of_its_label(void **state)
{
	struct device_row d = {.id = 1,
		.name = "a\"} 1\nevil{x=\"",
		.model = "back\\slash",
		.state = DEVICE_READY};
	struct rig *r = *state;
	struct response p;

	fake_put(r->ctl, &device_table, &d);
	ask_get(r, "/metrics", &p);
	assert_non_null(
		strstr(p.body, "{unit=\"a\\\"} 1\\nevil{x=\\\"\",device_model=\"back\\\\slash\""));
	assert_null(strstr(p.body, "\nevil"));
	response_free(&p);
}

#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(every_route_is_described),
		T(nothing_is_described_that_is_not_there),
		T(answers_are_as_described),
		T(metrics_are_openmetrics),
		T(metrics_tell_of_jobs_devices_and_store),
		cmocka_unit_test(who_asks_for_the_older_format_gets_it),
		T(a_hostile_name_does_not_break_out_of_its_label),
	};

	return cmocka_run_group_tests_name("api_docs", tests, NULL, NULL);
}
