/* SPDX-License-Identifier: Apache-2.0 */
/* Phones that speak ADB in their own way; see quirks.h. */
#include "quirks.h"

#include <string.h>

#include "base/err.h"
#include "base/str.h"

/* Fails without: a payload that both take (ours is 1 MiB). */
static void small_payloads(void **state)
{
	struct rig *r = *state;
	char word[5000];

	rig_open(r);
	quirk_works(r);
	/* A command that does not fit is refused here; sent, it would cost the connection. */
	memset(word, 'x', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	rig_op(r, DRIVER_OP_EXEC);
	r->op.in.exec.argv[0] = "echo";
	r->op.in.exec.argv[1] = word;
	assert_int_equal(support_submit(r->sh, &r->op, NULL), ERR_TOOBIG);
	quirk_works(r);
}

/* Fails without: sums behind the handshake where the phone's version is the old one. */
static void sums(void **state)
{
	struct rig *r = *state;

	rig_open(r);
	quirk_works(r);
}

/* Fails without: the old shell with its status asked for; sync version 1; install by a file. */
static void no_features(void **state)
{
	struct rig *r = *state;

	rig_open(r);
	quirk_works(r);
	assert_int_equal(RIG_RUN(r, NULL, "sh", "-c", "echo out; echo err >&2; exit 7"), 7);
	assert_string_equal(r->op.result.exec.out, "out\nerr\n");
	rig_drop_output(r);
	quirk_installs(r, 0, NULL);
}

/* Fails without: the window in OPEN, which such a phone does not do without. */
static void delayed_acks(void **state)
{
	struct rig *r = *state;

	rig_open(r);
	quirk_works(r);
}

/* Fails without: waiting for credit, which was granted in the answer to OPEN. */
static void a_small_window(void **state)
{
	struct rig *r = *state;
	char path[TMP_PATH];

	rig_open(r);
	quirk_works(r);
	rig_make_file(r, "large", 5000000); /* several packets of a megabyte */
	str_copy(path, sizeof(path), tmp_path(&r->tmp, "large"));
	rig_push(r, path, false);
	rig_do(r);
}

/* Fails without: passing over a CLSE of a stream that is closed. */
static void closes_come_twice(void **state)
{
	struct rig *r = *state;

	rig_open(r);
	quirk_works(r);
	quirk_works(r);
}

/* Fails without: taking CLSE with the id 0 for an established stream. */
static void closes_without_an_id(void **state)
{
	struct rig *r = *state;

	rig_open(r);
	quirk_works(r);
}

/* Fails without: ids that are never used again. */
static void closes_come_late(void **state)
{
	struct rig *r = *state;
	struct driver_op op;

	rig_open(r);
	quirk_works(r);
	/* Open when the second CLSE of all those comes. */
	memset(&op, 0, sizeof(op));
	op.kind = DRIVER_OP_EXEC;
	op.in.exec.argv[0] = "sleep";
	op.in.exec.argv[1] = "1";
	assert_int_equal(support_do(r->sh, &op), 0);
	assert_int_equal(op.result.exec.exit_code, 0);
	r->op = op;
	rig_drop_output(r);
}

/* Fails without: passing over what comes before the first answer. */
static void packets_of_before(void **state)
{
	struct rig *r = *state;

	rig_open(r);
	quirk_works(r);
	assert_int_equal(support_n_arrived(r->sh), 1);
}

/* Fails without: a stream that hears as soon as its OKAY is there. */
static void data_with_the_answer(void **state)
{
	struct rig *r = *state;

	rig_open(r);
	quirk_works(r);
}

/* Fails without: ten seconds of patience for the answer to an OPEN. */
static void slow_acks(void **state)
{
	struct rig *r = *state;

	rig_open(r);
	assert_int_equal(RIG_RUN(r, NULL, "true"), 0);
	rig_drop_output(r);
	assert_int_equal(support_n_gone(r->sh), 0);
}

static const struct CMUnitTest tests[] = {
	QUIRK_STORY(small_payloads, "--quirk max-payload=4096"),
	QUIRK_STORY(sums, "--quirk old-version"),
	QUIRK_STORY(no_features, "--quirk no-features"),
	QUIRK_STORY(delayed_acks, "--quirk delayed-ack"),
	QUIRK_STORY(a_small_window, "--quirk delayed-ack --quirk ack-window=65536"),
	QUIRK_STORY(closes_come_twice, "--quirk dup-close"),
	QUIRK_STORY(closes_without_an_id, "--quirk zero-close"),
	QUIRK_STORY(closes_come_late, "--quirk late-close=300"),
	QUIRK_STORY(packets_of_before, "--quirk stale-packets=7"),
	QUIRK_STORY(data_with_the_answer, "--quirk eager-write"),
	QUIRK_STORY(slow_acks, "--quirk slow-ack=400"),
};

const struct quirk_stories quirks_of_packets = {tests, sizeof(tests) / sizeof(tests[0])};
