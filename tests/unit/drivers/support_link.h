/* SPDX-License-Identifier: Apache-2.0 */
/* What stories about the USB link begin with: its user, who notes what he is told. */
#ifndef FRAMEFARM_TESTS_SUPPORT_LINK_H
#define FRAMEFARM_TESTS_SUPPORT_LINK_H

#include "support_usb.h"

#include "drivers/adb/link_usb.h"

#define STORY_SENT_MAX 64

struct story {
	struct support_host *sh;
	struct support_usb *su;
	struct adb_link *l;

	int to_send; /* packets that next() gives out, of send_n bytes each; counts down */
	size_t send_n;
	int asked; /* calls of next() */

	int n_packets;
	struct adb_header last;
	uint32_t commands[STORY_SENT_MAX];
	bool close_in_packet, pause_in_packet;
	int broken, code;
	char text[LIMIT_CAUSE];
	int resynced, resync_code;
};

void story_close(struct story *s);
struct story story_begin(uint16_t mps);
void story_in_step(struct story *s);
void story_end(struct story *s);
void story_send(struct story *s, int n, size_t bytes);
void story_expect_broken(struct story *s, int code, const char *word);
void story_resynced(void *arg, int code);

/* With arg set, since a story has its address only in its own frame. */
#define BEGIN(name, mps)                                                                           \
	struct story name = story_begin(mps);                                                      \
	name.l->arg = &name;                                                                       \
	support_usb_run(name.su)

/* As BEGIN, and the phone has answered CNXN: the link is in step. */
#define BEGIN_IN_STEP(name, mps)                                                                   \
	BEGIN(name, mps);                                                                          \
	story_in_step(&name)

#endif
