/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 and random bytes; see hash.h. */
#include "base/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

struct hash {
	EVP_MD_CTX *ctx;
};

struct hash *hash_new(void)
{
	struct hash *h = mem_zalloc(sizeof(*h));

	h->ctx = EVP_MD_CTX_new();
	if (!h->ctx || EVP_DigestInit_ex(h->ctx, EVP_sha256(), NULL) != 1)
		abort();
	return h;
}

void hash_add(struct hash *h, const void *data, size_t n)
{
	if (EVP_DigestUpdate(h->ctx, data, n) != 1)
		abort();
}

void hash_finish(struct hash *h, char ret_hex[LIMIT_SHA256])
{
	unsigned char md[32];
	unsigned len = sizeof(md);

	if (EVP_DigestFinal_ex(h->ctx, md, &len) != 1 || len != sizeof(md))
		abort();
	str_hex(ret_hex, md, sizeof(md));
	hash_free(h);
}

void hash_free(struct hash *h)
{
	if (!h)
		return;
	EVP_MD_CTX_free(h->ctx);
	mem_free(h);
}

void hash_bytes(const void *data, size_t n, char ret_hex[LIMIT_SHA256])
{
	struct hash *h = hash_new();

	hash_add(h, data, n);
	hash_finish(h, ret_hex);
}

int hash_file(const char *path, char ret_hex[LIMIT_SHA256], int64_t *ret_size, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct hash *h;
	char chunk[65536];
	int64_t size = 0;
	ssize_t n;

	if (fd < 0)
		return err_errno(e, errno, "cannot open %s", path);
	h = hash_new();
	while ((n = read(fd, chunk, sizeof(chunk))) > 0) {
		hash_add(h, chunk, n);
		size += n;
	}
	if (n < 0) {
		int rc = err_errno(e, errno, "cannot read %s", path);

		hash_free(h);
		close(fd);
		return rc;
	}
	close(fd);
	hash_finish(h, ret_hex);
	if (ret_size)
		*ret_size = size;
	return 0;
}

void hash_random(void *dst, size_t n)
{
	char *p = dst;

	while (n) {
		ssize_t got = getrandom(p, n, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			abort();
		p += got;
		n -= got;
	}
}

bool hash_equal(const void *a, const void *b, size_t n)
{
	return CRYPTO_memcmp(a, b, n) == 0;
}
