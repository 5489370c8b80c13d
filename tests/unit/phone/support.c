/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the virtual phone share; see support.h. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "drivers/driver.h"
#include "drivers/virtual/files.h"
#include "drivers/virtual/profile.h"
#include "loop/host.h"
#include "loop/loop.h"

#define PATIENCE_MS 20000

void support_init(struct support *s)
{
	struct err e = {0};

	strcpy(s->dir, "/tmp/framefarm-test-XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	s->loop = loop_new(&e);
	assert_non_null(s->loop);
	s->host = host_new(s->loop);
	s->h = host_drivers(s->host);
}

void support_fini(struct support *s)
{
	loop_free(s->loop);
	host_free(s->host);
	assert_int_equal(files_remove(s->dir), 0);
}

struct waiting {
	struct loop *loop;
	bool (*cond)(void *arg);
	void *arg;
	bool ok, late;
};

static void look(void *arg)
{
	struct waiting *w = arg;

	w->ok = w->ok || w->cond(w->arg);
	if (w->ok || w->late)
		loop_stop(w->loop);
}

static void too_late(void *arg)
{
	((struct waiting *)arg)->late = true;
}

void support_until(struct support *s, bool (*cond)(void *arg), void *arg)
{
	struct waiting w = {.loop = s->loop, .cond = cond, .arg = arg};
	struct loop_timer *t = loop_timer_new(s->loop, too_late, &w);

	loop_timer_set(t, clock_mono_ms() + PATIENCE_MS);
	if (!cond(arg)) {
		loop_run(s->loop, look, &w);
		assert_true(w.ok);
	}
	loop_timer_free(t);
}

static void pass(void *arg)
{
	*(bool *)arg = true;
}

static bool has_passed(void *arg)
{
	return *(bool *)arg;
}

void support_settle(struct support *s)
{
	for (int i = 0; i < 4; i++) {
		bool passed = false;

		s->h->timer_add(s->h, clock_mono_ms(), pass, &passed);
		support_until(s, has_passed, &passed);
	}
}

struct profile *support_profile(const char *name)
{
	struct err e = {0};
	struct profile *p = profile_read(name, &e);

	if (!p)
		fail_msg("%s", e.text);
	return p;
}

const char *support_text(struct support *s, const char *path)
{
	static char text[65536];
	char full[512];
	FILE *f;
	size_t n = 0;

	snprintf(full, sizeof(full), "%s/%s", s->dir, path);
	f = fopen(full, "re");
	if (f) {
		n = fread(text, 1, sizeof(text) - 1, f);
		fclose(f);
	}
	text[n] = '\0';
	return text;
}
