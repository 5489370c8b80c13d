/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of an operation, by chance: how long it takes, and whether and how it goes wrong. */
#include "base/err.h"
#include "phone.h"
#include "sim.h"

#define LATE_MS 700000 /* beyond the longest deadline and its grace */

/* Packages and settings take a phone a while, in which it meets what others do not. */
static bool is_slow(enum action_kind kind)
{
	return kind == ACTION_DETACH || kind == ACTION_ATTACH || kind == ACTION_INSTALL ||
	       kind == ACTION_PROVISION;
}

/* What goes wrong with operations of this kind alone; x is from 0 to 1. */
static enum fate_kind by_kind(enum action_kind kind, double x)
{
	switch (kind) {
	case ACTION_START:
		return x < 0.05   ? FATE_BREAKS
		       : x < 0.07 ? FATE_LONG
		       : x < 0.09 ? FATE_DISOBEYS
		       : x < 0.11 ? FATE_LATE_DATA
		                  : FATE_WORKS;
	case ACTION_PREPARE:
		return x < 0.01 ? FATE_NO_AGENT : FATE_WORKS;
	case ACTION_CLEAN:
		return x < 0.1 ? FATE_HOT : FATE_WORKS;
	case ACTION_DETACH:
	case ACTION_ATTACH:
		return x < 0.2 ? FATE_FAILS : FATE_WORKS;
	case ACTION_INSTALL:
	case ACTION_PROVISION:
	case ACTION_COLLECT: /* whose failure must cost nothing */
		return x < 0.5 ? FATE_FAILS : FATE_WORKS;
	default:
		return FATE_WORKS;
	}
}

static enum fate_kind draw_kind(const struct sim *s, struct rng *r, enum action_kind kind)
{
	static const enum fate_kind odd[] = {FATE_LOST, FATE_LATE, FATE_DOUBLED};
	double x = rng_range(r, 0, 999999) * 1e-6, other = rng_range(r, 0, 999999) * 1e-6;

	if (x < s->p_fail)
		return FATE_FAILS;
	if (x < s->p_fail + s->p_stall)
		return FATE_STALLS;
	if (x < s->p_fail + s->p_stall + s->p_odd)
		return odd[rng_next(r) % 3];
	return by_kind(kind, other);
}

static int draw_rc(struct rng *r, enum action_kind kind)
{
	if (kind == ACTION_INSTALL || kind == ACTION_PROVISION)
		return ERR_INVAL;
	if (kind == ACTION_ATTACH)
		return ERR_BUSY; /* the other tool still has it */
	return rng_chance(r, 0.3) ? ERR_GONE : ERR_IO;
}

struct fate fate_draw(struct sim *s, const struct farm_action *a, int phone, int64_t nth)
{
	int64_t number = chance_op(phone, nth);
	struct rng r = chance_rng(s->chance, SERIES_OP, number);
	struct fate f = {.kind = draw_kind(s, &r, a->kind)};

	f.after_ms = rng_range(&r, 0, is_slow(a->kind) ? 30000 : 2000);
	f.run_ms = rng_range(&r, 1000, 90000);
	f.stored_ms = rng_range(&r, 0, 300);
	f.rc = draw_rc(&r, a->kind);
	f.blame = f.rc != ERR_GONE && rng_chance(&r, 0.6);
	f.logs = rng_chance(&r, 0.1);
	f.away = rng_chance(&r, 0.5);
	f.obeys = rng_chance(&r, 0.9);
	f.judged = rng_range(&r, JUDGED_PASS, JUDGED_INCONCLUSIVE);
	if (f.kind != FATE_WORKS && (s->peace || !chance_happens(s->chance, SERIES_OP, number)))
		f.kind = FATE_WORKS;
	if (f.kind == FATE_WORKS)
		return f;
	if (f.kind == FATE_LONG || (f.kind == FATE_DISOBEYS && rng_chance(&r, 0.5)))
		f.run_ms = 3600000;
	if (f.kind == FATE_LATE_DATA)
		f.stored_ms = rng_range(&r, 200000, 600000);
	f.late_ms = rng_range(&r, 0, LATE_MS);
	if (f.kind == FATE_LATE && a->kind != ACTION_START)
		f.after_ms = f.late_ms;
	if (f.kind == FATE_LOST || f.kind == FATE_LATE)
		f.obeys = false;
	return f;
}
