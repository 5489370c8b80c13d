/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the daemon tells the service manager that started it (systemd, Type=notify): ready, what it does,
 * alive, stopping. The protocol is a datagram of lines to the socket that NOTIFY_SOCKET names, sd_notify(3),
 * which systemd keeps stable and invites programs to speak themselves. libsystemd would bring four
 * compression libraries and libgcrypt into the daemon for it.
 *
 * Without NOTIFY_SOCKET everything here does nothing. A message that does not get through is of no consequence
 * to us: nothing here fails or blocks. Loop thread, but for the thread that lives while the daemon starts.
 */
#ifndef FRAMEFARM_CMD_NOTIFY_H
#define FRAMEFARM_CMD_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

struct notify;

#define NOTIFY_EXTEND_MS   10000 /* how often a start that takes long asks for more time */
#define NOTIFY_START_MAX_S 7200  /* a start that takes longer than this is not helped any more */
#define NOTIFY_TEXT_MAX    512   /* of one message */

/*
 * Reads the environment and takes its variables out of it, so that no child speaks for us. Until
 * notify_ready() a thread asks for more time each extend_ms, as long as the process moved since it asked
 * last (took processor time, or read or wrote): a store's schema that is raised takes as long as it takes,
 * a start that hangs ends by the manager's own time-out. NULL where there is no socket, or no name of one;
 * every function takes that.
 */
struct notify *notify_begin(int64_t extend_ms);
void notify_end(struct notify *n);

void notify_ready(struct notify *n);
void notify_stopping(struct notify *n);
/* One line for people, as `systemctl status` shows it; the same one again is not sent. */
void notify_status(struct notify *n, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* How often notify_alive() must come: half of what the manager waits. 0: it does not wait. */
int64_t notify_alive_ms(const struct notify *n);
void notify_alive(struct notify *n);

#endif
