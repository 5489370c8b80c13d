/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `framefarm serve`: the daemon. Reads its options, makes the data directory, puts loop, controller
 * and API together, and ends in order on SIGTERM or SIGINT: no new requests, open ones answered, what
 * is changed stored. Runs on devices go on and are found again by the next daemon.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/api.h"
#include "api/bounds.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/exitcode.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "cmd/command.h"
#include "cmd/datadir.h"
#include "cmd/host.h"
#include "cmd/options.h"
#include "cmd/paths.h"
#include "cmd/serve_devices.h"
#include "cmd/serve_keep.h"
#include "cmd/service.h"
#include "farm/ctl.h"
#include "loop/host.h"
#include "loop/loop.h"

#define DRAIN_MS 5000 /* for open requests, once the controller has stopped */

/* What is longer is mapped, and given back when it is freed. Left alone the threshold rises with what
 * is freed, and files pushed to 200 phones at once leave half a gigabyte of holes behind. */
#define MAP_ABOVE (256 * 1024)

struct serve_values {
	char config[OPTION_PATH_MAX];
	char data[OPTION_PATH_MAX];
	char listen[256];
	char tools[OPTION_PATH_MAX];
	char ort[OPTION_PATH_MAX];
	char tls_cert[OPTION_PATH_MAX];
	char tls_key[OPTION_PATH_MAX];
	char public_url[256];
	char host_id[LIMIT_NAME];
	bool check, allow_insecure;
	struct serve_devices devices;
	struct ctl_keep keep;
	int log_level;
	int64_t files_max, rate, check_every_ms;
	int64_t reattach_ms, no_match_ms, cool_max_ms, stop_ms;
};

static const char *const log_words[] = {"err", "warn", "info", "debug", NULL};

