#include <inttypes.h>
#include <string.h>

#include "cli/cli.h"
#include "store/orphans.h"

struct show {
	bool json, dry_run;
	uint64_t count;
};

static void
show(void *ctx, const char *dir, const char *below, uint64_t size, bool ours)
{
	char name[4096];
	struct show *s = ctx;
	const char *verb = !ours ? "kept" : s->dry_run ? "would remove" : "removed";
	struct buf b;

	snprintf(name, sizeof name, "%s%s%s", dir != NULL ? dir : "", dir != NULL ? "/" : "", below);
	if (s->json) {
		buf_init(&b, CLI_JSON_MAX);
		buf_printf(&b, "%s{\"name\":", s->count == 0 ? "" : ",");
		buf_put_json_string(&b, name, strlen(name));
		buf_printf(&b, ",\"bytes\":%" PRIu64 ",\"removed\":%s}\n", size, ours && !s->dry_run ? "true" : "false");
		fwrite(b.data, 1, b.len, stdout);
		buf_fini(&b);
	} else {
		printf("%s: ", verb);
		cli_print_safe(stdout, name, strlen(name));
		printf("%s\n", ours ? "" : " (it may be somebody's; check --repair indexes it)");
	}
	s->count++;
}

int
command_reclaim(struct conf *conf, int argc, char **argv, struct err *err)
{
	struct show s = { .json = conf_flag(conf, OPT_JSON), .dry_run = conf_flag(conf, OPT_DRY_RUN) };
	const struct orphan_options options = { .dry_run = s.dry_run, .report = show, .ctx = &s };
	const struct store_options open = { .read_only = s.dry_run };
	struct orphan_totals t;
	struct store *st = NULL;
	char bytes[CLI_BYTES_MAX];
	int r;

	(void)argc;
	r = store_open(argv[0], &open, &st, err);
	if (r < 0)
		return r;
	if (s.json)
		printf("{\"files\":[");
	r = store_reclaim(st, &options, &t, err);
	store_close(st);
	if (r == 0 && s.json)
		printf("],\"%s\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"kept\":%" PRIu64 "}\n", s.dry_run ? "wouldRemove" : "removed",
		       t.removed, t.bytes, t.kept);
	else if (r == 0)
		printf("%s %" PRIu64 " files (%s), %" PRIu64 " kept\n", s.dry_run ? "would remove" : "removed", t.removed,
		       cli_format_bytes(t.bytes, bytes), t.kept);
	return r;
}
