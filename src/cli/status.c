#include "cli/cli.h"

#include <inttypes.h>
#include <string.h>

#include "cli/receivers.h"
#include "store/tier.h"

static int
print_json(struct store *st, const struct store_status *s, struct err *err)
{
	struct buf b;
	int r;

	buf_init(&b, CLI_JSON_MAX);
	buf_puts(&b, "{\"store\":");
	buf_put_json_string(&b, store_path(st), strlen(store_path(st)));
	buf_puts(&b, ",\"workspace\":");
	buf_put_json_string(&b, store_workspace(st), strlen(store_workspace(st)));
	buf_puts(&b, ",\"service\":");
	buf_put_json_string(&b, store_service(st), strlen(store_service(st)));
	buf_puts(&b, ",\"receivers\":[");
	r = store_receivers(st, receiver_put_json, &b, err);
	buf_printf(&b, "],\"partitions\":%" PRIu64 ",\"studies\":%" PRIu64 ",\"series\":%" PRIu64
		   ",\"instances\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"tiers\":{\"hot\":%" PRIu64 ",\"cool\":%" PRIu64
		   ",\"cold\":%" PRIu64 ",\"archive\":%" PRIu64 "},\"originalBytes\":%" PRIu64 ",\"pending\":%" PRIu64
		   ",\"sequence\":%" PRIu64 ",\"mapSize\":%" PRIu64 ",\"mapUsed\":%" PRIu64
		   ",\"readers\":%u,\"readersMax\":%u,\"partitionsEnabled\":%s}\n",
		   s->partitions, s->studies, s->series, s->instances, s->bytes, s->tiers[STORE_HOT], s->tiers[STORE_COOL],
		   s->tiers[STORE_COLD], s->tiers[STORE_ARCHIVE], s->kept, s->pending,
		   s->sequence, s->map_size, s->map_used, s->readers, s->readers_max,
		   store_partitions(st) ? "true" : "false");
	if (r == 0)
		fwrite(b.data, 1, b.len, stdout);
	buf_fini(&b);
	return r;
}

static int
print_text(struct store *st, const struct store_status *s, struct err *err)
{
	char before[] = "events      ";
	unsigned i;
	char bytes[CLI_BYTES_MAX], used[CLI_BYTES_MAX], size[CLI_BYTES_MAX];

	printf("store       %s\n", store_path(st));
	printf("workspace   %s, service %s\n", store_workspace(st), store_service(st));
	printf("partitions  %" PRIu64 "%s\n", s->partitions, store_partitions(st) ? "" : " (turned off)");
	printf("studies     %" PRIu64 "\n", s->studies);
	printf("series      %" PRIu64 "\n", s->series);
	printf("instances   %" PRIu64 "\n", s->instances);
	printf("bytes       %" PRIu64 " (%s)\n", s->bytes, cli_format_bytes(s->bytes, bytes));
	for (i = 0; i < STORE_TIERS && s->tiers[STORE_HOT] < s->bytes; i++)
		printf("  %-10s%" PRIu64 " (%s)\n", store_tier_name((enum store_tier)i), s->tiers[i],
		       cli_format_bytes(s->tiers[i], bytes));
	if (s->kept > 0)
		printf("originals   %" PRIu64 " (%s)\n", s->kept, cli_format_bytes(s->kept, bytes));
	printf("pending     %" PRIu64 "\n", s->pending);
	printf("changes     %" PRIu64 "\n", s->sequence);
	printf("index       %s used, map of %s\n", cli_format_bytes(s->map_used, used),
	       cli_format_bytes(s->map_size, size));
	printf("readers     %u of %u\n", s->readers, s->readers_max);
	return store_receivers(st, receiver_print, before, err);
}

int
command_status(struct conf *conf, int argc, char **argv, struct err *err)
{
	/* Somebody may be serving it: look, and leave recovery to whoever writes. */
	const struct store_options options = { .read_only = true };
	struct store_status status;
	struct store *st = NULL;
	int r;

	(void)argc;
	r = store_open(argv[0], &options, &st, err);
	if (r < 0)
		return r;
	r = store_get_status(st, &status, err);
	if (r == 0)
		r = conf_flag(conf, OPT_JSON) ? print_json(st, &status, err) : print_text(st, &status, err);
	store_close(st);
	return r;
}
