/* SPDX-License-Identifier: Apache-2.0 */
/* The small parts: options, progress, causes, output, the log, scratch directories, files. */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/cause.h"
#include "agent/drain.h"
#include "agent/files.h"
#include "agent/fileset.h"
#include "agent/log.h"
#include "agent/opts.h"
#include "agent/output.h"
#include "agent/progress.h"
#include "agent/record.h"
#include "agent/scratch.h"
#include "agent/spool.h"
#include "plan.h"
#include "timesrc.h"

/* ---- options ---- */

static int parse(struct opts *o, char *why, size_t size, int n, ...)
{
	char *argv[16] = {(char *)"agent"};
	va_list ap;

	va_start(ap, n);
	for (int i = 0; i < n; i++)
		argv[i + 1] = va_arg(ap, char *);
	va_end(ap);
	return opts_parse(o, n + 1, argv, why, size);
}

static void options_come_in_both_shapes(void **state)
{
	struct opts o;
	char why[200] = "";

	(void)state;
	assert_int_equal(parse(&o, why, sizeof(why), 3, "--dir=/d", "--listen", "unix:/s"), 0);
	assert_string_equal(o.dir, "/d");
	assert_string_equal(o.listen, "unix:/s");
	assert_string_equal(o.root, "/");
	assert_int_equal(o.runner_uid, -1);
	assert_false(o.foreground);
	assert_int_equal(parse(&o, why, sizeof(why), 4, "--dir=d", "--listen=l", "--foreground",
				 "--runner-uid=61999"),
		0);
	assert_true(o.foreground);
	assert_int_equal(o.runner_uid, 61999);
	assert_int_equal(parse(&o, why, sizeof(why), 1, "--help"), 0);
	assert_true(o.help);
	assert_int_equal(parse(&o, why, sizeof(why), 1, "--directory=x"), -1);
	assert_non_null(strstr(why, "--directory"));
	assert_int_equal(
		parse(&o, why, sizeof(why), 3, "--dir=d", "--listen=l", "--runner-uid=0"), -1);
	assert_int_equal(
		parse(&o, why, sizeof(why), 3, "--dir=d", "--listen=l", "--foreground=yes"), -1);
}

/* ---- progress ---- */

static void progress_goes_by_the_plans_figures(void **state)
{
	const struct plan p = {
		.baseline_ms = 2000,
		.cold_loads = 1,
		.warm_loads = 1,
		.warmup_min_ms = 1000,
		.paced = {.on = 1, .min_runs = 900, .min_ms = 5000, .period_ns = 16666667},
		.back2back = {.on = 1, .min_ms = 4000},
	};
	struct progress g;

	(void)state;
	/* 2 s baseline, 2 loads of 1 s, 1 s warm-up, 4 s, 900 periods, 2 s after: 26 s. */
	progress_init(&g, &p);
	assert_int_equal(g.total_ms, 26000);
	assert_int_equal(progress_permille(&g, 1000), 38);
	assert_int_equal(
		progress_permille(&g, 60000), 76); /* a phase counts for its share at most */
	progress_enter(&g, PHASE_LOAD_COLD);
	progress_enter(&g, PHASE_FIRST);
	progress_enter(&g, PHASE_LOAD_WARM);
	progress_enter(&g, PHASE_WARMUP);
	progress_enter(&g, PHASE_BACK2BACK);
	assert_int_equal(progress_permille(&g, 0), 192);
	progress_enter(&g, PHASE_GOLDEN); /* not ahead: changes nothing */
	assert_int_equal(progress_permille(&g, 0), 192);
	progress_enter(&g, PHASE_PACED);
	assert_int_equal(progress_permille(&g, 0), 346);
	progress_enter(&g, PHASE_AFTER);
	assert_int_equal(progress_permille(&g, 999999), 999);
}

static void progress_never_goes_back(void **state)
{
	const struct plan p = {.baseline_ms = 1000, .cold_loads = 1, .warm_loads = 100};
	struct progress g;
	uint32_t last = 0;

	(void)state;
	progress_init(&g, &p);
	for (int i = 0; i < 300; i++) {
		uint32_t now;

		progress_enter(&g, i % 2 ? PHASE_LOAD_WARM : PHASE_FIRST);
		now = progress_permille(&g, i % 7 * 100);
		assert_true(now >= last && now < 1000);
		last = now;
	}
}

/* ---- causes ---- */

