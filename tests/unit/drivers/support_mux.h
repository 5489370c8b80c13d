/* SPDX-License-Identifier: Apache-2.0 */
/* A multiplexer over a link whose far end is the test. */
#ifndef FRAMEFARM_TESTS_DRIVERS_SUPPORT_MUX_H
#define FRAMEFARM_TESTS_DRIVERS_SUPPORT_MUX_H

#include "support_adb.h"

#define MUX_RIG_DEVICE  1 /* takes OPEN, as a device does */
#define MUX_RIG_DELAYED 2 /* with delayed acknowledgement */

struct mux_rig {
	struct support_host *sh;
	struct wire *w;
	struct adb_mux *m;
	int violations, freed;

	/* What the peer opened. */
	struct adb_stream *asked; /* the last */
	int n_asked;
	char service[ADB_SERVICE_MAX + 1];
	size_t asked_n;
	bool refuse, accept; /* at once; else it is left to the test */
};

void mux_rig_init(struct mux_rig *r, uint32_t max_payload, int flags);
void mux_rig_fini(struct mux_rig *r);
void mux_rig_open(struct mux_rig *r, struct catcher *k, const char *service);
/* Opens and takes the packets of it off the wire: local and remote are as they must be. */
void mux_rig_establish(struct mux_rig *r, struct catcher *k, uint32_t local, uint32_t remote);

void mux_write(struct catcher *k, const char *text); /* must be taken whole */
void mux_close(struct catcher *k);
void mux_pause(struct catcher *k, bool on);

#endif
