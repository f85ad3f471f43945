#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/operations.h"
#include "dicom/tag.h"
#include "store/query_tags.h"

static const char *const levels[] = {
	[STORE_STUDY] = "study", [STORE_SERIES] = "series", [STORE_INSTANCE] = "instance",
};
static const char *const states[] = {
	[STORE_TAG_ADDING] = "adding", [STORE_TAG_READY] = "ready", [STORE_TAG_DELETING] = "deleting",
};

struct output {
	bool as_json;
	struct buf json;
	uint64_t shown;
};

static void
begin_json(struct output *out)
{
	buf_puts(&out->json, out->shown++ > 0 ? ",\n" : "[");
}

static void
end_json(struct output *out)
{
	if (!out->as_json)
		return;
	buf_puts(&out->json, out->shown > 0 ? "]\n" : "[]\n");
	fwrite(out->json.data, 1, out->json.len, stdout);
}

/* -------------------------------------------------------------- list ---- */

static int
show_tag(void *ctx, const struct query_tag_info *tag)
{
	const struct tag_entry *entry = tag_find(tag->tag);
	struct output *out = ctx;

	if (out->as_json) {
		begin_json(out);
		buf_printf(&out->json, "{\"path\":\"%s\",\"vr\":\"%s\",\"level\":\"%s\",\"status\":\"%s\",\"queryStatus\":\"%s\","
			   "\"errors\":%" PRIu64, tag->path, tag->vr, levels[tag->level], states[tag->state],
			   tag->disabled ? "disabled" : "enabled", tag->errors);
		if (tag->creator[0] != '\0') {
			buf_puts(&out->json, ",\"privateCreator\":");
			buf_put_json_string(&out->json, tag->creator, strlen(tag->creator));
		}
		buf_putc(&out->json, '}');
		return 0;
	}
	printf("%s  %s  %-8s  %-8s  %-8s  %" PRIu64 " error%s  ", tag->path, tag->vr, levels[tag->level], states[tag->state],
	       tag->disabled ? "disabled" : "enabled", tag->errors, tag->errors == 1 ? "" : "s");
	if (entry != NULL)
		printf("%s", entry->keyword);
	else
		cli_print_safe(stdout, tag->creator, strlen(tag->creator));
	putchar('\n');
	return 0;
}

static int
show_error(void *ctx, const struct query_tag_error *e)
{
	char when[CLOCK_TEXT_MAX];
	struct output *out = ctx;

	if (out->as_json) {
		clock_format(e->time, when);
		begin_json(out);
		buf_printf(&out->json, "{\"partition\":\"%s\",\"study\":\"%s\",\"series\":\"%s\",\"instance\":\"%s\",\"time\":\"%s\","
			   "\"why\":", e->partition, e->study_uid, e->series_uid, e->sop_uid, when);
		buf_put_json_string(&out->json, e->why, strlen(e->why));
		buf_putc(&out->json, '}');
	} else {
		printf("%s/%s/%s/%s: %s\n", e->partition, e->study_uid, e->series_uid, e->sop_uid, e->why);
	}
	return 0;
}

/* --------------------------------------------------------------- add ---- */

/* LEVEL:PATH[:VR[:CREATOR]], taken apart in place. */
static int
parse_spec(char *text, struct query_tag_spec *spec, struct err *err)
{
	char *path = strchr(text, ':'), *vr, *creator;

	if (path == NULL)
		return err_set(err, -EINVAL, "'%.80s' is not LEVEL:ATTRIBUTE, as in study:PatientAge", text);
	*path++ = '\0';
	vr = strchr(path, ':');
	if (vr != NULL)
		*vr++ = '\0';
	creator = vr != NULL ? strchr(vr, ':') : NULL;
	if (creator != NULL)
		*creator++ = '\0';
	*spec = (struct query_tag_spec){ .path = path, .level = text, .vr = vr, .creator = creator };
	return 0;
}

static int
add(struct store *st, int n, char **texts, struct err *err)
{
	struct query_tag_spec *specs = calloc((size_t)n, sizeof *specs);
	char operation[OPERATION_TEXT_MAX];
	int i, r = 0;

	if (specs == NULL)
		return err_set(err, -ENOMEM, "no memory");
	for (i = 0; i < n && r == 0; i++)
		r = parse_spec(texts[i], &specs[i], err);
	if (r == 0)
		r = store_add_query_tags(st, specs, (size_t)n, operation, err);
	free(specs);
	if (r < 0)
		return r;
	fprintf(stderr, "dicomlake: operation %s begun; if this ends, the next to serve the store goes on with it\n", operation);
	return operations_wait(st, operation, NULL, err);
}

/* ----------------------------------------------------------- command ---- */

static int
change(struct store *st, const char *verb, int n, char **paths, struct err *err)
{
	struct query_tag_info tag;
	int i, r = 0;

	for (i = 0; i < n && r == 0; i++)
		r = strcmp(verb, "delete") == 0 ? store_delete_query_tag(st, paths[i], err)
			: store_enable_query_tag(st, paths[i], strcmp(verb, "enable") == 0, &tag, err);
	return r;
}

static bool
is_verb(const char *verb)
{
	static const char *const verbs[] = { "add", "delete", "enable", "disable", "errors" };
	size_t i;

	for (i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (strcmp(verb, verbs[i]) == 0)
			return true;
	return false;
}

int
command_tags(struct conf *conf, int argc, char **argv, struct err *err)
{
	const char *verb = argc > 1 ? argv[1] : NULL;
	bool looks = verb == NULL || strcmp(verb, "errors") == 0;
	const struct store_options options = { .read_only = looks };
	struct output out = { .as_json = conf_flag(conf, OPT_JSON) };
	struct store *st = NULL;
	int r;

	if (verb != NULL && !is_verb(verb)) {
		err_set(err, -EINVAL, "'%.80s' is none of add, delete, enable, disable and errors", verb);
		return CLI_USAGE;
	}
	if (verb != NULL && (argc < 3 || (looks && argc > 3))) {
		err_set(err, -EINVAL, looks ? "one tag is to be named" : "no tag is named");
		return CLI_USAGE;
	}
	r = store_open(argv[0], &options, &st, err);
	if (r < 0)
		return r;
	buf_init(&out.json, CLI_JSON_MAX);
	if (verb == NULL)
		r = store_query_tags(st, show_tag, &out, err);
	else if (looks)
		r = store_query_tag_errors(st, argv[2], 0, 0, show_error, &out, err);
	else if (strcmp(verb, "add") == 0)
		r = add(st, argc - 2, argv + 2, err);
	else
		r = change(st, verb, argc - 2, argv + 2, err);
	if (r == 0 && looks)
		end_json(&out);
	buf_fini(&out.json);
	store_close(st);
	return r;
}