static void deaths_are_told_apart(void **state)
{
	const struct {
		struct death d;
		uint16_t outcome;
		const char *words;
	} cases[] = {
		{{.status = SIGSEGV,
			 .phase = "back_to_back",
			 .into_ns = 3240000000,
			 .last_words = ""},
			OUTCOME_CRASH,
			"the runner was killed by SIGSEGV 3.2 s into back_to_back; the model or "
			"the "
			"runtime crashed"},
		{{.status = SIGKILL,
			 .phase = "paced",
			 .oom_kills = 1,
			 .peak_rss = 512 << 20,
			 .last_words = ""},
			OUTCOME_MEMORY, "for lack of memory, 0.0 s into paced; it had 512 MiB"},
		{{.status = SIGKILL, .phase = "paced", .oom_kills = 0, .last_words = ""},
			OUTCOME_CRASH, "somebody killed the runner"},
		{{.status = SIGKILL, .phase = "paced", .oom_kills = -1, .last_words = ""},
			OUTCOME_CRASH, "perhaps the kernel"},
		{{.status = SIGABRT,
			 .phase = "load_cold",
			 .memory_limit = 64 << 20,
			 .speaks_of_memory = true,
			 .last_words = "std::bad_alloc"},
			OUTCOME_MEMORY,
			"memory limit of 64 MiB, 0.0 s into load_cold: std::bad_alloc"},
		{{.status = SIGABRT,
			 .phase = "load_cold",
			 .speaks_of_memory = true,
			 .last_words = "bad_alloc"},
			OUTCOME_CRASH,
			"SIGABRT"}, /* no limit was set: it is no verdict on memory */
		{{.status = 127 << 8, .phase = "load_cold", .last_words = "libx.so: not found"},
			OUTCOME_RUNTIME, "libx.so: not found"},
		{{.status = 9 << 8, .phase = "golden", .last_words = ""}, OUTCOME_CRASH,
			"ended with code 9 and no result"},
		{{.status = 63, .phase = "golden", .last_words = ""}, OUTCOME_CRASH, "a signal"},
	};
	char cause[256];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(
			cause_of_death(&cases[i].d, cause, sizeof(cause)), cases[i].outcome);
		if (!strstr(cause, cases[i].words))
			fail_msg("\"%s\" does not say \"%s\"", cause, cases[i].words);
	}
}

/* ---- output ---- */

struct out_rig {
	struct tree t;
	struct spool s;
	struct plan p;
	struct record r;
	struct output o;
};

static void out_init(struct out_rig *g)
{
	const struct spool_meta m = {.attempt = 1, .plan = (const uint8_t *)""};

	tree_init(&g->t);
	g->p = (struct plan){0};
	assert_int_equal(spool_create(&g->s, g->t.fd, &m), 0);
	assert_int_equal(record_init(&g->r, &g->s, &g->p, NULL, 0), 0);
	output_init(&g->o);
}

static void out_fini(struct out_rig *g)
{
	record_fini(&g->r);
	spool_close(&g->s);
	tree_fini(&g->t);
}

static void output_is_kept_whole_up_to_its_bound(void **state)
{
	struct out_rig g;
	char line[1000];

	(void)state;
	out_init(&g);
	memset(line, 'x', sizeof(line));
	for (int i = 0; i < OUTPUT_HEAD / 1000; i++)
		output_add(&g.o, &g.r, line, sizeof(line));
	output_add(&g.o, &g.r, line, OUTPUT_HEAD % 1000);
	assert_int_equal(output_finish(&g.o, &g.r), 0);
	record_seal(&g.r);
	assert_int_equal(g.s.streams[STREAM_ID_TEXT].items, OUTPUT_HEAD);
	out_fini(&g);
}

static void what_is_cut_is_counted_and_the_tail_is_kept(void **state)
{
	for (unsigned more = 1; more < 3 * OUTPUT_TAIL; more += 997) {
		struct out_rig g;
		char note[64];
		unsigned cut = more > OUTPUT_TAIL ? more - OUTPUT_TAIL : 0;
		unsigned n = snprintf(note, sizeof(note), "\n[framefarm: %u bytes cut]\n", cut);

		(void)state;
		out_init(&g);
		for (unsigned i = 0; i < OUTPUT_HEAD + more; i += 7)
			output_add(&g.o, &g.r, "abcdefg",
				OUTPUT_HEAD + more - i < 7 ? OUTPUT_HEAD + more - i : 7);
		assert_int_equal(output_finish(&g.o, &g.r), cut);
		record_seal(&g.r);
		assert_int_equal(g.s.streams[STREAM_ID_TEXT].items, OUTPUT_HEAD + n + more - cut);
		out_fini(&g);
	}
}

static void last_words_are_found_whatever_came_before(void **state)
{
	static const char *const words[] = {"bad_alloc"};
	struct out_rig g;
	char line[32], junk[5000];

	(void)state;
	out_init(&g);
	output_last_line(&g.o, line, sizeof(line));
	assert_string_equal(line, "");
	memset(junk, '\n', sizeof(junk));
	output_add(&g.o, &g.r, junk, sizeof(junk));
	assert_false(output_mentions(&g.o, words, 1));
	output_add(&g.o, &g.r, "what():  std::bad_al", 20);
	output_add(&g.o, &g.r, "loc\x1b[0m\xff\n\n", 10);
	assert_true(output_mentions(&g.o, words, 1));
	output_last_line(&g.o, line, sizeof(line));
	assert_string_equal(line, "what():  std::bad_alloc?[0m?");
	output_last_line(&g.o, line, 7);
	assert_string_equal(line, "what()");
	out_fini(&g);
}

