/* SPDX-License-Identifier: Apache-2.0 */
/* The package name that an APK carries: AndroidManifest.xml, out of the zip, out of binary XML. The
 * file is foreign: everything in it is bounded. Blocks. */
#ifndef FRAMEFARM_DRIVERS_VIRTUAL_APK_H
#define FRAMEFARM_DRIVERS_VIRTUAL_APK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define APK_MANIFEST_MAX (4 * 1024 * 1024)
#define APK_NAME         256

bool apk_package(const char *path, char dst[APK_NAME]);
/* Out of a manifest alone; binary or text. */
bool apk_manifest_package(const uint8_t *data, size_t n, char dst[APK_NAME]);

#endif
