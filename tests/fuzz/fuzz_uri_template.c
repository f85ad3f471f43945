/* Paths: split, matched with every route, never with a slash or NUL in a segment. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "web/uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const templates[] = {
#define ROUTE(name, method, dialects, action, template, handler) template,
#include "web/routes.tbl"
#undef ROUTE
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct uri_path path;
	char *text = malloc(size + 1);
	struct uri_vars vars;
	unsigned i, first, v;

	if (text == NULL)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (uri_split(text, &path) == 0) {
		for (i = 0; i < path.count; i++)
			if (strchr(path.segment[i], '/') != NULL)
				abort();
		for (i = 0; i < sizeof templates / sizeof *templates; i++)
			for (first = 0; first < 2; first++) {
				if (!uri_match(templates[i], &path, first, &vars))
					continue;
				for (v = 0; v < URI_VARS; v++)
					if (vars.value[v] != NULL && vars.value[v][0] == '\0')
						abort();
			}
	}
	free(text);
	return 0;
}
