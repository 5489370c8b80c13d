/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Selectors, and which devices each of them matches. Every distinct selector that something live
 * uses is kept once, with one bit for each device, so that the queue compares bits, not texts.
 */
#include "core/select.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"

/*
 * Virtual devices match only a selector that speaks of them: by "virtual" (yes, no, or any), or by
 * the id or name of the very device. So nobody's CI measures a model of a phone by accident.
 */
static bool speaks_of_virtual(const struct jobspec_selector *sel)
{
	for (int t = 0; t < sel->n_terms; t++)
		if (!strcmp(sel->terms[t].key, "virtual") || !strcmp(sel->terms[t].key, "id") ||
			!strcmp(sel->terms[t].key, "name"))
			return true;
	return false;
}

bool selector_matches(const struct jobspec_selector *sel, const struct device *d)
{
	if (d->row.is_virtual && !speaks_of_virtual(sel))
		return false;
	for (int t = 0; t < sel->n_terms; t++) {
		bool hit = !strcmp(sel->terms[t].key, "virtual") &&
		           !strcmp(sel->terms[t].value, "any");

		for (int i = 0; i < d->n_attrs && !hit; i++)
			hit = !strcmp(d->attrs[i].key, sel->terms[t].key) &&
			      !strcmp(d->attrs[i].value, sel->terms[t].value);
		if (!hit)
			return false;
	}
	return true;
}

int selector_parse(const char *json, size_t n, struct jobspec_selector *ret_s, struct err *e)
{
	struct json_doc *doc = json_parse(json, n, e);
	struct jobspec_selector s = {0};
	int rc = 0;

	if (!doc)
		return ERR_PARSE;
	if (!json_is_object(json_root(doc)) || json_count(json_root(doc)) > LIMIT_SELECTOR_TERMS)
		rc = err_set(e, ERR_PARSE, "a selector is an object of at most %d texts",
			LIMIT_SELECTOR_TERMS);
	if (!rc) {
		JSON_FOREACH (it, json_root(doc)) {
			if (!json_is_string(it) || !str_is_name(json_key(it)) ||
				strlen(json_str(it)) >= LIMIT_VALUE) {
				rc = err_set(e, ERR_PARSE,
					"the selector's \"%.64s\" must be a text of less than %d "
					"bytes",
					json_key(it), LIMIT_VALUE);
				break;
			}
			str_copy(s.terms[s.n_terms].key, LIMIT_NAME, json_key(it));
			str_copy(s.terms[s.n_terms].value, LIMIT_VALUE, json_str(it));
			s.n_terms++;
		}
	}
	if (!rc && !jobspec_virtual_ok(&s))
		rc = err_set(e, ERR_PARSE, "the selector's \"virtual\" must be yes, no or any");
	json_doc_free(doc);
	if (!rc)
		*ret_s = s;
	return rc;
}

static int by_key(const void *a, const void *b)
{
	return strcmp(a, b); /* a term begins with its key */
}

/* The same terms in any order give the same key. */
static void normalise(struct jobspec_selector *s, struct buf *key)
{
	qsort(s->terms, s->n_terms, sizeof(s->terms[0]), by_key);
	for (int i = 0; i < s->n_terms; i++)
		buf_printf(key, "%s=%s\n", s->terms[i].key, s->terms[i].value);
}

/* The selector is in the device's list exactly while its bit is set. */
static void set_bit(struct selq *q, struct device *d, bool on)
{
	uint8_t *byte = &q->match[d->index / 8], bit = 1u << (d->index % 8);
	int i = 0;

	if (!!(*byte & bit) == on)
		return;
	*byte ^= bit;
	q->n_match += on ? 1 : -1;
	if (on) {
		if (d->n_selqs == d->cap_selqs) {
			d->cap_selqs = d->cap_selqs ? 2 * d->cap_selqs : 8;
			d->selqs = mem_realloc(d->selqs, d->cap_selqs, sizeof(*d->selqs));
		}
		d->selqs[d->n_selqs++] = q;
		return;
	}
	while (d->selqs[i] != q)
		assert(++i < d->n_selqs);
	d->selqs[i] = d->selqs[--d->n_selqs];
}

bool selq_matches(const struct selq *q, const struct device *d)
{
	return q->match[d->index / 8] >> (d->index % 8) & 1;
}

int selq_known(const struct farm *f, const struct selq *q)
{
	(void)f;
	return q->n_match;
}

struct selq *selq_get(struct farm *f, const struct jobspec_selector *sel)
{
	struct jobspec_selector s = *sel;
	struct buf key;
	struct selq *q;

	buf_init(&key, 0);
	normalise(&s, &key);
	q = map_get_str(f->selq_keys, buf_text(&key));
	if (!q) {
		q = mem_zalloc(sizeof(*q));
		q->sel = s;
		q->key = mem_strdup(buf_text(&key));
		TAILQ_INIT(&q->buckets);
		TAILQ_INSERT_TAIL(&f->selqs, q, link);
		map_put_str(f->selq_keys, q->key, q);
		for (struct map_item *it = map_first(f->devices); it; it = map_next(it)) {
			struct device *d = map_value(it);

			set_bit(q, d, device_selectable(d) && selector_matches(&q->sel, d));
		}
	}
	buf_fini(&key);
	q->refs++;
	return q;
}

void selq_put(struct farm *f, struct selq *q)
{
	struct bucket *b;

	assert(q->refs > 0);
	if (--q->refs)
		return;
	for (int i = 0; i < LIMIT_DEVICES && q->n_match; i++)
		if (f->by_index[i])
			set_bit(q, f->by_index[i], false);
	while ((b = TAILQ_FIRST(&q->buckets))) {
		assert(TAILQ_EMPTY(&b->wants));
		TAILQ_REMOVE(&q->buckets, b, link);
		mem_free(b);
	}
	TAILQ_REMOVE(&f->selqs, q, link);
	map_del_str(f->selq_keys, q->key);
	mem_free(q->key);
	mem_free(q);
}

/* A device that was never identified, or is retired, is nobody's match. */
bool device_selectable(const struct device *d)
{
	return d->row.key[0] != '?' && d->row.state != DEVICE_RETIRED;
}

void selq_device_changed(struct farm *f, struct device *d)
{
	struct selq *q;

	TAILQ_FOREACH (q, &f->selqs, link)
		set_bit(q, d, device_selectable(d) && selector_matches(&q->sel, d));
}

void selq_device_removed(struct farm *f, struct device *d)
{
	(void)f;
	while (d->n_selqs)
		set_bit(d->selqs[0], d, false);
	mem_free(d->selqs);
	d->selqs = NULL;
	d->cap_selqs = 0;
}
