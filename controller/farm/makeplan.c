/* SPDX-License-Identifier: Apache-2.0 */
/* Plans from jobs; see makeplan.h. No state. */
#include "farm/makeplan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "core/jobspec.h"
#include "drivers/driver.h"
#include "farm/blobs.h"
#include "farm/runtimes.h"

#define DISPLAY_HZ 60.0 /* of a device that has no display, or does not say */

/* ---- files ---- */

static int add_file(struct makeplan *m, const char *path, const char *sha256, int64_t bytes,
	bool executable, struct err *e)
{
	struct makeplan_file *f;

	for (int i = 0; i < m->n_files; i++)
		if (!strcmp(m->files[i].sha256, sha256))
			return 0;
	if (m->n_files == MAKEPLAN_FILES_MAX)
		return err_set(
			e, ERR_TOOBIG, "the job names more than %d files", MAKEPLAN_FILES_MAX);
	m->files = mem_realloc(m->files, m->n_files + 1, sizeof(*m->files));
	f = &m->files[m->n_files++];
	str_copy(f->path, sizeof(f->path), path);
	str_copy(f->sha256, sizeof(f->sha256), sha256);
	f->bytes = bytes;
	f->executable = executable;
	return 0;
}

static int add_blob(struct makeplan *m, const struct jobspec_file *file, const struct blobs *blobs,
	struct err *e)
{
	char path[700];
	int64_t bytes;

	if (!blobs_has(blobs, file->sha256, &bytes))
		return err_set(e, ERR_NOTFOUND,
			"the file %.80s (%.12s…) was never uploaded, or was "
			"deleted; submit the job again",
			file->name, file->sha256);
	blobs_path(blobs, file->sha256, path, sizeof(path));
	return add_file(m, path, file->sha256, bytes, false, e);
}

/* ---- tensors ---- */

static int put_tensor(struct makeplan *m, struct plan_tensor *dst, const struct jobspec_tensor *src,
	const struct blobs *blobs, struct err *e)
{
	str_copy(dst->name, sizeof(dst->name), src->name);
	dst->fill = src->fill == FILL_NORMAL    ? PLAN_FILL_NORMAL
	            : src->fill == FILL_UNIFORM ? PLAN_FILL_UNIFORM
	                                        : PLAN_FILL_FILE;
	dst->seed = (uint64_t)src->seed;
	dst->low = src->low;
	dst->high = src->high;
	dst->n_dims = src->n_dims;
	for (int i = 0; i < src->n_dims; i++)
		dst->dims[i] = src->dims[i];
	if (dst->fill != PLAN_FILL_FILE)
		return 0;
	str_copy(dst->sha256, sizeof(dst->sha256), src->file.sha256);
	return add_blob(m, &src->file, blobs, e);
}

static int put_tensors(struct makeplan *m, struct plan_tensor **ret_t, uint32_t *ret_n,
	const struct jobspec_tensor *src, int n, const struct blobs *blobs, struct err *e)
{
	*ret_t = calloc(n ? n : 1, sizeof(**ret_t));
	if (!*ret_t)
		return err_set(e, ERR_NOMEM, "out of memory");
	for (int i = 0; i < n; i++) {
		int rc = put_tensor(m, &(*ret_t)[i], &src[i], blobs, e);

		if (rc)
			return rc;
		*ret_n = i + 1;
	}
	return 0;
}

static int put_golden(struct makeplan *m, const struct jobspec_golden *g, const struct blobs *blobs,
	struct err *e)
{
	struct plan *p = &m->plan;
	int rc = 0;

	p->tolerance = (struct plan_tolerance){.cosine_min = g->cosine,
		.sqnr_db_min = g->sqnr_db,
		.max_abs = g->max_abs,
		.top1_min = g->top1};
	if (!g->n_cases)
		return 0;
	p->cases = calloc(g->n_cases, sizeof(*p->cases));
	if (!p->cases)
		return err_set(e, ERR_NOMEM, "out of memory");
	p->n_cases = g->n_cases;
	for (int i = 0; i < g->n_cases && !rc; i++) {
		const struct jobspec_case *c = &g->cases[i];
		struct plan_case *dst = &p->cases[i];

		rc = put_tensors(m, &dst->inputs, &dst->n_inputs, c->inputs, c->n_inputs, blobs, e);
		if (!rc)
			rc = put_tensors(m, &dst->outputs, &dst->n_outputs, c->outputs,
				c->n_outputs, blobs, e);
	}
	return rc;
}

