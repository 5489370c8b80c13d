/* SPDX-License-Identifier: Apache-2.0 */
/* The listeners of reverse:, which go with their session; see service_reverse.c. */
#ifndef FRAMEFARM_DRIVERS_VIRTUAL_REVERSE_H
#define FRAMEFARM_DRIVERS_VIRTUAL_REVERSE_H

struct session;

void reverse_free_all(struct session *s);

#endif
