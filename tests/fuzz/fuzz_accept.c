/* Accept headers and media types: any text gives entries in order, and a choice that a
 * dialect allows. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "web/accept.h"
#include "web/cors.h"
#include "web/dialect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const dialects[] = { "v2", "dicom-web" };
	char *text = malloc(size + 1);
	struct accept_choice choice;
	struct accept accept;
	struct media media;
	const char *end;
	unsigned i, resource;

	if (text == NULL)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (media_parse(text, &media, &end) == 0) {
		if (end < text || end > text + strlen(text) || (*end != '\0' && *end != ','))
			abort();
		media_param(&media, "boundary");
	}
	accept_coding(text);
	if (cors_check(text, NULL) == 0 && strchr(text, ',') == NULL && cors_allows(text, text) == NULL)
		abort();
	cors_headers(text);
	accept_parse(text, &accept);
	for (i = 0; i < accept.count; i++)
		if (accept.entry[i].q == 0 || accept.entry[i].q > 1000 ||
		    (i > 0 && accept.entry[i - 1].q < accept.entry[i].q))
			abort();
	accept_allows(&accept, "application/dicom+json");
	for (i = 0; i < 2; i++) {
		const struct dialect *d = dialect_find(dialects[i]);

		for (resource = RESOURCE_STUDY; resource <= RESOURCE_FRAMES; resource *= 2)
			if (accept_choose(d->retrieve_rules, d->n_retrieve_rules, resource,
					  resource == RESOURCE_FRAMES ? "1.2.840.10008.1.2.4.50" : NULL, &accept, &choice) == 0 &&
			    strcmp(choice.xfer_uid, "*") != 0 &&
			    !uid_is_valid(choice.xfer_uid, strlen(choice.xfer_uid)))
				abort();
	}
	free(text);
	return 0;
}
