/* input.h: foreign bytes in order, through a small window.
 *
 * From a file (pread only: it may be truncated while we read, which a map
 * would answer with SIGBUS), from memory, or from a raw deflate stream inside
 * either.  Positions count from the start of the file, or of the inflated
 * data set.
 *
 * Errors of all: -EBADMSG the bytes end too early or cannot be inflated;
 * -EFBIG the stream inflates to too much; -EIO; -ENOMEM.
 */
#ifndef DICOM_INPUT_H
#define DICOM_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The most input_need can be asked for. */
#define INPUT_NEED_MAX 256

struct input {
	const unsigned char *p;		/* the unread bytes at hand */
	const unsigned char *end;
	uint64_t end_pos;		/* position of end */
	uint64_t size;			/* of the whole; UINT64_MAX while unknown (deflated) */
	int fd;				/* -1: memory */
	size_t step;			/* how much to read next */
	unsigned char *window;
	size_t cap;			/* of the window */
	struct inflater *inflater;	/* NULL: as it is */
};

int  input_open_fd(struct input *in, int fd);
void input_open_mem(struct input *in, const void *data, size_t len);
/* What is left of the input is a raw deflate stream: from now on, positions
 * count in what comes out of it, from 0. */
int  input_inflate(struct input *in);
void input_close(struct input *in);		/* a zeroed one is fine */

uint64_t input_pos(const struct input *in);
/* Have n bytes at in->p.  1: they are there; 0: the end, and nothing is left. */
int  input_need(struct input *in, size_t n);
int  input_read(struct input *in, void *data, uint64_t n);
int  input_skip(struct input *in, uint64_t n);

#endif
