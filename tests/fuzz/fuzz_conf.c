/* A configuration file: any bytes are either refused with a sentence or leave every
 * option within its range. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char host[CONF_HOST_MAX];
	struct conf *c = NULL;
	struct err err = { 0 };
	unsigned port;
	bool loopback;
	int r;

	if (conf_new(&c) < 0)
		return 0;
	r = conf_parse_text(c, "fuzz.conf", (const char *)data, size, &err);
	if (r < 0 && (err.text[0] == '\0' || strncmp(err.text, "fuzz.conf:", 10) != 0))
		abort();
	if (conf_number(c, OPT_THREADS) < 1 || conf_number(c, OPT_THREADS) > 4096 ||
	    conf_number(c, OPT_MAX_REQUEST) < 4096 || conf_number(c, OPT_LOG_LEVEL) > 3)
		abort();
	if (conf_text(c, OPT_LISTEN) != NULL &&
	    (conf_parse_address(conf_text(c, OPT_LISTEN), host, &port, &loopback) < 0 || port > 65535))
		abort();
	if (conf_is_set(c, OPT_MOUNT) && conf_text(c, OPT_MOUNT) == NULL)
		abort();
	conf_free(c);
	return 0;
}
