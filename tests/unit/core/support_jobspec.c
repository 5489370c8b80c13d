/* SPDX-License-Identifier: Apache-2.0 */
#include "support_jobspec.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "core/jobspec.h"

int try_parse(const char *text, unsigned flags, struct jobspec **ret, struct err *e)
{
	struct json_doc *d = json_parse(text, strlen(text), e);
	int rc;

	if (!d)
		return e->code;
	rc = jobspec_parse(d, flags, ret, e);
	json_doc_free(d);
	return rc;
}

struct jobspec *parsed(const char *text)
{
	struct jobspec *s = NULL;
	struct err e = {0};

	if (try_parse(text, JOBSPEC_PATHS, &s, &e))
		fail_msg("%s", e.text);
	return s;
}

/* A job with one variant and, behind it, more members: "," and so on. */
char *job_with(const char *more)
{
	return mem_printf(
		"{\"schema\": \"framefarm.job/1\", \"name\": \"j\",\n"
		"\"model\": {\"name\": \"m\", \"variants\": [{\"name\": \"fp32\", \"file\": "
		"\"m.onnx\"}]}\n%s}",
		more);
}

struct jobspec *parsed_with(const char *more)
{
	char *text = job_with(more);
	struct jobspec *s = parsed(text);

	mem_free(text);
	return s;
}

void text_refused(const char *text, int code, const char *says)
{
	struct jobspec *s = (struct jobspec *)1;
	struct err e = {0};

	assert_int_equal(try_parse(text, JOBSPEC_PATHS, &s, &e), code);
	assert_ptr_equal(s, (struct jobspec *)1);
	if (!strstr(e.text, says))
		fail_msg("\"%s\" does not say \"%s\"", e.text, says);
}

void refused(const char *more, int code, const char *says)
{
	char *text = job_with(more);

	text_refused(text, code, says);
	mem_free(text);
}

const char job_whole[] =
	"{ // the job of jobspec.h\n"
	"  \"schema\": \"framefarm.job/1\",\n"
	"  \"name\": \"mobilenet-v1\",\n"
	"  \"model\": {\n"
	"    \"name\": \"mobilenet-v1-0.25-224\",\n"
	"    \"variants\": [\n"
	"      {\"name\": \"fp32\", \"file\": \"models/mbv1_fp32.onnx\"},\n"
	"      {\"name\": \"int8\", \"file\": \"models/mbv1_int8.onnx\",\n"
	"       \"golden\": {\"top1\": 0.98, \"cases\": [{\"outputs\": {\"probs\": \"q0.pb\"}}]},\n"
	"       \"runner\": {\"threads\": 4, \"provider\": \"xnnpack\", \"strict\": true},\n"
	"       \"inputs\": [{\"name\": \"x\", \"file\": \"in.pb\"}]}\n"
	"    ]\n"
	"  },\n"
	"  \"runner\": {\"name\": \"onnxruntime\", \"threads\": 2, \"inter_threads\": 1,\n"
	"    \"provider_options\": {\"device_type\": \"CPU\"},\n"
	"    \"session_options\": {\"session.intra_op.allow_spinning\": \"0\"},\n"
	"    \"optimization\": \"basic\"},\n"
	"  \"dimensions\": {\"batch\": 1, \"seq\": 128}, \"fix_dimensions\": true,\n"
	"  \"inputs\": [{\"name\": \"input\", \"file\": \"in.pb\"},\n"
	"    {\"name\": \"ids\", \"seed\": 7, \"fill\": \"uniform\", \"low\": 0, \"high\": 2000,\n"
	"     \"shape\": [1, 128]}],\n"
	"  \"golden\": {\"cosine\": 0.999, \"sqnr_db\": 30, \"max_abs\": 0.01, \"top1\": 0.98,\n"
	"    \"cases\": [{\"inputs\": {\"input\": \"in0.pb\"}, \"outputs\": {\"probs\": "
	"\"out0.pb\"}},\n"
	"      {\"outputs\": {\"probs\": \"out1.pb\", \"mask\": \"m1.pb\"}}]},\n"
	"  \"preset\": \"standard\",\n"
	"  \"measure\": {\"cold_loads\": 1, \"pace_hz\": 120, \"thermal_start_c\": 30.5},\n"
	"  \"devices\": {\"select\": {\"kind\": \"local\", \"abi\": \"x86_64\"}, \"count\": "
	"\"all\"},\n"
	"  \"budget\": {\"ms\": 16.6, \"percentile\": 0.95, \"share\": 0.5},\n"
	"  \"gates\": [\"budget\", \"golden\", \"execution\"],\n"
	"  \"priority\": -3, \"retries\": 0, \"timeout_s\": 3600, \"labels\": {\"team\": "
	"\"vision\"},\n"
	"  \"commit\": \"abc\", \"branch\": \"main\"\n"
	"}\n";
