/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ADB driver over the real libusb: phones on USB as devices, with what a person must do, handed to
 * another tool and taken back. The mocked phones shake hands and echo; a whole phone is in test_phone.c.
 */
#include "rig.h"

#include <string.h>

/* A phone can be asked once its session stands; IDENTIFY waits for that. */
static void test_a_phone_arrives_where_it_is_plugged_and_goes(void **state)
{
	struct rig *r = *state;
	struct driver_op op = {.kind = DRIVER_OP_IDENTIFY};

	umock_tell(r->m, "plug 1-4.2 serial=ABC");
	rig_start(r);
	support_until_arrived(r->sh, 1);
	assert_string_equal(support_where(r->sh, 0), "usb 1-4.2");
	assert_int_equal(support_submit(r->sh, &op, NULL), 0);
	while (umock_tell(r->m, "ask 1-4.2 packets") < 2) /* CNXN, OPEN */
		support_step(r->sh);
	umock_tell(r->m, "unplug 1-4.2");
	support_until_done(r->sh, &op);
	assert_int_equal(op.rc, ERR_GONE);
	support_until_gone(r->sh, 1);

	/* It comes back at another port: another arrival; who it is is for IDENTIFY to say. */
	umock_tell(r->m, "plug 1-3 serial=ABC");
	rig_until_arrived(r, 2);
	assert_string_equal(support_where(r->sh, 1), "usb 1-3");
}

static void test_two_phones_with_one_serial_are_two(void **state)
{
	struct rig *r = *state;

	umock_tell(r->m, "plug 1-1 serial=0123456789ABCDEF");
	umock_tell(r->m, "plug 1-2 serial=0123456789ABCDEF");
	umock_tell(r->m, "plug 1-3 serial=");
	rig_start(r);
	support_until_arrived(r->sh, 3);
}

static void test_an_interface_that_is_held_says_so_until_it_is_let_go(void **state)
{
	struct rig *r = *state;

	umock_tell(r->m, "plug 1-1 serial=A");
	umock_tell(r->m, "hold 1-1");
	rig_start(r);
	support_until_arrived(r->sh, 1);
	rig_until_need(r, 0, "another program");
	umock_tell(r->m, "release 1-1");
	support_advance(r->sh, 5000);
	rig_until_no_need(r, 0);
}

static void test_charging_only_is_a_persons_affair(void **state)
{
	struct rig *r = *state;

	umock_tell(r->m, "plug 1-1 serial=A iface=mtp");
	rig_start(r);
	support_until_arrived(r->sh, 1);
	rig_until_need(r, 0, "USB debugging");
}

static void test_a_phone_is_handed_over_and_taken_back(void **state)
{
	struct rig *r = *state;
	struct driver_op id = {.kind = DRIVER_OP_IDENTIFY}, op = {.kind = DRIVER_OP_DETACH};

	umock_tell(r->m, "plug 1-1 serial=A");
	rig_start(r);
	support_until_arrived(r->sh, 1);
	assert_int_equal(support_submit(r->sh, &id, NULL), 0);
	while (umock_tell(r->m, "ask 1-1 packets") < 2)
		support_step(r->sh);
	assert_int_equal(umock_tell(r->m, "ask 1-1 claimed"), 1);
	assert_int_equal(support_do(r->sh, &op), 0);
	support_until_done(r->sh, &id);
	assert_int_equal(id.rc, ERR_GONE);
	rig_until_told(r, "ask 1-1 claimed", 0);
	assert_int_equal(support_n_gone(r->sh), 0);

	/* Another tool has it, and lets go. */
	umock_tell(r->m, "hold 1-1");
	umock_tell(r->m, "release 1-1");
	op.kind = DRIVER_OP_ATTACH;
	assert_int_equal(support_do(r->sh, &op), 0);
	rig_until_told(r, "ask 1-1 claimed", 1);
	memset(&id, 0, sizeof(id));
	id.kind = DRIVER_OP_IDENTIFY;
	assert_int_equal(support_submit(r->sh, &id, NULL), 0);
	for (int i = 0; i < 50; i++)
		support_step(r->sh);
	support_cancel(r->sh, &id);
	support_until_done(r->sh, &id);
	assert_int_equal(id.rc, ERR_CANCELLED);
}

static void test_the_driver_stops_with_phones_in_every_state(void **state)
{
	struct rig *r = *state;

	umock_tell(r->m, "plug 1-1 serial=A");
	umock_tell(r->m, "plug 1-2 serial=B");
	umock_tell(r->m, "hold 1-2");
	umock_tell(r->m, "plug 1-3 serial=C iface=mtp");
	umock_tell(r->m, "plug 1-4 serial=D");
	umock_tell(r->m, "deaf 1-4 1");
	rig_start(r);
	support_until_arrived(r->sh, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_STORY(test_a_phone_arrives_where_it_is_plugged_and_goes),
		RIG_STORY(test_two_phones_with_one_serial_are_two),
		RIG_STORY(test_an_interface_that_is_held_says_so_until_it_is_let_go),
		RIG_STORY(test_charging_only_is_a_persons_affair),
		RIG_STORY(test_a_phone_is_handed_over_and_taken_back),
		RIG_STORY(test_the_driver_stops_with_phones_in_every_state),
	};

	return cmocka_run_group_tests_name("adb_usb", tests, NULL, NULL);
}
