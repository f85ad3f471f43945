/* The body of POST /export: refused with a sentence, or a destination that is allowed. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/check.h"
#include "web/export.h"
#include "web/json_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct export_settings settings = { .roots = "/srv/lake,/tmp" };
	struct export_order o;
	struct err err = { 0 };
	char *text = malloc(size + 1);
	json_t *body;

	if (text == NULL)
		return 0;
	memcpy(text, data, size);
	json_relax(text, size);
	body = json_loadb(text, size, JSON_DECODE_ANY, NULL);
	if (body != NULL && export_order_parse(dialect_find(size % 2 ? "v2" : "dicom-web"), &settings, body, &o, &err) == 0) {
		check(o.spec.kind != DESTINATION_FILE || destination_fits_root(&o.spec, o.spec.root), "below a root");
		check(o.spec.kind != DESTINATION_AZURE || o.spec.managed_identity || destination_is_emulator(&o.spec), "with a credential");
		export_order_fini(&o);
	} else if (body != NULL) {
		check(err.num < 0 && err.text[0] != '\0', "why it was refused");
	}
	json_decref(body);
	free(text);
	return 0;
}
