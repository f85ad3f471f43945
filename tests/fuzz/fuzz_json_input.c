/* JSON of clients: what is JSON already stays as it is, and what was tolerated is. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "web/json_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	json_t *strict, *relaxed;

	if (text == NULL)
		return 0;
	memcpy(text, data, size);
	json_relax(text, size);
	strict = json_loadb((const char *)data, size, JSON_DECODE_ANY, NULL);
	relaxed = json_loadb(text, size, JSON_DECODE_ANY, NULL);
	if (strict != NULL && (relaxed == NULL || memcmp(text, data, size) != 0))
		abort();
	json_decref(strict);
	json_decref(relaxed);
	free(text);
	return 0;
}
