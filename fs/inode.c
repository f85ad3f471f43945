#include "fs/inode.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/cond.h"
#include "fs/tree.h"

/* A chained hash table over one of the links in struct node. */
struct table {
	struct node **slots;
	size_t n_slots;			/* a power of two */
	size_t n;
};

struct nodes {
	pthread_mutex_t lock;		/* guards all below and every node */
	pthread_cond_t left;		/* a file is open no more */
	struct table by_id, by_name, by_instance;
	struct node *idle_first, *idle_last;	/* may go, oldest first */
	size_t counts[NODE_FILE + 1];
	size_t n_expiring;
	size_t max_local;
	uint64_t last_local;
	void (*gone)(void *ctx, uint64_t parent, const char *name);
	void *gone_ctx;
};

#define FIRST_SLOTS 64
#define RESOLVE_MAX 64			/* a directory vanishing and coming back that often */

static uint64_t
mix(uint64_t x)
{
	x ^= x >> 32;
	x *= UINT64_C(0xd6e8feb86659fd93);
	x ^= x >> 32;
	return x;
}

static uint64_t
hash_name(uint64_t parent, const char *name)
{
	uint64_t h = mix(parent) ^ UINT64_C(0xcbf29ce484222325);

	for (; *name != '\0'; name++)
		h = (h ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
	return mix(h);
}

static uint64_t
hash_of(const struct nodes *t, const struct table *tab, const struct node *n)
{
	if (tab == &t->by_id)
		return mix(n->id);
	if (tab == &t->by_name)
		return hash_name(n->parent->id, n->name);
	return mix(n->u.file.instance);
}

static struct node **
link_of(const struct nodes *t, const struct table *tab, struct node *n)
{
	if (tab == &t->by_id)
		return &n->id_next;
	if (tab == &t->by_name)
		return &n->name_next;
	return &n->instance_next;
}

static struct node **
slot_of(const struct table *tab, uint64_t hash)
{
	return &tab->slots[hash & (tab->n_slots - 1)];
}

static void
table_put(struct nodes *t, struct table *tab, struct node *n)
{
	struct node **slot = slot_of(tab, hash_of(t, tab, n));

	*link_of(t, tab, n) = *slot;
	*slot = n;
	tab->n++;
	if (tab->n > tab->n_slots) {
		struct table wide = { NULL, tab->n_slots * 2, tab->n };
		size_t i;

		wide.slots = calloc(wide.n_slots, sizeof *wide.slots);
		if (wide.slots == NULL)
			return;		/* longer chains, nothing worse */
		for (i = 0; i < tab->n_slots; i++)
			while ((n = tab->slots[i]) != NULL) {
				tab->slots[i] = *link_of(t, tab, n);
				slot = slot_of(&wide, hash_of(t, tab, n));
				*link_of(t, tab, n) = *slot;
				*slot = n;
			}
		free(tab->slots);
		*tab = wide;
	}
}

static void
table_del(struct nodes *t, struct table *tab, struct node *n)
{
	struct node **p = slot_of(tab, hash_of(t, tab, n));

	while (*p != n) {
		assert(*p != NULL);
		p = link_of(t, tab, *p);
	}
	*p = *link_of(t, tab, n);
	*link_of(t, tab, n) = NULL;
	tab->n--;
}

struct nodes *
nodes_new(size_t max_local, void (*gone)(void *ctx, uint64_t parent, const char *name), void *ctx)
{
	struct nodes *t = calloc(1, sizeof *t);
	struct table *tables[3];
	size_t i;

	if (t == NULL)
		return NULL;
	tables[0] = &t->by_id;
	tables[1] = &t->by_name;
	tables[2] = &t->by_instance;
	pthread_mutex_init(&t->lock, NULL);
	cond_init(&t->left);
	t->max_local = max_local;
	t->gone = gone;
	t->gone_ctx = ctx;
	for (i = 0; i < 3; i++) {
		tables[i]->n_slots = FIRST_SLOTS;
		tables[i]->slots = calloc(FIRST_SLOTS, sizeof *tables[i]->slots);
		if (tables[i]->slots == NULL) {
			nodes_free(t, NULL);
			return NULL;
		}
	}
	return t;
}

static void
node_free(struct node *n)
{
	if (n->kind == NODE_FILE) {
		free(n->u.file.error);
		free(n->u.file.kept);
	}
	free(n->name);
	free(n);
}

void
nodes_free(struct nodes *t, void (*drop)(struct node *file))
{
	size_t i;

	if (t == NULL)
		return;
	for (i = 0; t->by_id.slots != NULL && i < t->by_id.n_slots; i++) {
		struct node *n;

		while ((n = t->by_id.slots[i]) != NULL) {
			t->by_id.slots[i] = n->id_next;
			if (n->kind == NODE_FILE && drop != NULL &&
			    (n->u.file.receive != NULL || n->u.file.pending != NULL))
				drop(n);
			node_free(n);
		}
	}
	free(t->by_id.slots);
	free(t->by_name.slots);
	free(t->by_instance.slots);
	pthread_cond_destroy(&t->left);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

void
nodes_lock(struct nodes *t)
{
	pthread_mutex_lock(&t->lock);
}

void
nodes_unlock(struct nodes *t)
{
	pthread_mutex_unlock(&t->lock);
}

bool
nodes_wait_left_locked(struct nodes *t, const struct timespec *until)
{
	return pthread_cond_timedwait(&t->left, &t->lock, until) == 0;
}

struct node *
node_find_locked(struct nodes *t, uint64_t id)
{
	struct node *n = *slot_of(&t->by_id, mix(id));

	while (n != NULL && n->id != id)
		n = n->id_next;
	return n;
}

uint64_t
node_resolve_locked(struct nodes *t, uint64_t id)
{
	struct node *n;
	unsigned i;

	for (i = 0; i < RESOLVE_MAX; i++) {
		n = node_find_locked(t, id);
		if (n == NULL || n->kind != NODE_DIR || n->u.dir.same_as == 0)
			break;
		id = n->u.dir.same_as;
	}
	return id;
}

struct node *
node_child_locked(struct nodes *t, uint64_t parent, const char *name)
{
	struct node *n = *slot_of(&t->by_name, hash_name(parent, name));

	while (n != NULL && (n->parent->id != parent || strcmp(n->name, name) != 0))
		n = n->name_next;
	return n;
}

static struct node **
siblings_of(struct node *n)
{
	switch (n->kind) {
	case NODE_DIR:
		return &n->parent->dirs;
	case NODE_FILE:
		return &n->parent->files;
	default:
		return NULL;	/* the store lists those */
	}
}

static void
siblings_put(struct node *n)
{
	struct node **head = siblings_of(n), *before = NULL, *p;

	if (head == NULL)
		return;
	if (n->kind == NODE_DIR)
		for (p = *head; p != NULL && p->id < n->id; p = p->next)
			before = p;
	n->prev = before;
	n->next = before != NULL ? before->next : *head;
	if (n->next != NULL)
		n->next->prev = n;
	if (before != NULL)
		before->next = n;
	else
		*head = n;
}

static void
siblings_del(struct node *n)
{
	struct node **head = siblings_of(n);

	if (head == NULL)
		return;
	if (n->next != NULL)
		n->next->prev = n->prev;
	if (n->prev != NULL)
		n->prev->next = n->next;
	else
		*head = n->next;
	n->prev = n->next = NULL;
}

static void
idle_del(struct nodes *t, struct node *n)
{
	if (!n->idle)
		return;
	if (n->idle_prev != NULL)
		n->idle_prev->idle_next = n->idle_next;
	else
		t->idle_first = n->idle_next;
	if (n->idle_next != NULL)
		n->idle_next->idle_prev = n->idle_prev;
	else
		t->idle_last = n->idle_prev;
	n->idle_prev = n->idle_next = NULL;
	n->idle = false;
}

static void
idle_put(struct nodes *t, struct node *n)
{
	idle_del(t, n);
	n->idle_prev = t->idle_last;
	if (t->idle_last != NULL)
		t->idle_last->idle_next = n;
	else
		t->idle_first = n;
	t->idle_last = n;
	n->idle = true;
}

void
node_set_listed_locked(struct node *n, bool listed)
{
	if (n->listed == listed)
		return;
	n->listed = listed;
	if (n->named) {
		if (listed)
			n->parent->listed_dirs++;
		else
			n->parent->listed_dirs--;
	}
}

/* Let go of the parent, which may then go itself, and so on up. */
static void
leave_parent(struct nodes *t, struct node *n)
{
	struct node *parent = n->parent;

	if (parent == NULL)
		return;
	n->parent = NULL;
	parent->children--;
	node_review_locked(t, parent);
}

static void
drop_name(struct nodes *t, struct node *n)
{
	if (!n->named)
		return;
	table_del(t, &t->by_name, n);
	siblings_del(n);
	if (n->listed)
		n->parent->listed_dirs--;
	n->named = false;
}

void
node_unname_locked(struct nodes *t, struct node *n)
{
	drop_name(t, n);
	/* A directory keeps its parent: what is open below still has to find
	 * its partition.  A file without a name is never ingested. */
	if (n->kind == NODE_FILE)
		leave_parent(t, n);
	node_review_locked(t, n);
}

int
node_name_locked(struct nodes *t, struct node *n, struct node *parent, const char *name)
{
	char *copy = strdup(name);

	if (copy == NULL)
		return -ENOMEM;
	assert(!n->named && node_child_locked(t, parent->id, name) == NULL);
	/* first up, then down: the old parent may be freed */
	parent->children++;
	leave_parent(t, n);
	free(n->name);
	n->name = copy;
	n->parent = parent;
	n->named = true;
	if (n->listed)
		parent->listed_dirs++;
	table_put(t, &t->by_name, n);
	siblings_put(n);
	node_review_locked(t, parent);
	return 0;
}

static bool
is_needed(const struct node *n)
{
	if (n->children > 0 || n->permanent)
		return true;
	switch (n->kind) {
	case NODE_CATALOG:
		return n->u.catalog.lookups > 0 || n->u.catalog.unsettled > 0;
	case NODE_DIR:
		return n->named || n->u.dir.same_as != 0;
	case NODE_FILE:
		return n->named || n->u.file.opens > 0 || n->u.file.pending != NULL;
	}
	return true;
}

static bool
is_idle(const struct node *n)
{
	switch (n->kind) {
	case NODE_DIR:
		return n->children == 0 && !(n->named && n->listed) && !n->permanent;
	case NODE_FILE:
		return n->u.file.opens == 0 && n->u.file.pending == NULL;
	default:
		return false;
	}
}

void
node_review_locked(struct nodes *t, struct node *n)
{
	if (is_needed(n)) {
		if (is_idle(n))
			idle_put(t, n);
		else
			idle_del(t, n);
		return;
	}
	idle_del(t, n);
	drop_name(t, n);
	if (n->kind == NODE_FILE)
		node_set_instance_locked(t, n, 0, 0);
	if (n->kind == NODE_DIR && n->u.dir.expires != 0)
		t->n_expiring--;
	table_del(t, &t->by_id, n);
	t->counts[n->kind]--;
	leave_parent(t, n);
	node_free(n);
}

void
node_tell_gone_locked(struct nodes *t, struct node *n)
{
	if (n->named && t->gone != NULL)
		t->gone(t->gone_ctx, n->parent->id, n->name);
}

/* Room for one more local name: the longest idle one goes. */
static int
make_room(struct nodes *t)
{
	while (t->counts[NODE_DIR] + t->counts[NODE_FILE] >= t->max_local) {
		struct node *n = t->idle_first;

		if (n == NULL)
			return -ENOSPC;
		node_tell_gone_locked(t, n);
		drop_name(t, n);
		if (n->kind == NODE_DIR)
			n->u.dir.same_as = 0;
		node_review_locked(t, n);
	}
	return 0;
}

void
node_vanish_locked(struct nodes *t, struct node *n, int64_t expires)
{
	bool named = n->named;

	if (n->kind != NODE_CATALOG || n->permanent)
		return;
	drop_name(t, n);
	t->counts[NODE_CATALOG]--;
	t->counts[NODE_DIR]++;
	n->kind = NODE_DIR;
	memset(&n->u, 0, sizeof n->u);
	n->u.dir.used = true;
	n->u.dir.expires = expires;
	t->n_expiring++;
	if (named) {
		n->named = true;
		table_put(t, &t->by_name, n);
		siblings_put(n);
	}
	node_review_locked(t, n);
}

size_t
nodes_expire_locked(struct nodes *t, int64_t now)
{
	struct node *n, *next;

	for (n = t->idle_first; n != NULL && t->n_expiring > 0; n = next) {
		next = n->idle_next;
		if (n->kind != NODE_DIR || n->u.dir.expires == 0 || n->u.dir.expires > now)
			continue;
		/* Letting go of it may make its parent idle, at the end of the
		 * list, or free one that is kept by it alone, never an idle one. */
		node_tell_gone_locked(t, n);
		drop_name(t, n);
		n->u.dir.same_as = 0;
		node_review_locked(t, n);
	}
	return t->n_expiring;
}

static struct node *
node_new(struct nodes *t, uint64_t id, enum node_kind kind)
{
	struct node *n = calloc(1, sizeof *n);

	if (n == NULL)
		return NULL;
	n->id = id;
	n->kind = kind;
	table_put(t, &t->by_id, n);
	t->counts[kind]++;
	return n;
}

/* n takes the place of old, whose name it already has. */
static void
take_over(struct nodes *t, struct node *n, struct node *old)
{
	struct node **lists[] = { &old->dirs, &old->files };
	size_t i;

	for (i = 0; i < 2; i++) {
		struct node *child;

		while ((child = *lists[i]) != NULL) {
			bool listed = child->listed;

			drop_name(t, child);
			child->parent = n;
			n->children++;
			old->children--;
			child->named = true;
			if (listed)
				n->listed_dirs++;
			table_put(t, &t->by_name, child);
			siblings_put(child);
		}
	}
	node_set_listed_locked(old, false);
	old->u.dir.same_as = n->id;
	node_review_locked(t, old);
}

struct node *
node_add_catalog_locked(struct nodes *t, struct node *parent, uint64_t id,
			enum store_level level, const char *name)
{
	struct node *n = node_find_locked(t, id), *old, *dir = NULL;

	if (n != NULL)
		return n;
	n = node_new(t, id, NODE_CATALOG);
	if (n == NULL)
		return NULL;
	n->u.catalog.level = level;
	if (parent == NULL) {
		n->permanent = true;
		n->name = strdup(name);
		return n;
	}
	/* Held up by a lookup that is taken back below, while names move. */
	n->u.catalog.lookups = 1;
	parent->children++;	/* the old one must not take it along */
	old = node_child_locked(t, parent->id, name);
	if (old != NULL) {
		if (old->kind != NODE_CATALOG)
			node_tell_gone_locked(t, old);
		if (old->kind == NODE_DIR) {
			dir = old;
			dir->u.dir.same_as = id;	/* keeps it */
		}
		node_unname_locked(t, old);
	}
	if (node_name_locked(t, n, parent, name) < 0) {
		parent->children--;
		n->u.catalog.lookups = 0;
		node_review_locked(t, n);
		return NULL;
	}
	parent->children--;
	if (dir != NULL)
		take_over(t, n, dir);
	n->u.catalog.lookups = 0;
	return n;		/* the caller gives it a lookup, a child or a review */
}

struct node *
node_add_top_locked(struct nodes *t, uint64_t id)
{
	struct node *n = node_new(t, id, NODE_DIR);

	if (n == NULL)
		return NULL;
	n->name = strdup("");
	n->permanent = true;
	n->u.dir.used = true;		/* it is listed whatever happens in it */
	return n;
}

void
node_made_by(struct node *n, mode_t mode, uid_t uid, gid_t gid)
{
	n->mode = mode & 07777;
	n->uid = uid;
	n->gid = gid;
	n->mtime = clock_now();
}

int
node_add_local_locked(struct nodes *t, struct node *parent, const char *name,
		      enum node_kind kind, struct node **ret_node)
{
	struct node *n;
	int r;

	parent->children++;	/* so that making room spares it */
	r = make_room(t);
	n = r < 0 ? NULL : node_new(t, (kind == NODE_DIR ? TREE_LOCAL_DIR : TREE_LOCAL) | (t->last_local + 1), kind);
	if (n != NULL)
		r = node_name_locked(t, n, parent, name);
	parent->children--;
	if (n == NULL || r < 0) {
		if (n != NULL)
			node_review_locked(t, n);
		node_review_locked(t, parent);
		return r < 0 ? r : -ENOMEM;
	}
	t->last_local++;
	*ret_node = n;
	return 0;
}

void
node_leave_file_locked(struct nodes *t, struct node *file)
{
	if (--file->u.file.opens == 0)
		pthread_cond_broadcast(&t->left);
}

void
node_forget_locked(struct nodes *t, uint64_t id, uint64_t n)
{
	struct node *node = node_find_locked(t, id);

	if (node == NULL || node->kind != NODE_CATALOG)
		return;
	node->u.catalog.lookups -= n < node->u.catalog.lookups ? n : node->u.catalog.lookups;
	node_review_locked(t, node);
}

void
node_set_instance_locked(struct nodes *t, struct node *file, uint64_t instance, uint64_t watermark)
{
	if (file->u.file.instance != 0)
		table_del(t, &t->by_instance, file);
	file->u.file.instance = instance;
	file->u.file.watermark = watermark;
	if (instance != 0)
		table_put(t, &t->by_instance, file);
}

struct node *
node_of_instance_locked(struct nodes *t, uint64_t instance, struct node *after)
{
	struct node *n = after != NULL ? after->instance_next : *slot_of(&t->by_instance, mix(instance));

	while (n != NULL && n->u.file.instance != instance)
		n = n->instance_next;
	return n;
}

size_t
nodes_count_locked(const struct nodes *t, enum node_kind kind)
{
	return t->counts[kind];
}
