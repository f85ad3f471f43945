/* kv.h in memory, for tests.
 *
 * A snapshot is one sorted array of reference-counted entries a table; a write
 * transaction works on a copy of the arrays and commit puts it in the place of
 * the old.  Slow and simple on purpose.
 */
#include "kv/kv.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"
#include "kv/kv_ops.h"

struct entry {
	unsigned refs;			/* guarded by mem.lock */
	size_t key_len, value_len;
	unsigned char bytes[];		/* key, then value */
};

struct array {
	struct entry **at;
	size_t n, cap;
};

struct snapshot {
	unsigned refs;			/* guarded by mem.lock */
	struct array tables[];
};

struct mem {
	struct kv kv;
	unsigned n_tables;
	uint64_t version;
	pthread_mutex_t writer;		/* one write transaction at a time */
	pthread_mutex_t lock;		/* guards: current, version, every refs */
	struct snapshot *current;
};

struct mem_txn {
	struct kv_txn txn;
	enum kv_mode mode;
	struct snapshot *snapshot;
};

struct mem_range {
	struct kv_range range;
	struct array *array;
	struct slice from, to;		/* copies */
	unsigned char bytes[2 * KV_KEY_MAX];
	enum kv_direction direction;
	uint64_t left;
	bool started;
	unsigned char last[KV_KEY_MAX];	/* where we are: a key, so that deletes do no harm */
	size_t last_len;
};

static const struct kv_ops mem_ops;

static struct slice
key_of(const struct entry *e)
{
	return slice_of(e->bytes, e->key_len);
}

static struct slice
value_of(const struct entry *e)
{
	return slice_of(e->bytes + e->key_len, e->value_len);
}

