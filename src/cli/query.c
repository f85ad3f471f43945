#include "cli/cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include <jansson.h>

#include "dicom/date.h"
#include "dicom/indexed.h"
#include "dicom/json.h"
#include "dicom/tag.h"
#include "store/query_tags.h"

#define TERMS_MAX 64
#define TAGS_MAX 256
#define COLUMNS_MAX 8
/* Rows looked at before the widths of the columns are settled. */
#define ROWS_MEASURED 500
/* A cell that is no UID is cut here on a terminal, in columns. */
#define CELL_WIDTH_MAX 40

struct column {
	uint32_t tag;
	const char *title;
};

/* What a person is shown, and what --json gives without --include. */
static const struct level {
	const char *name;
	enum store_level level;
	struct column columns[COLUMNS_MAX];
	uint32_t tags[TAGS_MAX / 8];		/* 0 ends */
} levels[] = {
	{ "study", STORE_STUDY,
	  { { TAG_STUDY_DATE, "DATE" }, { TAG_PATIENT_ID, "PATIENT ID" }, { TAG_PATIENT_NAME, "PATIENT NAME" },
	    { TAG_MODALITIES_IN_STUDY, "MODALITIES" }, { TAG_STUDY_RELATED_SERIES, "SERIES" },
	    { TAG_STUDY_RELATED_INSTANCES, "INSTANCES" }, { TAG_STUDY_DESCRIPTION, "DESCRIPTION" },
	    { TAG_STUDY_INSTANCE_UID, "STUDY" } },
	  { TAG_STUDY_DATE, TAG_STUDY_TIME, TAG_ACCESSION_NUMBER, TAG_MODALITIES_IN_STUDY,
	    TAG_REFERRING_PHYSICIAN_NAME, TAG_STUDY_DESCRIPTION, TAG_PATIENT_NAME, TAG_PATIENT_ID,
	    TAG_PATIENT_BIRTH_DATE, TAG_PATIENT_SEX, TAG_STUDY_INSTANCE_UID, TAG_STUDY_ID,
	    TAG_STUDY_RELATED_SERIES, TAG_STUDY_RELATED_INSTANCES, 0 } },
	{ "series", STORE_SERIES,
	  { { TAG_MODALITY, "MODALITY" }, { TAG_SERIES_NUMBER, "NUMBER" }, { 0x0008103e, "DESCRIPTION" },
	    { TAG_SERIES_RELATED_INSTANCES, "INSTANCES" }, { TAG_STUDY_INSTANCE_UID, "STUDY" },
	    { TAG_SERIES_INSTANCE_UID, "SERIES" } },
	  { TAG_STUDY_DATE, TAG_MODALITY, 0x0008103e, TAG_MANUFACTURER_MODEL_NAME, TAG_PATIENT_NAME, TAG_PATIENT_ID,
	    TAG_STUDY_INSTANCE_UID, TAG_SERIES_INSTANCE_UID, TAG_SERIES_NUMBER,
	    TAG_SERIES_RELATED_INSTANCES, TAG_PPS_START_DATE, 0 } },
	{ "instance", STORE_INSTANCE,
	  { { TAG_INSTANCE_NUMBER, "NUMBER" }, { TAG_ROWS, "ROWS" }, { TAG_COLUMNS, "COLUMNS" },
	    { TAG_NUMBER_OF_FRAMES, "FRAMES" }, { TAG_SERIES_INSTANCE_UID, "SERIES" },
	    { TAG_SOP_INSTANCE_UID, "INSTANCE" } },
	  { TAG_SOP_CLASS_UID, TAG_SOP_INSTANCE_UID, TAG_MODALITY, TAG_STUDY_INSTANCE_UID,
	    TAG_SERIES_INSTANCE_UID, TAG_INSTANCE_NUMBER, TAG_NUMBER_OF_FRAMES, TAG_ROWS, TAG_COLUMNS, 0 } },
};

struct terms {
	struct search_term terms[TERMS_MAX];
	char *copies[TERMS_MAX];		/* the values' memory */
	char days[TERMS_MAX][2][9];
	size_t count;
};

struct output {
	const struct level *level;
	bool json;
	bool terminal;
	uint64_t matches;
	/* Rows kept until widths are known: a cell a string. */
	char *cells[ROWS_MEASURED][COLUMNS_MAX];
	size_t kept;
	int widths[COLUMNS_MAX];
	bool measured;
};

struct keywords {
	FILE *out;
	enum store_level level;
};

