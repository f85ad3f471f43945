#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/operations.h"
#include "store/tier.h"

struct show {
	bool json;
	uint64_t instances, bytes;
};

/* -- dry run -------------------------------------------------------------- */

static int
show_move(void *ctx, const struct tier_move *move)
{
	const struct instance_info *info = move->info;
	struct show *s = ctx;

	if (s->json)
		printf("%s{\"partition\":\"%s\",\"study\":\"%s\",\"series\":\"%s\",\"instance\":\"%s\",\"bytes\":%" PRIu64
		       ",\"from\":\"%s\",\"to\":\"%s\"}", s->instances > 0 ? ",\n" : "", move->partition, info->study_uid,
		       info->series_uid, info->sop_uid, info->size, store_tier_name(info->tier), store_tier_name(move->to));
	else
		printf("%s -> %s: %s/%s/%s/%s\n", store_tier_name(info->tier), store_tier_name(move->to), move->partition,
		       info->study_uid, info->series_uid, info->sop_uid);
	s->instances++;
	s->bytes += info->size;
	return 0;
}

static int
preview(struct store *st, struct show *s, struct err *err)
{
	char bytes[CLI_BYTES_MAX];
	int r;

	if (s->json)
		printf("{\"moves\":[");
	r = store_preview_tiering(st, show_move, s, err);
	if (s->json)
		printf("],\"instances\":%" PRIu64 ",\"bytes\":%" PRIu64 "}\n", s->instances, s->bytes);
	else if (r == 0)
		fprintf(stderr, "dicomlake: would move %" PRIu64 " instance%s, %s\n", s->instances, s->instances == 1 ? "" : "s",
			cli_format_bytes(s->bytes, bytes));
	return r;
}

/* -- moving --------------------------------------------------------------- */

static int
tell(void *ctx, const struct operation *op)
{
	const struct show *s = ctx;
	char bytes[CLI_BYTES_MAX];

	if (s->json)
		printf("{\"operation\":\"%s\",\"moved\":%" PRIu64 ",\"failed\":%" PRIu64 ",\"bytes\":%" PRIu64 "}\n", op->id,
		       op->tier.moved, op->tier.failed, op->tier.bytes);
	else
		fprintf(stderr, "dicomlake: moved %" PRIu64 " instance%s, %s\n", op->tier.moved, op->tier.moved == 1 ? "" : "s",
			cli_format_bytes(op->tier.bytes, bytes));
	if (op->why[0] != '\0')
		fprintf(stderr, "dicomlake: %s\n", op->why);
	return 0;
}

static int
move(struct store *st, const struct tier_request *rq, struct show *s, struct err *err)
{
	char operation[OPERATION_TEXT_MAX];
	struct err ignored = { 0 };
	int r = store_begin_tiering(st, rq, operation, err);

	if (r < 0)
		return r;
	r = operations_wait(st, operation, NULL, err);
	store_operation(st, operation, tell, s, &ignored);
	return r;
}

/* -- what ----------------------------------------------------------------- */

/* The node of STUDY[/SERIES[/INSTANCE]]. */
static int
find(struct store *st, const char *partition, const char *text, uint64_t *ret_node, struct err *err)
{
	static const char *const levels[] = { "study", "series", "instance" };
	char uids[3][UID_TEXT_MAX];
	struct store_node node;
	int i, n = 0, r;

	r = cli_parse_uids(text, uids, &n, err);
	if (r < 0)
		return CLI_USAGE;
	r = store_find_partition(st, partition != NULL ? partition : STORE_DEFAULT_PARTITION, &node);
	if (r < 0)
		return err_set(err, r, "no such partition");
	for (i = 0; i < n && r == 0; i++) {
		r = store_lookup(st, node.id, uids[i], &node);
		if (r < 0)
			err_set(err, r, "no such %s: %s", levels[i], uids[i]);
	}
	*ret_node = node.id;
	return r;
}

static int
run(struct conf *conf, struct store *st, int argc, char **argv, struct err *err)
{
	struct show s = { .json = conf_flag(conf, OPT_JSON) };
	const char *to = conf_text(conf, OPT_TO), *partition = NULL;
	struct tier_request rq = { .by_rules = to == NULL };
	uint64_t *nodes;
	int i, r;

	if (conf_flag(conf, OPT_DRY_RUN))
		return preview(st, &s, err);
	if (to == NULL)
		return move(st, &rq, &s, err);
	if (store_tier_parse(to, strlen(to), &rq.tier) < 0) {
		err_set(err, -EINVAL, "--to: '%.40s' is none of hot, cool, cold, archive", to);
		return CLI_USAGE;
	}
	if (cli_partition(conf, &partition, err) < 0)
		return CLI_USAGE;
	nodes = calloc((size_t)argc, sizeof *nodes);
	if (nodes == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	for (i = 1, r = 0; i < argc && r == 0; i++)
		r = find(st, partition, argv[i], &nodes[rq.n_nodes++], err);
	rq.nodes = nodes;
	if (r == 0)
		r = move(st, &rq, &s, err);
	free(nodes);
	return r;
}

int
command_tier(struct conf *conf, int argc, char **argv, struct err *err)
{
	const struct store_options options = { .read_only = conf_flag(conf, OPT_DRY_RUN) };
	bool by_hand = conf_text(conf, OPT_TO) != NULL;
	struct store *st = NULL;
	int r;

	if (by_hand != (argc > 1) || (by_hand && options.read_only)) {
		err_set(err, -EINVAL, "--to TIER and what is to go there belong together; --dry-run tells of the rules");
		return CLI_USAGE;
	}
	r = store_open(argv[0], &options, &st, err);
	if (r < 0)
		return r;
	r = run(conf, st, argc, argv, err);
	store_close(st);
	return r;
}
