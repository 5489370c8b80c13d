/* SPDX-License-Identifier: Apache-2.0 */
/* What a person can do about an answer of the package manager's; see hint.h. */
#include "drivers/adb/hint.h"

#include <stddef.h>
#include <string.h>

#include "base/err.h"

/* The codes are PackageManager's (AOSP); the vendors' switches are from reports in the field: Xiaomi,
 * flutter #49053, vysor #748; OPPO and its sisters, Open-AutoGLM #106. The first that fits is told. */
static const struct {
	const char *said, *hint;
} hints[] = {
	{"INSTALL_FAILED_USER_RESTRICTED",
		"switch on \"Install via USB\" in the phone's developer options"},
	{"INSTALL_FAILED_VERIFICATION_FAILURE",
		"switch off \"Verify apps over USB\" in the phone's developer options"},
	{"INSTALL_FAILED_ABORTED", "somebody, or the phone's own guard, refused it on its screen"},
	{"INSTALL_FAILED_INSUFFICIENT_STORAGE", "free some of its storage"},
	{"INSTALL_FAILED_NO_MATCHING_ABIS", "the package is for another ABI"},
	{"INSTALL_FAILED_UPDATE_INCOMPATIBLE",
		"remove the application first: it was signed by somebody else"},
	{"INSTALL_FAILED_VERSION_DOWNGRADE",
		"remove the application first: the phone has a newer version"},
	{"INSTALL_FAILED_OLDER_SDK", "the package is for a newer Android"},
	{"INSTALL_FAILED_DEPRECATED_SDK_VERSION", "the package is for an older Android"},
	{"INSTALL_FAILED_TEST_ONLY", "the package is for tests alone: build it for release"},
	{"INSTALL_FAILED_MISSING_SPLIT", "name the package's splits too"},
	{"INSTALL_PARSE_FAILED_NO_CERTIFICATES", "sign the package"},
	{"SecurityException",
		"OPPO, OnePlus, realme: \"Disable permission monitoring\" in developer options"},
};

const char *adb_install_hint(const char *said)
{
	for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++)
		if (strstr(said, hints[i].said))
			return hints[i].hint;
	return "";
}

int adb_install_code(const char *said)
{
	return strstr(said, "INSUFFICIENT_STORAGE") ? ERR_NOSPACE : ERR_INVAL;
}