static const struct option_row rows[] = {
	{.name = "config",
		.letter = 'c',
		.no_file = true,
		.type = OPTION_TEXT,
		.unit = "FILE",
		OPTION_AT(struct serve_values, config),
		.help = "read options from FILE too: lines of `name = value`"},
	{.name = "data",
		.letter = 'd',
		.type = OPTION_TEXT,
		.unit = "DIR",
		OPTION_AT(struct serve_values, data),
		.help = "data directory; default: $FRAMEFARM_DATA, /var/lib/framefarm for root and "
			"for the user whose it is, ~/.local/share/framefarm otherwise"},
	{.name = "listen",
		.letter = 'l',
		.type = OPTION_TEXT,
		.unit = "HOST:PORT",
		.fallback = "127.0.0.1:8765",
		OPTION_AT(struct serve_values, listen),
		.help = "address of API and dashboard; port 0 takes a free one"},
	OPTION_PART(struct serve_values, devices, serve_devices_options),
	{.name = "check",
		.letter = 'n',
		.no_file = true,
		.type = OPTION_FLAG,
		OPTION_AT(struct serve_values, check),
		.help = "check the configuration and exit"},
	{.name = "tools",
		.type = OPTION_TEXT,
		.unit = "DIR",
		OPTION_AT(struct serve_values, tools),
		.help = "where framefarm-agent and the runners lie; default: beside this program, "
			"or "
			"../lib/framefarm from there"},
	{.name = "ort",
		.type = OPTION_TEXT,
		.unit = "FILE",
		OPTION_AT(struct serve_values, ort),
		.help = "ONNX Runtime's library; default: $FRAMEFARM_ORT, else where it is found"},
	{.name = "tls-cert",
		.type = OPTION_TEXT,
		.unit = "FILE",
		OPTION_AT(struct serve_values, tls_cert),
		.help = "certificate chain, PEM"},
	{.name = "tls-key",
		.type = OPTION_TEXT,
		.unit = "FILE",
		OPTION_AT(struct serve_values, tls_key),
		.help = "private key, PEM"},
	{.name = "allow-insecure",
		.type = OPTION_FLAG,
		OPTION_AT(struct serve_values, allow_insecure),
		.help = "listen on another address than loopback without TLS: everybody on the "
			"network "
			"can read the token"},
	{.name = "public-url",
		.type = OPTION_TEXT,
		.unit = "URL",
		OPTION_AT(struct serve_values, public_url),
		.help = "under which clients reach this daemon by a name or through a proxy, as in "
			"https://farm.example; default: the address it listens on"},
	{.name = "host-id",
		.type = OPTION_TEXT,
		.unit = "NAME",
		OPTION_AT(struct serve_values, host_id),
		.help = "this host's name in the rows; default: its host name"},
	{.name = "log-level",
		.type = OPTION_WORD,
		.words = log_words,
		.fallback = "info",
		OPTION_AT(struct serve_values, log_level),
		.help = "how much is logged on stderr"},
	{.name = "files-max",
		.type = OPTION_BYTES,
		.unit = "BYTES",
		.min = 1 << 20,
		.max = 1LL << 50,
		.fallback = "20GiB",
		OPTION_AT(struct serve_values, files_max),
		.help = "quota of uploaded models and data"},
	OPTION_PART(struct serve_values, keep, serve_keep_options),
	{.name = "check-every",
		.type = OPTION_DURATION,
		.unit = "TIME",
		.max = 3650LL * 86400000,
		.fallback = "1d",
		OPTION_AT(struct serve_values, check_every_ms),
		.help = "how often the whole store is read, a little at a time, to find damage "
			"while "
			"there are backups from before it; 0: never"},
	{.name = "rate",
		.type = OPTION_INT,
		.unit = "N",
		.min = 1,
		.max = API_RATE_PER_S_MAX,
		.fallback = "200",
		OPTION_AT(struct serve_values, rate),
		.help = "requests a second that one client may send (its token, and each of its "
			"addresses); five seconds of it may come at once, and who has no token has "
			"a "
			"tenth"},
	{.name = "reattach-time",
		.type = OPTION_DURATION,
		.unit = "TIME",
		.min = 1000,
		.max = 86400000,
		.fallback = "5m",
		OPTION_AT(struct serve_values, reattach_ms),
		.help = "how long a run waits for a device that is out of reach"},
	{.name = "match-time",
		.type = OPTION_DURATION,
		.unit = "TIME",
		.min = 0,
		.max = 86400000,
		.fallback = "10s",
		OPTION_AT(struct serve_values, no_match_ms),
		.help = "how long a job that no known device matches waits for one"},
	{.name = "cool-time",
		.type = OPTION_DURATION,
		.unit = "TIME",
		.min = 0,
		.max = 3600000,
		.fallback = "2m",
		OPTION_AT(struct serve_values, cool_max_ms),
		.help = "longest time a device cools behind a run"},
	{.name = "stop-time",
		.type = OPTION_DURATION,
		.unit = "TIME",
		.min = 1000,
		.max = 600000,
		.fallback = "60s",
		OPTION_AT(struct serve_values, stop_ms),
		.help = "how long devices and store have to come to an end when the daemon is told "
			"to stop; systemd's TimeoutStopSec must be longer"},
};

const struct option_table serve_options = OPTION_TABLE(rows, struct serve_values);

struct serve {
	struct serve_values v;
	struct loop *loop;
	struct host *host;
	struct ctl *ctl;
	struct api *api;
	struct loop_fd *api_fd;
	struct loop_timer *api_timer, *drain_timer;
	struct loop_signal *sigterm, *sigint;
	struct service *service;
	bool stopping, ctl_stopped;
	char url_path[PATHS_MAX];
};

/* ---- configuration ---- */

/* Drivers hand paths to other processes: they must not depend on where we stand. */
static int absolute(char *path, size_t size, struct err *e)
{
	char *full = realpath(path, NULL);
	bool fits;

	if (!full)
		return err_errno(e, errno, "cannot find %s", path);
	fits = str_copy(path, size, full);
	free(full);
	return fits ? 0 : err_set(e, ERR_TOOBIG, "the path of %s is too long", path);
}

static int fill_in_defaults(struct serve_values *v, struct err *e)
{
	int rc;

	if (!*v->data && (rc = paths_data_dir(v->data, e)))
		return rc;
	if (!*v->tools && (rc = paths_tools_dir(v->tools, e)))
		return rc;
	if (!*v->ort)
		paths_find_ort(v->ort);
	if (!*v->host_id && gethostname(v->host_id, sizeof(v->host_id) - 1))
		str_copy(v->host_id, sizeof(v->host_id), "localhost");
	if (!*v->tls_cert != !*v->tls_key)
		return err_set(e, ERR_INVAL, "tls-cert and tls-key go together: give both or none");
	return 0;
}

