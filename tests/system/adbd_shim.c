/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into AOSP's adbd when it runs on Debian: what Android would give it. A property "a.b" is
 * the environment's P_a_b; the control socket "adbd" is the descriptor in ANDROID_SOCKET_adbd; and
 * listen() leaves no stale errno behind, which the daemon takes for a failure.
 *
 * android::base::GetProperty() takes and returns std::string, so its layout in libstdc++ (Itanium
 * C++ ABI, the "new" string of GCC 5) is written out here: the tree has no C++.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOCAL 16

struct cxx_string {
	char *p;
	size_t n;
	union {
		char local[LOCAL];
		size_t cap;
	} u;
};

#define GET_PROPERTY                                                                               \
	"_ZN7android4base11GetPropertyERKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEES8_"

/* Returned through memory of the caller's, whose address comes first. */
struct cxx_string *get_property(struct cxx_string *ret, const struct cxx_string *key,
	const struct cxx_string *fallback) __asm__(GET_PROPERTY);
int android_get_control_socket(const char *name);

static void assign(struct cxx_string *s, const char *text, size_t n)
{
	s->p = s->u.local;
	if (n >= LOCAL) {
		s->p = malloc(n + 1); /* operator delete is free() in libstdc++ */
		s->u.cap = n;
	}
	memcpy(s->p, text, n);
	s->p[n] = '\0';
	s->n = n;
}

struct cxx_string *get_property(
	struct cxx_string *ret, const struct cxx_string *key, const struct cxx_string *fallback)
{
	char name[256] = "P_";
	const char *v;

	for (size_t i = 0; i < key->n && i < sizeof(name) - 3; i++)
		name[2 + i] = key->p[i] == '.' ? '_' : key->p[i];
	v = getenv(name);
	if (v)
		assign(ret, v, strlen(v));
	else
		assign(ret, fallback->p, fallback->n);
	return ret;
}

int listen(int fd, int n)
{
	int rc = (int)syscall(SYS_listen, fd, n);

	if (!rc)
		errno = 0;
	return rc;
}

int android_get_control_socket(const char *name)
{
	const char *v = getenv("ANDROID_SOCKET_adbd");

	(void)name;
	return v ? atoi(v) : -1;
}
