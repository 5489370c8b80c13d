/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of stories, one function each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "host.h"
#include "memstore.h"
#include "oracle.h"
#include "people.h"
#include "story.h"

#define WORDS_MAX 16
#define A_DAY_MS  (24 * 3600 * 1000LL)

/* Words of a line; word(…) of one that is not there is "". */
struct words {
	char *word[WORDS_MAX];
	int n;
	char rest[256]; /* of the line, behind the first word */
};

static const char *word(const struct words *w, int i)
{
	return i < w->n ? w->word[i] : "";
}

static int64_t num(const struct words *w, int i)
{
	return atoll(word(w, i));
}

/* Of "key=value"; otherwise what is given. */
static const char *value(const struct words *w, const char *key, const char *otherwise)
{
	size_t n = strlen(key);

	for (int i = 1; i < w->n; i++)
		if (!strncmp(w->word[i], key, n) && w->word[i][n] == '=')
			return w->word[i] + n + 1;
	return otherwise;
}

static int fails(struct story *y, const char *what, const char *which)
{
	snprintf(y->why, sizeof(y->why), "%s: %.200s", what, which);
	return -1;
}

static int asked(struct story *y, int rc)
{
	if (rc)
		sim_tell(&y->s, "refused: %s", err_name(rc));
	return 0;
}

/* ---- people ---- */

/* select=any, =phone-3, =model:2, =nobody */
static const char *selector(const struct words *w, char *dst, size_t size)
{
	const char *s = value(w, "select", "any");

	if (!strcmp(s, "any"))
		snprintf(dst, size, "{\"virtual\": \"any\"}");
	else if (!strncmp(s, "model:", 6))
		snprintf(dst, size, "{\"virtual\": \"any\", \"model\": \"Model %.40s\"}", s + 6);
	else
		snprintf(dst, size, "{\"name\": \"%.40s\"}", s);
	return dst;
}

static int do_submit(struct story *y, const struct words *w)
{
	const char *rounds = value(w, "rounds", "1/1"), *count = value(w, "count", "1");
	char sel[160];
	struct job_shape j = {.variants = atoi(value(w, "variants", "1")),
		.count = strcmp(count, "all") ? atoi(count) : 0,
		.rounds = atoi(rounds),
		.max_rounds = strchr(rounds, '/') ? atoi(strchr(rounds, '/') + 1) : atoi(rounds),
		.retries = atoi(value(w, "retries", "1")),
		.priority = atoi(value(w, "priority", "0")),
		.selector = selector(w, sel, sizeof(sel)),
		.key = value(w, "key", NULL)};

	return asked(y, people_submit(y->s.people, &j));
}

static int ask(struct story *y, struct farm_event ev, enum ask what)
{
	return asked(y, people_request(y->s.people, &ev, what));
}

static int do_cancel(struct story *y, const struct words *w)
{
	return ask(y,
		(struct farm_event){.kind = FARM_JOB_CANCEL,
			.u.cancel = {.job = num(w, 1), .reason = "not wanted any more"}},
		ASK_OTHER);
}

static int do_retry(struct story *y, const struct words *w)
{
	return ask(y,
		(struct farm_event){.kind = FARM_JOB_RETRY,
			.u.retry = {.job = num(w, 1), .reason = "it was mended"}},
		ASK_OTHER);
}

static int do_reserve(struct story *y, const struct words *w)
{
	char sel[160];
	struct farm_event ev = {.kind = FARM_LEASE_ASK};
	int rc;

	selector(w, sel, sizeof(sel));
	ev.u.ask.selector = rstr_new(sel, strlen(sel));
	ev.u.ask.for_ms = num(w, 1) * 1000;
	ev.u.ask.priority = atoi(value(w, "priority", "0"));
	ev.u.ask.reason = "debugging";
	rc = ask(y, ev, ASK_LEASE);
	rstr_unref(ev.u.ask.selector);
	return rc;
}

static int do_extend(struct story *y, const struct words *w)
{
	return ask(y,
		(struct farm_event){.kind = FARM_LEASE_EXTEND,
			.u.extend = {.lease = num(w, 1), .for_ms = num(w, 2) * 1000}},
		ASK_OTHER);
}

static int do_release(struct story *y, const struct words *w)
{
	return ask(y,
		(struct farm_event){.kind = FARM_LEASE_RELEASE, .u.release = {.lease = num(w, 1)}},
		ASK_OTHER);
}

