/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a shared library says of itself: for which machine, with which C library, whether it is ONNX
 * Runtime. The file came from outside: every offset and size in it is held against the file and a
 * bound before it is used. Blocks; any thread, no state. Elf(5); the generic ABI, chapters 4 and 5.
 */
#ifndef FRAMEFARM_FARM_ELF_H
#define FRAMEFARM_FARM_ELF_H

#include <stdbool.h>

struct err;

struct elf_facts {
	char abi[32];  /* as a device says it: "aarch64", "x86_64", "armv7l", "i686", "riscv64" */
	char libc[16]; /* that it needs: "glibc", "bionic", "musl", "" for none */
	bool is_ort;   /* has the one function by which ONNX Runtime is entered */
};

#define ELF_SEGMENTS_MAX 64
#define ELF_DYNAMIC_MAX  1024
#define ELF_STRINGS_MAX  (32 * 1024 * 1024)

/* ERR_INVAL and a sentence that says what is wrong with it, or ERR_IO. */
int elf_read(int fd, struct elf_facts *ret_f, struct err *e);

#endif
