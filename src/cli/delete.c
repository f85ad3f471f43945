#include "cli/cli.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

int
command_delete(struct conf *conf, int argc, char **argv, struct err *err)
{
	struct store_scope scope = { 0 };
	char uids[3][UID_TEXT_MAX];
	struct store *st = NULL;
	uint64_t instances;
	int count = 0, r;

	(void)argc;
	if (cli_partition(conf, &scope.partition, err) < 0 || cli_parse_uids(argv[1], uids, &count, err) < 0)
		return CLI_USAGE;
	scope.study_uid = uids[0];
	scope.series_uid = count > 1 ? uids[1] : NULL;
	scope.sop_uid = count > 2 ? uids[2] : NULL;
	r = store_open(argv[0], NULL, &st, err);
	if (r < 0)
		return r;
	r = store_delete(st, &scope, &instances, err);
	if (r == 0) {
		if (conf_flag(conf, OPT_JSON))
			printf("{\"deleted\":%" PRIu64 "}\n", instances);
		else
			fprintf(stderr, "dicomlake: deleted %" PRIu64 " instance%s\n", instances,
				instances == 1 ? "" : "s");
	}
	store_close(st);
	return r;
}