/* ---- the log ---- */

static size_t read_log(struct tree *t, const char *name, char *buf, size_t size)
{
	int fd = openat(t->fd, name, O_RDONLY);
	ssize_t n = fd < 0 ? 0 : read(fd, buf, size - 1);

	if (fd >= 0)
		close(fd);
	buf[n] = '\0';
	return n;
}

static void log_lines_are_escaped_bounded_and_not_repeated_for_ever(void **state)
{
	struct tree t;
	struct timesrc *ts = timesrc_open(NULL);
	static char buf[2 * LOG_FILE_MAX];
	char path[128];
	unsigned lines = 0;

	(void)state;
	tree_init(&t);
	snprintf(path, sizeof(path), "%s/log", t.dir);
	assert_int_equal(log_open(path, ts), 0);
	log_info("event=%s", "evil\nlevel=err\x1b[0m");
	read_log(&t, "log", buf, sizeof(buf));
	assert_non_null(strstr(buf, "level=info event=evil\\x0alevel=err\\x1b[0m\n"));
	for (int i = 0; i < 1000; i++)
		log_info("event=again i=%d", i);
	read_log(&t, "log", buf, sizeof(buf));
	for (const char *p = buf; (p = strstr(p, "event=again")) != NULL; p++)
		lines++;
	assert_int_equal(lines, LOG_BURST);
	log_close();
	timesrc_close(ts);
	tree_fini(&t);
}

static void the_log_starts_over_when_it_is_long(void **state)
{
	static const char *const kinds[] = {"event=a %s", "event=b %s", "event=c %s", "event=d %s"};
	struct tree t;
	char path[128], text[900];
	struct stat st;

	(void)state;
	tree_init(&t);
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	snprintf(path, sizeof(path), "%s/log", t.dir);
	tree_put(&t, "/log", "old\n");
	truncate(path, LOG_FILE_MAX - 2000);
	assert_int_equal(log_open(path, NULL), 0);
	for (int i = 0; i < 4; i++)
		log_line(LOG_LEVEL_INFO, kinds[i], text);
	log_close();
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size < 2500);
	strcat(path, ".1");
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size <= LOG_FILE_MAX);
	tree_fini(&t);
}

