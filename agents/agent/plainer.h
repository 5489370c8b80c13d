/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chunks for a controller of an older version than this agent: a spool holds what chunk_pack() makes,
 * which may be of a mode that the controller cannot read.
 */
#ifndef FRAMEFARM_AGENT_PLAINER_H
#define FRAMEFARM_AGENT_PLAINER_H

#include <stdint.h>

#include "msg.h"

/* Writes the frame of m (whose payload points into the frame) anew, with a payload that this version of
 * the protocol knows. frame has SPOOL_FRAME_MAX bytes, of which len are the frame. Returns the frame's
 * length: len where nothing had to change. A payload that is no chunk stays as it is: the controller
 * says what it thinks of it. */
uint32_t plainer_frame(uint8_t *frame, uint32_t len, const struct msg_chunk *m, uint16_t version);

#endif
