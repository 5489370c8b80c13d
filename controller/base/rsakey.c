/* SPDX-License-Identifier: Apache-2.0 */
/* RSA keys from OpenSSL; see rsakey.h. */
#include "base/rsakey.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

struct rsakey {
	EVP_PKEY *pkey;
	BIGNUM *n;
	uint32_t exponent;
	size_t bytes;
};

/* ---- made ---- */

/* Takes the key; NULL when it is none of ours. */
static struct rsakey *wrap(EVP_PKEY *pkey)
{
	struct rsakey *k = mem_zalloc(sizeof(*k));
	BIGNUM *exponent = NULL;

	k->pkey = pkey;
	if (EVP_PKEY_get_base_id(pkey) != EVP_PKEY_RSA ||
		!EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &k->n) ||
		!EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &exponent) ||
		BN_num_bytes(k->n) > RSAKEY_BYTES_MAX || !BN_is_odd(k->n)) {
		BN_free(exponent);
		rsakey_free(k);
		return NULL;
	}
	k->bytes = (size_t)BN_num_bytes(k->n);
	k->exponent = BN_num_bits(exponent) <= 32 ? (uint32_t)BN_get_word(exponent) : 0;
	BN_free(exponent);
	return k;
}

void rsakey_free(struct rsakey *k)
{
	if (!k)
		return;
	BN_free(k->n);
	EVP_PKEY_free(k->pkey);
	mem_free(k);
}

struct rsakey *rsakey_generate(int bits, struct err *e)
{
	EVP_PKEY *pkey = EVP_RSA_gen((unsigned)bits);

	if (!pkey)
		err_set(e, ERR_SYS, "OpenSSL cannot make an RSA key of %d bits", bits);
	return pkey ? wrap(pkey) : NULL;
}

/* Nobody sits here who could be asked for a passphrase; OpenSSL would ask the terminal. */
static int no_passphrase(char *buf, int size, int writing, void *arg)
{
	(void)buf;
	(void)size;
	(void)writing;
	*(bool *)arg = true;
	return -1;
}

struct rsakey *rsakey_from_pem(const char *pem, size_t n, struct err *e)
{
	bool asked = false;
	BIO *bio = n && n <= RSAKEY_PEM_MAX ? BIO_new_mem_buf(pem, (int)n) : NULL;
	EVP_PKEY *pkey = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, &asked) : NULL;
	struct rsakey *k;

	BIO_free(bio);
	ERR_clear_error();
	if (!pkey) {
		err_set(e, asked ? ERR_UNSUPPORTED : ERR_PARSE,
			asked ? "the key is encrypted with a passphrase" : "no private key in PEM");
		return NULL;
	}
	k = wrap(pkey);
	if (!k)
		err_set(e, ERR_UNSUPPORTED, "not an RSA key of at most %d bits",
			RSAKEY_BYTES_MAX * 8);
	return k;
}

