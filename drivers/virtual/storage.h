/* SPDX-License-Identifier: Apache-2.0 */
/* The directories and links of a phone's storage, as a fresh boot finds them. Blocks. */
#ifndef FRAMEFARM_DRIVERS_VIRTUAL_STORAGE_H
#define FRAMEFARM_DRIVERS_VIRTUAL_STORAGE_H

#include <stddef.h>

/* What is kept over boots (/data, /storage) stays. 0, or an errno with the path it was about. */
int storage_prepare(const char *dir, char *ret_what, size_t size);

#endif
