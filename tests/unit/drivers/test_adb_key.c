/* SPDX-License-Identifier: Apache-2.0 */
/* Keys: against what openssl and Python say of the same key, and against Debian's adb where there is
 * one. */
#include "support_adb.h"
#include "support_adb_keys.h"
#include "support_tmp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/rsakey.h"

static struct tmp tmp;
static const char *const dir = tmp.dir;

static int make_dir(void **state)
{
	(void)state;
	tmp_init(&tmp);
	return 0;
}

static int drop_dir(void **state)
{
	(void)state;
	tmp_fini(&tmp);
	return 0;
}

static const char *write_key(const char *pem)
{
	const char *path = tmp_path(&tmp, "key");

	tmp_write_text(path, pem);
	return path;
}

static struct adb_key *read_key(const char *pem)
{
	struct err e = {0};
	struct adb_key *k = adb_key_read(write_key(pem), &e);

	if (!k)
		fail_msg("%s", e.text);
	return k;
}

static void blob_of(const struct adb_key *k, uint8_t blob[ADB_KEY_BLOB])
{
	char text[ADB_KEY_TEXT_MAX];

	adb_key_text(k, "x", text);
	assert_int_equal(rsakey_unbase64(text, 700, blob, ADB_KEY_BLOB), ADB_KEY_BLOB);
}

static uint32_t le32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void the_blob_is_what_android_wants(void **state)
{
	struct adb_key *k = read_key(pem_pkcs8);
	char hex[LIMIT_SHA256], fp[ADB_FINGERPRINT];
	uint8_t blob[ADB_KEY_BLOB];

	(void)state;
	blob_of(k, blob);
	assert_int_equal(le32(blob), 64);
	assert_int_equal((uint32_t)(le32(blob + 4) * le32(blob + 8)), 0xffffffff); /* n0inv */
	assert_int_equal(le32(blob + 520), 65537);
	hash_bytes(blob, sizeof(blob), hex);
	assert_string_equal(
		hex, "7d3b05d2be9af75d542ef3b989118a5897b3d6f77bdfd92ce9a0fd79e58984a5");
	adb_key_fingerprint(k, fp);
	assert_string_equal(fp, "85:5d:6c:f0:68:f3:85:b2:52:6a:0c:5b:08:1b:19:88");
	adb_key_free(k);
}

static void a_signature_is_the_one_of_openssl(void **state)
{
	struct adb_key *k = read_key(pem_pkcs8);
	uint8_t token[ADB_TOKEN], sig[ADB_SIGNATURE];
	char hex[LIMIT_SHA256];

	(void)state;
	for (int i = 0; i < ADB_TOKEN; i++)
		token[i] = (uint8_t)i;
	assert_int_equal(adb_key_sign(k, token, sig), 0);
	hash_bytes(sig, sizeof(sig), hex);
	assert_string_equal(
		hex, "a5c56b3f2db35ae8453329b53d1afabd3ffe64e0b661e1000c61c56875241ea8");
	assert_true(adb_key_verify(k, token, sig, sizeof(sig)));
	assert_false(adb_key_verify(k, token, sig, sizeof(sig) - 1));
	assert_false(adb_key_verify(k, token, sig, 0));
	assert_false(adb_key_verify(adb_test_key(1), token, sig, sizeof(sig)));
	token[3] ^= 1;
	assert_false(adb_key_verify(k, token, sig, sizeof(sig)));
	token[3] ^= 1;
	sig[100] ^= 1;
	assert_false(adb_key_verify(k, token, sig, sizeof(sig)));
	adb_key_free(k);
}

static void both_forms_of_pem_are_the_same_key(void **state)
{
	struct adb_key *a = read_key(pem_pkcs8), *b = read_key(pem_pkcs1);

	(void)state;
	assert_true(adb_key_same(a, b));
	assert_false(adb_key_same(a, adb_test_key(1)));
	adb_key_free(a);
	adb_key_free(b);
}

static void a_text_is_read_back_as_the_public_half(void **state)
{
	struct adb_key *k = read_key(pem_pkcs8), *pub;
	uint8_t token[ADB_TOKEN] = {7}, sig[ADB_SIGNATURE];
	char text[ADB_KEY_TEXT_MAX];
	size_t n = adb_key_text(k, "framefarm@host", text);

	(void)state;
	assert_int_equal(n, 700 + 1 + 14 + 1);
	assert_string_equal(text + 700, " framefarm@host");
	pub = adb_key_parse(text, n);
	assert_non_null(pub);
	assert_true(adb_key_same(pub, k));
	assert_int_equal(adb_key_sign(k, token, sig), 0);
	assert_true(adb_key_verify(pub, token, sig, sizeof(sig)));
	assert_int_not_equal(adb_key_sign(pub, token, sig), 0); /* it has no private half */
	adb_key_free(pub);
	pub = adb_key_parse(text, 700);
	assert_non_null(pub);
	adb_key_free(pub);
	adb_key_free(k);
}

static void a_text_that_is_none_is_refused(void **state)
{
	char text[ADB_KEY_TEXT_MAX], bad[ADB_KEY_TEXT_MAX];
	size_t n = adb_key_text(adb_test_key(0), "x", text);
	uint8_t blob[ADB_KEY_BLOB];

	(void)state;
	assert_null(adb_key_parse("", 0));
	assert_null(adb_key_parse(text, 699));
	assert_null(adb_key_parse(text + 1, n - 1));
	for (int at = 0; at < 700; at += 33) {
		memcpy(bad, text, n);
		bad[at] = at % 2 ? '!' : '\0';
		assert_null(adb_key_parse(bad, n));
	}
	memcpy(bad, text, n);
	bad[700] = 'A';
	assert_null(adb_key_parse(bad, n));
	blob_of(adb_test_key(0), blob);
	for (int i = 0; i < 4; i++) {
		uint8_t b[ADB_KEY_BLOB];

		memcpy(b, blob, sizeof(b));
		if (i == 0)
			b[0] = 63; /* another length */
		else if (i == 1)
			b[8] ^= 1; /* an even modulus */
		else if (i == 2)
			b[520] = 5; /* an exponent of nobody */
		else
			b[8 + 255] = 0; /* a short modulus */
		rsakey_base64(b, sizeof(b), bad);
		assert_null(adb_key_parse(bad, 700));
	}
}