static int read_options(int argc, char **argv, struct serve_values *v, bool *ret_go_on)
{
	struct option_set set;
	struct err e = {0};
	int n, exit_code = 0;

	*ret_go_on = false;
	if (!command_parse_set("serve", argc, argv, &set, v, &n, &exit_code))
		return exit_code;
	if ((*v->config && options_read_file(&set, v->config, &e)) || fill_in_defaults(v, &e))
		return command_fail("serve", &e, EXIT_USAGE);
	*ret_go_on = true;
	return 0;
}

static struct api_config api_config(const struct serve_values *v)
{
	return (struct api_config){.listen = v->listen,
		.data_dir = v->data,
		.tls_cert = v->tls_cert,
		.tls_key = v->tls_key,
		.allow_insecure = v->allow_insecure,
		.public_url = v->public_url,
		.rate_per_s = v->rate};
}

/* Everything that can be known of a start without making, opening or changing anything. */
static int check(const struct serve_values *v, struct err *e)
{
	struct api_config ac = api_config(v);
	int rc = datadir_check(v->data, e);

	if (!rc)
		rc = api_check(&ac, e);
	return rc ? rc : serve_drivers_check(&v->devices, e);
}

/* ---- the API in the loop ---- */

static void api_due(void *arg)
{
	struct serve *s = arg;

	api_run(s->api);
}

static void api_ready(void *arg, unsigned events)
{
	(void)events;
	api_due(arg);
}

/* ---- the end ---- */

static void drain_over(void *arg)
{
	struct serve *s = arg;

	log_warn("event=stop_now open=\"%s\"", s->ctl_stopped ? "requests" : "devices or store");
	loop_stop(s->loop);
}

static void ctl_stopped(void *arg)
{
	struct serve *s = arg;

	s->ctl_stopped = true;
	loop_timer_set(s->drain_timer, clock_mono_ms() + DRAIN_MS);
}

static void stop(void *arg)
{
	struct serve *s = arg;

	if (s->stopping) {
		log_warn("event=stop_now");
		loop_stop(s->loop);
		return;
	}
	s->stopping = true;
	log_info("event=stopping");
	service_stopping(s->service);
	api_drain(s->api);
	loop_timer_set(s->drain_timer, clock_mono_ms() + s->v.stop_ms);
	ctl_stop(s->ctl, ctl_stopped, s);
}

static void turn(void *arg)
{
	struct serve *s = arg;
	int64_t at;

	ctl_turn(s->ctl);
	api_run(s->api);
	at = api_deadline_ms(s->api);
	if (at == INT64_MAX)
		loop_timer_clear(s->api_timer);
	else
		loop_timer_set(s->api_timer, at);
	if (s->ctl_stopped && api_idle(s->api))
		loop_stop(s->loop);
}

/* ---- the start ---- */

/* For clients on this host that were not told. */
static int write_url(struct serve *s, struct err *e)
{
	char tmp[PATHS_MAX + 8];
	FILE *f;

	if (!paths_join(s->url_path, s->v.data, PATHS_URL_FILE))
		return err_set(e, ERR_TOOBIG, "the path of the data directory is too long");
	snprintf(tmp, sizeof(tmp), "%s.new", s->url_path);
	f = fopen(tmp, "we");
	if (!f)
		return err_errno(e, errno, "cannot write %s", tmp);
	fprintf(f, "%s\n", api_url(s->api));
	if (fclose(f) || rename(tmp, s->url_path))
		return err_errno(e, errno, "cannot write %s", s->url_path);
	return 0;
}

static int start_ctl(struct serve *s, const struct ctl_env *env, struct err *e)
{
	struct serve_drivers drivers;
	struct ctl_config cc = {.data_dir = s->v.data,
		.tools_dir = s->v.tools,
		.ort_path = s->v.ort,
		.drivers = drivers.drivers,
		.blobs_max_bytes = s->v.files_max,
		.keep = s->v.keep,
		.check_every_ms = s->v.check_every_ms};

	serve_drivers_fill(&drivers, &s->v.devices);
	cc.n_drivers = drivers.n;
	farm_config_default(&cc.farm);
	str_copy(cc.farm.host_id, sizeof(cc.farm.host_id), s->v.host_id);
	cc.farm.reattach_ms = s->v.reattach_ms;
	cc.farm.no_match_ms = s->v.no_match_ms;
	cc.farm.cool_max_ms = s->v.cool_max_ms;
	s->ctl = ctl_new(&cc, env, e);
	return s->ctl ? 0 : e->code;
}

