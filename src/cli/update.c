#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/operations.h"
#include "dicom/tag.h"
#include "store/update.h"

struct asked {
	struct update_request rq;
	const char *uids[UPDATE_STUDIES_MAX + 1];
	struct update_value *values;
};

/* KEYWORD=VALUE, taken apart in place. */
static int
take_value(struct asked *a, char *text, struct err *err)
{
	struct update_value *v = &a->values[a->rq.n_values++];
	char *value = strchr(text, '=');
	const char *why;

	*value++ = '\0';
	if (tag_parse(text, strlen(text), &v->tag) < 0)
		return err_set(err, -EINVAL, "'%.80s' is no attribute", text);
	v->text = value;
	why = store_check_update(v);
	return why == NULL ? 0 : err_set(err, -EINVAL, "%.80s: %s", text, why);
}

/* STUDY[/SERIES[/INSTANCE]], likewise: below the study, what gets another UID. */
static int
take_uid(struct asked *a, char *text, struct err *err)
{
	char *series = strchr(text, '/'), *instance;

	if (a->rq.n_studies == UPDATE_STUDIES_MAX)
		return err_set(err, -EINVAL, "an update is of at most %d studies", UPDATE_STUDIES_MAX);
	a->uids[a->rq.n_studies++] = text;
	if (series == NULL)
		return 0;
	*series++ = '\0';
	a->rq.series_uid = series;
	instance = strchr(series, '/');
	if (instance != NULL) {
		*instance++ = '\0';
		a->rq.sop_uid = instance;
	}
	return 0;
}

static int
tell(void *ctx, const struct operation *op)
{
	const char *line;

	if (*(bool *)ctx)
		printf("{\"operation\":\"%s\",\"updated\":%" PRIu64 ",\"failed\":%" PRIu64 ",\"instances\":%" PRIu64 "}\n", op->id,
		       op->studies_updated, op->studies_failed, op->instances_updated);
	else
		fprintf(stderr, "dicomlake: updated %" PRIu64 " instance%s of %" PRIu64 " stud%s\n", op->instances_updated,
			op->instances_updated == 1 ? "" : "s", op->studies_updated, op->studies_updated == 1 ? "y" : "ies");
	for (line = op->errors; *line != '\0'; line += strcspn(line, "\n") + 1) {
		fputs("dicomlake: ", stderr);
		cli_print_safe(stderr, line, strcspn(line, "\n"));
		fputc('\n', stderr);
	}
	return 0;
}

static int
update(struct conf *conf, const char *dir, const struct update_request *rq, struct err *err)
{
	char operation[OPERATION_TEXT_MAX];
	bool json = conf_flag(conf, OPT_JSON);
	struct store *st = NULL;
	struct err ignored = { 0 };
	int r = store_open(dir, NULL, &st, err);

	if (r < 0)
		return r;
	r = store_begin_update(st, rq, operation, err);
	if (r == 0) {
		r = operations_wait(st, operation, NULL, err);
		store_operation(st, operation, tell, &json, &ignored);
	}
	store_close(st);
	return r;
}

int
command_update(struct conf *conf, int argc, char **argv, struct err *err)
{
	struct asked a = { .values = calloc((size_t)argc, sizeof *a.values) };
	int i, r = a.values == NULL ? err_set(err, -ENOMEM, "out of memory") : 0;

	a.rq.study_uids = a.uids;
	a.rq.values = a.values;
	for (i = 1; i < argc && r == 0; i++)
		r = strchr(argv[i], '=') != NULL ? take_value(&a, argv[i], err) : take_uid(&a, argv[i], err);
	if (r == 0 && (a.rq.n_studies == 0 || a.rq.n_values == 0))
		r = err_set(err, -EINVAL, "a study and KEYWORD=VALUE are needed");
	if (r == -EINVAL || (r == 0 && cli_partition(conf, &a.rq.partition, err) < 0))
		r = CLI_USAGE;
	else if (r == 0)
		r = update(conf, argv[0], &a.rq, err);
	free(a.values);
	return r;
}
