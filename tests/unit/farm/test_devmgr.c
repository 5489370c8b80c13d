/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device manager between the real turn and a driver that does what the test says: a device from
 * arrival to ready, and what is done to it when somebody asks.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agents/msg.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/rstr.h"
#include "drivers/driver.h"
#include "farm/artifacts.h"
#include "farm/blobs.h"
#include "farm/devmgr.h"
#include "farm/ingest.h"
#include "farm/tools.h"
#include "farm/turn.h"
#include "store/store.h"
#include "support_env.h"

/* ---- the driver ---- */

static struct fake {
	struct driver_host *host;
	struct driver_op *op; /* under way */
	int dev;              /* its address is the device's */
	struct stream stream;
	bool stream_open;
	void (*stopped)(void *arg);
	void *stopped_arg;
	char address[64];
	bool added;
} fake;

static const struct driver fake_driver;

static struct driver_dev *the_dev(void)
{
	return (struct driver_dev *)&fake.dev;
}

static int fake_start(struct driver_host *h, const char *dir, const struct driver_option *opts,
	int n_opts, void **ret_inst, struct err *e)
{
	(void)dir, (void)e;
	for (int i = 0; i < n_opts; i++)
		if (!strcmp(opts[i].key, "address"))
			snprintf(fake.address, sizeof(fake.address), "%s", opts[i].value);
	fake.host = h;
	*ret_inst = &fake;
	return 0;
}

static void fake_stop(void *inst, void (*stopped)(void *arg), void *arg)
{
	(void)inst;
	fake.stopped = stopped;
	fake.stopped_arg = arg;
}

static int fake_submit(void *inst, struct driver_op *op, struct err *e)
{
	(void)inst, (void)e;
	assert_null(fake.op);
	fake.op = op;
	return 0;
}

static void fake_cancel(void *inst, struct driver_op *op)
{
	(void)inst, (void)op;
}

static int fake_address(void *inst, const char *address, bool add, struct err *e)
{
	(void)inst;
	if (!strchr(address, ':'))
		return err_set(e, ERR_INVAL, "no port");
	snprintf(fake.address, sizeof(fake.address), "%s", address);
	fake.added = add;
	return 0;
}

static const struct driver fake_driver = {
	.api_version = DRIVER_API_VERSION,
	.name = "fake",
	.start = fake_start,
	.stop = fake_stop,
	.submit = fake_submit,
	.cancel = fake_cancel,
	.address = fake_address,
};

static size_t stream_write(struct stream *s, const uint8_t *data, size_t n)
{
	(void)s, (void)data;
	return n;
}

static void stream_pause(struct stream *s, bool on)
{
	(void)s, (void)on;
}

static void stream_close(struct stream *s)
{
	(void)s;
	fake.stream_open = false;
}

static const struct stream_ops stream_ops = {stream_write, stream_pause, stream_close};

/* ---- the bench ---- */

struct bench {
	char dir[64], data[96];
	struct env *env;
	struct ctl_env ctl;
	struct store *store;
	struct turn *turn;
	struct ingest *ingest;
	struct blobs *blobs;
	struct tools *tools;
	struct devmgr *devmgr;
	struct farm_answer last;
	char body[256];
	int n_answers;
};

static void on_action(void *arg, const struct farm_action *a)
{
	struct bench *b = arg;

	devmgr_action(b->devmgr, a);
}

static void on_answer(void *arg, const struct farm_answer *a)
{
	struct bench *b = arg;

	b->last = *a;
	snprintf(b->body, sizeof(b->body), "%s", rstr_text(a->body));
	b->n_answers++;
}

static void on_event(void *arg, const struct event_row *ev)
{
	(void)arg, (void)ev;
}

static const struct turn_ops turn_ops = {on_action, on_answer, on_event};

static void on_status(void *arg, int64_t device, const struct msg_status *st)
{
	(void)arg, (void)device, (void)st;
}

static const struct devmgr_ops devmgr_ops = {.status = on_status};

