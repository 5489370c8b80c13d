/* SPDX-License-Identifier: Apache-2.0 */
/* A connection to an adb server's smart socket and the framing of its requests: what server.c and
 * conn_server.c share. Loop thread. */
#ifndef FRAMEFARM_DRIVERS_ADB_SMART_H
#define FRAMEFARM_DRIVERS_ADB_SMART_H

#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"

#define ADB_SMART_STATUS 4 /* "OKAY" or "FAIL" */
#define ADB_SMART_LENGTH 4 /* hex digits */

/* A non-blocking socket on its way to 127.0.0.1:port, or -errno. */
int adb_smart_connect(int port);
/* 0 when the connection stands, -errno when it failed; once the socket is writable. */
int adb_smart_error(int fd);
/* "000chost:version"; dst needs n + ADB_SMART_LENGTH bytes. Returns the length. */
size_t adb_smart_request(char *dst, const char *request, size_t n);
/* Four hex digits; -1 when they are none. */
int adb_smart_length(const uint8_t src[ADB_SMART_LENGTH]);
/* "no adb server listens at 127.0.0.1:5037: Connection refused" */
void adb_smart_unreachable(char dst[LIMIT_CAUSE], int port, int errnum);

#endif
