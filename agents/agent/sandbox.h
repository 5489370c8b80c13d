/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What guards the device against the runner: a model is hostile input to a large parser. Each guard
 * is probed once, in a child that tries it; what the probe got, every runner gets, or it does not
 * start. What is not to be had on this device is said, to the controller and with each attempt.
 *
 *	no_new_privs  no set-user-id program makes it anybody else
 *	rlimits       no core file, bounded files, descriptors, (with its own user) processes, and
 *	              address space when the plan asks
 *	netns         a network namespace with nothing in it
 *	landlock      reads system libraries and its own files, writes its scratch directory, no TCP
 *	uid           a user of its own, no groups
 *	seccomp       no sockets, no name spaces, no kernel interfaces that a runtime has no use for
 *
 * Besides, always: it dies with the agent (PR_SET_PDEATHSIG) and is the first that the kernel kills
 * for lack of memory.
 */
#ifndef FRAMEFARM_AGENT_SANDBOX_H
#define FRAMEFARM_AGENT_SANDBOX_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SANDBOX_FILE_MAX  (256 << 20) /* bytes of one file that it writes */
#define SANDBOX_FILES_MAX 4096        /* descriptors */
#define SANDBOX_TASKS_MAX 512         /* processes and threads of its user */
#define SANDBOX_OOM_ADJ   "900"       /* of −1000…1000, the highest is killed first */

/* Address space that a runtime maps before it has loaded anything: its libraries, and for each
 * thread 8 MiB of stack and, for a moment, the 128 MiB in which the C library aligns a heap of 64
 * MiB (glibc, malloc/arena.c). A plan's limit counts on top of it. */
#define SANDBOX_BASE_BYTES   (INT64_C(512) << 20)
#define SANDBOX_THREAD_BYTES (INT64_C(136) << 20)

enum guard {
	GUARD_NO_NEW_PRIVS,
	GUARD_RLIMITS,
	GUARD_NETNS,
	GUARD_LANDLOCK,
	GUARD_UID,
	GUARD_SECCOMP,
	GUARDS
};

/* Per guard: 0 when it is to be had, else the errno that stands in its way. */
struct guards {
	int32_t error[GUARDS];
	int32_t landlock_abi;
};

struct sandbox {
	int64_t uid;          /* -1: the agent's own */
	int64_t memory_bytes; /* 0: no limit */
	int64_t threads;      /* that it may start; counts only for the limit of memory */
	int scratch;          /* directory */
	int files_dir;
	const char (*files)[65]; /* names in files_dir that it may open again */
	unsigned n_files;
	int exe;
	int netns;            /* one that is only for it, or -1 */
	const char *page_dir; /* where a clock page and its FIFOs lie, or NULL */
};

/* Tries every guard in a child. Returns 0, or -errno when no child could be had. */
int sandbox_probe(struct guards *g, const struct sandbox *sb);

/* "no_new_privs,rlimits,landlock=7; not to be had: netns (Operation not permitted)" */
void sandbox_describe(const struct guards *g, const struct sandbox *sb, char *dst, size_t size);

/* In the child, in front of exec: applies all that the probe found. Returns 0, or -errno with the
 * guard's name in *ret_guard. The agent's process id tells whether it is still there. */
int sandbox_enter(
	const struct guards *g, const struct sandbox *sb, pid_t agent, const char **ret_guard);

/* One guard each; 0 or -errno. In files of their own since they speak the kernel's raw
 * interface. */
int landlock_abi(void); /* the kernel's version, or -errno */
int landlock_enter(const struct sandbox *sb);
int seccomp_enter(void);

#endif
