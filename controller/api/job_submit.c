/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Submitting a job. On a pool thread its text is read (an error names the line), the files it names
 * are looked for (a list of the missing ones comes back), and its Idempotency-Key is looked up
 * among stored jobs: the controller's memory knows only those that have not ended. Then it goes
 * into the turn, and the answer is the job as it is on the disk.
 */
#include "api/handlers.h"

#include <string.h>

#include "api/http.h"
#include "api/internal.h"
#include "api/job.h"
#include "api/param.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/rstr.h"
#include "base/str.h"
#include "core/farm.h"
#include "core/jobspec.h"
#include "core/rows.h"
#include "farm/ctl.h"
#include "store/store.h"

struct submit {
	struct rstr *spec;
	char sha256[LIMIT_SHA256];
	char key[LIMIT_VALUE];
};

static void submit_free(void *args)
{
	struct submit *s = args;

	rstr_unref(s->spec);
	mem_free(s);
}

/* ---- on a pool thread ---- */

struct missing {
	const struct task_env *env;
	struct map *seen; /* by SHA-256; the values do not matter */
	struct json *list;
};

static int look_for(void *arg, struct jobspec_file *f)
{
	struct missing *m = arg;
	int64_t bytes;

	if (map_get_str(m->seen, f->sha256))
		return 0;
	map_put_str(m->seen, f->sha256, m);
	if (!ctl_blob_has(m->env->ctl, f->sha256, &bytes) || bytes != f->bytes)
		json_push(m->list, json_new_string(f->sha256));
	return 0;
}

/* NULL when every file is there. */
static struct reply *find_missing(const struct task_env *env, struct jobspec *spec)
{
	struct missing m = {env, map_new(), json_new_array()};
	struct json *more;
	int n;

	jobspec_files(spec, look_for, &m);
	map_free(m.seen);
	n = json_count(m.list);
	if (!n) {
		json_free(m.list);
		return NULL;
	}
	more = json_new_object();
	json_add(more, "missing", m.list);
	return reply_problem_with(409, "missing-files", more,
		"%d of the job's files are not here; PUT each to /api/v1/files/{sha256}, then "
		"submit again",
		n);
}

/* NULL when every runtime that is named is registered. */
static struct reply *find_unknown(const struct task_env *env, const struct jobspec *spec)
{
	for (int i = 0; i < spec->n_variants; i++) {
		const char *name = spec->variants[i].runner.runtime;

		if (*name && !ctl_runtime_known(env->ctl, name))
			return reply_problem(400, "invalid-job",
				"no runtime is called \"%.64s\", which the variant \"%.64s\" "
				"wants; "
				"`framefarm runtime list` shows those that are, `framefarm runtime "
				"add` registers one",
				name, spec->variants[i].name);
	}
	return NULL;
}

static struct reply *check_spec(const struct task_env *env, const struct submit *s)
{
	struct err e = {0};
	struct json_doc *doc = json_parse(rstr_text(s->spec), rstr_len(s->spec), &e);
	struct jobspec *spec = NULL;
	struct reply *p;

	if (doc)
		jobspec_parse(doc, 0, &spec, &e);
	p = spec ? find_unknown(env, spec) : reply_problem(400, "invalid-job", "%s", e.text);
	if (spec && !p)
		p = find_missing(env, spec);
	jobspec_free(spec);
	json_doc_free(doc);
	return p;
}

struct before {
	int64_t id;
	bool same;
	const char *sha256;
};

static int note_before(void *arg, const void *row)
{
	struct before *b = arg;
	const struct job_row *j = row;

	b->id = j->id;
	b->same = !strcmp(j->spec_sha256, b->sha256);
	return 0;
}

static struct reply *find_before(const struct task_env *env, const struct submit *s)
{
	struct store_page page = {
		.limit = 1, .n_filters = 1, .filters = {{"idempotency_key", s->key, 0}}};
	struct before b = {.sha256 = s->sha256};
	char id[PARAM_ID];
	struct err e;
	bool over;

