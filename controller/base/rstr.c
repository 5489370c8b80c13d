/* SPDX-License-Identifier: Apache-2.0 */
/* Reference-counted text; see rstr.h. */
#include "base/rstr.h"

#include <assert.h>
#include <stdatomic.h>
#include <string.h>

#include "base/mem.h"

struct rstr {
	atomic_int refs;
	size_t len;
	char text[];
};

struct rstr *rstr_new(const char *text, size_t n)
{
	struct rstr *s = mem_alloc(sizeof(*s) + n + 1);

	atomic_init(&s->refs, 1);
	s->len = n;
	if (n)
		memcpy(s->text, text, n);
	s->text[n] = '\0';
	return s;
}

struct rstr *rstr_ref(struct rstr *s)
{
	if (s)
		atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	return s;
}

void rstr_unref(struct rstr *s)
{
	if (!s)
		return;
	assert(atomic_load(&s->refs) > 0);
	if (atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) == 1)
		mem_free(s);
}

const char *rstr_text(const struct rstr *s)
{
	return s ? s->text : "";
}

size_t rstr_len(const struct rstr *s)
{
	return s ? s->len : 0;
}
