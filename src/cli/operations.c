#include "cli/operations.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "cli/access.h"
#include "dicom/tag.h"
#include "ops/ops.h"
#include "store/tier.h"

/* How often --follow looks. */
#define LOOK_MS 100
/* How far an operation goes before that is told again. */
#define TOLD_PERCENT 10

static const char *const states[] = {
	[STORE_OPERATION_NOT_STARTED] = "not started", [STORE_OPERATION_RUNNING] = "running",
	[STORE_OPERATION_SUCCEEDED] = "succeeded", [STORE_OPERATION_FAILED] = "failed",
};


/* What nobody is at, but who asks for it again, is not waited for. */
static bool
is_finished(const struct operation *op)
{
	return op->state == STORE_OPERATION_SUCCEEDED || op->state == STORE_OPERATION_FAILED || op->interrupted;
}

static const char *
state_name(const struct operation *op)
{
	return op->interrupted ? "interrupted" : states[op->state];
}

/* ----------------------------------------------------------- showing ---- */

struct listing {
	const char *id;			/* of the one that is shown; NULL: all */
	struct buf *json;		/* NULL: text */
	uint64_t shown;
};

static void
put_tags(const struct operation *op, bool json, struct buf *out)
{
	const struct tag_entry *entry;
	char path[9];
	size_t i;

	for (i = 0; i < op->n_tags; i++) {
		tag_format(op->tags[i], path);
		entry = tag_find(op->tags[i]);
		if (json)
			buf_printf(out, "%s\"%s\"", i > 0 ? "," : "", path);
		else
			buf_printf(out, " %s", entry != NULL ? entry->keyword : path);
	}
}

static void
put_json(const struct operation *op, struct buf *out)
{
	char created[CLOCK_TEXT_MAX], updated[CLOCK_TEXT_MAX];

	clock_format(op->created, created);
	clock_format(op->updated, updated);
	buf_printf(out, "{\"id\":\"%s\",\"type\":\"%s\",\"status\":\"%s\",\"percent\":%u,\"done\":%" PRIu64
		   ",\"total\":%" PRIu64 ",\"created\":\"%s\",\"updated\":\"%s\",\"tags\":[", op->id, operation_kind_name(op->kind),
		   op->state == STORE_OPERATION_NOT_STARTED ? "notStarted" : state_name(op), op->percent, op->done,
		   op->total, created, updated);
	put_tags(op, true, out);
	buf_puts(out, "]");
	if (op->kind == STORE_OPERATION_EXPORT) {
		buf_printf(out, ",\"exported\":%" PRIu64 ",\"skipped\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"destination\":",
			   op->export.exported, op->export.skipped, op->export.bytes);
		buf_put_json_string(out, op->destination, strlen(op->destination));
	} else if (op->paths != NULL) {
		buf_puts(out, ",\"paths\":");
		buf_put_json_string(out, op->paths, strlen(op->paths));
	}
	if (op->kind == STORE_OPERATION_UPDATE)
		buf_printf(out, ",\"studies\":%" PRIu64 ",\"failed\":%" PRIu64 ",\"instances\":%" PRIu64,
			   op->studies_processed, op->studies_failed, op->instances_updated);
	if (op->kind == STORE_OPERATION_TIER)
		buf_printf(out, ",\"to\":\"%s\",\"moved\":%" PRIu64 ",\"failed\":%" PRIu64 ",\"bytes\":%" PRIu64,
			   op->tier.by_rules ? "rules" : store_tier_name(op->tier.to), op->tier.moved, op->tier.failed,
			   op->tier.bytes);
	if (*op->errors != '\0') {
		buf_puts(out, ",\"errors\":");
		buf_put_json_string(out, op->errors, strlen(op->errors) - 1);	/* of lines */
	}
	if (op->why[0] != '\0') {
		buf_puts(out, ",\"why\":");
		buf_put_json_string(out, op->why, strlen(op->why));
	}
	buf_puts(out, "}");
}

