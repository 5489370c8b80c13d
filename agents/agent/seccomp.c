/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system calls that a runner must not make, as a seccomp filter: a list of what is refused,
 * since runtimes differ too much for a list of what is allowed. It is what keeps a run off the
 * network where the agent is not root (no name space) and the kernel is older than Landlock's TCP
 * rules.
 *
 * SPEC_ALLOW matters: without it kernels before 5.16 switch on the mitigation against speculative
 * store bypass for whoever has a filter, and the model would be measured slower than it is. A
 * kernel that does not know the flag (before 4.17) gets no filter.
 */
#include "agent/sandbox.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SECCOMP_FILTER_FLAG_SPEC_ALLOW
#define SECCOMP_FILTER_FLAG_SPEC_ALLOW (1UL << 2)
#endif

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#elif defined(__arm__)
#define ARCH AUDIT_ARCH_ARM
#endif

#define X32_BIT 0x40000000u /* x86-64: the same kernel entry with other numbers */
#define NAME_SPACES                                                                                \
	(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | \
		CLONE_NEWCGROUP)

#define LOAD(member)      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member))
#define RETURN(v)         BPF_STMT(BPF_RET | BPF_K, v)
#define UNLESS_EQUAL(v)   BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, v, 0, 1) /* skips the next */
#define REFUSED(error)    (SECCOMP_RET_ERRNO | (error))
#define REFUSE(nr, error) UNLESS_EQUAL(nr), RETURN(REFUSED(error))

#ifdef ARCH
static struct sock_filter filter[] = {
	LOAD(arch),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0),
	RETURN(REFUSED(ENOSYS)),
	LOAD(nr),
	BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1),
	RETURN(REFUSED(ENOSYS)),
	/* Anything that could reach another machine. io_uring makes sockets without socket(). */
	REFUSE(SYS_socket, EACCES),
	REFUSE(425 /* io_uring_setup */, ENOSYS),
	/* Name spaces bring privileges inside, and with them the kernel's less guarded parts.
	 * clone3 keeps its flags in memory, where a filter cannot look; C libraries fall back to
	 * clone. */
	REFUSE(SYS_unshare, EPERM),
	REFUSE(SYS_setns, EPERM),
	REFUSE(435 /* clone3 */, ENOSYS),
	REFUSE(SYS_mount, EPERM),
	REFUSE(SYS_umount2, EPERM),
	REFUSE(SYS_pivot_root, EPERM),
	REFUSE(SYS_chroot, EPERM),
	/* Parts of the kernel that a runtime has no use for. */
	REFUSE(SYS_bpf, EPERM),
	REFUSE(SYS_perf_event_open, EPERM),
	REFUSE(SYS_userfaultfd, EPERM),
	REFUSE(SYS_keyctl, EPERM),
	REFUSE(SYS_add_key, EPERM),
	REFUSE(SYS_request_key, EPERM),
	REFUSE(SYS_open_by_handle_at, EPERM),
	REFUSE(SYS_init_module, EPERM),
	REFUSE(SYS_finit_module, EPERM),
	REFUSE(SYS_delete_module, EPERM),
	REFUSE(SYS_kexec_load, EPERM),
	REFUSE(SYS_reboot, EPERM),
	REFUSE(SYS_swapon, EPERM),
	REFUSE(SYS_swapoff, EPERM),
	/* clone: allowed unless it asks for a name space (the flags are its first argument on the
	 * machines above). */
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 1, 0),
	RETURN(SECCOMP_RET_ALLOW),
	LOAD(args[0]),
	BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, NAME_SPACES, 0, 1),
	RETURN(REFUSED(EPERM)),
	RETURN(SECCOMP_RET_ALLOW),
};

int seccomp_enter(void)
{
	struct sock_fprog prog = {
		.len = sizeof(filter) / sizeof(filter[0]),
		.filter = filter,
	};

	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &prog)
	               ? -errno
	               : 0;
}
#else
int seccomp_enter(void)
{
	return -ENOSYS;
}
#endif
