/* The multipart reader.
 *
 * State		what the window begins with
 * PREAMBLE_START	the body: a delimiter may stand here without its CRLF
 * PREAMBLE		bytes before the first delimiter, to be skipped
 * HEAD			the header lines of a part
 * BODY			its bytes
 * ENDED		nothing that matters
 *
 * A delimiter counts only when -- or spaces and CRLF follow it, else it is
 * data; so what follows is looked at before PART_END is told.
 */
#include "config.h"	/* memmem */

#include "web/multipart.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

enum { PREAMBLE_START, PREAMBLE, HEAD, BODY, ENDED };

/* Spaces after a boundary (transport padding): nobody sends any; a few are read over. */
#define PADDING_MAX 64

int
multipart_init(struct multipart *mp, const char *boundary)
{
	static const char others[] = "'()+_,-./:=? ";
	size_t len = strlen(boundary), i;

	if (len == 0 || len > LIMIT_BOUNDARY || boundary[len - 1] == ' ')
		return -EINVAL;
	for (i = 0; i < len; i++) {
		char c = boundary[i];

		/* Wider than RFC 2046: visible ASCII, since clients in the wild use it. */
		if ((c < '!' || c > '~') && strchr(others, c) == NULL)
			return -EINVAL;
	}
	*mp = (struct multipart){ .state = PREAMBLE_START, .delimiter_len = len + 4 };
	memcpy(mp->delimiter, "\r\n--", 4);
	memcpy(mp->delimiter + 4, boundary, len);
	return 0;
}

enum after { AFTER_UNKNOWN, AFTER_PART, AFTER_CLOSE, AFTER_NOTHING };

/* What follows a delimiter: the line end of a part, the dashes of the close, or
 * something else, which makes it none.  *ret_used counts the bytes up to there. */
static enum after
look_after(const char *p, size_t len, bool last, size_t *ret_used)
{
	size_t i = 0;

	if (len >= 2 && p[0] == '-' && p[1] == '-') {
		*ret_used = 2;
		return AFTER_CLOSE;
	}
	/* A body that ends right after a delimiter ended its last part. */
	if (len == 0 || (len == 1 && p[0] == '-')) {
		*ret_used = len;
		return last ? AFTER_CLOSE : AFTER_UNKNOWN;
	}
	while (i < len && i <= PADDING_MAX && (p[i] == ' ' || p[i] == '\t'))
		i++;
	if (i > PADDING_MAX)
		return AFTER_NOTHING;
	if (!last && (i == len || (i + 1 == len && p[i] == '\r')))
		return AFTER_UNKNOWN;
	if (len - i < 2 || p[i] != '\r' || p[i + 1] != '\n')
		return AFTER_NOTHING;
	*ret_used = i + 2;
	return AFTER_PART;
}

/* Find the next delimiter.  *ret_clear counts the bytes before it, or those that
 * cannot be part of one when there is none yet (AFTER_UNKNOWN). */
static enum after
find_delimiter(const struct multipart *mp, const char *data, size_t len, bool last,
	       size_t *ret_clear, size_t *ret_used)
{
	size_t from = 0, keep;
	const char *cr;

	for (;;) {
		const char *hit = memmem(data + from, len - from, mp->delimiter, mp->delimiter_len);
		size_t after;
		enum after what;

		if (hit == NULL)
			break;
		after = (size_t)(hit - data) + mp->delimiter_len;
		what = look_after(data + after, len - after, last, ret_used);
		if (what == AFTER_NOTHING) {
			from = (size_t)(hit - data) + 1;
			continue;
		}
		*ret_clear = (size_t)(hit - data);
		*ret_used += after;
		return what;
	}
	if (last) {
		*ret_clear = len;
		return AFTER_UNKNOWN;
	}
	/* A delimiter may begin in the last bytes: keep from the first CR among them. */
	keep = len < mp->delimiter_len - 1 ? len : mp->delimiter_len - 1;
	cr = keep == 0 ? NULL : memchr(data + len - keep, '\r', keep);
	*ret_clear = cr == NULL ? len : (size_t)(cr - data);
	return AFTER_UNKNOWN;
}

/* The Content-Type of a part head of whole CRLF lines. */
static int
parse_head(const char *head, size_t len, struct slice *ret_type)
{
	static const char name[] = "content-type";
	const char *p = head, *end = head + len;

	*ret_type = slice_of(NULL, 0);
	while (p < end) {
		const char *eol = memmem(p, (size_t)(end - p), "\r\n", 2);
		const char *colon, *v, *e;

		if (eol == NULL)
			return -EBADMSG;
		/* A line that begins with a space continues the one before (obsolete
		 * folding); no header that matters here needs it. */
		if (*p != ' ' && *p != '\t') {
			colon = memchr(p, ':', (size_t)(eol - p));
			if (colon == NULL || colon == p)
				return -EBADMSG;
			if ((size_t)(colon - p) == sizeof name - 1 &&
			    strncasecmp(p, name, sizeof name - 1) == 0) {
				v = colon + 1;
				e = eol;
				while (v < e && (*v == ' ' || *v == '\t'))
					v++;
				while (e > v && (e[-1] == ' ' || e[-1] == '\t'))
					e--;
				*ret_type = slice_of(v, (size_t)(e - v));
			}
		} else if (p == head) {
			return -EBADMSG;
		}
		p = eol + 2;
	}
	return 0;
}

