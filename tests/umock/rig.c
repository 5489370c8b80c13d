/* SPDX-License-Identifier: Apache-2.0 */
/* See rig.h. */
#include "rig.h"

#include <stdlib.h>
#include <string.h>

#include "drivers/adb/usb.h"
#include "phone.h"

int rig_set_up(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));

	tmp_init(&r->tmp);
	r->m = umock_start();
	r->sh = support_host_new(SUPPORT_THREADS);
	*state = r;
	return 0;
}

void rig_stop(struct rig *r)
{
	support_stop(r->sh);
	support_host_free(r->sh);
	r->sh = support_host_new(SUPPORT_THREADS);
}

int rig_tear_down(void **state)
{
	struct rig *r = *state;

	phone_kill_all();
	support_stop(r->sh);
	support_host_free(r->sh);
	umock_stop(r->m);
	tmp_fini(&r->tmp);
	free(r);
	return 0;
}

void rig_start(struct rig *r)
{
	const struct driver_option opts[] = {{"server", "127.0.0.1:1"}, {"min_free_mb", "1"}};

	support_start(r->sh, &driver_adb, r->tmp.dir, opts, 2);
}

struct want {
	struct rig *r;
	int n;
	const char *word;
};

static bool has_arrived(void *arg)
{
	struct want *w = arg;

	support_advance(w->r->sh, ADB_USB_SCAN_MS / 2);
	return support_n_arrived(w->r->sh) >= w->n;
}

void rig_until_arrived(struct rig *r, int n)
{
	struct want w = {r, n, NULL};

	support_until(r->sh, has_arrived, &w);
}

static bool needs(void *arg)
{
	struct want *w = arg;

	return strstr(support_need(w->r->sh, w->n), w->word) != NULL;
}

static bool needs_nothing(void *arg)
{
	struct want *w = arg;

	return !*support_need(w->r->sh, w->n);
}

void rig_until_need(struct rig *r, int n, const char *word)
{
	struct want w = {r, n, word};

	support_until(r->sh, needs, &w);
}

void rig_until_no_need(struct rig *r, int n)
{
	struct want w = {r, n, NULL};

	support_until(r->sh, needs_nothing, &w);
}

struct question {
	struct rig *r;
	const char *text;
	long answer;
};

static bool is_answered(void *arg)
{
	struct question *q = arg;

	return umock_tell(q->r->m, "%s", q->text) == q->answer;
}

void rig_until_told(struct rig *r, const char *question, long answer)
{
	struct question q = {r, question, answer};

	support_until(r->sh, is_answered, &q);
}
