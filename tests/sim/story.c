/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stories: a script of what befalls the farm, and between its lines the trace that it must produce.
 * Nothing is left to chance: an operation takes 100 ms, a commit 10 ms, an attempt ten seconds, and
 * goes well unless the script said otherwise ("next START …"). A line of the script begins at the
 * margin, a line of the trace with blanks; README.md has the commands, story_cmd.c does them.
 */
#include "story.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "host.h"
#include "memstore.h"
#include "sim.h"

#define LINE_MAX_LEN 512
#define COMMIT_MS    10
#define OP_MS        100
#define RUN_MS       10000

/* ---- fates as the script has them ---- */

static struct fate fate_of_story(struct sim *s, const struct farm_action *a, int phone, int64_t nth)
{
	struct story *y = s->tell_arg;
	struct fate f = {.after_ms = OP_MS, .run_ms = RUN_MS, .stored_ms = OP_MS, .obeys = true};

	(void)phone, (void)nth;
	for (int i = 0; i < y->n_next; i++) {
		if (y->next[i].kind != a->kind)
			continue;
		f = y->next[i].fate;
		memmove(y->next + i, y->next + i + 1, (--y->n_next - i) * sizeof(y->next[0]));
		break;
	}
	return f;
}

struct fate story_fate(void)
{
	return (struct fate){
		.after_ms = OP_MS, .run_ms = RUN_MS, .stored_ms = OP_MS, .obeys = true};
}

/* ---- the trace ---- */

static void tell(struct sim *s, const char *line)
{
	struct story *y = s->tell_arg;

	buf_printf(&y->got, "%s\n", line);
	if (y->wanted && strstr(line, y->wanted))
		y->seen = true;
}

/* The farm lives until the trace has a line with the text. */
bool story_until(struct story *y, const char *text, int64_t most_ms)
{
	int64_t end = host_ms(y->s.host) + most_ms;

	y->wanted = text;
	y->seen = false;
	while (!y->seen && host_next_ms(y->s.host) <= end)
		sim_step(&y->s);
	y->wanted = NULL;
	return y->seen;
}

static void nothing(void *arg)
{
	(void)arg;
}

void story_wait(struct story *y, int64_t ms)
{
	int64_t end = host_ms(y->s.host) + ms;

	host_after(y->s.host, ms, nothing, y);
	while (host_ms(y->s.host) < end || host_next_ms(y->s.host) <= end)
		sim_step(&y->s);
}

/* ---- one file ---- */

static void begin(struct story *y, int devices)
{
	*y = (struct story){.devices = devices};
	buf_init(&y->got, 0);
	y->s.chance = chance_new(0, 0);
	y->s.fate = fate_of_story;
	y->s.tell = tell;
	y->s.tell_arg = y;
	sim_init(&y->s, devices);
	memstore_set_slow(y->s.store, COMMIT_MS);
}

static void end(struct story *y)
{
	sim_fini(&y->s);
	buf_fini(&y->got);
}

/* Reads "devices N", the first line that is no comment. */
static int devices_of(FILE *f, struct buf *out)
{
	char line[LINE_MAX_LEN];
	int n = 0;

	while (!n && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "devices %d", &n) != 1)
			n = 0;
		buf_printf(out, "%s", line);
	}
	return n;
}

/* The script is done line by line, and each line's trace is written behind it: what the file should be. */
static int play(struct story *y, FILE *f, struct buf *out)
{
	char line[LINE_MAX_LEN];
	int rc = 0;

	while (!rc && fgets(line, sizeof(line), f)) {
		if (line[0] == ' ')
			continue;
		buf_printf(out, "%s", line);
		line[strcspn(line, "\n")] = '\0';
		if (!line[0] || line[0] == '#')
			continue;
		host_after(y->s.host, 0, nothing, y); /* the loop turns for what was posted */
		rc = story_command(y, line);
		buf_printf(out, "%s", buf_text(&y->got));
		buf_drop(&y->got, y->got.len);
		if (rc)
			buf_printf(out, " THE STORY DOES NOT GO ON: %s\n", y->why);
	}
	return rc;
}

static void read_all(const char *path, struct buf *b)
{
	char line[LINE_MAX_LEN];
	FILE *f = fopen(path, "r");

	while (f && fgets(line, sizeof(line), f))
		buf_printf(b, "%s", line);
	if (f)
		fclose(f);
}

static void title_of(const char *text, char *dst, size_t size)
{
	const char *from = strchr(text, '\n');

	from = from && !strncmp(from, "\n# ", 3) ? from + 3 : text;
	snprintf(dst, size, "%.*s", (int)strcspn(from, "\n"), from);
}

/* The first line in which they differ, and a few around it. */
static void show_difference(const char *want, const char *got)
{
	int line = 1;

	while (*want && *got) {
		size_t n = strcspn(want, "\n"), m = strcspn(got, "\n");

		if (n != m || strncmp(want, got, n))
			break;
		want += n + (want[n] == '\n');
		got += m + (got[m] == '\n');
		line++;
	}
	printf("# line %d:\n# - %.*s\n", line, (int)strcspn(want, "\n"), want);
	for (int i = 0; i < 8 && *got; i++) {
		size_t m = strcspn(got, "\n");

		printf("# + %.*s\n", (int)m, got);
		got += m + (got[m] == '\n');
	}
}

static bool write_back(const char *path, const struct buf *b)
{
	FILE *f = fopen(path, "w");

	if (!f)
		return false;
	fwrite(b->data, 1, b->len, f);
	return !fclose(f);
}

static int one(const char *path, int number, bool bless)
{
	struct buf want, got;
	struct story y;
	char title[128];
	FILE *f = fopen(path, "r");
	int n, rc = 1;

	if (!f) {
		printf("not ok %d - %s: %s\n", number, path, strerror(errno));
		return 1;
	}
	buf_init(&want, 0);
	buf_init(&got, 0);
	read_all(path, &want);
	title_of(buf_text(&want), title, sizeof(title));
	n = devices_of(f, &got);
	begin(&y, n > 0 ? n : 1);
	rc = play(&y, f, &got);
	fclose(f);
	end(&y);
	if (!rc && bless)
		rc = !write_back(path, &got);
	else if (!rc)
		rc = strcmp(buf_text(&want), buf_text(&got)) != 0;
	printf("%sok %d - %s\n", rc ? "not " : "", number, title);
	if (rc)
		show_difference(buf_text(&want), buf_text(&got));
	fflush(stdout);
	buf_fini(&want);
	buf_fini(&got);
	return rc;
}

int story_run(char **files, int n, bool bless)
{
	int bad = 0;

	printf("1..%d\n", n);
	for (int i = 0; i < n; i++)
		bad |= one(files[i], i + 1, bless);
	return bad;
}