static int
next_head(struct multipart *mp, const char *data, size_t len, bool last, struct multipart_event *ev)
{
	const char *end;
	size_t head_len;
	int r;

	/* A part without headers begins with the empty line itself. */
	if (len >= 2 && memcmp(data, "\r\n", 2) == 0) {
		head_len = 0;
		ev->used = 2;
	} else {
		size_t window = len < LIMIT_PART_HEAD ? len : LIMIT_PART_HEAD;

		end = memmem(data, window, "\r\n\r\n", 4);
		if (end == NULL && window == LIMIT_PART_HEAD)
			return -EFBIG;
		if (end == NULL && last) {
			/* Cut off in the head: as if the part had not begun. */
			mp->state = ENDED;
			*ev = (struct multipart_event){ .kind = MULTIPART_END, .used = len, .cut = true };
			return 0;
		}
		if (end == NULL)
			return 0;	/* MORE */
		head_len = (size_t)(end - data) + 2;
		ev->used = head_len + 2;
	}
	r = parse_head(data, head_len, &ev->type);
	if (r < 0)
		return r;
	ev->kind = MULTIPART_PART;
	mp->state = BODY;
	return 0;
}

/* The first delimiter may stand at the very start, without its CRLF. */
static int
next_start(struct multipart *mp, const char *data, size_t len, bool last, struct multipart_event *ev)
{
	size_t bare = mp->delimiter_len - 2, n = len < bare ? len : bare;
	size_t used = 0;

	if (memcmp(data, mp->delimiter + 2, n) != 0) {
		mp->state = PREAMBLE;
		return 1;
	}
	if (len < bare) {
		if (last)
			mp->state = PREAMBLE;
		return last ? 1 : 0;
	}
	switch (look_after(data + bare, len - bare, last, &used)) {
	case AFTER_UNKNOWN:
		return 0;
	case AFTER_NOTHING:
		mp->state = PREAMBLE;
		return 1;
	case AFTER_CLOSE:
		mp->state = ENDED;
		*ev = (struct multipart_event){ .kind = MULTIPART_END, .used = len };
		return 0;
	case AFTER_PART:
		break;
	}
	mp->state = HEAD;
	ev->used = bare + used;
	return 1;
}

static int
next_preamble(struct multipart *mp, const char *data, size_t len, bool last, struct multipart_event *ev)
{
	size_t clear = 0, used = 0;

	switch (find_delimiter(mp, data, len, last, &clear, &used)) {
	case AFTER_PART:
		mp->state = HEAD;
		ev->used = used;
		return 1;
	case AFTER_CLOSE:
		mp->state = ENDED;
		*ev = (struct multipart_event){ .kind = MULTIPART_END, .used = len };
		return 0;
	default:
		ev->used = clear;
		if (last)
			/* No delimiter at all in a body that is not empty. */
			return len == 0 && mp->state == PREAMBLE_START ? 0 : -EBADMSG;
		return 0;
	}
}

static int
next_body(struct multipart *mp, const char *data, size_t len, bool last, struct multipart_event *ev)
{
	size_t clear = 0, used = 0;
	enum after what = find_delimiter(mp, data, len, last, &clear, &used);

	if (clear > 0) {
		ev->kind = MULTIPART_DATA;
		ev->data = slice_of(data, clear);
		ev->used = clear;
		return 0;
	}
	if (what == AFTER_UNKNOWN) {
		if (last) {
			mp->state = ENDED;
			*ev = (struct multipart_event){ .kind = MULTIPART_END, .used = len, .cut = true };
		}
		return 0;
	}
	ev->kind = MULTIPART_PART_END;
	ev->used = used;
	mp->state = what == AFTER_PART ? HEAD : ENDED;
	return 0;
}

int
multipart_next(struct multipart *mp, const char *data, size_t len, bool last,
	       struct multipart_event *ret_event)
{
	size_t skipped = 0;
	int r = 1;

	/* A state that only skips bytes hands over to the next (r = 1). */
	while (r == 1) {
		*ret_event = (struct multipart_event){ .kind = MULTIPART_MORE };
		switch (mp->state) {
		case PREAMBLE_START:
			if (len == 0 && last) {
				mp->state = ENDED;
				ret_event->kind = MULTIPART_END;
				r = 0;
				break;
			}
			r = next_start(mp, data, len, last, ret_event);
			break;
		case PREAMBLE:
			r = next_preamble(mp, data, len, last, ret_event);
			break;
		case HEAD:
			r = next_head(mp, data, len, last, ret_event);
			break;
		case BODY:
			r = next_body(mp, data, len, last, ret_event);
			break;
		default:
			ret_event->kind = MULTIPART_END;
			ret_event->used = len;
			r = 0;
			break;
		}
		if (r == 1) {
			skipped += ret_event->used;
			data += ret_event->used;
			len -= ret_event->used;
		}
	}
	ret_event->used += skipped;
	return r;
}
