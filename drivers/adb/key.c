/* SPDX-License-Identifier: Apache-2.0 */
/* RSA keys as Android wants them; see key.h. */
#include "drivers/adb/key.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/rsakey.h"
#include "base/str.h"

/* The blob, all little-endian (AOSP libcrypto_utils/android_pubkey.cpp): words of the modulus,
 * n0inv, modulus, rr, exponent. */
#define WORDS       (ADB_SIGNATURE / 4)
#define AT_N0INV    4
#define AT_MODULUS  8
#define AT_RR       (AT_MODULUS + ADB_SIGNATURE)
#define AT_EXPONENT (AT_RR + ADB_SIGNATURE)
_Static_assert(AT_EXPONENT + 4 == ADB_KEY_BLOB, "the blob is as long as it says");

#define BASE64 ((ADB_KEY_BLOB + 2) / 3 * 4) /* 700 */

struct adb_key {
	struct rsakey *rsa;
	uint8_t blob[ADB_KEY_BLOB];
};

static void put32(uint8_t *dst, uint32_t v)
{
	v = htole32(v);
	memcpy(dst, &v, sizeof(v));
}

static uint32_t get32(const uint8_t *src)
{
	uint32_t v;

	memcpy(&v, src, sizeof(v));
	return le32toh(v);
}

/* ---- made and freed ---- */

/* Takes the key; NULL when Android could not use it. */
static struct adb_key *wrap(struct rsakey *rsa, struct err *e)
{
	uint32_t exponent = rsakey_exponent(rsa);
	struct adb_key *k;

	if (rsakey_bytes(rsa) != ADB_KEY_BITS / 8 || (exponent != 65537 && exponent != 3)) {
		err_set(e, ERR_UNSUPPORTED,
			"Android takes RSA keys of %d bits with exponent 65537 or 3 alone",
			ADB_KEY_BITS);
		rsakey_free(rsa);
		return NULL;
	}
	k = mem_zalloc(sizeof(*k));
	k->rsa = rsa;
	put32(k->blob, WORDS);
	put32(k->blob + AT_N0INV, rsakey_n0inv(rsa));
	rsakey_modulus_le(rsa, k->blob + AT_MODULUS);
	rsakey_rr_le(rsa, k->blob + AT_RR);
	put32(k->blob + AT_EXPONENT, exponent);
	return k;
}

struct adb_key *adb_key_generate(struct err *e)
{
	struct rsakey *rsa = rsakey_generate(ADB_KEY_BITS, e);

	return rsa ? wrap(rsa, e) : NULL;
}

void adb_key_free(struct adb_key *k)
{
	if (!k)
		return;
	rsakey_free(k->rsa);
	mem_free(k);
}

/* ---- files ---- */

static int read_file(const char *path, char *dst, size_t cap, size_t *ret_n, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t n = 0;
	ssize_t got = -1;

	if (fd < 0)
		return err_errno(e, errno, "cannot open the key %s", path);
	while (n < cap && (got = read(fd, dst + n, cap - n)) > 0)
		n += (size_t)got;
	if (got < 0)
		err_errno(e, errno, "cannot read the key %s", path);
	close(fd);
	if (got < 0)
		return ERR_IO;
	if (n == cap)
		return err_set(e, ERR_PARSE, "%s is too long for a key", path);
	*ret_n = n;
	return 0;
}

/* OpenSSL reads numbers, whatever they are. A phone would refuse such a key without end. */
static int check_halves(const struct adb_key *k, struct err *e)
{
	static const uint8_t token[ADB_TOKEN] = {1};
	uint8_t sig[ADB_SIGNATURE];

	if (!adb_key_sign(k, token, sig) && adb_key_verify(k, token, sig, sizeof(sig)))
		return 0;
	return err_set(
		e, ERR_PARSE, "the file is damaged: its private half does not fit its public one");
}

struct adb_key *adb_key_read(const char *path, struct err *e)
{
	char pem[RSAKEY_PEM_MAX];
	struct adb_key *k = NULL;
	struct rsakey *rsa;
	size_t n = 0;

	if (read_file(path, pem, sizeof(pem), &n, e))
		return NULL;
	rsa = rsakey_from_pem(pem, n, e);
	if (rsa)
		k = wrap(rsa, e);
	if (k && check_halves(k, e)) {
		adb_key_free(k);
		k = NULL;
	}
	if (!k)
		err_wrap(e,
			"%s cannot be used as an adb key; name a file such as ~/.android/adbkey",
			path);
	explicit_bzero(pem, sizeof(pem));
	return k;
}

