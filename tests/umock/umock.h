/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Phones on mocked USB ports, for tests that run under umockdev-wrapper. umock_start() starts the bus
 * (build/tests/umock-bus) and makes this process see it; orders are in README.md. One a process at a
 * time.
 */
#ifndef FRAMEFARM_TESTS_UMOCK_UMOCK_H
#define FRAMEFARM_TESTS_UMOCK_UMOCK_H

struct umock;

struct umock *umock_start(void);
void umock_stop(struct umock *m);
/* Sends an order; fails the test unless the bus says ok. Returns the number in its answer, or 0. */
long umock_tell(struct umock *m, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