static void a_log_that_is_no_file_is_never_renamed(void **state)
{
	/* Two formats that share a slot of the table of repeats, so that none is left out. */
	static char kinds[2][64] = {"event=a %s", "event=b %s"};
	struct tree t;
	char path[128], text[900], read_off[2048];
	struct stat st;
	int fifo;

	(void)state;
	tree_init(&t);
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	snprintf(path, sizeof(path), "%s/log", t.dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	fifo = open(path, O_RDONLY | O_NONBLOCK);
	assert_true(fifo >= 0);
	assert_int_equal(log_open(path, NULL), 0);
	for (int written = 0; written <= 2 * LOG_FILE_MAX; written += (int)sizeof(text)) {
		log_line(LOG_LEVEL_INFO, kinds[written / sizeof(text) % 2], text);
		assert_true(read(fifo, read_off, sizeof(read_off)) > (ssize_t)sizeof(text));
	}
	log_close();
	close(fifo);
	assert_int_equal(stat(path, &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
	strcat(path, ".1");
	assert_int_equal(stat(path, &st), -1);
	tree_fini(&t);
}

/* ---- scratch ---- */

static void whatever_a_runner_builds_can_be_removed(void **state)
{
	struct tree t;
	char path[128];
	int fd, at;

	(void)state;
	tree_init(&t);
	fd = scratch_make(t.fd, 7, -1);
	assert_true(fd >= 0);
	at = dup(fd);
	for (int i = 0; i < 2000; i++) { /* deeper than any path may be long */
		int next;

		assert_int_equal(mkdirat(at, "d", 0700), 0);
		close(openat(at, "f", O_CREAT | O_WRONLY, 0));
		next = openat(at, "d", O_RDONLY | O_DIRECTORY);
		close(at);
		at = next;
	}
	close(at);
	for (int i = 0; i < 300; i++) {
		snprintf(path, sizeof(path), ".moved%d", i); /* names in the way */
		mkdirat(fd, path, 0);
	}
	snprintf(path, sizeof(path), "%s/keep", t.dir);
	tree_put(&t, "/keep", "mine");
	symlinkat(path, fd, "link");
	mkfifoat(fd, "fifo", 0);
	mkdirat(fd, "locked", 0700);
	tree_put(&t, "/7/locked/in/deep", "x");
	fchmodat(fd, "locked", 0, 0);
	close(fd);
	assert_int_equal(scratch_remove(t.fd, 7), 0);
	assert_int_equal(faccessat(t.fd, "7", F_OK, 0), -1);
	assert_int_equal(access(path, F_OK), 0);      /* links were not followed */
	assert_int_equal(scratch_remove(t.fd, 7), 0); /* nothing there is fine */
	tree_fini(&t);
}

static void what_an_earlier_start_left_goes_too(void **state)
{
	struct tree t;

	(void)state;
	tree_init(&t);
	tree_put(&t, "/1/a/b/c", "x");
	tree_put(&t, "/22/a", "x");
	scratch_remove_all(t.fd);
	assert_int_equal(faccessat(t.fd, "1", F_OK, 0), -1);
	assert_int_equal(faccessat(t.fd, "22", F_OK, 0), -1);
	close(scratch_make(t.fd, 1, -1));
	assert_int_equal(scratch_remove(t.fd, 1), 0);
	tree_fini(&t);
}

/* ---- files ---- */

static void a_file_is_replaced_whole(void **state)
{
	struct tree t;
	char buf[16];

	(void)state;
	tree_init(&t);
	assert_int_equal(files_replace(t.fd, "f", "a long text", 11), 0);
	assert_int_equal(files_replace(t.fd, "f", "short", 5), 0);
	assert_int_equal(files_read(t.fd, "f", buf, sizeof(buf)), 5);
	assert_memory_equal(buf, "short", 5);
	assert_int_equal(files_read(t.fd, "f", buf, 4), -EFBIG);
	assert_int_equal(files_read(t.fd, "missing", buf, 4), -ENOENT);
	tree_link(&t, "/link", "f");
	assert_int_equal(files_read(t.fd, "link", buf, sizeof(buf)), -ELOOP);
	mkfifoat(t.fd, "fifo", 0600);
	assert_int_equal(files_read(t.fd, "fifo", buf, sizeof(buf)), -EINVAL);
	tree_fini(&t);
}

#define SHA_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SHA_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static void each_file_of_a_plan_goes_once(void **state)
{
	struct plan_tensor tensors[3] = {{.sha256 = SHA_B}, {.sha256 = ""}, {.sha256 = SHA_A}};
	struct plan_case cases[1] = {{.n_outputs = 3, .outputs = tensors}};
	struct plan p = {.runner_sha256 = SHA_A,
		.model_sha256 = SHA_A,
		.model_bytes = 5,
		.n_inputs = 3,
		.inputs = tensors,
		.n_cases = 1,
		.cases = cases};
	struct fileset f;
	struct tree t;
	char why[128] = "";

	(void)state;
	tree_init(&t);
	assert_int_equal(fileset_init(&f, &p), 0);
	assert_int_equal(f.n, 2);
	assert_string_equal(f.names[0], SHA_A);
	assert_string_equal(f.names[1], SHA_B);
	tree_put(&t, "/" SHA_A, "12345");
	assert_int_equal(fileset_check(&f, t.fd, &p, why, sizeof(why)), -ENOENT);
	assert_non_null(strstr(why, "bbbbbbbbbbbb... is not on the device"));
	tree_put(&t, "/" SHA_B, "");
	assert_int_equal(fileset_check(&f, t.fd, &p, why, sizeof(why)), 0);
	tree_put(&t, "/" SHA_A, "1234");
	assert_int_equal(fileset_check(&f, t.fd, &p, why, sizeof(why)), -EINVAL);
	fileset_fini(&f);
	tree_fini(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_come_in_both_shapes),
		cmocka_unit_test(progress_goes_by_the_plans_figures),
		cmocka_unit_test(progress_never_goes_back),
		cmocka_unit_test(deaths_are_told_apart),
		cmocka_unit_test(output_is_kept_whole_up_to_its_bound),
		cmocka_unit_test(what_is_cut_is_counted_and_the_tail_is_kept),
		cmocka_unit_test(last_words_are_found_whatever_came_before),
		cmocka_unit_test(log_lines_are_escaped_bounded_and_not_repeated_for_ever),
		cmocka_unit_test(the_log_starts_over_when_it_is_long),
		cmocka_unit_test(a_log_that_is_no_file_is_never_renamed),
		cmocka_unit_test(whatever_a_runner_builds_can_be_removed),
		cmocka_unit_test(what_an_earlier_start_left_goes_too),
		cmocka_unit_test(a_file_is_replaced_whole),
		cmocka_unit_test(each_file_of_a_plan_goes_once),
	};

	return cmocka_run_group_tests_name("agent parts", tests, NULL, NULL);
}