	if (store_rows(env->reader, &job_table, &page, note_before, &b, &e))
		return reply_error(&e);
	if (!b.id)
		return NULL;
	if (b.same)
		return job_reply(env, b.id, 200, &over);
	param_id_text(id, 'j', b.id);
	return reply_problem(422, "idempotency-conflict",
		"the Idempotency-Key was used for another job (%s); use a new key", id);
}

static struct reply *check_work(const struct task_env *env, void *args)
{
	struct submit *s = args;
	struct reply *p;

	hash_bytes(rstr_text(s->spec), rstr_len(s->spec), s->sha256);
	p = find_before(env, s);
	return p ? p : check_spec(env, s);
}

/* ---- the answer: the job as it is stored ---- */

struct stored {
	int64_t id;
	int status;
};

static struct reply *stored_work(const struct task_env *env, void *args)
{
	struct stored *s = args;
	char id[PARAM_ID];
	struct reply *p;
	bool over;

	p = job_reply(env, s->id, s->status, &over);
	param_id_text(id, 'j', s->id);
	if (p->status == 201)
		reply_header(p, "Location", "/api/v1/jobs/%s", id);
	return p;
}

static void answered(struct req *r, const struct farm_answer *a)
{
	static const struct task_kind kind = {stored_work};
	struct stored *s;

	if (a->rc) {
		req_reply(r, ask_refused(a));
		return;
	}
	s = mem_zalloc(sizeof(*s));
	*s = (struct stored){a->id, a->existed ? 200 : 201};
	req_read(r, &kind, s);
}

static void checked(void *owner, void *args, struct reply *p)
{
	struct farm_event ev = {.kind = FARM_JOB_SUBMIT};
	struct submit *s = args;

	if (p) {
		req_reply(owner, p);
		return;
	}
	ev.u.submit.spec = s->spec;
	ev.u.submit.spec_sha256 = s->sha256;
	ev.u.submit.idempotency_key = s->key;
	req_ask(owner, &ev, answered);
}

static bool is_key(const char *key)
{
	size_t n = key ? strlen(key) : 0;

	if (!n || n >= LIMIT_VALUE)
		return false;
	for (size_t i = 0; i < n; i++)
		if (key[i] <= ' ' || key[i] > '~')
			return false;
	return true;
}

void job_resubmit(struct req *r, struct rstr *spec, const char *key)
{
	static const struct task_kind kind = {check_work, checked, submit_free};
	struct submit *s = mem_zalloc(sizeof(*s));

	s->spec = rstr_ref(spec);
	str_copy(s->key, sizeof(s->key), key);
	req_read(r, &kind, s);
}

/* ---- one at a time for each key ---- */

static void release_key(struct req *r)
{
	struct api *a = r->api;

	map_del_str(a->keys, r->settled_data);
	mem_free(r->settled_data);
}

/* draft-ietf-httpapi-idempotency-key-header-06, 2.6: a repeat that comes before the answer is told to
 * come again. Behind it, a repeat is answered as the first was. */
static bool take_key(struct req *r, const char *key)
{
	struct api *a = r->api;

	if (map_get_str(a->keys, key)) {
		struct reply *p = reply_problem(409, "in-progress",
			"a request with this Idempotency-Key is being answered; repeat it in a "
			"moment");

		reply_header(p, "Retry-After", "1");
		req_reply(r, p);
		return false;
	}
	map_put_str(a->keys, key, r);
	r->settled_data = mem_strdup(key);
	r->settled = release_key;
	return true;
}

void job_submit(struct req *r)
{
	const char *key = req_header(r, "Idempotency-Key");
	struct rstr *spec;

	if (!is_key(key)) {
		req_reply(r, reply_problem(400, "idempotency-key",
				     "a job needs the header Idempotency-Key: 1 to %d visible "
				     "characters, new for each job and the same for each repeat",
				     LIMIT_VALUE - 1));
		return;
	}
	if (!take_key(r, key))
		return;
	spec = rstr_new(buf_text(&r->body), r->body.len);
	job_resubmit(r, spec, key);
	rstr_unref(spec);
}
