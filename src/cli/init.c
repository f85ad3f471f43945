#include "cli/cli.h"

int
command_init(struct conf *conf, int argc, char **argv, struct err *err)
{
	bool partitions = conf_flag(conf, OPT_PARTITIONS);
	struct store *st = NULL;
	int r;

	(void)argc;
	r = store_init(argv[0], conf_text(conf, OPT_WORKSPACE), conf_text(conf, OPT_SERVICE), err);
	if (r == 0 && partitions) {
		r = store_open(argv[0], NULL, &st, err);
		if (r == 0)
			r = store_enable_partitions(st, err);
		store_close(st);
	}
	if (r < 0)
		return r;
	fprintf(stderr, "dicomlake: made a store in %s (workspace %s, service %s%s)\n", argv[0],
		conf_text(conf, OPT_WORKSPACE), conf_text(conf, OPT_SERVICE), partitions ? ", partitions" : "");
	return CLI_DONE;
}
