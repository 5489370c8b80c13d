/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers with units, in and out: what a person types into an option and what a table prints. Any
 * thread, no state.
 */
#ifndef FRAMEFARM_CMD_UNITS_H
#define FRAMEFARM_CMD_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UNITS_TEXT 32 /* enough for everything that is printed here */

/* "90s", "1h30m", "250ms", "2d": whole numbers, each with a unit of d, h, m, s, ms, from the largest
 * unit to the smallest, none twice. "0" needs no unit. False for anything else or an overflow. */
bool units_parse_duration(const char *text, int64_t *ret_ms);
/* The shortest text that units_parse_duration() reads as ms; "0s" for 0. */
void units_duration(char dst[UNITS_TEXT], int64_t ms);

/* "4096", "512KiB", "20MiB", "2GiB", "1TiB". */
bool units_parse_bytes(const char *text, int64_t *ret_bytes);
/* Exact, as units_parse_bytes() reads it: "2GiB", "1025". */
void units_bytes_exact(char dst[UNITS_TEXT], int64_t bytes);
/* For reading: "17.3 MiB". */
void units_bytes(char dst[UNITS_TEXT], int64_t bytes);

/* A latency: "812 ns", "812.3 us", "15.981 ms", "1.520 s"; "-" below 0, which stands for null. */
void units_latency(char dst[UNITS_TEXT], int64_t ns);
/* A limit in milliseconds without needless digits: "16 ms", "8.333 ms". */
void units_budget(char dst[UNITS_TEXT], int64_t ns);

#endif
