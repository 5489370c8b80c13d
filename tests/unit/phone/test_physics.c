/* SPDX-License-Identifier: Apache-2.0 */
/* The phone's body: what heats cools, what is hot is throttled, and the books balance. */
#include "support.h"

#include <math.h>
#include <string.h>

#include "drivers/virtual/physics.h"

static void run(struct physics *s, const struct profile *p, double load, bool powered, int64_t ms)
{
	struct physics_input in = {.load = load, .powered = powered};

	for (int64_t end = s->now_ms + ms; s->now_ms < end;)
		physics_step(s, p, &in, s->now_ms + 200 < end ? s->now_ms + 200 : end);
}

static void rest_is_near_the_air_and_work_heats_the_die_first(void **state)
{
	struct profile *p = support_profile("pixel-8");
	struct physics s;
	double die, skin;

	(void)state;
	physics_init(&s, p, 1);
	run(&s, p, 0, true, 60000);
	die = s.die_c;
	skin = s.skin_c;
	assert_true(skin > p->heat.ambient_c && skin < p->heat.ambient_c + 8);
	run(&s, p, profile_cpus(p), true, 20000);
	assert_true(s.die_c > die + 20);
	assert_true(s.skin_c > skin && s.skin_c < skin + 5);
	run(&s, p, 0, true, 600000);
	assert_true(fabs(s.die_c - die) < 5);
	profile_free(p);
}

/* Without throttling, the end of heating is power times both resistances. */
static void the_steady_state_is_ohms_law_of_heat(void **state)
{
	struct profile *p = support_profile("pixel-8");
	struct physics s;
	double watts = p->heat.idle_w + p->heat.cpu_w;

	(void)state;
	p->thermal.throttle_c = 1000;
	physics_init(&s, p, 1);
	run(&s, p, profile_cpus(p), true, 7200000);
	assert_true(fabs(s.skin_c - (p->heat.ambient_c + watts * p->heat.skin_air_k_per_w)) < 0.5);
	assert_true(fabs(s.die_c - s.skin_c - watts * p->heat.die_skin_k_per_w) < 0.5);
	profile_free(p);
}

static void a_hot_die_is_capped_and_released_a_step_at_a_time(void **state)
{
	struct profile *p = support_profile("pixel-8");
	struct physics s;
	int64_t top, cap, worst;

	(void)state;
	physics_init(&s, p, 1);
	top = cap = worst = physics_cap_khz(&s, p, 2);
	for (int i = 0; i < 600; i++) {
		int before = s.cap[2];

		run(&s, p, profile_cpus(p), true, 500);
		assert_true(before - s.cap[2] <= 1 && s.cap[2] - before <= 1);
		cap = physics_cap_khz(&s, p, 2);
		worst = cap < worst ? cap : worst;
	}
	assert_true(worst < top);
	assert_true(s.die_c < p->thermal.throttle_c + 5);
	assert_true(physics_clock_khz(&s, p, 2) <= cap);
	run(&s, p, 0, true, 600000);
	assert_int_equal(physics_cap_khz(&s, p, 2), top);
	assert_int_equal(physics_cooling(&s, p, 2), 0);
	profile_free(p);
}

static void the_battery_gives_what_is_used(void **state)
{
	struct profile *p = support_profile("pixel-8");
	struct physics s;
	double before, charge_j;

	(void)state;
	physics_init(&s, p, 1);
	before = s.charge_uah;
	run(&s, p, profile_cpus(p), false, 3600000);
	charge_j = (before - s.charge_uah) * 3600e-6 * physics_open_uv(0.7) / 1e6;
	assert_true(s.charge_uah < before);
	assert_true(fabs(charge_j / (s.energy_uj / 1e6) - 1) < 0.05);
	assert_true(s.gauge.current_ua < 0 && !s.gauge.charging);
	run(&s, p, 0, true, 60000);
	assert_true(s.gauge.current_ua > 0 && s.gauge.charging);
	profile_free(p);
}

