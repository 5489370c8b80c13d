/* SPDX-License-Identifier: Apache-2.0 */
/* What the device commands share: a device is named by its id or by its name. */
#ifndef FRAMEFARM_CMD_DEVICE_H
#define FRAMEFARM_CMD_DEVICE_H

#include "base/limits.h"

struct client;
struct err;

/* Writes the id ("d1") of the device that is called so. ERR_NOTFOUND for none, ERR_CONFLICT for
 * several of that name, else as client_send(). */
int device_find(struct client *c, const char *called, char ret_id[LIMIT_NAME], struct err *e);

#endif
