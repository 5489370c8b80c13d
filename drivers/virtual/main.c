/* SPDX-License-Identifier: Apache-2.0 */
/*
 * framefarm-phone: virtual phones over TCP. This file answers for the program: its options, its
 * phones, its lines on stdout, its end. It is three programs: this one; the first process of each
 * phone (init.h); and the phone's own tools (tool.h), by the name it is called with.
 *
 * Started by root it first becomes an ordinary user, so that nothing in a phone is root anywhere.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "drivers/adb/key.h"
#include "drivers/driver.h"
#include "drivers/virtual/files.h"
#include "drivers/virtual/init.h"
#include "drivers/virtual/janitor.h"
#include "drivers/virtual/manual.h"
#include "drivers/virtual/options.h"
#include "drivers/virtual/phone.h"
#include "drivers/virtual/phone_tcp.h"
#include "drivers/virtual/profile.h"
#include "drivers/virtual/tool.h"
#include "drivers/virtual/unroot.h"
#include "drivers/virtual/volume.h"
#include "loop/host.h"
#include "loop/loop.h"

#define KEY_LINE   2048
#define PHONE_NAME 64 /* its directory, and its serial unless one was given */

struct program;

struct place {
	struct program *program;
	struct phone *phone;
	struct phone_tcp *tcp;
	bool announced;
};

struct program {
	struct options o;
	struct profile *profile;
	struct loop *loop;
	struct host *host;
	struct loop_signal *signals[2];
	struct adb_key *keys[PHONE_KEYS];
	int n_keys;
	struct place *places;
	int n_running;
	bool stopping, temporary;
	char dir[512]; /* temporary: the janitor's */
	struct janitor janitor;
	int code;
};

static int complain(const struct err *e, int code)
{
	fprintf(stderr, "framefarm-phone: %s\n", e->text);
	return code;
}

/* ---- set-up ---- */

static int read_keys(struct program *g, const char *path, struct err *e)
{
	FILE *f = fopen(path, "re");
	char line[KEY_LINE];

	if (!f)
		return err_errno(e, errno, "cannot read the keys in %s", path);
	while (fgets(line, sizeof(line), f) && g->n_keys < PHONE_KEYS) {
		struct adb_key *k = adb_key_parse(line, strcspn(line, "\n"));

		if (k)
			g->keys[g->n_keys++] = k;
		else if (line[0] != '#' && line[0] != '\n')
			err_set(e, ERR_PARSE, "%s has a line that is no public key of adb", path);
	}
	fclose(f);
	return e->code;
}

/* The phones' directory becomes the working directory, and everything below is relative to it, so
 * that a closed directory above it does not matter to the user that we become. */
static int enter_dir(struct program *g, struct err *e)
{
	const char *tmp = getenv("TMPDIR");

	if (g->o.dir) {
		int rc = files_mkdirs(g->o.dir);

		if (rc || chdir(g->o.dir))
			return err_errno(e, rc ? rc : errno, "cannot use %s", g->o.dir);
		return 0;
	}
	snprintf(g->dir, sizeof(g->dir), "%.400s/framefarm-phone-XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(g->dir) || chdir(g->dir))
		return err_errno(e, errno, "cannot make %s", g->dir);
	if (janitor_start(&g->janitor, g->dir, INIT_UID))
		return err_errno(e, errno, "cannot see to it that %s is removed", g->dir);
	g->temporary = true;
	return 0;
}

static void raise_limits(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r))
		return;
	r.rlim_cur = r.rlim_max;
	setrlimit(RLIMIT_NOFILE, &r);
}

/* As phones have it: the same each time, and telling nothing. */
static void name_of(const struct program *g, int i, char dst[PHONE_NAME])
{
	snprintf(dst, PHONE_NAME, "FFV%05X%04d", (unsigned)(g->o.seed * 2654435761u) >> 12, i + 1);
}

static int make_volumes(struct program *g, struct err *e)
{
	char name[PHONE_NAME];
	int rc;

	if (!g->o.storage_mb)
		return 0;
	rc = volume_begin(e);
	for (int i = 0; i < g->o.count && !rc; i++) {
		name_of(g, i, name);
		rc = volume_add(name, g->o.storage_mb, e);
	}
	return rc ? rc : volume_end(e);
}

/* ---- phones ---- */

static void place_stopped(void *arg)
{
	struct place *pl = arg;
	struct program *g = pl->program;

	phone_free(pl->phone);
	pl->phone = NULL;
	if (!--g->n_running)
		loop_stop(g->loop);
}

static void stop(struct program *g)
{
	if (g->stopping)
		return;
	g->stopping = true;
	for (int i = 0; i < g->o.count; i++) {
		if (g->places[i].tcp)
			phone_tcp_close(g->places[i].tcp);
		if (g->places[i].phone)
			phone_stop(g->places[i].phone, place_stopped, &g->places[i]);
	}
	if (!g->n_running)
		loop_stop(g->loop);
}

