/* The multipart reader: whatever the bytes and however they are cut into windows, the parts
 * are the same, and every byte is used once. */
#include "config.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "web/multipart.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What happened, but for how data was split: a hash. */
static void
read_all(const char *body, size_t size, size_t step, unsigned char out[HASH_LEN])
{
	struct hash_stream *h = hash_stream_new();
	struct multipart_event ev = { .kind = MULTIPART_PART };
	char *window = malloc(size + 1);
	size_t fed = 0, len = 0, at, total = 0;
	struct multipart mp;

	if (h == NULL || window == NULL || multipart_init(&mp, "b") < 0)
		abort();
	while (ev.kind != MULTIPART_END) {
		size_t n = size - fed < step ? size - fed : step;

		memcpy(window + len, body + fed, n);
		len += n;
		fed += n;
		at = 0;
		do {
			if (multipart_next(&mp, window + at, len - at, fed == size, &ev) < 0) {
				hash_stream_add(h, "error", 5);
				goto out;
			}
			if (ev.used > len - at)
				abort();
			/* Progress, or a request for more that can be met. */
			if (ev.kind == MULTIPART_MORE && fed == size)
				abort();
			if (ev.kind != MULTIPART_DATA && ev.kind != MULTIPART_MORE)
				hash_stream_add(h, &ev.kind, sizeof ev.kind);
			hash_stream_add(h, ev.type.data, ev.type.len);
			hash_stream_add(h, ev.data.data, ev.data.len);
			at += ev.used;
			total += ev.used;
		} while (ev.kind != MULTIPART_MORE && ev.kind != MULTIPART_END);
		memmove(window, window + at, len - at);
		len -= at;
	}
	if (total > size)
		abort();
out:
	hash_stream_get(h, out);
	hash_stream_free(h);
	free(window);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned char whole[HASH_LEN], pieces[HASH_LEN];

	/* Past the limit of a part head the window decides where the error falls. */
	if (size > LIMIT_PART_HEAD)
		return 0;
	read_all((const char *)data, size, size + 1, whole);
	read_all((const char *)data, size, 1, pieces);
	if (memcmp(whole, pieces, HASH_LEN) != 0)
		abort();
	read_all((const char *)data, size, 7, pieces);
	if (memcmp(whole, pieces, HASH_LEN) != 0)
		abort();
	return 0;
}
