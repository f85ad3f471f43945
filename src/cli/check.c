#include "cli/cli.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static const char *const finding_names[] = {
	[CHECK_FILE_MISSING] = "file-missing",
	[CHECK_FILE_CHANGED] = "file-changed",
	[CHECK_FILE_UNKNOWN] = "file-unknown",
	[CHECK_INDEX] = "index",
	[CHECK_STAGING] = "staging",
	[CHECK_TIER_AWAY] = "tier-away",
	[CHECK_TIER] = "tier",
};

struct report {
	bool json;
	uint64_t count;
};

static void
print_finding(void *ctx, enum check_finding finding, const char *what, bool repaired)
{
	struct report *report = ctx;
	struct buf b;

	if (report->json) {
		buf_init(&b, CLI_JSON_MAX);
		buf_printf(&b, "%s{\"finding\":\"%s\",\"what\":", report->count == 0 ? "" : ",",
			   finding_names[finding]);
		buf_put_json_string(&b, what, strlen(what));
		buf_printf(&b, ",\"repaired\":%s}\n", repaired ? "true" : "false");
		fwrite(b.data, 1, b.len, stdout);
		buf_fini(&b);
	} else {
		printf("%s: ", finding_names[finding]);
		cli_print_safe(stdout, what, strlen(what));
		printf("%s\n", repaired ? " (repaired)" : "");
	}
	report->count++;
}

static void
print_totals(bool json, const char *did, const struct check_totals *t)
{
	char bytes[CLI_BYTES_MAX];

	if (json)
		printf("\"instances\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"found\":%" PRIu64
		       ",\"repaired\":%" PRIu64, t->instances, t->bytes, t->findings, t->repaired);
	else
		fprintf(stderr, "dicomlake: %s %" PRIu64 " instances, %s: %" PRIu64 " findings, %" PRIu64 " repaired\n",
			did, t->instances, cli_format_bytes(t->bytes, bytes), t->findings, t->repaired);
}

static int
check(const char *dir, struct conf *conf, bool json, struct check_totals *totals, struct err *err)
{
	struct report report = { .json = json };
	const struct check_options options = {
		.repair = conf_flag(conf, OPT_REPAIR),
		.verify = conf_flag(conf, OPT_VERIFY),
		.report = print_finding,
		.ctx = &report,
	};
	/* What a killed process left is a finding, not something to mend unasked. */
	const struct store_options open_options = { .read_only = !options.repair };
	struct store *st = NULL;
	int r;

	r = store_open(dir, &open_options, &st, err);
	if (r < 0)
		return r;
	r = store_check(st, &options, totals, err);
	store_close(st);
	return r;
}

int
command_check(struct conf *conf, int argc, char **argv, struct err *err)
{
	bool json = conf_flag(conf, OPT_JSON), rebuild = conf_flag(conf, OPT_REBUILD);
	struct check_totals totals = { 0 };
	int r;

	(void)argc;
	if (rebuild) {
		r = store_rebuild(argv[0], &totals, err);
		if (r < 0)
			return r;
		if (!json)
			print_totals(false, "made the index again from", &totals);
		totals = (struct check_totals){ 0 };
	}
	if (json)
		printf("{\"findings\":[");
	r = check(argv[0], conf, json, &totals, err);
	if (json) {
		/* Whole even after a failure, which the exit status tells */
		printf("],");
		print_totals(true, NULL, &totals);
		printf("}\n");
	} else if (r == 0) {
		print_totals(false, "checked", &totals);
	}
	if (r < 0) {
		fflush(stdout);
		return r;
	}
	return totals.findings > totals.repaired ? CLI_FAILED : CLI_DONE;
}
