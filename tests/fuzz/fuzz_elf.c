/* SPDX-License-Identifier: Apache-2.0 */
/* A file that somebody registers as a runtime library: any bytes, read as an ELF file. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/err.h"
#include "farm/elf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	struct elf_facts f;
	struct err e = {0};
	int rc;

	if (fd < 0)
		fd = memfd_create("library", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, 0) || pwrite(fd, data, size, 0) != (ssize_t)size)
		abort();
	rc = elf_read(fd, &f, &e);
	/* What is taken has a machine, what is refused a sentence. */
	if (rc ? !*e.text || rc != e.code : !memchr(f.abi, 0, sizeof(f.abi)) || !*f.abi)
		abort();
	return 0;
}