static void up(void *arg)
{
	struct place *pl = arg;

	if (pl->program->stopping)
		return;
	phone_tcp_open(pl->tcp, pl->phone);
	if (pl->announced)
		return;
	pl->announced = true;
	printf("listening 127.0.0.1:%d serial=%s profile=%s\n", phone_tcp_port(pl->tcp),
		phone_serial(pl->phone), pl->program->profile->name);
	fflush(stdout);
}

static void down(void *arg)
{
	struct place *pl = arg;

	phone_tcp_close(pl->tcp);
}

static void failed(void *arg, const char *text)
{
	struct place *pl = arg;

	if (!pl->program->stopping)
		fprintf(stderr, "framefarm-phone: %s\n", text);
	pl->program->code = 1;
	stop(pl->program);
}

static const struct phone_events phone_events = {.up = up, .down = down, .failed = failed};

static int add_phone(struct program *g, int i, struct err *e)
{
	struct place *pl = &g->places[i];
	struct driver_host *h = host_drivers(g->host);
	char name[PHONE_NAME];
	struct phone_config cfg = {.serial = g->o.serial ? g->o.serial : name,
		.dir = name,
		.profile = g->profile,
		.quirks = &g->o.quirks,
		.seed = (uint64_t)(g->o.seed + i),
		.arm64 = !strcmp(g->o.abi, "arm64"),
		.auth = g->o.auth,
		.allow = !g->o.deny,
		.reboot_at = g->o.reboot_at,
		.vanish_at = g->o.vanish_at,
		.props = g->o.props,
		.n_props = g->o.n_props,
		.keys = g->keys,
		.n_keys = g->n_keys};

	name_of(g, i, name);
	pl->program = g;
	pl->tcp = phone_tcp_new(h, g->o.port ? (int)g->o.port + i : 0, &g->o.quirks, e);
	if (!pl->tcp)
		return e->code;
	pl->phone = phone_new(h, &cfg, &phone_events, pl);
	g->n_running++;
	phone_boot(pl->phone);
	return 0;
}

/* ---- the program ---- */

static void asked_to_stop(void *arg)
{
	stop(arg);
}

static int set_up(struct program *g, struct err *e)
{
	int rc = 0;

	g->profile = profile_read(g->o.profile, e);
	if (!g->profile)
		return e->code;
	for (int i = 0; i < g->o.n_keys && !rc; i++)
		rc = read_keys(g, g->o.keys[i], e);
	if (!rc)
		rc = enter_dir(g, e);
	if (!rc && unroot(INIT_UID))
		rc = err_errno(e, errno, "cannot become an ordinary user");
	if (rc)
		return rc;
	rc = make_volumes(g, e);
	if (rc)
		return rc;
	umask(0); /* as adbd: what is pushed has the rights that were asked for */
	raise_limits();
	g->loop = loop_new(e);
	if (!g->loop)
		return e->code;
	g->host = host_new(g->loop);
	g->signals[0] = loop_signal_new(g->loop, SIGTERM, asked_to_stop, g);
	g->signals[1] = loop_signal_new(g->loop, SIGINT, asked_to_stop, g);
	g->places = mem_zalloc(g->o.count * sizeof(*g->places));
	for (int i = 0; i < g->o.count && !rc; i++)
		rc = add_phone(g, i, e);
	return rc;
}

static void no_turn(void *arg)
{
	(void)arg;
}

static void tear_down(struct program *g)
{
	for (int i = 0; g->places && i < g->o.count; i++)
		phone_tcp_free(g->places[i].tcp);
	for (int i = 0; i < 2; i++)
		loop_signal_free(g->signals[i]);
	loop_free(g->loop);
	host_free(g->host);
	mem_free(g->places);
	for (int i = 0; i < g->n_keys; i++)
		adb_key_free(g->keys[i]);
	profile_free(g->profile);
	if (g->temporary && janitor_finish(&g->janitor))
		fprintf(stderr, "framefarm-phone: %s is left over\n", g->dir);
}

static int run(struct program *g)
{
	struct err e = {0};

	if (set_up(g, &e)) {
		g->code = complain(&e, 1);
		if (g->loop)
			stop(g);
	}
	if (g->loop)
		loop_run(g->loop, no_turn, NULL);
	tear_down(g);
	return g->code;
}

int main(int argc, char **argv)
{
	static struct program g;
	struct err e = {0};

	if (init_is_meant(argc, argv))
		return init_main(argc, argv);
	if (tool_is_meant(argv[0]))
		return tool_main(argc, argv);
	if (options_read(&g.o, argc, argv, &e))
		return complain(&e, 2);
	if (g.o.help)
		manual_help(stdout);
	else if (g.o.version)
		printf("framefarm-phone %s\n", FRAMEFARM_VERSION);
	else if (g.o.list_profiles)
		manual_profiles(stdout);
	else if (g.o.list_quirks)
		manual_quirks(stdout);
	else if (g.o.man)
		manual_page(stdout);
	else if (g.o.completion)
		manual_completion(stdout, g.o.completion);
	else
		return run(&g);
	return 0;
}