static void what_is_no_key_is_refused_with_a_sentence(void **state)
{
	static const struct {
		const char *pem;
		int code;
		const char *words;
	} cases[] = {
		{"", ERR_PARSE, "no private key"},
		{"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", ERR_PARSE,
			"key"},
		{pem_encrypted, ERR_UNSUPPORTED, "passphrase"},
		{pem_1024, ERR_UNSUPPORTED, "2048"},
		{pem_ec, ERR_UNSUPPORTED, "RSA"},
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(&e, 0, sizeof(e));
		assert_null(adb_key_read(write_key(cases[i].pem), &e));
		assert_int_equal(e.code, cases[i].code);
		assert_non_null(strstr(e.text, cases[i].words));
		assert_non_null(strstr(e.text, dir));
	}
	memset(&e, 0, sizeof(e));
	assert_null(adb_key_read("/nonexistent/key", &e));
	assert_int_equal(e.code, ERR_NOTFOUND);
}

static void a_key_whose_halves_do_not_fit_is_refused(void **state)
{
	char *bad = strdup(pem_pkcs1), *digit = strchr(bad, '\n') + 100; /* of the modulus */
	struct err e = {0};

	(void)state;
	*digit = *digit == 'A' ? 'B' : 'A';
	assert_null(adb_key_read(write_key(bad), &e));
	assert_int_equal(e.code, ERR_PARSE);
	assert_non_null(strstr(e.text, "damaged"));
	free(bad);
}

static void a_file_that_is_too_long_is_no_key(void **state)
{
	char *much = malloc(100001);
	struct err e = {0};

	(void)state;
	memset(much, 'x', 100000);
	much[100000] = '\0';
	assert_null(adb_key_read(write_key(much), &e));
	assert_int_equal(e.code, ERR_PARSE);
	free(much);
}

static void a_written_key_is_private_and_reads_back(void **state)
{
	char path[512], pub[520], line[ADB_KEY_TEXT_MAX], text[ADB_KEY_TEXT_MAX];
	struct adb_key *k;
	struct err e = {0};
	struct stat st;
	FILE *f;

	(void)state;
	snprintf(path, sizeof(path), "%s/new", dir);
	snprintf(pub, sizeof(pub), "%s.pub", path);
	for (int i = 0; i < 2; i++) /* also over one that is there */
		if (adb_key_write(adb_test_key(i), path, &e))
			fail_msg("%s", e.text);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	k = adb_key_read(path, &e);
	assert_non_null(k);
	assert_true(adb_key_same(k, adb_test_key(1)));
	f = fopen(pub, "r");
	assert_non_null(f);
	assert_non_null(fgets(line, sizeof(line), f));
	fclose(f);
	adb_key_text(k, "x", text);
	assert_memory_equal(line, text, 700);
	adb_key_free(k);
	snprintf(path, sizeof(path), "%s/nowhere/new", dir);
	assert_int_equal(adb_key_write(adb_test_key(0), path, &e), ERR_NOTFOUND);
}

/* The stock client's own key, and what it says of its public half. */
static void the_stock_clients_key_is_read(void **state)
{
	char cmd[1200], path[512], line[ADB_KEY_TEXT_MAX] = "", text[ADB_KEY_TEXT_MAX];
	struct err e = {0};
	struct adb_key *k;
	FILE *f;

	(void)state;
	snprintf(path, sizeof(path), "%s/stock", dir);
	snprintf(cmd, sizeof(cmd), "HOME='%s' adb keygen '%s' >/dev/null 2>&1", dir, path);
	if (system(cmd) != 0)
		skip();
	k = adb_key_read(path, &e);
	if (!k)
		fail_msg("%s", e.text);
	snprintf(cmd, sizeof(cmd), "%s.pub", path);
	f = fopen(cmd, "r");
	assert_non_null(f);
	assert_non_null(fgets(line, sizeof(line), f));
	fclose(f);
	adb_key_text(k, "x", text);
	assert_memory_equal(line, text, 700);
	adb_key_free(k);
}

static void long_names_are_cut(void **state)
{
	char name[2000], text[ADB_KEY_TEXT_MAX];

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(adb_key_text(adb_test_key(0), name, text), ADB_KEY_TEXT_MAX);
	assert_int_equal(text[ADB_KEY_TEXT_MAX - 1], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_blob_is_what_android_wants),
		cmocka_unit_test(a_signature_is_the_one_of_openssl),
		cmocka_unit_test(both_forms_of_pem_are_the_same_key),
		cmocka_unit_test(a_text_is_read_back_as_the_public_half),
		cmocka_unit_test(a_text_that_is_none_is_refused),
		cmocka_unit_test(what_is_no_key_is_refused_with_a_sentence),
		cmocka_unit_test(a_key_whose_halves_do_not_fit_is_refused),
		cmocka_unit_test(a_file_that_is_too_long_is_no_key),
		cmocka_unit_test(a_written_key_is_private_and_reads_back),
		cmocka_unit_test(the_stock_clients_key_is_read),
		cmocka_unit_test(long_names_are_cut),
	};

	return cmocka_run_group_tests(tests, make_dir, drop_dir);
}
