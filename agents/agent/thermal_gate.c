/* SPDX-License-Identifier: Apache-2.0 */
/* Cool enough to begin; see thermal_gate.h. */
#include "agent/thermal_gate.h"

#include <string.h>

#define STALE_NS 5000000000LL /* a reading that old says nothing of now */

void thermal_gate_note(struct thermal_gate *g, int64_t now_ns, int32_t mc)
{
	if (mc == INT32_MIN) {
		g->n = 0;
		return;
	}
	if (g->n && now_ns - g->readings[g->last].t_ns < THERMAL_GATE_STEP_NS)
		return;
	g->last = (g->last + 1) % THERMAL_GATE_READINGS;
	g->readings[g->last].t_ns = now_ns;
	g->readings[g->last].mc = mc;
	if (g->n < THERMAL_GATE_READINGS)
		g->n++;
}

bool thermal_gate_slope(const struct thermal_gate *g, int64_t now_ns, double *ret_mc)
{
	double n = 0, st = 0, sv = 0, stt = 0, stv = 0;
	int64_t oldest_ns = now_ns;

	for (unsigned i = 0; i < g->n; i++) {
		unsigned at = (g->last + THERMAL_GATE_READINGS - i) % THERMAL_GATE_READINGS;
		int64_t age_ns = now_ns - g->readings[at].t_ns;
		double t = -(double)age_ns / 1e9, v = g->readings[at].mc;

		if (age_ns > THERMAL_GATE_WINDOW_NS)
			break;
		oldest_ns = g->readings[at].t_ns;
		n++;
		st += t;
		sv += v;
		stt += t * t;
		stv += t * v;
	}
	if (now_ns - oldest_ns < THERMAL_GATE_SPAN_NS || n < 3)
		return false;
	*ret_mc = (n * stv - st * sv) / (n * stt - st * st) * 30;
	return true;
}

enum thermal_answer thermal_gate_ask(const struct thermal_gate *g, int64_t now_ns, int32_t limit_mc)
{
	double slope;

	if (!g->n || now_ns - g->readings[g->last].t_ns > STALE_NS)
		return THERMAL_UNKNOWN;
	if (limit_mc != INT32_MIN && g->readings[g->last].mc > limit_mc)
		return THERMAL_HOT;
	if (!thermal_gate_slope(g, now_ns, &slope))
		return THERMAL_TOO_NEW;
	return slope < THERMAL_GATE_RISE_MC ? THERMAL_COOL : THERMAL_RISING;
}
