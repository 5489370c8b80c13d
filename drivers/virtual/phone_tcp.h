/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A phone over TCP: listens on loopback while the phone can be reached, and hands each connection to
 * it as a link. The port stays the same over reboots. Loop thread.
 */
#ifndef FRAMEFARM_DRIVERS_VIRTUAL_PHONE_TCP_H
#define FRAMEFARM_DRIVERS_VIRTUAL_PHONE_TCP_H

struct driver_host;
struct err;
struct phone;
struct phone_tcp;
struct quirks;

/* port 0: a free one, from the beginning on. quirks: borrowed. NULL and *e when it is taken. */
struct phone_tcp *phone_tcp_new(
	struct driver_host *h, int port, const struct quirks *q, struct err *e);
void phone_tcp_free(struct phone_tcp *t);
int phone_tcp_port(const struct phone_tcp *t);
/* The phone's up and down. */
void phone_tcp_open(struct phone_tcp *t, struct phone *p);
void phone_tcp_close(struct phone_tcp *t);

#endif
