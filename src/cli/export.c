/* export.c: instances to other places. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/access.h"
#include "cli/progress.h"
#include "ops/ops.h"
#include "store/export.h"

/* How often the operation is looked at. */
#define LOOK_MS 50

static atomic_bool interrupted;

static void
interrupt(int sig)
{
	(void)sig;
	interrupted = true;
	signal(SIGINT, SIG_DFL);		/* the second one ends us at once */
}

/* -- destination ---------------------------------------------------------- */

static int
take(char **to, const char *text, struct err *err)
{
	char *copy = strdup(text);

	if (copy == NULL)
		return err_set(err, -ENOMEM, "no memory");
	free(*to);
	*to = copy;
	return 0;
}

/* A directory of ours, made when its parent is there. */
static int
open_directory(const char *path, struct destination_spec *spec, struct err *err)
{
	char real[PATH_MAX], uri[PATH_MAX + 8];
	int r;

	if (mkdir(path, 0777) < 0 && errno != EEXIST)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	if (realpath(path, real) == NULL)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	snprintf(uri, sizeof uri, "file://%s", real);
	r = destination_spec_of_uri(uri, spec, err);
	return r < 0 ? r : take(&spec->root, real, err);
}

/* Of the account that the destination names: a connection string may be of another. */
static int
take_connection(const char *connection, struct destination_spec *spec, struct err *err)
{
	const char *container = strrchr(spec->uri, '/') + 1;
	struct destination_spec from = { 0 };
	int r = destination_spec_of_connection(connection, container, &from, err);

	if (r < 0)
		return r;
	if (strcmp(from.uri, spec->uri) != 0)
		r = err_set(err, -EINVAL, "AZURE_STORAGE_CONNECTION_STRING is of another account than %s", spec->uri);
	if (r == 0 && from.sas != NULL)
		r = take(&spec->sas, from.sas, err);
	if (r == 0 && from.key != NULL) {
		r = take(&spec->account, from.account, err);
		if (r == 0)
			r = take(&spec->key, from.key, err);
	}
	destination_spec_fini(&from);
	return r;
}

/* The variables of Azure's own tools; without any of them the identity of this machine. */
static int
take_azure_access(const struct cli_access *a, struct destination_spec *spec, struct err *err)
{
	const char *sas = cli_access_find(a, "AZURE_STORAGE_SAS_TOKEN"), *key = cli_access_find(a, "AZURE_STORAGE_KEY"),
		*account = cli_access_find(a, "AZURE_STORAGE_ACCOUNT"),
		*connection = cli_access_find(a, "AZURE_STORAGE_CONNECTION_STRING");

	if (spec->sas != NULL)
		return err_set(err, -EINVAL, "secrets on a command line are seen by others: AZURE_STORAGE_SAS_TOKEN is where the signature goes");
	if (sas != NULL)
		return take(&spec->sas, sas + (*sas == '?'), err);
	if (key != NULL && account != NULL)
		return take(&spec->account, account, err) < 0 ? -ENOMEM : take(&spec->key, key, err);
	if (connection != NULL)
		return take_connection(connection, spec, err);
	spec->managed_identity = !a->settings.no_credential;
	if (spec->managed_identity && !destination_is_private(spec))
		return err_set(err, -EINVAL, "the token of a managed identity is sent by https only");
	return 0;
}

static int
open_destination(const struct cli_access *a, const char *text, struct destination_spec *spec, struct err *err)
{
	int r;

	if (strncmp(text, "file:///", 8) == 0)
		return open_directory(text + 7, spec, err);
	if (strstr(text, "://") == NULL)
		return open_directory(text, spec, err);
	r = destination_spec_of_uri(text, spec, err);
	if (r == 0)
		r = spec->kind == DESTINATION_S3 ? export_take_s3_access(&a->settings, spec, err) : take_azure_access(a, spec, err);
	return r;
}

/* -- waiting -------------------------------------------------------------- */

static int
take_operation(void *ctx, const struct operation *op)
{
	*(struct operation *)ctx = *op;
	return 0;
}

static bool
is_over(const struct operation *op)
{
	return op->state == STORE_OPERATION_SUCCEEDED || op->state == STORE_OPERATION_FAILED;
}

