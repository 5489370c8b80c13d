/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer target of the job format: any bytes are either a job or refused with a sentence. What
 * is taken is also submitted and read again, and must then be taken without paths.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "core/jobspec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int fill_in(void *arg, struct jobspec_file *f)
{
	(void)arg;
	memset(f->sha256, 'a', LIMIT_SHA256 - 1);
	f->sha256[LIMIT_SHA256 - 1] = '\0';
	f->bytes = 1;
	return 0;
}

static void submit(const struct json_doc *doc, struct jobspec *s)
{
	struct jobspec *again = NULL;
	struct err e = {0};
	struct json *wire;
	struct json_doc *d;
	char *text;

	jobspec_files(s, fill_in, NULL);
	wire = jobspec_wire(doc, s);
	text = json_print(wire, false);
	d = json_parse(text, strlen(text), &e);
	/* Hashes are longer than the paths they replace, so it may have grown beyond the bound. */
	assert(d || e.code == ERR_TOOBIG);
	if (d) {
		assert(!jobspec_parse(d, 0, &again, &e));
		assert(again->n_variants == s->n_variants && again->gates == s->gates);
		jobspec_free(again);
	}
	json_doc_free(d);
	mem_free(text);
	json_free(wire);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = {0};
	struct json_doc *d = json_parse((const char *)data, size, &e);
	struct jobspec *s = NULL;

	if (!d)
		return 0;
	if (jobspec_parse(d, JOBSPEC_PATHS, &s, &e)) {
		assert(!s && e.code < 0 && e.text[0]);
	} else {
		submit(d, s);
		jobspec_free(s);
	}
	json_doc_free(d);
	return 0;
}