/* ---- options and blocks ---- */

static uint32_t put_options(struct plan_option *dst, const struct jobspec_option *src, int n)
{
	for (int i = 0; i < n; i++) {
		str_copy(dst[i].key, sizeof(dst[i].key), src[i].key);
		str_copy(dst[i].value, sizeof(dst[i].value), src[i].value);
	}
	return n;
}

static void put_runner(struct plan *p, const struct jobspec *s, const struct jobspec_runner *r)
{
	str_copy(p->runner, sizeof(p->runner), r->name);
	p->threads = r->threads;
	p->inter_threads = r->inter_threads;
	p->optimization = r->optimization;
	str_copy(p->provider, sizeof(p->provider), r->provider);
	p->strict = r->strict;
	p->n_provider_options =
		put_options(p->provider_options, r->provider_options, r->n_provider_options);
	p->n_session_options =
		put_options(p->session_options, r->session_options, r->n_session_options);
	p->n_dimensions = s->n_dimensions;
	for (int i = 0; i < s->n_dimensions; i++) {
		str_copy(p->dimensions[i].name, sizeof(p->dimensions[i].name),
			s->dimensions[i].name);
		p->dimensions[i].value = s->dimensions[i].value;
	}
	p->fix_dimensions = s->fix_dimensions;
}

static struct plan_block block(const struct jobspec_measure *m, int64_t period_ns)
{
	return (struct plan_block){.on = 1,
		.min_runs = m->min_runs,
		.max_runs = m->max_runs,
		.min_ms = m->min_ms,
		.max_ms = m->max_ms,
		.period_ns = period_ns};
}

static void put_measure(struct plan *p, const struct jobspec *s, double display_hz)
{
	const struct jobspec_measure *m = &s->measure;
	double hz = m->pace_hz > 0 ? m->pace_hz : display_hz > 0 ? display_hz : DISPLAY_HZ;
	int64_t period_ns = llround(1e9 / hz);

	p->cold_loads = m->cold_loads;
	p->warm_loads = m->warm_loads;
	p->coverage = m->coverage;
	p->warmup_min_runs = m->warmup_min_runs;
	p->warmup_min_ms = m->warmup_min_ms;
	p->warmup_max_ms = m->warmup_max_ms;
	p->baseline_ms = m->baseline_ms;
	p->thermal_wait_ms = m->thermal_wait_ms;
	p->thermal_start_mc =
		isnan(m->thermal_start_c) ? INT32_MIN : (int32_t)lround(m->thermal_start_c * 1000);
	if (m->back_to_back)
		p->back2back = block(m, 0);
	if (m->paced)
		p->paced = block(m, period_ns);
	if (m->sustained_ms) {
		p->sustained = block(m, m->paced ? period_ns : 0);
		p->sustained.min_ms = m->sustained_ms;
		p->sustained.max_ms = m->sustained_ms;
		/* Long blocks have as many iterations as the pace gives, within the ring. */
		p->sustained.min_runs = 1;
	}
	p->budget_ns = s->has_budget ? s->budget_ns : 0;
	p->sample_hz = m->sample_hz;
	p->sample_hz_timed = m->sample_hz_timed;
	p->stall_ms = m->stall_ms;
	p->memory_bytes = m->memory_mb << 20;
}

/* Another ABI's system may be no glibc at all: the runner brings what it is loaded with. */
static int put_support(
	struct makeplan *m, const struct makeplan_device *dev, struct tools *tools, struct err *e)
{
	struct tool *all = mem_zalloc(TOOLS_SUPPORT_MAX * sizeof(*all));
	struct plan *p = &m->plan;
	int n, rc = tools_support(tools, dev->abi, dev->foreign_libc, all, &n, e);

	for (int i = 0; !rc && i < n; i++) {
		const char *name = tool_name(&all[i]);
		bool loader = !strncmp(name, "ld-", 3);

		rc = add_file(m, all[i].path, all[i].sha256, all[i].bytes, loader, e);
		if (rc)
			break;
		if (loader) {
			str_copy(p->loader_sha256, sizeof(p->loader_sha256), all[i].sha256);
			continue;
		}
		if (p->n_support == PLAN_SUPPORT_MAX) {
			rc = err_set(e, ERR_TOOBIG, "a runner has at most %d libraries",
				PLAN_SUPPORT_MAX);
			break;
		}
		str_copy(p->support[p->n_support].name, PLAN_NAME, name);
		str_copy(p->support[p->n_support].sha256, PLAN_SHA, all[i].sha256);
		p->n_support++;
	}
	mem_free(all);
	if (!rc && n && !*p->loader_sha256)
		rc = err_set(e, ERR_NOTFOUND,
			"the runner for %s has libraries but no loader; "
			"`make agents` brings it",
			dev->abi);
	return rc;
}