static int
print_tag(void *ctx, const struct query_tag_info *tag)
{
	const struct keywords *k = ctx;
	const struct tag_entry *entry = tag_find(tag->tag);

	if (tag->state == STORE_TAG_READY && !tag->disabled && tag->level <= k->level)
		fprintf(k->out, " %s", entry != NULL ? entry->keyword : tag->path);
	return 0;
}

static void
print_keywords(FILE *out, struct store *st, enum store_level level)
{
	struct keywords k = { out, level };
	struct search_tag found;
	size_t i;

	fprintf(out, "dicomlake query: these can be searched:");
	for (i = 0; i < n_indexed_attributes; i++)
		if (store_search_tag(st, indexed_attributes[i].tag, &found) == 0 && found.level <= level)
			fprintf(out, " %s", tag_find(indexed_attributes[i].tag)->keyword);
	store_query_tags(st, print_tag, &k, NULL);
	fputc('\n', out);
}

/* The first or last day of YYYY, YYYYMM or YYYYMMDD, as YYYYMMDD. */
static int
expand_date(const char *text, bool last, char day[9])
{
	size_t len = strlen(text);
	unsigned year, month;

	if ((len != 4 && len != 6 && len != 8) || strspn(text, "0123456789") != len)
		return -EINVAL;
	/* the first of January, or December; then the first day, or the last there is */
	memcpy(day, last ? "00001231" : "00000101", 9);
	memcpy(day, text, len);
	if (len == 6 && last && sscanf(day, "%4u%2u", &year, &month) == 2 && month >= 1 && month <= 12)
		snprintf(day + 6, 3, "%02u", date_days_in_month(year, month) % 100);
	return date_is_valid(day, 8) ? 0 : -EINVAL;
}

/* A date, a year, a month, or a range of those. */
static int
parse_date(struct search_term *term, char *value, char days[2][9])
{
	char *dash = strchr(value, '-'), *low = value, *high = value;

	if (dash != NULL) {
		*dash = '\0';
		high = dash + 1;
	} else if (strlen(value) == 8) {
		return expand_date(value, false, days[0]);
	}
	if ((*low == '\0' && *high == '\0') ||
	    (*low != '\0' && expand_date(low, false, days[0]) < 0) ||
	    (*high != '\0' && expand_date(high, true, days[1]) < 0))
		return -EINVAL;
	term->match = SEARCH_RANGE;
	term->value = *low == '\0' ? NULL : days[0];
	term->upper = *high == '\0' ? NULL : days[1];
	return 0;
}

/* KEYWORD=VALUE, where VALUE of a date may be a range. */
static int
parse_term(struct terms *terms, struct store *st, const struct level *level, bool fuzzy, const char *text,
	   struct err *err)
{
	struct search_term *term = &terms->terms[terms->count];
	const char *equals = strchr(text, '=');
	struct search_tag found;
	char *value;
	size_t len;

	if (equals == NULL)
		return err_set(err, -EINVAL, "'%.100s' is neither study, series, instance nor KEYWORD=VALUE", text);
	len = (size_t)(equals - text);
	if (terms->count == TERMS_MAX)
		return err_set(err, -EINVAL, "more than %d conditions", TERMS_MAX);
	*term = (struct search_term){ .match = SEARCH_EXACT };
	if (tag_parse(text, len, &term->tag) < 0)
		return err_set(err, -EINVAL, "'%.*s' is no attribute; keywords are written as in PatientID, tags as 00100020",
			       len > 80 ? 80 : (int)len, text);
	if (store_search_tag(st, term->tag, &found) < 0 || found.level > level->level) {
		print_keywords(stderr, st, level->level);
		return err_set(err, -EINVAL, "'%.*s' cannot be searched at %s level", len > 80 ? 80 : (int)len, text,
			       level->name);
	}
	value = strdup(equals + 1);
	if (value == NULL)
		return err_set(err, -ENOMEM, "no memory");
	terms->copies[terms->count++] = value;
	term->value = value;
	if (*value == '\0')
		return err_set(err, -EINVAL, "'%.*s=' needs a value", (int)len, text);
	if (found.disabled)
		return err_set(err, -EINVAL, "'%.*s' is disabled: some instances have values that could not be indexed, see "
			       "dicomlake tags STORE errors", (int)len, text);
	if (found.vr == VR('P', 'N') && fuzzy)
		term->match = SEARCH_WORDS;
	if (found.vr == VR('D', 'A') && parse_date(term, value, terms->days[terms->count - 1]) < 0)
		return err_set(err, -EINVAL, "'%.100s' is no date, nor a range: 20240131, 202401, 2024, 2024-2025, 2024-, -2024",
			       equals + 1);
	return 0;
}

