#include "dicom/input.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <zlib.h>

#include "base/io.h"

/* Limits.  The window is what one read of a long run takes; the first read, and
 * the first after a skip, is smaller: most headers fit, and between fragments
 * only a header of eight bytes is wanted.  A file that needs no more has a window of
 * the first read's size: freeing much more makes malloc give pages back each time. */
enum {
	WINDOW = 64 << 10,
	STEP_FIRST = 16 << 10,
	STEP_AFTER_SKIP = 512,
	DEFLATED_CHUNK = 32 << 10,
};

/* Deflate shrinks at most 1032:1, and blank frames come near that.  What a
 * bomb may cost: a second at once, and beyond that 200 times its own size. */
#define INFLATE_FREE ((uint64_t)256 << 20)
#define INFLATE_RATIO 200
#define INFLATE_MAX ((uint64_t)16 << 30)

struct inflater {
	z_stream z;
	const unsigned char *mem;	/* compressed bytes in memory, or NULL */
	uint64_t from, to;		/* compressed bytes not yet read: file positions or indexes */
	uint64_t consumed;		/* compressed bytes given to zlib */
	uint64_t made;
	bool ended;
	unsigned char chunk[DEFLATED_CHUNK];
};

int
input_open_fd(struct input *in, int fd)
{
	struct stat sb;

	*in = (struct input){ .fd = fd, .step = STEP_FIRST };
	if (fstat(fd, &sb) < 0)
		return -errno;
	if (!S_ISREG(sb.st_mode))
		return -EINVAL;
	in->size = (uint64_t)sb.st_size;
	in->cap = STEP_FIRST;
	in->window = malloc(in->cap);
	if (in->window == NULL)
		return -ENOMEM;
	in->p = in->end = in->window;
	return 0;
}

void
input_open_mem(struct input *in, const void *data, size_t len)
{
	static const unsigned char none[1];

	*in = (struct input){ .fd = -1, .size = len, .end_pos = len };
	in->p = len > 0 ? data : none;
	in->end = in->p + len;
}

void
input_close(struct input *in)
{
	if (in->inflater != NULL) {
		inflateEnd(&in->inflater->z);
		free(in->inflater);
	}
	free(in->window);
	in->inflater = NULL;
	in->window = NULL;
}

/* Have the whole window; the kept bytes at its beginning stay. */
static int
widen(struct input *in, size_t kept)
{
	unsigned char *p = realloc(in->window, WINDOW);

	if (p == NULL)
		return -ENOMEM;
	in->window = p;
	in->cap = WINDOW;
	in->p = p;
	in->end = p + kept;
	return 0;
}

int
input_inflate(struct input *in)
{
	struct inflater *f = calloc(1, sizeof *f);

	if (f == NULL)
		return -ENOMEM;
	if (inflateInit2(&f->z, -MAX_WBITS) != Z_OK) {
		free(f);
		return -ENOMEM;
	}
	if (in->fd < 0) {
		f->mem = in->p;
		f->to = (uint64_t)(in->end - in->p);
	} else {
		f->from = input_pos(in);
		f->to = in->size;
	}
	in->inflater = f;
	in->end_pos = 0;
	in->size = UINT64_MAX;
	in->p = in->end = in->window;
	return widen(in, 0);
}

uint64_t
input_pos(const struct input *in)
{
	return in->end_pos - (uint64_t)(in->end - in->p);
}

static int
refill_compressed(struct input *in)
{
	struct inflater *f = in->inflater;
	uint64_t n = f->to - f->from;
	ssize_t got;

	if (n > DEFLATED_CHUNK)
		n = DEFLATED_CHUNK;
	if (f->mem != NULL) {
		f->z.next_in = (unsigned char *)f->mem + f->from;
	} else {
		got = io_pread_all(in->fd, f->chunk, (size_t)n, f->from);
		if (got < 0)
			return (int)got;
		if ((uint64_t)got < n)
			return -EBADMSG;	/* it became shorter */
		f->z.next_in = f->chunk;
	}
	f->z.avail_in = (unsigned)n;
	f->from += n;
	f->consumed += n;
	return 0;
}

/* After the stream PS3.5 A.5 allows one byte of padding; be as generous as
 * with a data set that is not deflated.  Known writers leave gzip's trailer there: a
 * CRC and the size of what was deflated. */