static void on_stored(void *arg, int64_t attempt)
{
	(void)arg, (void)attempt;
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* A file is there under its hash, as after an upload. */
static void put_blob(struct bench *b, const char *text, char sha[LIMIT_SHA256])
{
	char path[700], *slash;

	hash_bytes(text, strlen(text), sha);
	blobs_path(b->blobs, sha, path, sizeof(path));
	slash = strrchr(path, '/');
	*slash = '\0';
	mkdir(path, 0700);
	*slash = '/';
	write_file(path, text);
}

static void open_store(struct bench *b)
{
	struct store_config sc = {.dir = b->data, .tables = core_tables};
	struct farm_config cfg;
	struct err e;
	int upgraded;

	b->store = store_open(&sc, &upgraded, &e);
	assert_non_null(b->store);
	farm_config_default(&cfg);
	b->turn = turn_new(&cfg, &b->ctl, b->store, &turn_ops, b);
	b->ingest = ingest_new(&b->ctl, b->store, on_stored, b);
}

static struct bench *open_bench(void)
{
	static const struct driver_option opts[] = {{"address", "127.0.0.1:5555"}};
	struct bench *b = calloc(1, sizeof(*b));
	struct devmgr_config dc = {.farm_id = "farm"};
	char path[160];
	struct err e;

	memset(&fake, 0, sizeof(fake));
	snprintf(b->dir, sizeof(b->dir), "/tmp/ff-devmgr-XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	snprintf(b->data, sizeof(b->data), "%s/data", b->dir);
	mkdir(b->data, 0700);
	snprintf(path, sizeof(path), "%s/riscv64", b->dir);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/riscv64/framefarm-agent", b->dir);
	write_file(path, "an agent");
	b->env = env_new();
	env_ctl(b->env, &b->ctl);
	open_store(b);
	snprintf(path, sizeof(path), "%s/files", b->data);
	b->blobs = blobs_open(&b->ctl, path, 1 << 20, &e);
	assert_non_null(b->blobs);
	b->tools = tools_new(b->dir, "");
	dc.data_dir = b->data;
	b->devmgr =
		devmgr_new(&b->ctl, &dc, b->turn, b->ingest, b->blobs, b->tools, &devmgr_ops, b);
	turn_post(b->turn, &(struct farm_event){.kind = FARM_BOOT});
	assert_int_equal(devmgr_start(b->devmgr, &fake_driver, opts, 1, &e), 0);
	return b;
}

static bool is_idle(void *arg)
{
	struct bench *b = arg;

	turn_run(b->turn);
	return turn_idle(b->turn);
}

static void settle(struct bench *b)
{
	for (int i = 0; i < 4; i++)
		assert_true(env_run_until(b->env, is_idle, b));
}

static void note_stopped(void *arg)
{
	*(bool *)arg = true;
}

static void close_bench(struct bench *b)
{
	bool stopped = false;
	char cmd[128];

	turn_freeze(b->turn);
	devmgr_stop(b->devmgr, note_stopped, &stopped);
	if (fake.op) {
		struct driver_op *op = fake.op;

		fake.op = NULL;
		op->rc = ERR_GONE;
		fake.host->op_done(fake.host, op);
	}
	fake.host->gone(fake.host, the_dev(), "stopped");
	fake.stopped(fake.stopped_arg);
	settle(b);
	assert_true(stopped);
	devmgr_free(b->devmgr);
	ingest_free(b->ingest);
	turn_free(b->turn);
	store_close(b->store);
	tools_free(b->tools);
	blobs_close(b->blobs);
	env_free(b->env);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", b->dir);
	assert_int_equal(system(cmd), 0);
	free(b);
}

/* ---- what the driver does ---- */

static struct driver_op *under_way(struct bench *b, enum driver_op_kind kind)
{
	settle(b);
	if (!fake.op || fake.op->kind != kind)
		fail_msg("%s is under way, not %s",
			fake.op ? driver_op_name(fake.op->kind) : "nothing", driver_op_name(kind));
	return fake.op;
}

static void done(struct bench *b, int rc, const char *text)
{
	struct driver_op *op = fake.op;

	fake.op = NULL;
	op->rc = rc;
	snprintf(op->text, sizeof(op->text), "%s", text);
	fake.host->op_done(fake.host, op);
	settle(b);
}

static void say_welcome(void)
{
	static const struct msg_welcome m = {
		.agent_uuid = "uuid", .abi = "riscv64", .version = PROTO_VERSION};
	uint8_t mem[1024], head[PROTO_HEADER];
	struct proto_w w;

	proto_w_init(&w, mem, sizeof(mem));
	msg_welcome_put(&w, &m);
	proto_header_put(head, PROTO_WELCOME, w.p, w.len);
	fake.stream.events->data(fake.stream.arg, head, sizeof(head));
	fake.stream.events->data(fake.stream.arg, w.p, w.len);
}

static void identify(struct bench *b)
{
	struct driver_identity *id = &under_way(b, DRIVER_OP_IDENTIFY)->result.identity;

	snprintf(id->key, sizeof(id->key), "fake:1");
	snprintf(id->name, sizeof(id->name), "phone");
	snprintf(id->abi, sizeof(id->abi), "riscv64");
	id->caps = DRIVER_CAP_COLLECT | DRIVER_CAP_DETACH | DRIVER_CAP_INSTALL |
	           DRIVER_CAP_PROVISION | DRIVER_CAP_VIRTUAL;
	done(b, 0, "");
}

static void prepare(struct bench *b)
{
	under_way(b, DRIVER_OP_PREPARE);
	done(b, 0, "");
	under_way(b, DRIVER_OP_PUSH);
	done(b, 0, "");
	under_way(b, DRIVER_OP_START);
	done(b, 0, "");
	fake.stream = (struct stream){.ops = &stream_ops};
	fake.stream_open = true;
	under_way(b, DRIVER_OP_CONNECT)->result.stream = &fake.stream;
	done(b, 0, "");
	say_welcome();
	settle(b);
}

static void make_ready(struct bench *b)
{
	fake.host->arrived(fake.host, &fake_driver, the_dev(), "usb 1-1");
	identify(b);
	prepare(b);
	assert_int_equal(farm_device(turn_farm(b->turn), 1)->state, DEVICE_READY);
}

static int64_t state(struct bench *b)
{
	return farm_device(turn_farm(b->turn), 1)->state;
}

static void ask(struct bench *b, enum farm_admin what, enum farm_provision how, const char *more)
{
	struct farm_event ev = {.kind = FARM_DEVICE_ADMIN,
		.token = 5,
		.actor = "ada",
		.u.admin = {.device = 1, .what = what, .reason = "", .provision = how}};

	ev.u.admin.more = more ? rstr_new(more, strlen(more)) : NULL;
	assert_int_equal(turn_request(b->turn, &ev), 0);
	rstr_unref(ev.u.admin.more);
	settle(b);
}

/* ---- stories ---- */

static void a_device_becomes_ready_and_is_marked_virtual(void **arg)
{
	struct bench *b = open_bench();

	(void)arg;
	make_ready(b);
	assert_int_equal(farm_device(turn_farm(b->turn), 1)->is_virtual, 1);
	assert_string_equal(farm_device(turn_farm(b->turn), 1)->place, "usb 1-1");
	assert_int_equal(devmgr_sessions(b->devmgr), 1);
	close_bench(b);
}

static void detaching_ends_the_session_first(void **arg)
{
	struct bench *b = open_bench();

	(void)arg;
	make_ready(b);
	ask(b, FARM_ADMIN_DETACH, 0, NULL);
	under_way(b, DRIVER_OP_DETACH);
	assert_false(fake.stream_open);
	assert_int_equal(devmgr_sessions(b->devmgr), 0);
	assert_int_equal(b->n_answers, 0);
	done(b, 0, "");
	assert_int_equal(b->n_answers, 1);
	assert_int_equal(state(b), DEVICE_NEEDS_HUMAN);
	ask(b, FARM_ADMIN_ATTACH, 0, NULL);
	under_way(b, DRIVER_OP_ATTACH);
	done(b, 0, "");
	identify(b);
	prepare(b);
	assert_int_equal(state(b), DEVICE_READY);
	close_bench(b);
}

static void packages_are_given_as_host_paths(void **arg)
{
	struct bench *b = open_bench();
	char one[LIMIT_SHA256], two[LIMIT_SHA256], more[400];
	const char *const *src;

	(void)arg;
	make_ready(b);
	put_blob(b, "base", one);
	put_blob(b, "split", two);
	snprintf(more, sizeof(more), "[{\"sha256\": \"%s\"}, {\"sha256\": \"%s\"}]", one, two);
	ask(b, FARM_ADMIN_INSTALL, 0, more);
	src = under_way(b, DRIVER_OP_INSTALL)->in.install.src;
	assert_non_null(strstr(src[0], one));
	assert_non_null(strstr(src[1], two));
	assert_null(src[2]);
	assert_int_equal(access(src[0], R_OK), 0);
	done(b, ERR_INVAL, "INSTALL_FAILED_OLDER_SDK");
	assert_string_equal(b->last.text, "INSTALL_FAILED_OLDER_SDK");
	assert_int_equal(state(b), DEVICE_READY);
	/* One that went meanwhile never reaches the driver. */
	memset(one, 'e', 64);
	snprintf(more, sizeof(more), "[{\"sha256\": \"%s\"}]", one);
	ask(b, FARM_ADMIN_INSTALL, 0, more);
	assert_null(fake.op);
	assert_non_null(strstr(b->last.text, "never uploaded"));
	close_bench(b);
}

static void settings_pass_when_they_are_json_and_no_larger_than_they_may_be(void **arg)
{
	struct bench *b = open_bench();

	(void)arg;
	make_ready(b);
	ask(b, FARM_ADMIN_PROVISION, FARM_PROVISION_APPLY, NULL);
	assert_int_equal(
		under_way(b, DRIVER_OP_PROVISION)->in.provision.what, DRIVER_PROVISION_APPLY);
	fake.op->result.provision.json = mem_strdup("[{\"setting\": \"x\"}]");
	done(b, 0, "");
	assert_int_equal(b->last.rc, 0);
	assert_string_equal(b->body, "[{\"setting\": \"x\"}]");
	ask(b, FARM_ADMIN_PROVISION, FARM_PROVISION_CHECK, NULL);
	under_way(b, DRIVER_OP_PROVISION)->result.provision.json = mem_strdup("[{]");
	done(b, 0, "");
	assert_int_equal(b->last.rc, ERR_UNREACHABLE);
	assert_non_null(strstr(b->last.text, "malformed"));
	close_bench(b);
}

static void an_address_goes_to_the_driver(void **arg)
{
	struct bench *b = open_bench();
	struct err e;

	(void)arg;
	assert_string_equal(fake.address, "127.0.0.1:5555"); /* by option */
	assert_int_equal(devmgr_address(b->devmgr, "10.0.0.7:5555", true, &e), 0);
	assert_string_equal(fake.address, "10.0.0.7:5555");
	assert_true(fake.added);
	assert_int_equal(devmgr_address(b->devmgr, "10.0.0.7:5555", false, &e), 0);
	assert_false(fake.added);
	assert_int_equal(devmgr_address(b->devmgr, "x", true, &e), ERR_INVAL);
	make_ready(b); /* what close_bench() lets go */
	close_bench(b);
}

/* The core asks for it behind a failed attempt; here it is asked for by hand. */
static void logs_are_held_to_their_quota(void **arg)
{
	struct bench *b = open_bench();
	struct ctl_artifact files[CTL_ARTIFACTS_MAX];
	struct farm_action act = {
		.id = 900, .kind = ACTION_COLLECT, .device = 1, .handle = 1, .arg = 42};
	char path[700];

	(void)arg;
	make_ready(b);
	devmgr_action(b->devmgr, &act);
	snprintf(path, sizeof(path), "%s/logcat.txt",
		under_way(b, DRIVER_OP_COLLECT)->in.collect.dst);
	assert_non_null(strstr(path, "/artifacts/a42/"));
	write_file(path, "F boom");
	snprintf(path, sizeof(path), "%s/big", fake.op->in.collect.dst);
	write_file(path, "");
	assert_int_equal(truncate(path, ARTIFACTS_BYTES + 1), 0);
	snprintf(path, sizeof(path), "%s/link", fake.op->in.collect.dst);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	snprintf(path, sizeof(path), "%s/a name", fake.op->in.collect.dst);
	write_file(path, "x");
	done(b, ERR_IO, "the cable dropped"); /* what came all the same is kept */
	assert_int_equal(artifacts_list(b->data, 42, files, CTL_ARTIFACTS_MAX), 2);
	assert_string_equal(files[0].name, "big");
	assert_string_equal(files[1].name, "logcat.txt");
	assert_true(files[0].bytes + files[1].bytes <= ARTIFACTS_BYTES);
	close_bench(b);
}

static void nothing_collected_leaves_nothing(void **arg)
{
	struct bench *b = open_bench();
	struct farm_action act = {
		.id = 900, .kind = ACTION_COLLECT, .device = 1, .handle = 1, .arg = 43};
	struct ctl_artifact files[CTL_ARTIFACTS_MAX];
	char path[160];

	(void)arg;
	make_ready(b);
	devmgr_action(b->devmgr, &act);
	under_way(b, DRIVER_OP_COLLECT);
	done(b, 0, "");
	snprintf(path, sizeof(path), "%s/artifacts/a43", b->data);
	assert_int_not_equal(access(path, F_OK), 0);
	assert_int_equal(artifacts_list(b->data, 43, files, CTL_ARTIFACTS_MAX), 0);
	close_bench(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_device_becomes_ready_and_is_marked_virtual),
		cmocka_unit_test(detaching_ends_the_session_first),
		cmocka_unit_test(packages_are_given_as_host_paths),
		cmocka_unit_test(settings_pass_when_they_are_json_and_no_larger_than_they_may_be),
		cmocka_unit_test(an_address_goes_to_the_driver),
		cmocka_unit_test(logs_are_held_to_their_quota),
		cmocka_unit_test(nothing_collected_leaves_nothing),
	};

	return cmocka_run_group_tests_name("farm_devmgr", tests, NULL, NULL);
}
