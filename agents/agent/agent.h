/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent as a whole: everything it has, and its loop. One thread, one poll through timesrc.h, no
 * other wait and no other clock. A turn: what is ready is handled, then time passes, then what may
 * be sent is sent, then what died is reaped.
 */
#ifndef FRAMEFARM_AGENT_AGENT_H
#define FRAMEFARM_AGENT_AGENT_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/attempt.h"
#include "agent/conn.h"
#include "agent/endpoint.h"
#include "agent/epoch.h"
#include "agent/home.h"
#include "agent/ident.h"
#include "agent/root.h"
#include "agent/shelf.h"
#include "agent/thermal_gate.h"
#include "agent/uplink.h"

#define AGENT_CONNS     6 /* the controller's, and those that have yet to say who they are */
#define AGENT_STATUS_NS 500000000LL
#define AGENT_IDLE_NS   1000000000LL  /* between temperatures, and STATUS, while nothing runs */
#define AGENT_LEASE_NS  60000000000LL /* what an attempt has whose lease was not told yet */

/* Exit codes, also listed by --help. */
enum agent_exit {
	AGENT_OK = 0,
	AGENT_FAILED = 1,
	AGENT_USAGE = 2,
	AGENT_DIR_BUSY = 3,
	AGENT_CANNOT_LISTEN = 4,
};

struct opts;

struct lease {
	char farm[EPOCH_FARM];
	int64_t epoch;         /* 0: none */
	int64_t until_boot_ns; /* by the clock that goes on while the device is suspended */
};

struct agent {
	const struct opts *opts;
	struct timesrc *ts;
	struct root root;
	struct home home;
	struct ident ident;
	struct epochs epochs;
	struct endpoint endpoint;
	struct sampler *sampler;
	struct thermal_gate gate;
	struct shelf shelf;
	struct uplink uplink;
	struct attempt_env env;
	struct attempt attempt;
	struct conn conns[AGENT_CONNS];
	struct conn *controller; /* one of them, or NULL */
	struct lease lease;
	uint8_t secret[PROTO_SECRET];
	int signals;
	int netns;                   /* for the next attempt, or negative */
	bool no_netns;               /* none is to be had */
	int64_t status_ns, temps_ns; /* when they were last sent and read */
	bool ending;                 /* leaves the loop once nothing runs */
	char protections[256];
	char page_dir[256];
};

/* Sets up everything up to the listening socket and the spools that were left. Returns AGENT_OK, or
 * an exit code and a sentence. */
int agent_init(struct agent *a, const struct opts *o, char *why, size_t size);
/* Runs until it is told to end. Returns an exit code. */
int agent_run(struct agent *a);
void agent_fini(struct agent *a);

#endif
