/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a virtual phone; see physics.h. */
#include "drivers/virtual/physics.h"

#include <math.h>
#include <string.h>

#define MAH_TO_UAH 1000.0
#define S_PER_HOUR 3600.0

/* splitmix64: small, seedable, the same everywhere. */
static uint64_t next_random(uint64_t *rng)
{
	uint64_t z = (*rng += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* -1…1 */
static double noise(uint64_t *rng)
{
	return (double)(next_random(rng) >> 11) / 4503599627370496.0 - 1;
}

/* A lithium cell between 3.3 V and 4.35 V: flat in the middle, steep at the ends. */
double physics_open_uv(double soc)
{
	static const double table[] = {3.30e6, 3.62e6, 3.70e6, 3.75e6, 3.79e6, 3.84e6, 3.90e6,
		3.98e6, 4.08e6, 4.20e6, 4.35e6};
	double at = fmin(fmax(soc, 0), 1) * 10;
	int i = at >= 10 ? 9 : (int)at;

	return table[i] + (table[i + 1] - table[i]) * (at - i);
}

static double soc_of(const struct physics *s, const struct profile *p)
{
	return s->charge_uah / ((double)p->battery.capacity_mah * MAH_TO_UAH);
}

/* ---- clocks ---- */

static int top(const struct profile_policy *pol)
{
	return pol->n_freqs - 1;
}

/* A governor goes by its busiest CPU: an idle phone rests at its lowest clock, and one whole busy CPU is
 * enough for the highest that is allowed. */
static void choose_clocks(struct physics *s, const struct profile *p)
{
	double busiest = fmin(s->load * profile_cpus(p), 1);

	for (int i = 0; i < p->n_policies; i++) {
		int want = (int)lround(busiest * top(&p->policies[i]));

		s->cur[i] = want < s->cap[i] ? want : s->cap[i];
	}
}

static void throttle(struct physics *s, const struct profile *p)
{
	if (s->now_ms < s->next_throttle_ms)
		return;
	s->next_throttle_ms = s->now_ms + PHYSICS_THROTTLE_MS;
	for (int i = 0; i < p->n_policies; i++) {
		if (s->die_c >= p->thermal.throttle_c && s->cap[i] > 0)
			s->cap[i]--;
		else if (s->die_c <= p->thermal.release_c && s->cap[i] < top(&p->policies[i]))
			s->cap[i]++;
	}
}

/* Power goes with about the square of the clock, since the voltage follows it. */
static double clock_share(const struct physics *s, const struct profile *p)
{
	double sum = 0, cpus = 0;

	for (int i = 0; i < p->n_policies; i++) {
		const struct profile_policy *pol = &p->policies[i];
		double f = (double)pol->freqs_khz[s->cur[i]] / (double)pol->freqs_khz[top(pol)];

		sum += f * f * (double)pol->count;
		cpus += (double)pol->count;
	}
	return cpus > 0 ? sum / cpus : 1;
}

/* ---- battery ---- */

/* What goes into the battery, in µA: negative while it feeds the phone. The charger serves the phone
 * first; near the top its current falls. */
static double battery_ua(const struct physics *s, const struct profile *p, bool powered)
{
	double soc = soc_of(s, p), used = s->watts * 1e12 / physics_open_uv(soc);

	if (!powered)
		return -used;
	if (soc >= 1)
		return 0;
	return (double)p->battery.charge_ma * 1000 * fmin(1, (1 - soc) * 5 + 0.05);
}

static double voltage_uv(const struct physics *s, const struct profile *p, double ua)
{
	return physics_open_uv(soc_of(s, p)) + ua * (double)p->battery.resistance_mohm / 1000;
}

/* The gauge shows the mean current since its last value, as real ones do. */
static void show(struct physics *s, const struct profile *p, bool powered)
{
	struct physics_gauge *g = &s->gauge;
	double span_s = (double)(s->now_ms - s->gauge_since_ms) / 1000;
	double ua = span_s > 0 ? s->gauge_uc / span_s : battery_ua(s, p, powered);

	g->current_ua = llround(ua + noise(&s->rng) * 1500);
	g->voltage_uv = llround((voltage_uv(s, p, ua) + noise(&s->rng) * 1500) / 1000) * 1000;
	g->counter_uah = llround(s->charge_uah / 100) * 100;
	g->level = llround(fmin(fmax(soc_of(s, p), 0), 1) * 100);
	g->temp_deci = llround(s->battery_c * 10);
	g->full = powered && soc_of(s, p) >= 1;
	g->charging = powered && !g->full;
	s->gauge_uc = 0;
	s->gauge_since_ms = s->now_ms;
	s->next_gauge_ms = s->now_ms + p->battery.gauge_ms;
}

/* ---- time ---- */

static void integrate(
	struct physics *s, const struct profile *p, const struct physics_input *in, double dt)
{
	const struct profile_heat *h = &p->heat;
	double full_uah = (double)p->battery.capacity_mah * MAH_TO_UAH, ua, inward, outward;

	s->watts = h->idle_w + h->cpu_w * s->load * clock_share(s, p);
	inward = (s->die_c - s->skin_c) / h->die_skin_k_per_w;
	outward = (s->skin_c - h->ambient_c) / h->skin_air_k_per_w;
	s->die_c += (s->watts - inward) / h->die_j_per_k * dt;
	s->skin_c += (inward - outward) / h->skin_j_per_k * dt;
	s->battery_c += (s->skin_c - s->battery_c) * fmin(dt / 60, 1);

	ua = battery_ua(s, p, in->powered);
	s->charge_uah = fmin(fmax(s->charge_uah + ua * dt / S_PER_HOUR, 0), full_uah);
	s->gauge_uc += ua * dt;
	s->energy_uj += s->watts * dt * 1e6;
}

void physics_step(
	struct physics *s, const struct profile *p, const struct physics_input *in, int64_t now_ms)
{
	int cpus = profile_cpus(p);

	if (now_ms - s->now_ms > PHYSICS_SPAN_MS)
		s->now_ms = now_ms - PHYSICS_SPAN_MS;
	s->load = fmin(fmax(cpus ? in->load / cpus : in->load, 0), 1);
	while (s->now_ms < now_ms) {
		int64_t left = now_ms - s->now_ms;
		int64_t dt = left < PHYSICS_STEP_MS ? left : PHYSICS_STEP_MS;

		choose_clocks(s, p);
		integrate(s, p, in, (double)dt / 1000);
		s->now_ms += dt;
		throttle(s, p);
		if (s->now_ms >= s->next_gauge_ms)
			show(s, p, in->powered);
	}
	choose_clocks(s, p);
}

void physics_init(struct physics *s, const struct profile *p, uint64_t seed)
{
	double rise = p->heat.idle_w * p->heat.skin_air_k_per_w;

	memset(s, 0, sizeof(*s));
	s->rng = seed;
	for (int i = 0; i < PROFILE_ZONES; i++)
		s->zone_bias_c[i] = noise(&s->rng) * 0.8;
	s->skin_c = p->heat.ambient_c + rise + noise(&s->rng);
	s->die_c = s->skin_c + p->heat.idle_w * p->heat.die_skin_k_per_w;
	s->battery_c = s->skin_c - 0.5;
	s->charge_uah = (double)(p->battery.capacity_mah * p->battery.level) * MAH_TO_UAH / 100;
	s->watts = p->heat.idle_w;
	for (int i = 0; i < p->n_policies; i++)
		s->cap[i] = top(&p->policies[i]);
	choose_clocks(s, p);
	show(s, p, true);
}

/* ---- what is shown ---- */

double physics_zone_c(const struct physics *s, const struct profile *p, int zone)
{
	const struct profile_zone *z = &p->thermal.zones[zone];
	const double nodes[] = {s->die_c, s->skin_c, s->battery_c, 0};

	return nodes[z->node] + z->offset_c + s->zone_bias_c[zone];
}

int64_t physics_zone(const struct physics *s, const struct profile *p, int zone)
{
	static const double per_degree[] = {1000, 10, 1};
	const struct profile_zone *z = &p->thermal.zones[zone];

	if (z->node == PROFILE_FIXED)
		return z->value;
	/* Sensors have steps of a tenth of a degree. */
	return llround(round(physics_zone_c(s, p, zone) * 10) / 10 * per_degree[z->unit]);
}

int64_t physics_cap_khz(const struct physics *s, const struct profile *p, int policy)
{
	return p->policies[policy].freqs_khz[s->cap[policy]];
}

int64_t physics_clock_khz(const struct physics *s, const struct profile *p, int policy)
{
	return p->policies[policy].freqs_khz[s->cur[policy]];
}

int physics_cooling(const struct physics *s, const struct profile *p, int device)
{
	int64_t policy = p->thermal.cooling[device].policy;

	return policy < 0 ? 0 : top(&p->policies[policy]) - s->cap[policy];
}

int physics_status(const struct physics *s, const struct profile *p)
{
	int status = 0;

	for (int i = 0; i < p->thermal.n_thresholds; i++)
		if (i && s->skin_c >= p->thermal.thresholds_c[i])
			status = i;
	return status;
}