/* V = open voltage + I·R, as far as the gauge's noise and steps let one see. */
static void voltage_falls_under_load(void **state)
{
	struct profile *p = support_profile("xiaomi-mi-8");
	struct physics s;
	int64_t idle_uv, busy_uv;

	(void)state;
	physics_init(&s, p, 1);
	run(&s, p, 0, false, 10000);
	idle_uv = s.gauge.voltage_uv;
	run(&s, p, profile_cpus(p), false, 10000);
	busy_uv = s.gauge.voltage_uv;
	assert_true(idle_uv - busy_uv > 100000 && idle_uv - busy_uv < 400000);
	profile_free(p);
}

static void the_gauge_has_a_period_of_its_own(void **state)
{
	struct profile *p = support_profile("galaxy-s9");
	struct physics s;
	int changes = 0;

	(void)state;
	physics_init(&s, p, 1);
	for (int i = 0; i < 300; i++) {
		int64_t before = s.gauge.current_ua;

		run(&s, p, 1, false, 100);
		changes += s.gauge.current_ua != before;
	}
	assert_true(changes >= 5 && changes <= 7); /* 30 s of a gauge of 5 s */
	profile_free(p);
}

static void a_seed_is_a_phone_of_its_own(void **state)
{
	struct profile *p = support_profile("pixel-8");
	struct physics a, b, c;

	(void)state;
	physics_init(&a, p, 7);
	physics_init(&b, p, 7);
	physics_init(&c, p, 8);
	for (int i = 0; i < 100; i++) {
		run(&a, p, i % 5, i & 1, 333);
		run(&b, p, i % 5, i & 1, 333);
		run(&c, p, i % 5, i & 1, 333);
	}
	assert_memory_equal(&a, &b, sizeof(a));
	assert_int_not_equal(a.gauge.current_ua, c.gauge.current_ua);
	assert_int_not_equal(physics_zone(&a, p, 0), physics_zone(&c, p, 0));
	profile_free(p);
}

static void zones_have_the_units_of_their_kernel(void **state)
{
	struct profile *p = support_profile("galaxy-s9");
	struct physics s;

	(void)state;
	physics_init(&s, p, 1);
	assert_true(physics_zone(&s, p, 0) > 20000 && physics_zone(&s, p, 0) < 60000);
	assert_true(physics_zone(&s, p, 1) > 200 && physics_zone(&s, p, 1) < 600);
	assert_int_equal(physics_zone(&s, p, 6), 0); /* not fitted */
	profile_free(p);
}

static void time_does_not_go_back(void **state)
{
	struct profile *p = support_profile("pixel-8");
	struct physics_input in = {.load = 9};
	struct physics s, before;

	(void)state;
	physics_init(&s, p, 1);
	physics_step(&s, p, &in, 1000);
	before = s;
	physics_step(&s, p, &in, 500);
	physics_step(&s, p, &in, 1000);
	assert_int_equal(s.now_ms, before.now_ms);
	assert_true(s.die_c == before.die_c);
	/* A machine that slept costs a bounded number of steps. */
	physics_step(&s, p, &in, INT64_MAX / 2);
	assert_int_equal(s.now_ms, INT64_MAX / 2);
	profile_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rest_is_near_the_air_and_work_heats_the_die_first),
		cmocka_unit_test(the_steady_state_is_ohms_law_of_heat),
		cmocka_unit_test(a_hot_die_is_capped_and_released_a_step_at_a_time),
		cmocka_unit_test(the_battery_gives_what_is_used),
		cmocka_unit_test(voltage_falls_under_load),
		cmocka_unit_test(the_gauge_has_a_period_of_its_own),
		cmocka_unit_test(a_seed_is_a_phone_of_its_own),
		cmocka_unit_test(zones_have_the_units_of_their_kernel),
		cmocka_unit_test(time_does_not_go_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