/* Index of the first entry whose key is not below key. */
static size_t
lower_bound(const struct array *a, struct slice key)
{
	size_t lo = 0, hi = a->n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (slice_compare(key_of(a->at[mid]), key) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void
snapshot_unref_locked(struct mem *m, struct snapshot *s)
{
	unsigned t;
	size_t i;

	if (s == NULL || --s->refs > 0)
		return;
	for (t = 0; t < m->n_tables; t++) {
		for (i = 0; i < s->tables[t].n; i++)
			if (--s->tables[t].at[i]->refs == 0)
				free(s->tables[t].at[i]);
		free(s->tables[t].at);
	}
	free(s);
}

static struct snapshot *
snapshot_copy_locked(struct mem *m)
{
	struct snapshot *s = calloc(1, sizeof *s + m->n_tables * sizeof s->tables[0]);
	unsigned t;
	size_t i;

	if (s == NULL)
		return NULL;
	s->refs = 1;
	for (t = 0; t < m->n_tables; t++) {
		const struct array *from = &m->current->tables[t];
		struct array *to = &s->tables[t];

		to->cap = from->n + 16;
		to->at = malloc(to->cap * sizeof *to->at);
		if (to->at == NULL) {
			snapshot_unref_locked(m, s);
			return NULL;
		}
		for (i = 0; i < from->n; i++) {
			to->at[i] = from->at[i];
			to->at[i]->refs++;
		}
		to->n = from->n;
	}
	return s;
}

static void
mem_close(struct kv *kv)
{
	struct mem *m = (struct mem *)kv;

	snapshot_unref_locked(m, m->current);
	pthread_mutex_destroy(&m->lock);
	pthread_mutex_destroy(&m->writer);
	free(m);
}

int
kv_mem_open(const struct kv_options *options, struct kv **ret_kv, struct err *err)
{
	struct mem *m = calloc(1, sizeof *m);

	if (m != NULL)
		m->current = calloc(1, sizeof *m->current + options->n_tables * sizeof m->current->tables[0]);
	if (m == NULL || m->current == NULL) {
		free(m);
		return err_set(err, -ENOMEM, "out of memory");
	}
	m->kv.ops = &mem_ops;
	m->n_tables = options->n_tables;
	m->current->refs = 1;
	pthread_mutex_init(&m->writer, NULL);
	pthread_mutex_init(&m->lock, NULL);
	*ret_kv = &m->kv;
	return 0;
}

static int
mem_begin(struct kv *kv, enum kv_mode mode, struct kv_txn **ret_txn)
{
	struct mem *m = (struct mem *)kv;
	struct mem_txn *t = calloc(1, sizeof *t);

	if (t == NULL)
		return -ENOMEM;
	t->txn.kv = kv;
	t->mode = mode;
	if (mode == KV_WRITE)
		pthread_mutex_lock(&m->writer);
	pthread_mutex_lock(&m->lock);
	if (mode == KV_WRITE)
		t->snapshot = snapshot_copy_locked(m);
	else {
		t->snapshot = m->current;
		t->snapshot->refs++;
	}
	pthread_mutex_unlock(&m->lock);
	if (t->snapshot == NULL) {
		pthread_mutex_unlock(&m->writer);
		free(t);
		return -ENOMEM;
	}
	*ret_txn = &t->txn;
	return 0;
}

static void
mem_abort(struct kv_txn *txn)
{
	struct mem_txn *t = (struct mem_txn *)txn;
	struct mem *m = (struct mem *)txn->kv;

	pthread_mutex_lock(&m->lock);
	snapshot_unref_locked(m, t->snapshot);
	pthread_mutex_unlock(&m->lock);
	if (t->mode == KV_WRITE)
		pthread_mutex_unlock(&m->writer);
	free(t);
}

static int
mem_commit(struct kv_txn *txn)
{
	struct mem_txn *t = (struct mem_txn *)txn;
	struct mem *m = (struct mem *)txn->kv;
	struct snapshot *old;

	if (t->mode == KV_WRITE) {
		pthread_mutex_lock(&m->lock);
		old = m->current;
		m->current = t->snapshot;
		m->version++;
		t->snapshot = NULL;
		snapshot_unref_locked(m, old);
		pthread_mutex_unlock(&m->lock);
	}
	mem_abort(txn);
	return 0;
}

static int
mem_get(struct kv_txn *txn, unsigned table, struct slice key, struct slice *ret_value)
{
	struct array *a = &((struct mem_txn *)txn)->snapshot->tables[table];
	size_t i = lower_bound(a, key);

	if (i == a->n || slice_compare(key_of(a->at[i]), key) != 0)
		return -ENOENT;
	*ret_value = value_of(a->at[i]);
	return 0;
}

static void
entry_drop(struct kv_txn *txn, struct entry *e)
{
	struct mem *m = (struct mem *)txn->kv;

	pthread_mutex_lock(&m->lock);
	if (--e->refs == 0)
		free(e);
	pthread_mutex_unlock(&m->lock);
}

static int
mem_put(struct kv_txn *txn, unsigned table, struct slice key, struct slice value, bool fresh)
{
	struct mem_txn *t = (struct mem_txn *)txn;
	struct array *a = &t->snapshot->tables[table];
	size_t i = lower_bound(a, key);
	bool there = i < a->n && slice_compare(key_of(a->at[i]), key) == 0;
	struct entry *e;

	if (t->mode != KV_WRITE)
		return -EROFS;
	if (there && fresh)
		return -EEXIST;
	e = malloc(sizeof *e + key.len + value.len);
	if (e == NULL)
		return -ENOMEM;
	e->refs = 1;
	e->key_len = key.len;
	e->value_len = value.len;
	memcpy(e->bytes, key.data, key.len);
	if (value.len > 0)
		memcpy(e->bytes + key.len, value.data, value.len);
	if (there) {
		entry_drop(txn, a->at[i]);
		a->at[i] = e;
		return 0;
	}
	if (vec_room(&a->at, &a->cap, a->n, sizeof *a->at, 16) < 0) {
		free(e);
		return -ENOMEM;
	}
	memmove(a->at + i + 1, a->at + i, (a->n - i) * sizeof *a->at);
	a->at[i] = e;
	a->n++;
	return 0;
}

static int
mem_del(struct kv_txn *txn, unsigned table, struct slice key)
{
	struct mem_txn *t = (struct mem_txn *)txn;
	struct array *a = &t->snapshot->tables[table];
	size_t i = lower_bound(a, key);

	if (t->mode != KV_WRITE)
		return -EROFS;
	if (i == a->n || slice_compare(key_of(a->at[i]), key) != 0)
		return -ENOENT;
	entry_drop(txn, a->at[i]);
	memmove(a->at + i, a->at + i + 1, (a->n - i - 1) * sizeof *a->at);
	a->n--;
	return 0;
}

static int
mem_range_open(struct kv_txn *txn, unsigned table, struct slice from, struct slice to,
	       enum kv_direction direction, uint64_t limit, struct kv_range **ret_range)
{
	struct mem_range *g = calloc(1, sizeof *g);

	if (g == NULL)
		return -ENOMEM;
	g->range.txn = txn;
	g->array = &((struct mem_txn *)txn)->snapshot->tables[table];
	if (from.len > 0)
		memcpy(g->bytes, from.data, from.len);
	if (to.len > 0)
		memcpy(g->bytes + KV_KEY_MAX, to.data, to.len);
	g->from = slice_of(g->bytes, from.len);
	g->to = slice_of(g->bytes + KV_KEY_MAX, to.len);
	g->direction = direction;
	g->left = limit == 0 ? UINT64_MAX : limit;
	*ret_range = &g->range;
	return 0;
}

static int
mem_range_next(struct kv_range *range, struct slice *ret_key, struct slice *ret_value)
{
	struct mem_range *g = (struct mem_range *)range;
	struct array *a = g->array;
	struct slice key, last = slice_of(g->last, g->last_len);
	size_t i;

	if (g->left == 0)
		return 0;
	if (g->direction == KV_ASCENDING) {
		i = lower_bound(a, g->started ? last : g->from);
		if (g->started && i < a->n && slice_compare(key_of(a->at[i]), last) == 0)
			i++;
		if (i == a->n)
			return 0;
	} else {
		i = g->started ? lower_bound(a, last) : g->to.len > 0 ? lower_bound(a, g->to) : a->n;
		if (i == 0)
			return 0;
		i--;
	}
	key = key_of(a->at[i]);
	if (g->direction == KV_ASCENDING ? g->to.len > 0 && slice_compare(key, g->to) >= 0
					 : slice_compare(key, g->from) < 0)
		return 0;
	g->started = true;
	memcpy(g->last, key.data, key.len);
	g->last_len = key.len;
	if (g->left != UINT64_MAX)
		g->left--;
	*ret_key = key;
	*ret_value = value_of(a->at[i]);
	return 1;
}

static void
mem_range_close(struct kv_range *range)
{
	free(range);
}

static int
mem_status(struct kv *kv, struct kv_status *ret_status)
{
	(void)kv;
	*ret_status = (struct kv_status){ 0 };
	return 0;
}

static uint64_t
mem_version(struct kv *kv)
{
	struct mem *m = (struct mem *)kv;
	uint64_t v;

	pthread_mutex_lock(&m->lock);
	v = m->version;
	pthread_mutex_unlock(&m->lock);
	return v;
}

static const struct kv_ops mem_ops = {
	.close = mem_close,
	.begin = mem_begin,
	.commit = mem_commit,
	.abort = mem_abort,
	.get = mem_get,
	.put = mem_put,
	.del = mem_del,
	.range_open = mem_range_open,
	.range_next = mem_range_next,
	.range_close = mem_range_close,
	.status = mem_status,
	.version = mem_version,
};
