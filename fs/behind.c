#include "fs/behind.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/cond.h"
#include "fs/patience.h"

#define PIECE_MAX (128u << 10)
#define FEW (32u << 10)			/* writing less costs no more than having it written */
#define PIECES 16			/* 2 MB */
/* A piece being written is waited for without sleep so long. */
#define WATCH_NS INT64_C(200000)

struct piece {
	struct piece *next;		/* of its file, or free */
	struct piece *next_given;	/* of all that were given */
	struct behind_file *file;
	struct incoming *in;
	uint64_t off;
	size_t len;
	char data[PIECE_MAX];
};

struct behind {
	pthread_t thread;
	pthread_mutex_t lock;		/* of all that follows, and of the files' */
	pthread_cond_t work, done;
	struct piece *given, **given_last;
	struct piece *free;
	unsigned made;
	bool stopping, asleep;
	atomic_uint gifts;		/* as a count that wraps */
	struct patience patience;	/* the thread's */
};

/* -- pieces ----------------------------------------------------------------- */

static struct piece *
new_piece_locked(struct behind *b)
{
	struct piece *p = b->free;

	if (p != NULL)
		b->free = p->next;
	else if (b->made < PIECES && (p = malloc(sizeof *p)) != NULL)
		b->made++;
	return p;
}

static void
give_locked(struct behind *b, struct behind_file *f, struct piece *p)
{
	p->next = p->next_given = NULL;
	if (f->first == NULL)
		f->last = &f->first;
	*f->last = p;
	f->last = &p->next;
	*b->given_last = p;
	b->given_last = &p->next_given;
}

/* The file's first, which is no other's before it. */
static struct piece *
take_locked(struct behind *b, struct behind_file *f)
{
	struct piece *p = f->first, **q = &b->given;

	while (*q != p)
		q = &(*q)->next_given;
	*q = p->next_given;
	if (b->given_last == &p->next_given)
		b->given_last = q;
	f->first = p->next;
	return p;
}

/* After an error nothing more: the file has a hole. */
static void
write_locked(struct behind *b, struct piece *p)
{
	struct behind_file *f = p->file;
	int r = f->error;

	if (r == 0) {
		f->at_work = true;
		pthread_mutex_unlock(&b->lock);
		r = incoming_write_at(p->in, p->data, p->len, p->off);
		pthread_mutex_lock(&b->lock);
		f->at_work = false;
	}
	f->error = r;
	p->next = b->free;
	b->free = p;
	if (atomic_fetch_sub(&f->waiting, 1) == 1)
		pthread_cond_broadcast(&b->done);
}

/* -- the thread ------------------------------------------------------------- */

static struct piece *
next_locked(struct behind *b)
{
	struct piece *p = b->given;

	while (p != NULL && p->file->at_work)
		p = p->next_given;
	return p;
}

static void
wait_locked(struct behind *b)
{
	unsigned seen = atomic_load(&b->gifts);
	int64_t since = clock_monotonic(), asleep = 0;

	pthread_mutex_unlock(&b->lock);
	while (atomic_load(&b->gifts) == seen && !patience_is_over(&b->patience, since, clock_monotonic()))
		;
	pthread_mutex_lock(&b->lock);
	if (next_locked(b) == NULL && !b->stopping) {
		patience_lost(&b->patience);
		asleep = clock_monotonic();
		b->asleep = true;
		pthread_cond_wait(&b->work, &b->lock);
		b->asleep = false;
	}
	patience_learn(&b->patience, since, asleep);
}

static void *
run(void *arg)
{
	struct behind *b = arg;
	struct piece *p;

	pthread_setname_np(pthread_self(), "fs-behind");
	pthread_mutex_lock(&b->lock);
	while (!b->stopping || b->given != NULL) {
		p = next_locked(b);
		if (p != NULL)
			write_locked(b, take_locked(b, p->file));
		else
			wait_locked(b);
	}
	pthread_mutex_unlock(&b->lock);
	return NULL;
}

int
behind_start(bool awake, struct behind **ret)
{
	struct behind *b = calloc(1, sizeof *b);
	int r;

	if (b == NULL)
		return -ENOMEM;
	b->given_last = &b->given;
	patience_init(&b->patience, awake);
	pthread_mutex_init(&b->lock, NULL);
	cond_init(&b->work);
	cond_init(&b->done);
	r = -pthread_create(&b->thread, NULL, run, b);
	if (r < 0) {
		pthread_cond_destroy(&b->done);
		pthread_cond_destroy(&b->work);
		pthread_mutex_destroy(&b->lock);
		free(b);
		return r;
	}
	*ret = b;
	return 0;
}

void
behind_stop(struct behind *b)
{
	struct piece *p;

	if (b == NULL)
		return;
	pthread_mutex_lock(&b->lock);
	b->stopping = true;
	pthread_cond_signal(&b->work);
	pthread_mutex_unlock(&b->lock);
	atomic_fetch_add(&b->gifts, 1);
	pthread_join(b->thread, NULL);
	while ((p = b->free) != NULL) {
		b->free = p->next;
		free(p);
	}
	pthread_cond_destroy(&b->done);
	pthread_cond_destroy(&b->work);
	pthread_mutex_destroy(&b->lock);
	free(b);
}

/* -- who receives ----------------------------------------------------------- */

static bool
write_piece(struct behind *b, struct behind_file *f, struct incoming *in, const char *data, size_t len, uint64_t off)
{
	struct piece *p;
	bool asleep;

	pthread_mutex_lock(&b->lock);
	p = new_piece_locked(b);
	pthread_mutex_unlock(&b->lock);
	if (p == NULL)
		return false;
	p->file = f;
	p->in = in;
	p->off = off;
	p->len = len;
	memcpy(p->data, data, len);
	atomic_fetch_add(&f->waiting, 1);
	pthread_mutex_lock(&b->lock);
	give_locked(b, f, p);
	asleep = b->asleep;
	pthread_mutex_unlock(&b->lock);
	atomic_fetch_add(&b->gifts, 1);
	if (asleep)
		pthread_cond_signal(&b->work);
	return true;
}

size_t
behind_write(struct behind *b, struct behind_file *f, struct incoming *in, const void *data, size_t len, uint64_t off)
{
	size_t done = 0, n;

	if (b == NULL || (len < FEW && atomic_load(&f->waiting) == 0))
		return 0;
	while (done < len) {
		n = len - done < PIECE_MAX ? len - done : PIECE_MAX;
		if (!write_piece(b, f, in, (const char *)data + done, n, off + done))
			break;
		done += n;
	}
	return done;
}

int
behind_finish(struct behind *b, struct behind_file *f)
{
	int64_t since;
	int r;

	if (b == NULL)
		return 0;
	pthread_mutex_lock(&b->lock);
	while (f->at_work || f->first != NULL) {
		if (!f->at_work) {
			write_locked(b, take_locked(b, f));
			continue;
		}
		pthread_mutex_unlock(&b->lock);
		since = clock_monotonic();
		while (atomic_load(&f->waiting) > 0 && b->patience.awake && clock_monotonic() - since < WATCH_NS)
			;
		pthread_mutex_lock(&b->lock);
		while (f->at_work)
			pthread_cond_wait(&b->done, &b->lock);
	}
	r = f->error;
	f->error = 0;
	pthread_mutex_unlock(&b->lock);
	return r;
}