/* Do the work, or look on while a daemon does. */
static int
wait_for_end(struct store *st, const struct cli_access *a, const char *id, bool bar, struct operation *op, struct err *err)
{
	const struct timespec pause = { .tv_nsec = LOOK_MS * 1000000 };
	struct progress progress;
	struct ops *ops = NULL;
	int r;

	progress_init(&progress, bar);
	r = ops_start(st, &ops, err);
	if (r == 0)
		r = ops_run_exports(ops, &a->settings, err);
	while (r == 0 && (r = store_operation(st, id, take_operation, op, err)) == 0 && !is_over(op) && !interrupted) {
		progress_draw(&progress, op->done, op->total > op->done ? op->total : op->done, op->total > 0, op->export.bytes);
		nanosleep(&pause, NULL);
	}
	ops_stop(ops);
	progress_clear(&progress);
	if (r == 0 && !is_over(op))
		r = err_set(err, -EINTR, "interrupted; `dicomlake operations --follow' goes on with %s", id);
	else if (r == 0 && op->state == STORE_OPERATION_FAILED)
		r = err_set(err, -EIO, "%s", op->why);
	return r;
}

static void
print_end(const struct operation *op, bool json, bool quiet)
{
	char object[64], size[CLI_BYTES_MAX];
	struct buf out;

	snprintf(object, sizeof object, EXPORT_LOG_FORMAT, op->id);
	buf_init(&out, CLI_JSON_MAX);
	destination_put_href(op->destination, object, &out);
	if (json) {
		char *href = out.data;
		struct buf text;

		buf_init(&text, CLI_JSON_MAX);
		buf_printf(&text, "{\"operation\":\"%s\",\"exported\":%" PRIu64 ",\"skipped\":%" PRIu64 ",\"bytes\":%" PRIu64
			   ",\"errorHref\":", op->id, op->export.exported, op->export.skipped, op->export.bytes);
		buf_put_json_string(&text, href, strlen(href));
		buf_puts(&text, "}\n");
		fwrite(text.data, 1, text.len, stdout);
		buf_fini(&text);
	} else if (!quiet) {
		fprintf(stderr, "dicomlake: exported %" PRIu64 " instance%s, %s, to ", op->export.exported,
			op->export.exported == 1 ? "" : "s", cli_format_bytes(op->export.bytes, size));
		cli_print_safe(stderr, op->destination, strlen(op->destination));
		fprintf(stderr, "/%s/results\n", op->id);
	}
	if (op->export.skipped > 0) {
		fprintf(stderr, "dicomlake: skipped %" PRIu64 ", see ", op->export.skipped);
		cli_print_safe(stderr, out.data, out.len);
		fputc('\n', stderr);
	}
	buf_fini(&out);
}

/* -- command -------------------------------------------------------------- */

static int
make_request(const struct conf *conf, int argc, char **argv, struct export_request *rq, struct err *err)
{
	bool all = conf_flag(conf, OPT_ALL), query = conf_flag(conf, OPT_QUERY);

	if (cli_partition(conf, &rq->partition, err) < 0)
		return -EINVAL;
	if (all && (query || argc > 2))
		return err_set(err, -EINVAL, "--all takes no UIDs and no conditions");
	if (!all && argc < 3)
		return err_set(err, -EINVAL, "nothing is named to be exported, nor --all");
	rq->source = all ? EXPORT_EVERYTHING : query ? EXPORT_QUERY : EXPORT_IDENTIFIERS;
	rq->values = (const char *const *)argv + 1;
	rq->n_values = (size_t)argc - 2;
	return 0;
}

int
command_export(struct conf *conf, int argc, char **argv, struct err *err)
{
	bool json = conf_flag(conf, OPT_JSON), quiet = conf_flag(conf, OPT_QUIET);
	struct export_request rq = { .values = NULL };
	struct destination_spec spec = { 0 };
	struct cli_access access = { .file = NULL };
	struct operation *op = calloc(1, sizeof *op);
	char id[OPERATION_TEXT_MAX];
	struct store *st = NULL;
	int r = 0;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, interrupt);
	if (op == NULL)
		return err_set(err, -ENOMEM, "no memory");
	if (make_request(conf, argc, argv, &rq, err) < 0) {
		r = CLI_USAGE;
		goto out;
	}
	if (conf_text(conf, OPT_CONFIG) != NULL)
		r = conf_parse_file(conf, conf_text(conf, OPT_CONFIG), err);
	if (r == 0)
		r = cli_access_read(conf, &access, err);
	if (r == 0)
		r = store_open(argv[0], NULL, &st, err);
	if (r == 0)
		r = store_check_export(st, &rq, err);
	if (r == 0)
		r = open_destination(&access, argv[argc - 1], &spec, err);
	if (r < 0)
		goto out;
	log_set_level(LOG_LEVEL_WARNING);
	r = export_begin(st, &access.settings, &spec, &rq, id, err);
	if (r == 0)
		r = wait_for_end(st, &access, id, !quiet, op, err);
	if (r == 0) {
		print_end(op, json, quiet);
		r = op->export.skipped > 0 ? CLI_FAILED : CLI_DONE;
	}
out:
	store_close(st);
	destination_spec_fini(&spec);
	cli_access_fini(&access);
	free(op);
	return r;
}