/* While threads are at work. No exit(): they may be inside a library that cleans up there, as OpenSSL does
 * under a thread that hashes. */
static _Noreturn void leave(int code)
{
	fflush(NULL);
	_exit(code);
}

static int start(struct serve *s, struct err *e)
{
	struct api_config ac = api_config(&s->v);
	struct ctl_env env;
	int rc = datadir_make(s->v.data, e);

	if (rc || (rc = absolute(s->v.data, sizeof(s->v.data), e)))
		return rc;
	mallopt(M_MMAP_THRESHOLD, MAP_ABOVE);
	s->loop = loop_new(e);
	if (!s->loop)
		return e->code;
	s->host = host_new(s->loop);
	host_env(s->host, &env);
	if ((rc = start_ctl(s, &env, e)))
		return rc;
	ac.turns = loop_turns(s->loop);
	ac.turns_processor = loop_turns_processor(s->loop);
	s->api = api_new(&ac, s->ctl, e);
	if (!s->api)
		return e->code;
	s->api_fd = loop_fd_new(s->loop, api_epoll_fd(s->api), LOOP_READ, api_ready, s);
	s->api_timer = loop_timer_new(s->loop, api_due, s);
	s->drain_timer = loop_timer_new(s->loop, drain_over, s);
	s->sigterm = loop_signal_new(s->loop, SIGTERM, stop, s);
	s->sigint = loop_signal_new(s->loop, SIGINT, stop, s);
	/* Last: who finds the file, or is told, may send a request, or a signal. */
	rc = write_url(s, e);
	if (!rc)
		service_start(s->service, s->loop, s->ctl, api_url(s->api));
	return rc;
}

static void release(struct serve *s)
{
	loop_fd_free(s->api_fd);
	loop_timer_free(s->api_timer);
	loop_timer_free(s->drain_timer);
	loop_signal_free(s->sigterm);
	loop_signal_free(s->sigint);
	service_free(s->service);
	api_free(s->api);
	if (s->api)
		unlink(s->url_path);
	/* Told to stop at once: what is under way in threads ends with the process. */
	if (!s->ctl_stopped)
		return;
	ctl_free(s->ctl);
	loop_free(s->loop);
	host_free(s->host);
}

static int exit_code_of(int code)
{
	switch (code) {
	case ERR_PERM:
		return EXIT_PERMISSION;
	case ERR_INVAL:
	case ERR_RANGE:
	case ERR_PARSE:
		return EXIT_USAGE;
	}
	return EXIT_GENERAL;
}

static void say_hello(const struct serve *s)
{
	log_info("event=listening url=%s on=%s data=\"%s\" local=%s ort=\"%s\"", api_url(s->api),
		s->v.listen, s->v.data, s->v.devices.local ? "yes" : "no",
		*s->v.ort ? s->v.ort : "none");
	if (!*s->v.ort)
		log_warn("event=no_runtime remedy=\"`framefarm doctor` tells how to get ONNX "
			 "Runtime\"");
	printf("framefarm %s listens on %s\n", FRAMEFARM_VERSION, api_url(s->api));
	fflush(stdout);
}

int cmd_serve(int argc, char **argv)
{
	struct serve s = {0};
	struct err e = {0};
	bool go_on;
	int rc = read_options(argc, argv, &s.v, &go_on);

	if (!go_on)
		return rc;
	log_set_level(s.v.log_level);
	if (s.v.check) {
		rc = check(&s.v, &e);
		if (rc)
			return command_fail("serve", &e, exit_code_of(e.code));
		printf("the configuration is good: data %s, listen %s\n", s.v.data, s.v.listen);
		return EXIT_PASS;
	}
	s.service = service_new("opening the store, finding devices");
	rc = start(&s, &e);
	if (rc) {
		/* What was begun ends with the process; nothing of it is worth an orderly end. */
		service_failed(s.service, e.text);
		leave(command_fail("serve", &e, exit_code_of(e.code)));
	}
	say_hello(&s);
	loop_run(s.loop, turn, &s);
	log_info("event=stopped");
	release(&s);
	serve_devices_fini(&s.v.devices);
	if (!s.ctl_stopped)
		leave(EXIT_PASS);
	return EXIT_PASS;
}
