/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shell protocol, version 2: `u8 id; u32 length; bytes` in both directions, split and merged freely
 * over WRTE. Shared by both roles; pure. Source: AOSP shell_protocol.h.
 */
#ifndef FRAMEFARM_DRIVERS_ADB_SHELL2_H
#define FRAMEFARM_DRIVERS_ADB_SHELL2_H

#include <stddef.h>
#include <stdint.h>

#define ADB_SHELL2_HEADER 5

enum adb_shell2_id {
	ADB_SHELL2_STDIN = 0,
	ADB_SHELL2_STDOUT = 1,
	ADB_SHELL2_STDERR = 2,
	ADB_SHELL2_EXIT = 3,        /* one byte: the status, or 0x80 | signal */
	ADB_SHELL2_CLOSE_STDIN = 4, /* no bytes */
	ADB_SHELL2_WINDOW = 5,      /* "ROWSxCOLS,XPIXELSxYPIXELS\0" */
};

void adb_shell2_put(uint8_t dst[ADB_SHELL2_HEADER], uint8_t id, uint32_t len);

/* Walks over what came. Data is handed out in pieces as it comes, never gathered. */
struct adb_shell2_parser {
	uint8_t head[ADB_SHELL2_HEADER];
	uint32_t have; /* of head */
	uint32_t left; /* of the data of the packet under way */
	uint8_t id;
};

void adb_shell2_init(struct adb_shell2_parser *p);
/* Calls piece() for each run of data; for a packet without data once, with n 0. `end` tells that it
 * completes its packet. Returns 0, or ERR_PROTO for an id above ADB_SHELL2_WINDOW. A piece() that
 * returns non-zero stops the walk with that value. */
int adb_shell2_feed(struct adb_shell2_parser *p, const uint8_t *data, size_t n,
	int (*piece)(void *arg, uint8_t id, const uint8_t *data, size_t n, int end), void *arg);

#endif