static EVP_PKEY *public_of(const BIGNUM *n, uint32_t exponent)
{
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	OSSL_PARAM *params = NULL;
	EVP_PKEY *pkey = NULL;

	if (!bld || !ctx || !OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n) ||
		!OSSL_PARAM_BLD_push_uint32(bld, OSSL_PKEY_PARAM_RSA_E, exponent))
		goto out;
	params = OSSL_PARAM_BLD_to_param(bld);
	if (!params || EVP_PKEY_fromdata_init(ctx) != 1 ||
		EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
		pkey = NULL;
out:
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(bld);
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

struct rsakey *rsakey_from_numbers(const uint8_t *modulus, size_t n, uint32_t exponent)
{
	BIGNUM *num = n <= RSAKEY_BYTES_MAX ? BN_bin2bn(modulus, (int)n, NULL) : NULL;
	EVP_PKEY *pkey = NULL;

	/* An odd exponent above 1, and a modulus as long as it says: OpenSSL would take others. */
	if (num && BN_num_bits(num) == (int)n * 8 && BN_is_odd(num) && exponent > 1 && exponent & 1)
		pkey = public_of(num, exponent);
	BN_free(num);
	ERR_clear_error();
	return pkey ? wrap(pkey) : NULL;
}

int rsakey_to_pem(const struct rsakey *k, char dst[RSAKEY_PEM_MAX])
{
	BIO *bio = BIO_new(BIO_s_mem());
	int n = -1;

	if (bio && PEM_write_bio_PKCS8PrivateKey(bio, k->pkey, NULL, NULL, 0, NULL, NULL) == 1)
		n = BIO_read(bio, dst, RSAKEY_PEM_MAX - 1);
	BIO_free(bio);
	ERR_clear_error();
	if (n <= 0)
		return ERR_SYS;
	dst[n] = '\0';
	return n;
}

/* ---- taken apart ---- */

size_t rsakey_bytes(const struct rsakey *k)
{
	return k->bytes;
}

uint32_t rsakey_exponent(const struct rsakey *k)
{
	return k->exponent;
}

void rsakey_modulus_le(const struct rsakey *k, uint8_t *dst)
{
	if (BN_bn2lebinpad(k->n, dst, (int)k->bytes) < 0)
		abort();
}

void rsakey_rr_le(const struct rsakey *k, uint8_t *dst)
{
	BN_CTX *ctx = BN_CTX_new();
	BIGNUM *rr = BN_new();

	if (!ctx || !rr || !BN_set_bit(rr, 2 * 8 * (int)k->bytes) || !BN_mod(rr, rr, k->n, ctx) ||
		BN_bn2lebinpad(rr, dst, (int)k->bytes) < 0)
		abort();
	BN_free(rr);
	BN_CTX_free(ctx);
}

uint32_t rsakey_n0inv(const struct rsakey *k)
{
	uint8_t le[RSAKEY_BYTES_MAX];
	uint32_t n0, inv = 1;

	rsakey_modulus_le(k, le);
	n0 = le[0] | (uint32_t)le[1] << 8 | (uint32_t)le[2] << 16 | (uint32_t)le[3] << 24;
	/* Newton: each round doubles the bits that are right, and of an odd number one is. */
	for (int i = 0; i < 5; i++)
		inv *= 2 - n0 * inv;
	return -inv;
}

/* ---- used ---- */

/* DigestInfo of SHA-1 (RFC 8017, 9.2) is put before the digest here and not by OpenSSL, since some
 * distributions forbid it to sign SHA-1: it pads what it is given. */
#define PREFIX 15

static void digest_info(uint8_t dst[PREFIX + RSAKEY_DIGEST], const uint8_t digest[RSAKEY_DIGEST])
{
	static const uint8_t prefix[PREFIX] = {0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03,
		0x02, 0x1a, 0x05, 0x00, 0x04, 0x14};

	memcpy(dst, prefix, PREFIX);
	memcpy(dst + PREFIX, digest, RSAKEY_DIGEST);
}

int rsakey_sign(const struct rsakey *k, const uint8_t digest[RSAKEY_DIGEST], uint8_t *sig)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(k->pkey, NULL);
	uint8_t info[PREFIX + RSAKEY_DIGEST];
	size_t n = k->bytes;
	int ok;

	digest_info(info, digest);
	ok = ctx && EVP_PKEY_sign_init(ctx) == 1 &&
	     EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
	     EVP_PKEY_sign(ctx, sig, &n, info, sizeof(info)) == 1 && n == k->bytes;
	EVP_PKEY_CTX_free(ctx);
	ERR_clear_error();
	return ok ? 0 : ERR_SYS;
}

bool rsakey_verify(
	const struct rsakey *k, const uint8_t digest[RSAKEY_DIGEST], const void *sig, size_t n)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(k->pkey, NULL);
	uint8_t info[PREFIX + RSAKEY_DIGEST];
	bool ok;

	digest_info(info, digest);
	ok = ctx && n == k->bytes && EVP_PKEY_verify_init(ctx) == 1 &&
	     EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
	     EVP_PKEY_verify(ctx, sig, n, info, sizeof(info)) == 1;
	EVP_PKEY_CTX_free(ctx);
	ERR_clear_error();
	return ok;
}

/* ---- what the formats need ---- */

void rsakey_md5(const void *data, size_t n, uint8_t dst[16])
{
	unsigned len = 0;

	if (EVP_Digest(data, n, dst, &len, EVP_md5(), NULL) != 1 || len != 16)
		memset(dst, 0, 16);
	ERR_clear_error();
}

void rsakey_base64(const void *data, size_t n, char *dst)
{
	EVP_EncodeBlock((unsigned char *)dst, data, (int)n);
}

int rsakey_unbase64(const char *text, size_t n, uint8_t *dst, size_t cap)
{
	size_t made = n / 4 * 3, pad = 0;
	uint8_t *tmp;
	int got;

	while (pad < 2 && pad < n && text[n - 1 - pad] == '=')
		pad++;
	if (!n || n % 4 || made - pad > cap || made > 4 * RSAKEY_PEM_MAX)
		return -1;
	for (size_t i = 0; i < n; i++) /* OpenSSL passes over blanks */
		if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
			    text[i] ? text[i] : ' ') &&
			i < n - pad)
			return -1;
	tmp = mem_alloc(made);
	got = EVP_DecodeBlock(tmp, (const unsigned char *)text, (int)n);
	if (got >= 0)
		memcpy(dst, tmp, made - pad);
	mem_free(tmp);
	ERR_clear_error();
	return got < 0 ? -1 : (int)(made - pad);
}
