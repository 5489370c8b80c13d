/* SPDX-License-Identifier: Apache-2.0 */
/* Files that are needed; see wanted.h. */
#include "farm/wanted.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/rstr.h"
#include "base/str.h"
#include "core/rows.h"
#include "farm/runtimes.h"
#include "store/store.h"

#define PAGE   100
#define DIGITS (LIMIT_SHA256 - 1)

struct wanted {
	char (*all)[LIMIT_SHA256];
	int n, cap;
};

static void add(struct wanted *w, const char *hex)
{
	if (w->n == w->cap) {
		w->cap = w->cap ? 2 * w->cap : 64;
		w->all = mem_realloc(w->all, (size_t)w->cap, sizeof(*w->all));
	}
	memcpy(w->all[w->n], hex, DIGITS);
	w->all[w->n++][DIGITS] = '\0';
}

static bool is_digit(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* Runs of just so many hex digits. */
static void add_all_of(struct wanted *w, const char *text, size_t len)
{
	size_t run = 0;

	for (size_t i = 0; i <= len; i++) {
		if (i < len && is_digit(text[i])) {
			run++;
			continue;
		}
		if (run == DIGITS)
			add(w, text + i - DIGITS);
		run = 0;
	}
}

/* ---- jobs ---- */

struct walk {
	struct wanted *w;
	int64_t last;
	int n;
};

static int add_job(void *arg, const void *row)
{
	const struct job_row *j = row;
	struct walk *walk = arg;

	walk->last = j->id;
	walk->n++;
	if (j->spec)
		add_all_of(walk->w, rstr_text(j->spec), rstr_len(j->spec));
	return 0;
}

static int add_jobs_in(struct store_reader *rd, struct wanted *w, int64_t state, struct err *e)
{
	struct store_page page = {
		.limit = PAGE, .n_filters = 1, .filters = {{.column = "state", .num = state}}};
	struct walk walk = {.w = w};
	int rc;

	do {
		walk.n = 0;
		rc = store_rows(rd, &job_table, &page, add_job, &walk, e);
		page.after = walk.last;
	} while (!rc && walk.n == PAGE);
	return rc;
}

struct pins {
	int64_t ids[PAGE];
	int n;
};

static int note_pin(void *arg, const void *row)
{
	struct pins *p = arg;

	p->ids[p->n++] = ((const struct store_pin *)row)->id;
	return 0;
}

static int add_pinned(struct store_reader *rd, struct wanted *w, struct err *e)
{
	struct store_page page = {.limit = PAGE};
	struct walk walk = {.w = w};
	struct pins pins;
	int rc;

	do {
		pins.n = 0;
		rc = store_rows(rd, &store_pin_table, &page, note_pin, &pins, e);
		for (int i = 0; i < pins.n && !rc; i++) {
			struct store_page one = {.limit = 1,
				.n_filters = 1,
				.filters = {{.column = "id", .num = pins.ids[i]}}};

			rc = store_rows(rd, &job_table, &one, add_job, &walk, e);
		}
		if (pins.n)
			page.after = pins.ids[pins.n - 1];
	} while (!rc && pins.n == PAGE);
	return rc;
}

static void add_runtimes(struct wanted *w, struct runtimes *runtimes)
{
	struct ctl_runtime *all = mem_alloc(CTL_RUNTIMES_MAX * sizeof(*all));
	int n = runtimes ? runtimes_list(runtimes, all) : 0;

	for (int i = 0; i < n; i++) {
		add(w, all[i].sha256);
		for (int k = 0; k < all[i].n_libs; k++)
			add(w, all[i].libs[k].sha256);
	}
	mem_free(all);
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, DIGITS);
}

struct wanted *wanted_read(struct store_reader *rd, struct runtimes *runtimes, struct err *e)
{
	struct wanted *w = mem_zalloc(sizeof(*w));
	int rc = 0;

	for (int64_t s = JOB_QUEUED; s <= JOB_PAUSED && !rc; s++)
		rc = add_jobs_in(rd, w, s, e);
	if (!rc)
		rc = add_pinned(rd, w, e);
	if (rc) {
		wanted_free(w);
		return NULL;
	}
	add_runtimes(w, runtimes);
	if (w->n)
		qsort(w->all, (size_t)w->n, sizeof(*w->all), compare);
	return w;
}

void wanted_free(struct wanted *w)
{
	if (!w)
		return;
	mem_free(w->all);
	mem_free(w);
}

bool wanted_has(const struct wanted *w, const char *sha256)
{
	return w->n && bsearch(sha256, w->all, (size_t)w->n, sizeof(*w->all), compare);
}

int wanted_each(const struct wanted *w, int (*fn)(void *arg, const char *sha256), void *arg)
{
	int rc = 0;

	for (int i = 0; i < w->n && !rc; i++)
		if (!i || compare(w->all[i], w->all[i - 1]))
			rc = fn(arg, w->all[i]);
	return rc;
}
