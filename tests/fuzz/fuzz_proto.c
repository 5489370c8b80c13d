/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes may come over a connection. The first byte of the input chooses what they are: a stream
 * for the parser, cut as the second byte says and with the checksums put right, so that the fuzzer
 * gets behind them; or the payload of one message.
 */
#include <stdlib.h>
#include <string.h>

#include "msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was understood, written again, is what came: fields that a later version appends stand behind. */
static void same(struct proto_w *w, const uint8_t *data, size_t size)
{
	if (w->full || w->len > size || memcmp(w->p, data, w->len))
		abort();
	w->len = 0;
}

static void decode_facts(struct proto_w *w, const uint8_t *data, size_t size)
{
	struct proto_r r;
	struct fact f;

	proto_r_init(&r, data, size);
	while (proto_left(&r)) {
		const uint8_t *at = r.p;

		if (fact_get(&r, &f))
			break;
		fact_put(w, &f);
		if (w->len != (size_t)(r.p - at))
			abort();
		same(w, at, size - (size_t)(at - data));
	}
}

static void decode_lists(struct proto_w *w, uint16_t type, const uint8_t *data, size_t size)
{
	struct msg_welcome welcome;
	struct msg_end end;

	if (type == 0 && !msg_welcome_get(data, size, &welcome)) {
		msg_welcome_put(w, &welcome);
		same(w, data, size);
		msg_welcome_fini(&welcome);
	} else if (type == 4 && !msg_end_get(data, size, &end)) {
		if (end.n_streams > MSG_STREAMS_MAX)
			abort();
		msg_end_put(w, &end);
		same(w, data, size);
	}
}

static void decode(uint16_t type, const uint8_t *data, size_t size)
{
	static uint8_t out[PROTO_PAYLOAD_MAX];
	struct msg_status status;
	struct msg_chunk chunk;
	struct msg_decl decl;
	struct proto_w w;

	proto_w_init(&w, out, sizeof(out));
	switch (type % 6) {
	case 1:
		if (!msg_status_get(data, size, &status))
			msg_status_put(&w, &status);
		break;
	case 2:
		if (!msg_chunk_get(data, size, &chunk))
			msg_chunk_put(&w, &chunk);
		break;
	case 3:
		if (!msg_decl_get(data, size, &decl))
			msg_decl_put(&w, &decl);
		break;
	case 5:
		decode_facts(&w, data, size);
		return;
	default:
		decode_lists(&w, type % 6, data, size);
		return;
	}
	same(&w, data, size);
}

/* Puts the right magic, length and checksum wherever the input pretends to have a header. */
static void mend(uint8_t *data, size_t size)
{
	size_t at = 0;

	while (size - at > PROTO_HEADER) {
		uint32_t len = data[at + 8];

		if (data[at + 9] % 8 == 0) /* this one stays as it is */
			return;
		if (len > size - at - PROTO_HEADER)
			len = (uint32_t)(size - at - PROTO_HEADER);
		proto_header_put(data + at, data[at + 4], data + at + PROTO_HEADER, len);
		at += PROTO_HEADER + len;
	}
}

static void parse(const uint8_t *data, size_t size, size_t part)
{
	struct proto_parser p;
	struct proto_frame f;
	int got = 0;

	proto_parser_init(&p);
	for (size_t at = 0; at < size && got >= 0; at += part) {
		if (part > size - at)
			part = size - at;
		if (proto_parser_feed(&p, data + at, part))
			abort();
		while ((got = proto_parser_next(&p, &f)) > 0) {
			if (proto_crc32c(0, f.payload, f.len) !=
				proto_crc32c_portable(0, f.payload, f.len))
				abort();
			decode(f.type, f.payload, f.len);
		}
	}
	proto_parser_fini(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy;

	if (size < 2 || size > PROTO_FEED_MAX)
		return 0;
	if (data[0] % 8 < 6) {
		decode(data[0] % 8, data + 1, size - 1);
		return 0;
	}
	copy = malloc(size - 2 + 1);
	memcpy(copy, data + 2, size - 2);
	if (data[0] % 8 == 6)
		mend(copy, size - 2);
	parse(copy, size - 2, data[1] + 1u);
	free(copy);
	return 0;
}
