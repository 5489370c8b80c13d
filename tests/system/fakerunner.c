/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A runner without a runtime: plays runner.h by the book, and misbehaves on demand. What it shall
 * do stands in the plan's session options:
 *	do        a name from the table below
 *	at        in which phase; "load_cold", "back_to_back" … (default: the first of the process)
 *	process   in which process (default: the last)
 *	over      each so many-th iteration is over 16 ms
 *	hold_at   the phase in which it stops after hold_runs iterations, until a file "go" appears
 * in
 *	          its scratch directory
 *	path      what "prison" tries to read
 * Iteration i takes 1 000 000 + i ns (or 20 000 000 + i), so a test can tell each from the others.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "msg.h"
#include "plan.h"
#include "ring.h"
#include "runner.h"

#define PAUSE_NS   2000000
#define PERIOD_NS  30000000 /* from start to start, as the records tell */
#define NORMAL_NS  1000000
#define OVER_NS    20000000
#define SPEW_BYTES (4 << 20)

static struct plan plan;
static uint32_t process;
static int fds[RUNNER_FILES_MAX];
static uint32_t n_files, n_come;
static struct ring_header *ring;
static struct proto_parser parser;

/* ---- small things ---- */

static const char *option(const char *key)
{
	for (uint32_t i = 0; i < plan.n_session_options; i++)
		if (!strcmp(plan.session_options[i].key, key))
			return plan.session_options[i].value;
	return "";
}

static long option_int(const char *key, long otherwise)
{
	return *option(key) ? atol(option(key)) : otherwise;
}

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void pause_a_little(void)
{
	struct timespec t = {0, PAUSE_NS};

	nanosleep(&t, NULL);
}

static _Noreturn void give_up(const char *what)
{
	fprintf(stderr, "fakerunner: %s: %s\n", what, strerror(errno));
	_exit(70);
}

static void alive(void)
{
	atomic_store(&ring->alive_ns, now_ns());
}

/* ---- talking ---- */

static void say(uint16_t type, const void *payload, uint32_t len)
{
	uint8_t frame[PROTO_HEADER + 4096];

	proto_header_put(frame, type, payload, len);
	memcpy(frame + PROTO_HEADER, payload, len);
	if (write(RUNNER_FD_CONTROL, frame, PROTO_HEADER + len) != (ssize_t)(PROTO_HEADER + len))
		give_up("write");
}

static void fact(const char *key, int64_t v)
{
	struct fact f = {.mono_ns = now_ns(), .kind = FACT_INT, .i = v};
	uint8_t mem[2048];
	struct proto_w w;

	snprintf(f.key, sizeof(f.key), "%s", key);
	proto_w_init(&w, mem, sizeof(mem));
	fact_put(&w, &f);
	say(PROTO_FACT, mem, w.len);
}

static void done(uint16_t outcome, const char *cause)
{
	uint8_t mem[512];
	struct proto_w w;

	proto_w_init(&w, mem, sizeof(mem));
	proto_put_u16(&w, outcome);
	proto_put_text(&w, cause);
	say(PROTO_DONE, mem, w.len);
}

static void take_run(const struct proto_frame *f)
{
	struct proto_r r;
	const uint8_t *p;
	uint32_t n;

	proto_r_init(&r, f->payload, f->len);
	process = proto_get_u32(&r);
	p = proto_get_bytes(&r, &n);
	n_files = proto_get_u32(&r);
	if (r.bad || plan_decode(p, n, &plan))
		give_up("plan");
}

static void receive(void)
{
	union {
		char mem[CMSG_SPACE(RUNNER_FILES_BATCH * sizeof(int))];
		struct cmsghdr align;
	} c;
	uint8_t buf[16384];
	struct iovec iov = {buf, sizeof(buf)};
	struct msghdr m = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = c.mem,
		.msg_controllen = sizeof(c.mem)};
	ssize_t n = recvmsg(RUNNER_FD_CONTROL, &m, 0);
	struct cmsghdr *h;

	if (n <= 0 || proto_parser_feed(&parser, buf, n))
		give_up("recvmsg");
	for (h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h)) {
		size_t k = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		memcpy(fds + n_come, CMSG_DATA(h), k * sizeof(int));
		n_come += k;
	}
}

static void hear_orders(void)
{
	bool have_run = false;
	struct proto_frame f;

	proto_parser_init(&parser);
	while (!have_run || n_come < n_files) {
		receive();
		while (proto_parser_next(&parser, &f) == 1)
			if (f.type == PROTO_RUN) {
				take_run(&f);
				have_run = true;
			}
	}
}

/* Whether CANCEL has come; it is answered at once. */
static void obey_cancel(void)
{
	uint8_t buf[64];

	if (recv(RUNNER_FD_CONTROL, buf, sizeof(buf), MSG_DONTWAIT) <= 0)
		return;
	done(OUTCOME_CANCELLED, "cancelled");
	_exit(0);
}

