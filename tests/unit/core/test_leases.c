/* SPDX-License-Identifier: Apache-2.0 */
/* Reservations, and what becomes of a device whose lease ends in the middle of something. */
#include "support.h"

#include <string.h>

/* Somebody reserves the only device, and has it. Returns the lease. */
static int64_t reserved(struct story *s, int64_t device)
{
	struct farm_event ev = {.kind = FARM_LEASE_ASK,
		.token = 9,
		.actor = "ada",
		.u.ask = {.for_ms = 3600000, .reason = "debugging"}};

	ev.u.ask.selector = rstr_new("{}", 2);
	step(s, &ev);
	rstr_unref(ev.u.ask.selector);
	assert_int_equal(s->last.rc, 0);
	if (s->can_expose)
		answer(s, ACTION_EXPOSE, device, 0, "");
	assert_int_equal(state_of(s, device), DEVICE_BUSY);
	return s->last.id;
}

static void release(struct story *s, int64_t lease)
{
	step(s, &(struct farm_event){.kind = FARM_LEASE_RELEASE,
			.token = 9,
			.actor = "ada",
			.u.release = {.lease = lease}});
	assert_int_equal(s->last.rc, 0);
}

static void a_reserved_phone_is_taken_back_and_cleaned(void **state)
{
	struct story *s = *state;
	int64_t d, l;

	s->can_expose = true;
	d = ready_device(s, 1);
	l = reserved(s, d);
	assert_int_equal(farm_lease(s->farm, l)->state, LEASE_ACTIVE);
	release(s, l);
	assert_int_equal(farm_lease(s->farm, l)->state, LEASE_RELEASING);
	answer(s, ACTION_UNEXPOSE, d, 0, "");
	answer(s, ACTION_CLEAN, d, 0, "");
	assert_null(farm_lease(s->farm, l));
}

/* Its agent is lost while it is taken back, and an operator takes it out: its lease is over then, and what
 * comes of the taking back is nobody's any more. */
static void a_phone_may_be_quarantined_while_it_is_taken_back(void **state)
{
	struct story *s = *state;
	int64_t d, l;

	s->can_expose = true;
	d = ready_device(s, 1);
	l = reserved(s, d);
	release(s, l);
	step(s, &(struct farm_event){.kind = FARM_AGENT_LOST,
			.u.agent_lost = {.device = d, .text = "it said nothing any more"}});
	assert_int_equal(state_of(s, d), DEVICE_RECOVERING);
	/* Both in one turn: the lease is forgotten behind it. */
	farm_step(s->farm,
		&(struct farm_event){.kind = FARM_DEVICE_ADMIN,
			.actor = "ada",
			.u.admin = {.device = d,
				.what = FARM_ADMIN_QUARANTINE,
				.reason = "broken"}},
		s->now, &s->out);
	answer(s, ACTION_UNEXPOSE, d, ERR_GONE, "cancelled");
	assert_int_equal(state_of(s, d), DEVICE_QUARANTINED);
	assert_null(farm_lease(s->farm, l));
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, story_setup, story_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_reserved_phone_is_taken_back_and_cleaned),
		T(a_phone_may_be_quarantined_while_it_is_taken_back),
	};

	return cmocka_run_group_tests_name("leases", tests, NULL, NULL);
}
