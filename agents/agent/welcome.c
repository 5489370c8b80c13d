/* SPDX-License-Identifier: Apache-2.0 */
/* WELCOME; see welcome.h. */
#include "agent/welcome.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/log.h"
#include "agent/sampler.h"
#include "timesrc.h"

#define COUNTER_BYTES (sizeof(struct msg_counter) + 16)
#define HEAD_BYTES    4096 /* texts, clocks, attempts */

static void fill_who(const struct agent *a, struct msg_welcome *m)
{
	memcpy(m->agent_uuid, a->ident.uuid, sizeof(m->agent_uuid));
	memcpy(m->kernel_boot_id, a->ident.kernel_boot_id, sizeof(m->kernel_boot_id));
	memcpy(m->abi, a->ident.abi, sizeof(m->abi));
	memcpy(m->os, a->ident.os, sizeof(m->os));
	memcpy(m->protections, a->protections, sizeof(m->protections));
	snprintf(m->agent_version, sizeof(m->agent_version), "%s", FRAMEFARM_VERSION);
	m->agent_boot = a->ident.boot;
	if (a->epochs.n) {
		memcpy(m->farm_id, a->epochs.floors[0].farm, sizeof(m->farm_id));
		m->epoch = a->epochs.floors[0].epoch;
	}
	m->mono_ns = timesrc_mono_ns(a->ts);
	m->boot_ns = timesrc_boot_ns(a->ts);
	m->wall_ns = timesrc_wall_ns(a->ts);
}

static void fill_attempts(const struct agent *a, struct msg_welcome *m)
{
	for (unsigned i = 0; i < a->shelf.n; i++) {
		m->attempts[i].attempt = a->shelf.items[i].attempt;
		m->attempts[i].boot = a->shelf.items[i].boot;
		m->attempts[i].state = a->shelf.items[i].live ? ATTEMPT_RUNNING : ATTEMPT_ENDED;
	}
	m->n_attempts = a->shelf.n;
}

void welcome_send(struct agent *a, struct conn *c, uint16_t version)
{
	uint32_t n = sampler_count(a->sampler);
	size_t cap = HEAD_BYTES + n * COUNTER_BYTES;
	struct msg_welcome *m = calloc(1, sizeof(*m));
	uint8_t *mem = malloc(cap);
	struct proto_w w;

	if (m)
		m->counters = calloc(n + 1, sizeof(*m->counters));
	if (m && m->counters && mem) {
		m->version = version;
		m->n_counters = n;
		for (uint32_t i = 0; i < n; i++)
			m->counters[i] = sampler_counter(a->sampler, i)->info;
		fill_who(a, m);
		fill_attempts(a, m);
		proto_w_init(&w, mem, cap);
		msg_welcome_put(&w, m);
		if (!w.full)
			conn_send(c, PROTO_WELCOME, mem, w.len);
	} else {
		log_err("event=no-memory what=welcome");
		conn_close(c);
	}
	if (m)
		msg_welcome_fini(m);
	free(m);
	free(mem);
}