/* ---- misdeeds ---- */

static void do_crash(void)
{
	fprintf(stderr, "about to touch nothing\n");
	raise(SIGSEGV);
}

static void do_exit(void)
{
	_exit(3);
}

static void do_unloadable(void)
{
	fprintf(stderr, "libmissing.so.1: cannot open shared object file\n");
	_exit(127);
}

/* No sign of life, but it would obey. */
static void do_hang(void)
{
	for (;;) {
		pause_a_little();
		obey_cancel();
	}
}

static void do_stubborn(void)
{
	signal(SIGTERM, SIG_IGN);
	for (;;)
		pause_a_little();
}

static void do_eat(void)
{
	for (;;) {
		char *p = malloc(16 << 20);

		if (!p) {
			fprintf(stderr, "terminate called after throwing std::bad_alloc\n");
			abort();
		}
		memset(p, 1, 4096);
	}
}

static void do_be_killed(void)
{
	int fd = open("killed", O_CREAT | O_WRONLY, 0600);

	close(fd);
	while (access("go", F_OK)) {
		alive();
		pause_a_little();
	}
	raise(SIGKILL);
}

static void do_spew(void)
{
	static const char line[] =
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde\n";

	for (size_t n = 0; n < SPEW_BYTES; n += sizeof(line) - 1)
		if (write(STDOUT_FILENO, line, sizeof(line) - 1) < 0)
			give_up("stdout");
	fprintf(stderr, "the last words\n");
}

static void do_garbage(void)
{
	char junk[64];

	memset(junk, 0x5a, sizeof(junk));
	if (write(RUNNER_FD_CONTROL, junk, sizeof(junk)) < 0)
		give_up("write");
	do_hang();
}

static void do_break_ring(void)
{
	atomic_store(&ring->head, ring->capacity + 7);
	do_hang();
}

static void do_cut_ring(void)
{
	if (ftruncate(RUNNER_FD_RING, 16))
		give_up("ftruncate");
	do_hang();
}

static void do_linger(void)
{
	done(OUTCOME_OK, "");
	do_stubborn();
}

/* A process that leaves the runner's session, and outlives it if it can. */
static void do_stray(void)
{
	int fd;

	if (fork())
		return;
	setsid();
	if (fork())
		_exit(0);
	fd = open("stray", O_CREAT | O_WRONLY, 0600);
	dprintf(fd, "%d\n", (int)getpid());
	close(fd);
	for (;;)
		pause_a_little();
}

static void do_model(void)
{
	done(OUTCOME_MODEL, "the model has an operator that nobody knows");
	_exit(0);
}

static void do_deep_scratch(void)
{
	for (int i = 0; i < 3000; i++)
		if (mkdir("d", 0700) || chdir("d"))
			give_up("mkdir");
	close(open("leaf", O_CREAT | O_WRONLY, 0));
}

/* What each guard should keep it from: the fact holds 0 where it succeeded, or the errno. */
static void attempt_fact(const char *key, int rc)
{
	fact(key, rc < 0 ? errno : 0);
}

static void do_prison(void)
{
	struct sockaddr_in sa = {.sin_family = AF_INET};
	char self[32], beside[256];
	struct rlimit core;
	struct stat st;
	int fd;

	fact("prison.foreign_fd", !fstat(RUNNER_FD_RING + 1 + (int)n_files, &st));
	fd = socket(AF_INET, SOCK_STREAM, 0);
	attempt_fact("prison.socket", fd);
	attempt_fact("prison.connect", connect(fd, (struct sockaddr *)&sa, sizeof(sa)));
	attempt_fact("prison.read_foreign", open(option("path"), O_RDONLY));
	attempt_fact("prison.read_passwd", open("/etc/passwd", O_RDONLY));
	snprintf(beside, sizeof(beside), "%s.new", option("path"));
	attempt_fact("prison.write_foreign", open(beside, O_CREAT | O_WRONLY, 0600));
	attempt_fact("prison.write_scratch", open("mine", O_CREAT | O_WRONLY, 0600));
	attempt_fact("prison.read_libs", open("/usr", O_RDONLY | O_DIRECTORY));
	attempt_fact("prison.read_status", open("/proc/self/status", O_RDONLY));
	attempt_fact("prison.kill_parent", kill(getppid(), 0));
	attempt_fact("prison.new_session_keys", setuid(0));
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fds[0]);
	attempt_fact("prison.reopen_file", open(self, O_RDONLY));
	fact("prison.uid", getuid());
	fact("prison.no_new_privs", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	getrlimit(RLIMIT_CORE, &core);
	fact("prison.core", core.rlim_max);
}

/* Of a library that only a runner that brings its own has: tests/system/ownlib.c. */
int own_library(void) __attribute__((weak));

