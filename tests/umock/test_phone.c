/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole virtual phone at a mocked port, and the driver over the real libusb: what becomes of a
 * phone that works, restarts, moves, and is one of two with the same serial. What else a driver does
 * with a phone is in tests/system/adbdriver.c, which is run at such a port too.
 */
#include "phone.h"
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define PORT "1-4.2"

struct known {
	struct driver_identity id;
	char where[LIMIT_NAME];
};

static void do_op(struct rig *r, struct driver_op *op)
{
	if (support_do(r->sh, op))
		fail_msg("%s: %s", driver_op_name(op->kind), op->text);
}

static void plug(struct rig *r, const char *path, const struct phone *p)
{
	umock_tell(r->m, "plug %s role=phone tcp=%d serial=%s", path, p->port, p->serial);
}

static void identify(struct rig *r, struct driver_dev *dev, struct driver_identity *ret_id)
{
	struct driver_op op = {.kind = DRIVER_OP_IDENTIFY, .dev = dev};

	do_op(r, &op);
	*ret_id = op.result.identity;
}

/* The newest device is the phone that is known: same key, there. */
static void expect_known(struct rig *r, const struct driver_identity *known, const char *where)
{
	struct driver_identity id;

	identify(r, NULL, &id);
	assert_string_equal(id.key, known->key);
	assert_string_equal(support_where(r->sh, support_n_arrived(r->sh) - 1), where);
}

static int run_shell(struct rig *r, const char *script)
{
	struct driver_op op = {.kind = DRIVER_OP_EXEC, .in.exec.argv = {"sh", "-c", script}};

	do_op(r, &op);
	free(op.result.exec.out);
	free(op.result.exec.err);
	return op.result.exec.exit_code;
}

/* Pushes and starts the agent; true when one that ran already was found. */
static bool start_agent(struct rig *r, uint8_t secret, uint8_t *ret_secret)
{
	struct driver_op op = {.kind = DRIVER_OP_PREPARE}, push = {.kind = DRIVER_OP_PUSH};
	long long bytes;

	do_op(r, &op);
	str_copy(push.in.push.src, sizeof(push.in.push.src), phone_build_path("framefarm-agent"));
	tmp_hash(push.in.push.src, push.in.push.sha256, &bytes);
	push.in.push.bytes = bytes;
	push.in.push.executable = true;
	do_op(r, &push);
	memset(&op, 0, sizeof(op));
	op.kind = DRIVER_OP_START;
	memcpy(op.in.start.agent_sha256, push.in.push.sha256, sizeof(op.in.start.agent_sha256));
	memset(op.in.start.secret, secret, sizeof(op.in.start.secret));
	do_op(r, &op);
	*ret_secret = op.in.start.secret[0];
	return op.result.start.running;
}

/* It has left the bus, and is back there: with the n-th address at that port. */
static void until_back(struct rig *r, int plugs)
{
	int arrived = support_n_arrived(r->sh);

	support_until_gone(r->sh, 1);
	rig_until_told(r, "ask " PORT " plugs", plugs);
	rig_until_arrived(r, arrived + 1);
}

/* ---- stories ---- */

static void test_a_phone_that_restarts_is_the_same_one(void **state)
{
	struct phone p = phone_start("--profile", "pixel-8", NULL);
	struct driver_op reboot = {.kind = DRIVER_OP_REBOOT};
	struct rig *r = *state;
	struct driver_identity id;
	uint8_t secret;
	long addr;

	plug(r, PORT, &p);
	rig_start(r);
	rig_until_arrived(r, 1);
	identify(r, NULL, &id);
	assert_false(start_agent(r, 1, &secret));
	assert_true(start_agent(r, 2, &secret));
	assert_int_equal(secret, 1);
	addr = umock_tell(r->m, "ask " PORT " address");
	do_op(r, &reboot);
	until_back(r, 2);
	assert_true(umock_tell(r->m, "ask " PORT " address") > addr);
	expect_known(r, &id, "usb " PORT);
	assert_false(start_agent(r, 3, &secret)); /* nothing survives a restart */
	phone_stop(&p);
}

static void test_an_adbd_that_restarts_takes_what_runs_over_it(void **state)
{
	struct phone p = phone_start("--profile", "pixel-8", "--quirk", "restart-after=500", NULL);
	struct driver_op op = {.kind = DRIVER_OP_EXEC, .in.exec.argv = {"sleep", "1000"}};
	struct rig *r = *state;
	struct driver_identity id;

	plug(r, PORT, &p);
	rig_start(r);
	rig_until_arrived(r, 1);
	identify(r, NULL, &id);
	assert_int_equal(support_submit(r->sh, &op, NULL), 0);
	support_until_done(r->sh, &op);
	assert_int_equal(op.rc, ERR_GONE);
	until_back(r, 2);
	expect_known(r, &id, "usb " PORT);
	assert_int_equal(run_shell(r, "exit 7"), 7);
	phone_stop(&p);
}

