/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The banner, CNXN's payload: what kind of peer it is and what it can do.
 *	host::features=shell_v2,cmd
 *	device::ro.product.name=…;ro.product.model=…;ro.product.device=…;features=…
 * Pure. Everything from a banner is hostile: bounded and cleaned here.
 */
#ifndef FRAMEFARM_DRIVERS_ADB_BANNER_H
#define FRAMEFARM_DRIVERS_ADB_BANNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"

enum adb_peer {
	ADB_PEER_HOST,
	ADB_PEER_DEVICE,
	ADB_PEER_RECOVERY,
	ADB_PEER_SIDELOAD,
	ADB_PEER_RESCUE,
	ADB_PEER_BOOTLOADER,
};

/* Features that somebody here acts on; each is in use only when both banners name it. */
enum adb_feature {
	ADB_F_SHELL_V2 = 1 << 0,
	ADB_F_CMD = 1 << 1,
	ADB_F_STAT_V2 = 1 << 2,
	ADB_F_LS_V2 = 1 << 3,
	ADB_F_FIXED_PUSH_MKDIR = 1 << 4,
	ADB_F_ABB = 1 << 5,
	ADB_F_ABB_EXEC = 1 << 6,
	ADB_F_SENDRECV_V2 = 1 << 7,
	ADB_F_BROTLI = 1 << 8, /* sendrecv_v2_brotli */
	ADB_F_LZ4 = 1 << 9,
	ADB_F_ZSTD = 1 << 10,
	ADB_F_DRY_RUN = 1 << 11, /* sendrecv_v2_dry_run_send */
	ADB_F_DELAYED_ACK = 1 << 12,
};

struct adb_banner {
	enum adb_peer peer;
	uint32_t features;                                                  /* enum adb_feature */
	char product[LIMIT_VALUE], model[LIMIT_VALUE], device[LIMIT_VALUE]; /* ro.product.* */
};

/* Reads what it understands; absent is empty, foreign is passed over. Never fails: a banner without
 * sense is a host's. */
void adb_banner_parse(const void *payload, size_t n, struct adb_banner *ret_b);
/* Writes "TYPE::…" without a NUL; returns its length. A host's has features alone. cap at least
 * 1024. */
size_t adb_banner_print(const struct adb_banner *b, char *dst, size_t cap);
const char *adb_peer_name(enum adb_peer p);
/* "shell_v2", …; 0 for a word that is not of the list. */
uint32_t adb_feature_of(const char *word, size_t n);

#endif