/* What is loaded, by its paths. */
static void do_maps(void)
{
	char line[512];
	FILE *f = fopen("/proc/self/maps", "r");

	if (!f)
		give_up("/proc/self/maps");
	while (fgets(line, sizeof(line), f))
		fputs(line, stdout);
	fclose(f);
	fflush(stdout);
	fact("own.library", own_library ? own_library() : -1);
}

static const struct {
	const char *name;
	void (*fn)(void);
} deeds[] = {
	{"crash", do_crash},
	{"exit", do_exit},
	{"unloadable", do_unloadable},
	{"hang", do_hang},
	{"stubborn", do_stubborn},
	{"eat", do_eat},
	{"be_killed", do_be_killed},
	{"spew", do_spew},
	{"garbage", do_garbage},
	{"break_ring", do_break_ring},
	{"cut_ring", do_cut_ring},
	{"linger", do_linger},
	{"stray", do_stray},
	{"model", do_model},
	{"prison", do_prison},
	{"maps", do_maps},
	{"deep_scratch", do_deep_scratch},
};

static void misbehave(void)
{
	for (size_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++)
		if (!strcmp(deeds[i].name, option("do")))
			deeds[i].fn();
}

/* ---- by the book ---- */

static void enter(uint16_t phase, uint32_t block)
{
	static bool was_here;
	bool mine = option_int("process", runner_processes(&plan) - 1) == (long)process;
	uint8_t mem[32];
	struct proto_w w;

	alive();
	proto_w_init(&w, mem, sizeof(mem));
	proto_put_u16(&w, phase);
	proto_put_i64(&w, now_ns());
	proto_put_u32(&w, block);
	say(PROTO_PHASE, mem, w.len);
	if (mine && (*option("at") ? !strcmp(option("at"), phase_name(phase)) : !was_here))
		misbehave();
	was_here = true;
	obey_cancel();
}

static void hold(void)
{
	while (access("go", F_OK)) {
		alive();
		obey_cancel();
		pause_a_little();
	}
}

static void iterate(struct ring_block *b, uint64_t i)
{
	long over = option_int("over", 0);
	int64_t took = (over && i % over == 0 ? OVER_NS : NORMAL_NS) + i;
	int64_t at = b->begin_ns + (int64_t)i * (b->period_ns ? b->period_ns : PERIOD_NS);
	struct ring_record *rec = &ring_records(ring)[b->first + i];

	rec->release_ns = b->period_ns ? at : 0;
	rec->start_ns = b->period_ns ? at + 1000 : at;
	rec->end_ns = at + took;
	atomic_store_explicit(&ring->head, b->first + i + 1, memory_order_release);
}

static void run_block(uint16_t phase, const struct plan_block *pb)
{
	uint32_t number = atomic_load(&ring->n_blocks);
	struct ring_block *b = &ring->blocks[number];
	bool holds = !strcmp(option("hold_at"), phase_name(phase));

	if (!pb->on)
		return;
	enter(phase, number);
	*b = (struct ring_block){.phase = phase,
		.period_ns = pb->period_ns,
		.skipped = 2,
		.first = atomic_load(&ring->head),
		.begin_ns = now_ns()};
	atomic_store(&ring->n_blocks, number + 1);
	for (uint32_t i = 0; i < pb->min_runs; i++) {
		if (holds && i == (uint32_t)option_int("hold_runs", 0))
			hold();
		alive();
		iterate(b, i);
	}
	b->count = atomic_load(&ring->head) - b->first;
	b->end_ns = now_ns();
	atomic_store(&ring->closed, number + 1);
}

static void load(void)
{
	int64_t bytes = 0;
	struct stat st;

	enter(process < plan.cold_loads ? PHASE_LOAD_COLD : PHASE_LOAD_WARM, process);
	for (uint32_t i = 0; i < n_files; i++) {
		if (fstat(fds[i], &st))
			give_up("file");
		bytes += st.st_size;
	}
	fact(process < plan.cold_loads ? "load.cold_ns" : "load.warm_ns", 1000 + process);
	fact("fake.files", n_files);
	fact("fake.bytes", bytes);
	enter(PHASE_FIRST, process);
	fact("first.inference_ns", 500 + process);
}

int main(void)
{
	struct stat st;

	if (fstat(RUNNER_FD_RING, &st))
		give_up("ring");
	ring = mmap(NULL, st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, RUNNER_FD_RING, 0);
	if (ring == MAP_FAILED)
		give_up("mmap");
	hear_orders();
	printf("process %u of %u begins\n", process, runner_processes(&plan));
	fflush(stdout);
	load();
	if (process + 1 == runner_processes(&plan)) {
		enter(PHASE_WARMUP, 0);
		run_block(PHASE_BACK2BACK, &plan.back2back);
		run_block(PHASE_PACED, &plan.paced);
		run_block(PHASE_SUSTAINED, &plan.sustained);
	}
	done(OUTCOME_OK, "");
	return 0;
}
