#include "fs/query.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "dicom/tag.h"
#include "store/search_value.h"

/* -- conditions ----------------------------------------------------------- */

struct parse {
	struct query *q;
	int (*find_tag)(void *ctx, uint32_t tag, struct search_tag *ret_tag);
	void *ctx;
	size_t n_path;
	char *room;
};

static int
parse_tag(const char *name, size_t len, uint32_t *ret_tag)
{
	if (tag_parse(name, len, ret_tag) < 0)
		return -ENOENT;
	return (TAG_GROUP(*ret_tag) & 1) != 0 || tag_find(*ret_tag) != NULL ? 0 : -ENOENT;
}

static int
parse_path(struct parse *p, const char *name, struct search_term *term)
{
	const char *dot;
	uint32_t tag;

	term->path = p->q->path + p->n_path;
	for (;; name = dot + 1) {
		dot = strchr(name, '.');
		if (parse_tag(name, dot != NULL ? (size_t)(dot - name) : strlen(name), &tag) < 0)
			return -ENOENT;
		if (dot == NULL)
			break;
		if (p->n_path == QUERY_TERMS_MAX)
			return -E2BIG;
		p->q->path[p->n_path++] = tag;
		term->n_path++;
	}
	/* A study has none itself; those of its series are what is meant. */
	term->tag = tag == TAG_MODALITY && term->n_path == 0 ? TAG_MODALITIES_IN_STUDY : tag;
	return 0;
}

/* name is KEYWORD=VALUE, with a NUL behind it. */
static int
parse_condition(struct parse *p, char *name, struct err *err)
{
	struct search_term *term = &p->q->terms[p->q->n];
	const struct tag_entry *entry;
	struct search_tag found;
	char *value = strchr(name, '=');
	uint16_t vr;
	int r;

	if (strlen(name) > TREE_NAME_MAX)
		return err_set(err, -ENAMETOOLONG, "the name of a condition is too long");
	if (value == NULL)
		return err_set(err, -ENOENT, "a condition is KEYWORD=VALUE");
	if (p->q->n == QUERY_TERMS_MAX)
		return err_set(err, -E2BIG, "more than %d conditions", QUERY_TERMS_MAX);
	*value++ = '\0';
	*term = (struct search_term){ .match = SEARCH_EXACT, .value = value };
	r = parse_path(p, name, term);
	if (r < 0)
		return err_set(err, r, "no such attribute");
	entry = tag_find(term->tag);
	vr = entry != NULL ? entry->vr : VR('L', 'O');
	if (term->n_path == 0 && p->find_tag(p->ctx, term->tag, &found) == 0)
		vr = found.vr;
	r = search_parse_value(vr, name, value, term, &p->room, err);
	if (r == 0 && (term->value != NULL || term->match == SEARCH_RANGE))
		p->q->n++;
	return r;
}

int
query_parse(const char *conditions, int (*find_tag)(void *ctx, uint32_t tag, struct search_tag *ret_tag),
	    void *ctx, struct query *q, struct err *err)
{
	struct parse p = { .q = q, .find_tag = find_tag, .ctx = ctx };
	size_t len = strlen(conditions);
	char *name, *slash;
	int r = 0;

	q->n = 0;
	if (len >= QUERY_TEXT_MAX)
		return err_set(err, -ENAMETOOLONG, "the conditions are too long");
	memcpy(q->text, conditions, len + 1);
	/* A copy has no more bytes than its value and the NUL behind that. */
	p.room = q->text + len + 1;
	for (name = q->text; r == 0 && *name != '\0'; name = slash + 1) {
		slash = strchr(name, '/');
		if (slash != NULL)
			*slash = '\0';
		r = parse_condition(&p, name, err);
		if (slash == NULL)
			break;
	}
	return r;
}

/* -- directories ---------------------------------------------------------- */

struct slot {
	uint64_t number;		/* its place in the table, and how often that was taken: 0 never */
	uint64_t used;			/* when, as a count */
	uint64_t partition;
	bool of_service;
	unsigned depth;
	unsigned char hash[HASH_LEN];	/* of the conditions */
	char *conditions;
};

struct query_dirs {
	pthread_mutex_t lock;		/* guards all below; a leaf */
	uint64_t count;
	struct slot slots[QUERY_DIRS_MAX];
};

struct query_dirs *
query_dirs_new(void)
{
	struct query_dirs *t = calloc(1, sizeof *t);

	if (t != NULL)
		pthread_mutex_init(&t->lock, NULL);
	return t;
}

void
query_dirs_free(struct query_dirs *t)
{
	size_t i;

	if (t == NULL)
		return;
	for (i = 0; i < QUERY_DIRS_MAX; i++)
		free(t->slots[i].conditions);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

static struct slot *
find_locked(struct query_dirs *t, const struct query_dir *dir, const unsigned char hash[HASH_LEN])
{
	size_t i;

	for (i = 0; i < QUERY_DIRS_MAX; i++) {
		struct slot *s = &t->slots[i];

		if (s->conditions != NULL && memcmp(s->hash, hash, HASH_LEN) == 0 && s->partition == dir->partition &&
		    s->of_service == dir->of_service && strcmp(s->conditions, dir->conditions) == 0)
			return s;
	}
	return NULL;
}

/* The one that was used longest ago, or never. */
static struct slot *
oldest_locked(struct query_dirs *t)
{
	struct slot *oldest = &t->slots[0];
	size_t i;

	for (i = 1; i < QUERY_DIRS_MAX; i++)
		if (t->slots[i].used < oldest->used)
			oldest = &t->slots[i];
	return oldest;
}

int
query_dirs_add(struct query_dirs *t, struct query_dir *dir)
{
	unsigned char hash[HASH_LEN];
	struct slot *s;
	char *copy;

	hash_bytes(dir->conditions, strlen(dir->conditions), hash);
	pthread_mutex_lock(&t->lock);
	s = find_locked(t, dir, hash);
	if (s == NULL) {
		copy = strdup(dir->conditions);
		if (copy == NULL) {
			pthread_mutex_unlock(&t->lock);
			return -ENOMEM;
		}
		s = oldest_locked(t);
		free(s->conditions);
		s->conditions = copy;
		memcpy(s->hash, hash, HASH_LEN);
		s->partition = dir->partition;
		s->of_service = dir->of_service;
		s->depth = dir->depth;
		s->number = s->number == 0 ? (uint64_t)(s - t->slots) + QUERY_DIRS_MAX : s->number + QUERY_DIRS_MAX;
	}
	s->used = ++t->count;
	dir->number = s->number;
	pthread_mutex_unlock(&t->lock);
	return 0;
}

int
query_dirs_get(struct query_dirs *t, uint64_t number, struct query_dir *dir)
{
	struct slot *s = &t->slots[number % QUERY_DIRS_MAX];
	int r = -ESTALE;

	pthread_mutex_lock(&t->lock);
	if (s->number == number && s->conditions != NULL) {
		s->used = ++t->count;
		dir->number = number;
		dir->partition = s->partition;
		dir->of_service = s->of_service;
		dir->depth = s->depth;
		strcpy(dir->conditions, s->conditions);
		r = 0;
	}
	pthread_mutex_unlock(&t->lock);
	return r;
}