static int do_operate(struct story *y, const struct words *w)
{
	static const char *const names[FARM_ADMIN_END] = {NULL, "quarantine", "release", "retire",
		"detach", "attach", "install", "provision"};

	for (int i = 1; i < FARM_ADMIN_END; i++)
		if (!strcmp(names[i], word(w, 1)))
			return ask(y,
				(struct farm_event){.kind = FARM_DEVICE_ADMIN,
					.u.admin = {.device = num(w, 2),
						.what = i,
						.reason = "an operator wants it"}},
				ASK_OTHER);
	return fails(y, "nothing that operators do", word(w, 1));
}

static int do_flood(struct story *y, const struct words *w)
{
	(void)w;
	people_flood(y->s.people);
	return 0;
}

/* ---- the world ---- */

static int do_phone(struct story *y, const struct words *w)
{
	struct world *world = y->s.world;
	int64_t no = num(w, 1);
	const char *what = word(w, 0);

	if (no < 0 || no >= y->devices || w->n < 2)
		return fails(y, "no phone of this story", word(w, 1));
	if (!strcmp(what, "unplug"))
		world_unplug(world, no);
	else if (!strcmp(what, "plug"))
		world_replug(world, no);
	else if (!strcmp(what, "move"))
		world_move(world, no, num(w, 2) * 1000);
	else if (!strcmp(what, "session-lost"))
		world_lose_session(world, no);
	else if (!strcmp(what, "agent-dies"))
		world_agent_dies(world, no, false);
	else if (!strcmp(what, "spool-lost"))
		world_agent_dies(world, no, true);
	else if (!strcmp(what, "needs-person"))
		world_needs_human(world, no, "allow debugging on its screen", false);
	else if (!strcmp(what, "may-pass"))
		world_needs_human(world, no, "allow debugging on its screen", true);
	else if (!strcmp(what, "needs-nobody"))
		world_needs_human(world, no, "", false);
	else if (!strcmp(what, "temperature"))
		world_temperature(world, no, num(w, 2) * 1000);
	else if (!strcmp(what, "stray"))
		world_stray(world, no, num(w, 2));
	else
		world_epoch(world, no, num(w, 2));
	return 0;
}

static int do_store(struct story *y, const struct words *w)
{
	const char *what = word(w, 1);

	if (!strcmp(what, "full"))
		memstore_set_failing(y->s.store, ERR_NOSPACE);
	else if (!strcmp(what, "broken"))
		memstore_set_failing(y->s.store, ERR_IO);
	else if (!strcmp(what, "works"))
		memstore_set_failing(y->s.store, 0);
	else if (!strcmp(what, "takes"))
		memstore_set_slow(y->s.store, num(w, 2));
	else
		return fails(y, "no state of the store", what);
	return 0;
}

static int do_clock(struct story *y, const struct words *w)
{
	host_step_wall(y->s.host, num(w, 1) * 1000);
	return 0;
}

/* A crash at a commit waits for one to be under way; amid its actions: for the first of them. */
static int do_crash(struct story *y, const struct words *w)
{
	const char *what = word(w, 1);
	bool before = !strcmp(what, "before");

	if (!strcmp(what, "amid")) {
		y->s.die_amid = true;
		return story_until(y, "the controller crashes", A_DAY_MS)
		               ? 0
		               : fails(y, "nothing was given out", what);
	}
	if (!before && strcmp(what, "after") != 0) {
		sim_crash(&y->s, CRASH_IDLE);
		return 0;
	}
	while (memstore_idle(y->s.store))
		sim_step(&y->s);
	sim_crash(&y->s, before ? CRASH_BEFORE : CRASH_AFTER);
	return 0;
}

/* ---- what becomes of the next operation of a kind ---- */

static const struct fate_word {
	const char *word;
	enum fate_kind kind;
	int rc;
	bool blame;
} fate_words[] = {
	{"fails", FATE_FAILS, ERR_IO, false},
	{"fails-badly", FATE_FAILS, ERR_IO, true},
	{"gone", FATE_FAILS, ERR_GONE, false},
	{"stalls", FATE_STALLS, 0, false},
	{"lost", FATE_LOST, 0, false},
	{"late", FATE_LATE, 0, false},
	{"doubled", FATE_DOUBLED, 0, false},
	{"breaks", FATE_BREAKS, 0, false},
	{"breaks-badly", FATE_BREAKS, 0, true},
	{"disobeys", FATE_DISOBEYS, 0, false},
	{"late-data", FATE_LATE_DATA, 0, false},
	{"no-agent", FATE_NO_AGENT, 0, false},
	{"works", FATE_WORKS, 0, false},
	{"hot", FATE_HOT, 0, false},
};