static int
compare_tags(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* The level's own tags and those of --include, ascending and once each. */
static int
gather_tags(const struct level *level, const char *include, uint32_t tags[TAGS_MAX], size_t *ret_count,
	    bool *ret_everything, struct err *err)
{
	size_t n = 0, i, kept;

	*ret_everything = false;
	while (level->tags[n] != 0) {
		tags[n] = level->tags[n];
		n++;
	}
	for (; include != NULL && *include != '\0'; include += *include == ',') {
		size_t len = strcspn(include, ",");

		if (len == 3 && memcmp(include, "all", 3) == 0) {
			*ret_everything = true;
		} else if (n == TAGS_MAX) {
			return err_set(err, -EINVAL, "more than %d attributes", TAGS_MAX);
		} else if (tag_parse(include, len, &tags[n]) < 0) {
			return err_set(err, -EINVAL, "--include: '%.*s' is no attribute", len > 80 ? 80 : (int)len, include);
		} else {
			n++;
		}
		include += len;
	}
	qsort(tags, n, sizeof *tags, compare_tags);
	for (i = kept = 0; i < n; i++)
		if (i == 0 || tags[i] != tags[kept - 1])
			tags[kept++] = tags[i];
	*ret_count = kept;
	return 0;
}

/* ------------------------------------------------------------- table ---- */

static void
put_json_value(json_t *value, struct buf *b)
{
	const char *key;
	json_t *part;
	size_t n = 0;

	if (json_is_string(value)) {
		buf_puts(b, json_string_value(value));
	} else if (json_is_integer(value)) {
		buf_printf(b, "%lld", (long long)json_integer_value(value));
	} else if (json_is_real(value)) {
		buf_printf(b, "%g", json_real_value(value));
	} else if (json_is_object(value)) {		/* PN */
		json_object_foreach(value, key, part)
			if (json_is_string(part))
				buf_printf(b, "%s%s", n++ > 0 ? "=" : "", json_string_value(part));
	}
}

/* The text of one attribute of a data set; never NULL but without memory. */
static char *
take_cell(struct slice dataset, uint32_t tag)
{
	struct slice member;
	struct buf b;
	json_t *root, *values, *value;
	size_t i;

	buf_init(&b, 4096);
	if (dicom_json_find(dataset, tag, &member) == 0) {
		root = json_loadb(member.data, member.len, 0, NULL);
		values = json_object_get(root, "Value");
		json_array_foreach(values, i, value) {
			if (i > 0)
				buf_putc(&b, '\\');
			put_json_value(value, &b);
		}
		json_decref(root);
	}
	buf_puts(&b, "");
	if (b.data == NULL)
		return strdup("");
	return buf_take(&b, &i);
}

/* Columns a string takes on a terminal, up to limit; *ret_bytes of it fit there. */
static int
text_width(const char *s, int limit, size_t *ret_bytes)
{
	mbstate_t state = { 0 };
	size_t len = strlen(s), n;
	const char *p = s;
	int width = 0, w;
	wchar_t wc;

	while (len > 0) {
		n = mbrtowc(&wc, p, len, &state);
		if (n == 0 || n == (size_t)-1 || n == (size_t)-2) {
			memset(&state, 0, sizeof state);
			n = 1;
			w = 1;
		} else {
			w = wcwidth(wc);
			if (w < 0)
				w = 4;		/* \xNN */
		}
		if (width + w > limit)
			break;
		width += w;
		p += n;
		len -= n;
	}
	*ret_bytes = (size_t)(p - s);
	return width;
}

static int
cell_limit(const struct output *out, int column)
{
	uint32_t tag = out->level->columns[column].tag;

	return out->terminal && tag != TAG_STUDY_INSTANCE_UID && tag != TAG_SERIES_INSTANCE_UID &&
	       tag != TAG_SOP_INSTANCE_UID ? CELL_WIDTH_MAX : 1 << 20;
}

static void
print_row(struct output *out, char *const cells[COLUMNS_MAX])
{
	int i, width;
	size_t bytes;

	for (i = 0; i < COLUMNS_MAX && out->level->columns[i].title != NULL; i++) {
		const char *cell = cells[i] == NULL ? "" : cells[i];
		bool last = i + 1 == COLUMNS_MAX || out->level->columns[i + 1].title == NULL;

		width = text_width(cell, cell_limit(out, i), &bytes);
		cli_print_safe(stdout, cell, bytes);
		if (!last)
			printf("%*s", out->widths[i] > width ? out->widths[i] - width + 2 : 2, "");
	}
	putchar('\n');
}

static void
settle_widths(struct output *out)
{
	char *titles[COLUMNS_MAX] = { NULL };
	size_t row, bytes;
	int i, j, width;

	for (i = 0; i < COLUMNS_MAX && out->level->columns[i].title != NULL; i++) {
		titles[i] = (char *)out->level->columns[i].title;
		out->widths[i] = (int)strlen(titles[i]);
		for (row = 0; row < out->kept; row++) {
			if (out->cells[row][i] == NULL)
				continue;
			width = text_width(out->cells[row][i], cell_limit(out, i), &bytes);
			if (width > out->widths[i])
				out->widths[i] = width;
		}
	}
	out->measured = true;
	if (out->kept > 0)
		print_row(out, titles);
	for (row = 0; row < out->kept; row++) {
		print_row(out, out->cells[row]);
		for (j = 0; j < COLUMNS_MAX; j++)
			free(out->cells[row][j]);
	}
	out->kept = 0;
}

static int
print_match(void *ctx, struct slice dataset)
{
	struct output *out = ctx;
	char *cells[COLUMNS_MAX] = { NULL };
	int i;

	if (out->json) {
		fputs(out->matches++ == 0 ? "[" : ",\n", stdout);
		fwrite(dataset.data, 1, dataset.len, stdout);
		return ferror(stdout) ? -EPIPE : 0;
	}
	out->matches++;
	for (i = 0; i < COLUMNS_MAX && out->level->columns[i].title != NULL; i++)
		cells[i] = take_cell(dataset, out->level->columns[i].tag);
	if (!out->measured) {
		memcpy(out->cells[out->kept++], cells, sizeof cells);
		if (out->kept == ROWS_MEASURED)
			settle_widths(out);
	} else {
		print_row(out, cells);
		for (i = 0; i < COLUMNS_MAX; i++)
			free(cells[i]);
	}
	return ferror(stdout) ? -EPIPE : 0;
}

int
command_query(struct conf *conf, int argc, char **argv, struct err *err)
{
	const struct store_options options = { .read_only = true };
	const struct level *level = &levels[0];
	struct terms terms = { .count = 0 };
	struct output *out = NULL;
	struct search search = { 0 };
	struct store *st = NULL;
	uint32_t tags[TAGS_MAX];
	int i = 1, r;
	size_t j;

	for (j = 0; argc > 1 && j < sizeof levels / sizeof *levels; j++)
		if (strcmp(argv[1], levels[j].name) == 0) {
			level = &levels[j];
			i = 2;
		}
	r = store_open(argv[0], &options, &st, err);
	if (r < 0)
		goto out;
	for (; i < argc; i++)
		if (parse_term(&terms, st, level, conf_flag(conf, OPT_FUZZY), argv[i], err) < 0) {
			r = CLI_USAGE;
			goto out;
		}
	search.level = level->level;
	search.terms = terms.terms;
	search.n_terms = terms.count;
	search.limit = conf_number(conf, OPT_LIMIT);
	search.offset = conf_number(conf, OPT_OFFSET);
	search.tags = tags;
	if (cli_partition(conf, &search.partition, err) < 0) {
		r = CLI_USAGE;
		goto out;
	}
	if (gather_tags(level, conf_text(conf, OPT_INCLUDE), tags, &search.n_tags, &search.everything, err) < 0) {
		r = CLI_USAGE;
		goto out;
	}
	out = calloc(1, sizeof *out);
	if (out == NULL) {
		r = err_set(err, -ENOMEM, "no memory");
		goto out;
	}
	out->level = level;
	out->json = conf_flag(conf, OPT_JSON);
	out->terminal = isatty(STDOUT_FILENO);
	r = store_search(st, &search, print_match, out, err);
	if (r == -EPIPE)
		err_set(err, r, "cannot write to standard output");
	if (out->json && r == 0)
		fputs(out->matches == 0 ? "[]\n" : "]\n", stdout);
	else if (!out->json && !out->measured)
		settle_widths(out);
out:
	store_close(st);
	free(out);
	while (terms.count > 0)
		free(terms.copies[--terms.count]);
	return r;
}