static int
check_after_stream(struct input *in)
{
	struct inflater *f = in->inflater;
	unsigned char tail[9] = { 0 };
	uint64_t seen = 0, made;
	bool zeros = true;
	int r;

	for (;;) {
		for (; f->z.avail_in > 0; f->z.avail_in--, seen++) {
			if (seen < sizeof tail)
				tail[seen] = *f->z.next_in;
			if (*f->z.next_in++ != 0)
				zeros = false;
			if (!zeros && seen >= 8)
				return -EBADMSG;
		}
		if (f->from == f->to)
			break;
		r = refill_compressed(in);
		if (r < 0)
			return r;
	}
	made = (uint64_t)tail[4] | (uint64_t)tail[5] << 8 | (uint64_t)tail[6] << 16 | (uint64_t)tail[7] << 24;
	return zeros || (seen >= 8 && tail[8] == 0 && made == (f->made & 0xFFFFFFFF)) ? 0 : -EBADMSG;
}

/* Put what inflates next behind the bytes kept in the window.  0 also at the end. */
static int
inflate_some(struct input *in, size_t kept)
{
	struct inflater *f = in->inflater;
	size_t made;
	int r, z;

	if (f->ended)
		return 0;
	f->z.next_out = in->window + kept;
	f->z.avail_out = (unsigned)(WINDOW - kept);
	do {
		if (f->z.avail_in == 0) {
			if (f->from == f->to)
				return -EBADMSG;	/* cut off */
			r = refill_compressed(in);
			if (r < 0)
				return r;
		}
		z = inflate(&f->z, Z_NO_FLUSH);
		if (z == Z_MEM_ERROR)
			return -ENOMEM;
		if (z != Z_OK && z != Z_STREAM_END)
			return -EBADMSG;
	} while (z == Z_OK && f->z.avail_out > 0);
	made = WINDOW - kept - f->z.avail_out;
	f->made += made;
	if (f->made > INFLATE_MAX ||
	    (f->made > INFLATE_FREE && f->made / INFLATE_RATIO > f->consumed))
		return -EFBIG;
	in->end += made;
	in->end_pos += made;
	if (z == Z_STREAM_END) {
		f->ended = true;
		in->size = in->end_pos;
		return check_after_stream(in);
	}
	return 0;
}

static int
read_some(struct input *in, size_t kept)
{
	uint64_t n = in->size - in->end_pos;
	ssize_t got;
	int r;

	if (n > in->step)
		n = in->step;
	if (n > in->cap - kept && in->cap < WINDOW) {
		r = widen(in, kept);
		if (r < 0)
			return r;
	}
	if (n > in->cap - kept)
		n = in->cap - kept;
	got = io_pread_all(in->fd, in->window + kept, (size_t)n, in->end_pos);
	if (got < 0)
		return (int)got;
	if ((uint64_t)got < n)
		return -EBADMSG;		/* it became shorter */
	in->end += n;
	in->end_pos += n;
	in->step = in->step < WINDOW / 2 ? in->step * 2 : WINDOW;
	return 0;
}

int
input_need(struct input *in, size_t n)
{
	size_t kept = (size_t)(in->end - in->p);
	int r;

	while (kept < n) {
		if (in->end_pos == in->size)
			return kept == 0 ? 0 : -EBADMSG;
		if (in->window == NULL)
			return -EBADMSG;
		memmove(in->window, in->p, kept);
		in->p = in->window;
		in->end = in->window + kept;
		r = in->inflater != NULL ? inflate_some(in, kept) : read_some(in, kept);
		if (r < 0)
			return r;
		kept = (size_t)(in->end - in->p);
	}
	return 1;
}

/* Window by window: to data, or nowhere when that is NULL. */
static int
consume(struct input *in, unsigned char *to, uint64_t n)
{
	uint64_t have;
	int r;

	while (n > 0) {
		have = (uint64_t)(in->end - in->p);
		if (have == 0) {
			r = input_need(in, 1);
			if (r <= 0)
				return r < 0 ? r : -EBADMSG;
			continue;
		}
		if (have > n)
			have = n;
		if (to != NULL) {
			memcpy(to, in->p, (size_t)have);
			to += have;
		}
		in->p += have;
		n -= have;
	}
	return 0;
}

int
input_read(struct input *in, void *data, uint64_t n)
{
	return consume(in, data, n);
}

int
input_skip(struct input *in, uint64_t n)
{
	if (n <= (uint64_t)(in->end - in->p) || in->inflater != NULL)
		return consume(in, NULL, n);
	/* A file need not be read to be passed over. */
	if (n > in->size - input_pos(in))
		return -EBADMSG;
	in->end_pos = input_pos(in) + n;
	in->p = in->end = in->window;
	in->step = STEP_AFTER_SKIP;
	return 0;
}
