#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>

#include "base/buf.h"
#include "cli/cli.h"
#include "cli/progress.h"
#include "store/backup.h"

static atomic_bool stop;

struct show {
	struct progress progress;
	bool json;
};

static void
on_signal(int sig)
{
	(void)sig;
	stop = true;
}

static void
show_progress(void *ctx, uint64_t done, uint64_t total, uint64_t bytes)
{
	progress_draw(&((struct show *)ctx)->progress, done, total, true, bytes);
}

static void
show_unreadable(void *ctx, const char *name)
{
	progress_clear(&((struct show *)ctx)->progress);
	fprintf(stderr, "cannot copy ");
	cli_print_safe(stderr, name, strlen(name));
	fprintf(stderr, ": it was changed or removed behind the store\n");
}

static void
print_totals(const struct conf *conf, const char *did, const struct backup_totals *t)
{
	char bytes[CLI_BYTES_MAX], copied[CLI_BYTES_MAX];

	if (conf_flag(conf, OPT_JSON))
		printf("{\"instances\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"sequence\":%" PRIu64 ",\"copied\":%" PRIu64
		       ",\"copiedBytes\":%" PRIu64 ",\"shared\":%" PRIu64 ",\"present\":%" PRIu64 ",\"removed\":%" PRIu64
		       ",\"unreadable\":%" PRIu64 "}\n", t->instances, t->bytes, t->sequence, t->copied, t->copied_bytes,
		       t->shared, t->present, t->removed, t->unreadable);
	else if (!conf_flag(conf, OPT_QUIET))
		printf("%s %" PRIu64 " instances (%s): %" PRIu64 " files copied (%s), %" PRIu64 " shared, %" PRIu64
		       " there already, %" PRIu64 " removed, %" PRIu64 " that cannot be read\n", did, t->instances,
		       cli_format_bytes(t->bytes, bytes), t->copied, cli_format_bytes(t->copied_bytes, copied), t->shared,
		       t->present, t->removed, t->unreadable);
}

static int
run(const struct conf *conf, char **argv, bool restore, struct err *err)
{
	struct show show = { .json = conf_flag(conf, OPT_JSON) };
	const struct backup_options options = {
		.copy = conf_flag(conf, OPT_COPY), .stop = &stop, .progress = show_progress, .unreadable = show_unreadable, .ctx = &show,
	};
	const struct sigaction act = { .sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND };
	struct backup_totals totals;
	struct store *st = NULL;
	int r = 0;

	/* A second one ends it at once, which it survives. */
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	progress_init(&show.progress, !conf_flag(conf, OPT_QUIET) && !show.json);
	if (restore)
		r = store_restore(argv[0], argv[1], &options, &totals, err);
	else
		r = store_open(argv[0], NULL, &st, err);
	if (r == 0 && !restore)
		r = store_backup(st, argv[1], &options, &totals, err);
	progress_clear(&show.progress);
	store_close(st);
	if (r < 0)
		return r;
	print_totals(conf, restore ? "restored" : "backed up", &totals);
	return totals.unreadable > 0 ? CLI_FAILED : CLI_DONE;
}

int
command_backup(struct conf *conf, int argc, char **argv, struct err *err)
{
	(void)argc;
	return run(conf, argv, false, err);
}

int
command_restore(struct conf *conf, int argc, char **argv, struct err *err)
{
	(void)argc;
	return run(conf, argv, true, err);
}