static int put_all(int fd, const char *data, size_t n)
{
	while (n) {
		ssize_t put = write(fd, data, n);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -1;
		data += put;
		n -= (size_t)put;
	}
	return fsync(fd);
}

/* Whole or not at all, under its name. */
static int write_file(const char *path, mode_t mode, const char *data, size_t n, struct err *e)
{
	char *tmp = mem_printf("%s.new", path);
	int fd, rc = 0;

	unlink(tmp); /* of a run that was cut */
	fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0)
		rc = err_errno(e, errno, "cannot create %s", tmp);
	else if (put_all(fd, data, n))
		rc = err_errno(e, errno, "cannot write %s", tmp);
	if (fd >= 0)
		close(fd);
	if (!rc && rename(tmp, path))
		rc = err_errno(e, errno, "cannot rename %s to %s", tmp, path);
	if (rc)
		unlink(tmp);
	mem_free(tmp);
	return rc;
}

int adb_key_write(const struct adb_key *k, const char *path, struct err *e)
{
	char pem[RSAKEY_PEM_MAX], text[ADB_KEY_TEXT_MAX];
	char *pub = mem_printf("%s.pub", path);
	size_t n = adb_key_text(k, "framefarm", text);
	int len = rsakey_to_pem(k->rsa, pem);
	int rc = len < 0 ? err_set(e, len, "OpenSSL cannot write the key as PEM") : 0;

	text[n - 1] = '\n';
	if (!rc)
		rc = write_file(pub, 0644, text, n, e);
	/* The private half last: where it is, the pair is whole. */
	if (!rc)
		rc = write_file(path, 0600, pem, (size_t)len, e);
	explicit_bzero(pem, sizeof(pem));
	mem_free(pub);
	return rc;
}

/* ---- used ---- */

int adb_key_sign(
	const struct adb_key *k, const uint8_t token[ADB_TOKEN], uint8_t ret_sig[ADB_SIGNATURE])
{
	return rsakey_sign(k->rsa, token, ret_sig);
}

bool adb_key_verify(
	const struct adb_key *k, const uint8_t token[ADB_TOKEN], const void *sig, size_t n)
{
	return rsakey_verify(k->rsa, token, sig, n);
}

size_t adb_key_text(const struct adb_key *k, const char *name, char dst[ADB_KEY_TEXT_MAX])
{
	rsakey_base64(k->blob, ADB_KEY_BLOB, dst);
	dst[BASE64] = ' ';
	str_copy(dst + BASE64 + 1, ADB_KEY_TEXT_MAX - BASE64 - 1, name);
	return strlen(dst) + 1;
}

struct adb_key *adb_key_parse(const char *text, size_t n)
{
	uint8_t blob[ADB_KEY_BLOB], modulus[ADB_SIGNATURE];
	struct rsakey *rsa;

	/* What follows is a name. n0inv and rr are passed over, as Android 7 and later do. */
	if (n < BASE64 || (n > BASE64 && !strchr(" \t\r\n", text[BASE64])) ||
		rsakey_unbase64(text, BASE64, blob, sizeof(blob)) != ADB_KEY_BLOB ||
		get32(blob) != WORDS)
		return NULL;
	for (int i = 0; i < ADB_SIGNATURE; i++)
		modulus[i] = blob[AT_MODULUS + ADB_SIGNATURE - 1 - i];
	rsa = rsakey_from_numbers(modulus, sizeof(modulus), get32(blob + AT_EXPONENT));
	return rsa ? wrap(rsa, NULL) : NULL;
}

void adb_key_fingerprint(const struct adb_key *k, char dst[ADB_FINGERPRINT])
{
	uint8_t md5[16];

	rsakey_md5(k->blob, ADB_KEY_BLOB, md5);
	for (int i = 0; i < 16; i++)
		snprintf(dst + 3 * i, 4, i < 15 ? "%02x:" : "%02x", md5[i]);
}

bool adb_key_same(const struct adb_key *a, const struct adb_key *b)
{
	return !memcmp(a->blob, b->blob, ADB_KEY_BLOB);
}