static void test_a_phone_that_moves_takes_its_agent_with_it(void **state)
{
	struct phone p = phone_start("--profile", "pixel-8", NULL);
	struct rig *r = *state;
	struct driver_identity id;
	uint8_t secret;

	plug(r, PORT, &p);
	rig_start(r);
	rig_until_arrived(r, 1);
	identify(r, NULL, &id);
	assert_false(start_agent(r, 1, &secret));
	umock_tell(r->m, "unplug " PORT);
	support_until_gone(r->sh, 1);
	plug(r, "2-1", &p); /* another controller's */
	rig_until_arrived(r, 2);
	expect_known(r, &id, "usb 2-1");
	assert_true(start_agent(r, 2, &secret));
	assert_int_equal(secret, 1);
	phone_stop(&p);
}

/* Their USB descriptors have one serial or none, and so has ro.serialno. */
static void test_phones_with_one_serial_and_with_none_are_told_apart(void **state)
{
	struct phone a = phone_start("--profile", "pixel-8", "--seed", "7", NULL);
	struct phone b = phone_start("--profile", "pixel-8", "--seed", "7", NULL);
	struct driver_identity ids[3];
	struct rig *r = *state;
	char start[LIMIT_KEY];

	assert_string_equal(a.serial, b.serial);
	plug(r, "1-1", &a);
	plug(r, "1-2", &b);
	rig_start(r);
	rig_until_arrived(r, 2);
	identify(r, support_dev(r->sh, 0), &ids[0]);
	identify(r, support_dev(r->sh, 1), &ids[1]);
	snprintf(start, sizeof(start), "adb:%s:", a.serial);
	for (int i = 0; i < 2; i++)
		assert_int_equal(strncmp(ids[i].key, start, strlen(start)), 0);
	assert_string_not_equal(ids[0].key, ids[1].key);

	/* The cable of a phone that gives USB no serial: it is known by what it says itself. */
	umock_tell(r->m, "unplug 1-1");
	support_until_gone(r->sh, 1);
	umock_tell(r->m, "plug 1-1 role=phone tcp=%d serial=", a.port);
	rig_until_arrived(r, 3);
	identify(r, NULL, &ids[2]);
	assert_true(!strcmp(ids[2].key, ids[0].key) || !strcmp(ids[2].key, ids[1].key));
	phone_stop(&a);
	phone_stop(&b);
}

/* What a dead owner left comes first, and the phone takes nothing until its halt is cleared. */
static void test_a_phone_whose_owner_died_is_brought_back(void **state)
{
	struct phone p = phone_start("--profile", "pixel-8", NULL);
	struct rig *r = *state;
	struct driver_op op = {.kind = DRIVER_OP_IDENTIFY};

	plug(r, PORT, &p);
	umock_tell(r->m, "stale " PORT " 100000");
	umock_tell(r->m, "deaf " PORT " 1");
	rig_start(r);
	rig_until_arrived(r, 1);
	assert_int_equal(support_submit(r->sh, &op, NULL), 0);
	while (umock_tell(r->m, "ask " PORT " halts") < 2) {
		support_step(r->sh);
		support_advance(r->sh, 50);
	}
	umock_tell(r->m, "deaf " PORT " 0");
	support_until_done(r->sh, &op);
	assert_int_equal(op.rc, 0);
	assert_int_equal(run_shell(r, "exit 7"), 7);
	phone_stop(&p);
}

/* The key is made, shown to the phone, and known to it from then on. */
static void test_a_phone_that_asks_for_a_tap_says_so(void **state)
{
	struct phone p = phone_start("--profile", "pixel-8", "--auth", "--deny", NULL);
	struct rig *r = *state;

	plug(r, PORT, &p);
	rig_start(r);
	rig_until_arrived(r, 1);
	rig_until_need(r, 0, "allow USB debugging");
	phone_stop(&p);
	rig_until_told(r, "ask " PORT " address", 0);
	support_until_gone(r->sh, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_STORY(test_a_phone_that_restarts_is_the_same_one),
		RIG_STORY(test_an_adbd_that_restarts_takes_what_runs_over_it),
		RIG_STORY(test_a_phone_that_moves_takes_its_agent_with_it),
		RIG_STORY(test_phones_with_one_serial_and_with_none_are_told_apart),
		RIG_STORY(test_a_phone_whose_owner_died_is_brought_back),
		RIG_STORY(test_a_phone_that_asks_for_a_tap_says_so),
	};

	return cmocka_run_group_tests_name("adb_phone", tests, NULL, NULL);
}
