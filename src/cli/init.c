#include "cli/cli.h"

int
command_init(struct conf *conf, int argc, char **argv, struct err *err)
{
	int r;

	(void)argc;
	r = store_init(argv[0], conf_text(conf, OPT_WORKSPACE), conf_text(conf, OPT_SERVICE), err);
	if (r < 0)
		return r;
	fprintf(stderr, "dicomlake: made a store in %s (workspace %s, service %s)\n", argv[0],
		conf_text(conf, OPT_WORKSPACE), conf_text(conf, OPT_SERVICE));
	return CLI_DONE;
}