static enum action_kind kind_of(const char *name)
{
	for (int i = 1; i < ACTION_KINDS_END; i++)
		if (!strcmp(action_kind_name(i), name))
			return i;
	return 0;
}

static bool set_fate(struct fate *f, const char *what)
{
	static const char *const judged[] = {
		[JUDGED_PASS] = "pass",
		[JUDGED_SLOW] = "slow",
		[JUDGED_WRONG] = "wrong",
		[JUDGED_INCONCLUSIVE] = "inconclusive",
	};

	for (size_t i = 0; i < sizeof(fate_words) / sizeof(fate_words[0]); i++) {
		if (strcmp(fate_words[i].word, what))
			continue;
		f->kind = fate_words[i].kind;
		f->rc = fate_words[i].rc;
		f->blame = fate_words[i].blame;
		f->obeys = f->kind != FATE_LOST && f->kind != FATE_LATE;
		return true;
	}
	for (int i = JUDGED_PASS; i <= JUDGED_INCONCLUSIVE; i++)
		if (!strcmp(judged[i], what)) {
			f->judged = i;
			return true;
		}
	return false;
}

/* next KIND WHAT [takes=S] [runs=S] [stored=S] [late=S] [logs=1] */
static int do_next(struct story *y, const struct words *w)
{
	struct fate f = story_fate();
	enum action_kind kind = kind_of(word(w, 1));

	if (!kind)
		return fails(y, "no operation", word(w, 1));
	if (!set_fate(&f, word(w, 2)))
		return fails(y, "no fate", word(w, 2));
	if (y->n_next == NEXT_MAX)
		return fails(y, "too many fates wait", word(w, 1));
	f.after_ms = atof(value(w, "takes", "0.1")) * 1000;
	f.run_ms = atof(value(w, "runs", "10")) * 1000;
	f.stored_ms = atof(value(w, "stored", "0.1")) * 1000;
	f.late_ms = atof(value(w, "late", "0")) * 1000;
	f.logs = atoi(value(w, "logs", "0"));
	if (f.kind == FATE_LATE && kind != ACTION_START)
		f.after_ms = f.late_ms;
	y->next[y->n_next++] = (struct next){kind, f};
	return 0;
}

/* ---- time ---- */

static int do_until(struct story *y, const struct words *w)
{
	return story_until(y, w->rest, A_DAY_MS) ? 0 : fails(y, "it never came", w->rest);
}

static int do_wait(struct story *y, const struct words *w)
{
	story_wait(y, atof(word(w, 1)) * 1000);
	return 0;
}

/* Everything comes to its end by itself, and the last look is content. */
static int do_end(struct story *y, const struct words *w)
{
	int64_t most = host_ms(y->s.host) + A_DAY_MS;

	(void)w;
	while (!oracle_all_ended(y->s.oracle) || !turn_idle(y->s.turn)) {
		if (host_next_ms(y->s.host) > most)
			return fails(y, "something does not end", "in a day");
		sim_step(&y->s);
	}
	oracle_final(y->s.oracle);
	return 0;
}

/* ---- the table ---- */

static const struct command {
	const char *name;
	int (*fn)(struct story *y, const struct words *w);
} commands[] = {
	{"submit", do_submit},
	{"cancel", do_cancel},
	{"retry", do_retry},
	{"reserve", do_reserve},
	{"extend", do_extend},
	{"release", do_release},
	{"operate", do_operate},
	{"flood", do_flood},
	{"unplug", do_phone},
	{"plug", do_phone},
	{"move", do_phone},
	{"session-lost", do_phone},
	{"agent-dies", do_phone},
	{"spool-lost", do_phone},
	{"needs-person", do_phone},
	{"needs-nobody", do_phone},
	{"may-pass", do_phone},
	{"temperature", do_phone},
	{"stray", do_phone},
	{"epoch", do_phone},
	{"store", do_store},
	{"clock", do_clock},
	{"crash", do_crash},
	{"next", do_next},
	{"until", do_until},
	{"wait", do_wait},
	{"end", do_end},
};

static void split(char *line, struct words *w)
{
	char *save = NULL;

	const char *rest = strchr(line, ' ');

	str_copy(w->rest, sizeof(w->rest), rest ? rest + 1 : "");
	for (char *c = strtok_r(line, " ", &save); c && w->n < WORDS_MAX;
		c = strtok_r(NULL, " ", &save))
		w->word[w->n++] = c;
}

int story_command(struct story *y, char *line)
{
	struct words w = {0};

	split(line, &w);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(commands[i].name, word(&w, 0)))
			return commands[i].fn(y, &w);
	return fails(y, "no command of stories", word(&w, 0));
}