/* The library that the job names, or the one that comes with the runner, and the runner for it: a
 * library of another C library than the runner's own cannot be opened by it. */
static int put_programs(struct makeplan *m, const char *runtime, const struct makeplan_device *dev,
	const struct makeplan_stock *st, struct err *e)
{
	struct ctl_runtime_lib lib = {.libc = ""};
	struct plan *p = &m->plan;
	bool bionic;
	int rc = 0;

	if (*runtime)
		rc = runtimes_find(st->runtimes, runtime, dev->abi, &lib, e);
	bionic = !strcmp(lib.libc, "bionic");
	if (!rc && !strcmp(lib.libc, "musl"))
		rc = err_set(e, ERR_NOTFOUND,
			"there is no runner for the runtime %s, which needs musl", runtime);
	if (!rc && bionic && !dev->foreign_libc)
		rc = err_set(e, ERR_NOTFOUND,
			"the runtime %s was made for Android, and this device is none", runtime);
	if (!rc)
		rc = bionic ? tools_runner_bionic(st->tools, p->runner, dev->abi, &m->runner, e)
		            : tools_runner(st->tools, p->runner, dev->abi, &m->runner, e);
	if (!rc && !*runtime)
		rc = tools_runtime(st->tools, p->runner, dev->abi, &m->runtime, e);
	if (rc)
		return rc;
	if (*runtime) {
		blobs_path(st->blobs, lib.sha256, m->runtime.path, sizeof(m->runtime.path));
		str_copy(m->runtime.sha256, sizeof(m->runtime.sha256), lib.sha256);
		m->runtime.bytes = lib.bytes;
	}
	str_copy(p->runner_sha256, sizeof(p->runner_sha256), m->runner.sha256);
	str_copy(p->runtime_sha256, sizeof(p->runtime_sha256), m->runtime.sha256);
	rc = add_file(m, m->runner.path, m->runner.sha256, m->runner.bytes, true, e);
	if (!rc)
		rc = add_file(m, m->runtime.path, m->runtime.sha256, m->runtime.bytes, false, e);
	return rc || bionic ? rc : put_support(m, dev, st->tools, e);
}

void makeplan_device(const struct driver_identity *id, struct makeplan_device *ret_d)
{
	*ret_d = (struct makeplan_device){0};
	str_copy(ret_d->abi, sizeof(ret_d->abi), id->abi);
	for (int i = 0; i < id->n_attrs; i++) {
		if (!strcmp(id->attrs[i].key, "display.hz"))
			ret_d->display_hz = atof(id->attrs[i].value);
		if (!strcmp(id->attrs[i].key, "libc"))
			ret_d->foreign_libc = strcmp(id->attrs[i].value, "glibc");
	}
}

int makeplan_init(struct makeplan *m, const struct jobspec *spec, int variant,
	const struct makeplan_device *dev, const struct makeplan_stock *stock, struct err *e)
{
	const struct blobs *blobs = stock->blobs;
	const struct jobspec_variant *v = &spec->variants[variant];
	struct plan *p = &m->plan;
	int rc;

	memset(m, 0, sizeof(*m));
	str_copy(p->job, sizeof(p->job), spec->name);
	str_copy(p->variant, sizeof(p->variant), v->name);
	put_runner(p, spec, &v->runner);
	put_measure(p, spec, dev->display_hz);
	p->golden_stop = (spec->gates & GATE_GOLDEN) && v->golden.set;
	p->deadline_ms = jobspec_deadline_ms(spec, v);
	str_copy(p->model_sha256, sizeof(p->model_sha256), v->model.sha256);
	p->model_bytes = v->model.bytes;
	rc = put_programs(m, v->runner.runtime, dev, stock, e);
	if (!rc)
		rc = add_blob(m, &v->model, blobs, e);
	if (!rc)
		rc = put_tensors(m, &p->inputs, &p->n_inputs, v->inputs, v->n_inputs, blobs, e);
	if (!rc)
		rc = put_golden(m, &v->golden, blobs, e);
	return rc;
}

void makeplan_fini(struct makeplan *m)
{
	plan_fini(&m->plan);
	mem_free(m->files);
	m->files = NULL;
	m->n_files = 0;
}