static void
print_text(const struct operation *op)
{
	char created[CLOCK_TEXT_MAX];
	const char *line;
	struct buf tags;

	clock_format(op->created, created);
	buf_init(&tags, CLI_JSON_MAX);
	put_tags(op, false, &tags);
	/* to the second */
	printf("%s  %.19s  %-7s  %-11s  ", op->id, created, operation_kind_name(op->kind), state_name(op));
	if (op->kind == STORE_OPERATION_EXPORT) {
		printf("%" PRIu64 " exported, %" PRIu64 " skipped  ", op->export.exported, op->export.skipped);
		cli_print_safe(stdout, op->destination, strlen(op->destination));
		putchar('\n');
	} else if (op->kind == STORE_OPERATION_UPDATE) {
		printf("%3u%% %" PRIu64 " instance%s\n", op->percent, op->instances_updated,
		       op->instances_updated == 1 ? "" : "s");
	} else if (op->kind == STORE_OPERATION_TIER) {
		printf("%3u%% %" PRIu64 " moved %s%s\n", op->percent, op->tier.moved, op->tier.by_rules ? "by the rules" : "to ",
		       op->tier.by_rules ? "" : store_tier_name(op->tier.to));
	} else {
		printf("%3u%% %s", op->percent, tags.data != NULL ? tags.data : "");
		if (op->paths != NULL) {
			putchar(' ');
			cli_print_safe(stdout, op->paths, strlen(op->paths));
		}
		putchar('\n');
	}
	if (op->why[0] != '\0')
		printf("    %s\n", op->why);
	for (line = op->errors; *line != '\0'; line += strcspn(line, "\n") + 1)
		printf("    %.*s\n", (int)strcspn(line, "\n"), line);
	buf_fini(&tags);
}

static int
show(void *ctx, const struct operation *op)
{
	struct listing *l = ctx;

	if (l->id != NULL && strcmp(l->id, op->id) != 0)
		return 0;
	if (l->json != NULL) {
		buf_puts(l->json, l->shown > 0 ? ",\n" : "[");
		put_json(op, l->json);
	} else {
		print_text(op);
	}
	l->shown++;
	return 0;
}

/* ----------------------------------------------------------- waiting ---- */

struct follower {
	const char *id;			/* NULL: all */
	uint64_t unfinished;
	bool exports;
	bool failed;
	unsigned percent;		/* told last */
};

static int
look(void *ctx, const struct operation *op)
{
	struct follower *f = ctx;

	if ((f->id != NULL && strcmp(f->id, op->id) != 0) || (!f->exports && op->kind == STORE_OPERATION_EXPORT))
		return 0;
	if (is_finished(op)) {
		f->failed |= op->state == STORE_OPERATION_FAILED && f->id != NULL;
		return 0;
	}
	/* There is one reindex at a time. */
	if (f->unfinished++ == 0 && op->percent >= f->percent + TOLD_PERCENT) {
		f->percent = op->percent;
		fprintf(stderr, "dicomlake: operation %s: %u%%\n", op->id, op->percent);
	}
	return 0;
}

int
operations_wait(struct store *st, const char *id, const struct export_settings *exports, struct err *err)
{
	const struct timespec pause = { .tv_nsec = LOOK_MS * 1000000 };
	struct follower f = { .id = id, .exports = exports != NULL };
	struct ops *ops = NULL;
	int r;

	log_set_level(LOG_LEVEL_WARNING);	/* what the log of a daemon tells is told here otherwise */
	r = ops_start(st, &ops, err);
	if (r == 0 && exports != NULL)
		r = ops_run_exports(ops, exports, err);
	while (r == 0) {
		f.unfinished = 0;
		r = store_operations(st, look, &f, err);
		if (r < 0 || f.unfinished == 0)
			break;
		nanosleep(&pause, NULL);
	}
	ops_stop(ops);
	if (r == 0 && f.failed)
		r = err_set(err, -EIO, "operation %s failed", id);
	return r;
}

/* ----------------------------------------------------------- command ---- */

int
command_operations(struct conf *conf, int argc, char **argv, struct err *err)
{
	const struct store_options options = { .read_only = !conf_flag(conf, OPT_FOLLOW) };
	struct listing l = { .id = argc > 1 ? argv[1] : NULL };
	struct cli_access access = { .file = NULL };
	struct store *st = NULL;
	struct buf json;
	int r = 0;

	if (conf_text(conf, OPT_CONFIG) != NULL)
		r = conf_parse_file(conf, conf_text(conf, OPT_CONFIG), err);
	if (r == 0)
		r = cli_access_read(conf, &access, err);
	if (r == 0)
		r = store_open(argv[0], &options, &st, err);
	if (r < 0) {
		cli_access_fini(&access);
		return r;
	}
	if (l.id != NULL)
		r = store_operation(st, l.id, NULL, NULL, err);
	if (r == 0 && conf_flag(conf, OPT_FOLLOW))
		r = operations_wait(st, l.id, &access.settings, err);
	buf_init(&json, CLI_JSON_MAX);
	if (conf_flag(conf, OPT_JSON))
		l.json = &json;
	if (r == 0)
		r = store_operations(st, show, &l, err);
	if (r == 0 && l.json != NULL) {
		buf_puts(&json, l.shown > 0 ? "]\n" : "[]\n");
		fwrite(json.data, 1, json.len, stdout);
	}
	buf_fini(&json);
	store_close(st);
	cli_access_fini(&access);
	return r;
}
