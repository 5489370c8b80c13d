/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps stderr short while a runtime that prints as it likes sets up: Debian 13's ONNX Runtime 1.21
 * writes 116 KB of "Schema error" lines, which mean nothing, with a process's first session, into a
 * pipe that somebody must read and store. Meanwhile stderr is a file in memory; afterwards its begin
 * goes where it should have gone. Should the process die of a signal in between, the text's end is
 * passed on first, for it says why. One at a time; main thread.
 */
#ifndef FRAMEFARM_RUNNER_HUSH_H
#define FRAMEFARM_RUNNER_HUSH_H

#define HUSH_KEEP 1024 /* bytes that are passed on */

/* Where what must be seen goes, hushed or not. */
int hush_stderr(void);
void hush_begin(void);
void hush_end(void);

#endif
