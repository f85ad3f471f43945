/* Bodies in a content coding: whatever comes in ends and stays within its room, and what the
 * encoders make the decoder takes apart again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/coding.h"
#include "tests/fuzz/check.h"

/* Of decoded bytes: enough to come round the buffer, whatever the input blows up to. */
#define DECODED_MAX (1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
decode(const uint8_t *data, size_t size, size_t step)
{
	struct decoder *d;
	const void *p = data;
	size_t len = size, total = 0;
	char out[777];
	int n;

	if (decoder_new(&d) < 0)
		return;
	do {
		n = decoder_read(d, &p, &len, out, step);
		check(n <= (int)step && (const uint8_t *)p + len == data + size, "it reads on, and no more than was given");
		total += n > 0 ? (size_t)n : 0;
	} while (n > 0 && total < DECODED_MAX);
	decoder_free(d);
}

static void
round_trip(const uint8_t *data, size_t size, size_t step)
{
	unsigned char *coded = malloc(size * 2 + 1024), *again = malloc(size + 1);
	struct encoder *e = NULL;
	struct decoder *d = NULL;
	const void *p = data;
	size_t len = size, made, n_coded = 0, n = 0;
	int r;

	check(coded != NULL && again != NULL && encoder_new(CODING_GZIP, &e) == 0 && decoder_new(&d) == 0, "there is memory");
	do {
		size_t room = size * 2 + 1024 - n_coded;

		r = encoder_write(e, &p, &len, true, coded + n_coded, room < step ? room : step, &made);
		n_coded += made;
	} while (r > 0 && n_coded < size * 2 + 1024);
	check(r == 0 && len == 0, "all is encoded");
	p = coded;
	len = n_coded;
	while ((r = decoder_read(d, &p, &len, again + n, size + 1 - n)) > 0)
		n += (size_t)r;
	check(r == 0 && n == size && decoder_is_complete(d) && memcmp(again, data, size) == 0,
	      "what is encoded can be decoded");
	encoder_free(e);
	decoder_free(d);
	free(coded);
	free(again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t step = size > 0 ? data[0] % 200 + 1 : 1;

	if (size == 0)
		return 0;
	decode(data, size, 777);
	decode(data, size, step);
	round_trip(data, size, step);
	return 0;
}
