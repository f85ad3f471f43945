/* Single-byte sets are tables filled once from iconv; the multi-byte ones go
 * to iconv a segment at a time, in the encoding that holds the same code
 * without escapes: JIS X 0208 and 0212 in EUC-JP, KS X 1001 in EUC-KR, GB 2312
 * in GB 18030.  Code extension (ISO 2022) is followed here, since iconv's own
 * ISO 2022 encodings allow other escapes than DICOM's. */
#include "dicom/charset.h"

#include <errno.h>
#include <iconv.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

enum set {
	NONE,			/* nothing designated: high bytes are invalid */
	ASCII,
	ROMAJI,			/* JIS X 0201; taken as ASCII, as everybody does */
	KATAKANA,
	LATIN1, LATIN2, LATIN3, LATIN4, CYRILLIC, ARABIC, GREEK, HEBREW, LATIN5, THAI, LATIN9,
	JIS0208,		/* from here on two bytes a character */
	JIS0212,
	KSX1001,
	GB2312,
	GB18030,		/* these two are `whole` sets */
	UTF8,
	WINDOWS,		/* 1252, and what it leaves open as Latin-1 has it */
	SET_MAX,
};

/* The defined terms, squeezed: capitals and digits alone, because misspelt
 * ones ("ISO IR 100", "ISO_IR_100") are common. */
static const struct {
	const char *term;
	enum set g0, g1, whole;
} terms[] = {
	{ "", ASCII, NONE, 0 },
	{ "ISOIR6", ASCII, NONE, 0 },
	{ "ISO2022IR6", ASCII, NONE, 0 },
	{ "ISOIR100", ASCII, LATIN1, 0 },
	{ "ISO2022IR100", ASCII, LATIN1, 0 },
	{ "ISOIR101", ASCII, LATIN2, 0 },
	{ "ISO2022IR101", ASCII, LATIN2, 0 },
	{ "ISOIR109", ASCII, LATIN3, 0 },
	{ "ISO2022IR109", ASCII, LATIN3, 0 },
	{ "ISOIR110", ASCII, LATIN4, 0 },
	{ "ISO2022IR110", ASCII, LATIN4, 0 },
	{ "ISOIR144", ASCII, CYRILLIC, 0 },
	{ "ISO2022IR144", ASCII, CYRILLIC, 0 },
	{ "ISOIR127", ASCII, ARABIC, 0 },
	{ "ISO2022IR127", ASCII, ARABIC, 0 },
	{ "ISOIR126", ASCII, GREEK, 0 },
	{ "ISO2022IR126", ASCII, GREEK, 0 },
	{ "ISOIR138", ASCII, HEBREW, 0 },
	{ "ISO2022IR138", ASCII, HEBREW, 0 },
	{ "ISOIR148", ASCII, LATIN5, 0 },
	{ "ISO2022IR148", ASCII, LATIN5, 0 },
	{ "ISOIR203", ASCII, LATIN9, 0 },
	{ "ISO2022IR203", ASCII, LATIN9, 0 },
	{ "ISOIR166", ASCII, THAI, 0 },
	{ "ISO2022IR166", ASCII, THAI, 0 },
	{ "ISOIR13", ROMAJI, KATAKANA, 0 },
	{ "ISO2022IR13", ROMAJI, KATAKANA, 0 },
	{ "ISO2022IR87", ASCII, NONE, 0 },
	{ "ISO2022IR159", ASCII, NONE, 0 },
	{ "ISO2022IR149", ASCII, KSX1001, 0 },
	{ "ISO2022IR58", ASCII, GB2312, 0 },
	{ "ISOIR192", ASCII, NONE, UTF8 },
	{ "GB18030", ASCII, NONE, GB18030 },
	{ "GBK", ASCII, NONE, GB18030 },
};

static const struct {
	const char *escape;	/* without ESC */
	uint8_t half;		/* G0 or G1 */
	enum set set;
} escapes[] = {
	{ "(B", 0, ASCII }, { "(J", 0, ROMAJI }, { ")I", 1, KATAKANA },
	{ "$B", 0, JIS0208 }, { "$@", 0, JIS0208 }, { "$(B", 0, JIS0208 }, { "$(D", 0, JIS0212 },
	{ "$)C", 1, KSX1001 }, { "$)A", 1, GB2312 },
	{ "-A", 1, LATIN1 }, { "-B", 1, LATIN2 }, { "-C", 1, LATIN3 }, { "-D", 1, LATIN4 },
	{ "-L", 1, CYRILLIC }, { "-G", 1, ARABIC }, { "-F", 1, GREEK }, { "-H", 1, HEBREW },
	{ "-M", 1, LATIN5 }, { "-T", 1, THAI }, { "-b", 1, LATIN9 },
};

static const char *const encodings[SET_MAX] = {
	[LATIN1] = "ISO-8859-1", [LATIN2] = "ISO-8859-2", [LATIN3] = "ISO-8859-3",
	[LATIN4] = "ISO-8859-4", [CYRILLIC] = "ISO-8859-5", [ARABIC] = "ISO-8859-6",
	[GREEK] = "ISO-8859-7", [HEBREW] = "ISO-8859-8", [LATIN5] = "ISO-8859-9",
	[THAI] = "TIS-620", [LATIN9] = "ISO-8859-15", [WINDOWS] = "WINDOWS-1252",
	[JIS0208] = "EUC-JP", [JIS0212] = "EUC-JP", [KSX1001] = "EUC-KR",
	[GB2312] = "GB18030", [GB18030] = "GB18030",
};

/* --------------------------------------------------------- code tables ---- */

/* UTF-8 of the bytes 80 to FF, "" where the set has none. */
static char high[SET_MAX][128][4];
static pthread_once_t tables_once = PTHREAD_ONCE_INIT;

static void
fill_table(enum set set)
{
	iconv_t cd = iconv_open("UTF-8", encodings[set]);
	int c;

	if (cd == (iconv_t)-1)
		return;			/* this libc lacks it: all bytes invalid */
	for (c = set == WINDOWS ? 0x80 : 0xA0; c <= 0xFF; c++) {
		char from = (char)c, *in = &from, *out = high[set][c - 0x80];
		size_t n_in = 1, n_out = 3;

		iconv(cd, NULL, NULL, NULL, NULL);
		if (iconv(cd, &in, &n_in, &out, &n_out) == (size_t)-1 || n_in != 0)
			memset(high[set][c - 0x80], 0, 4);
	}
	iconv_close(cd);
}

static void
put_utf8(char *to, unsigned c)
{
	if (c < 0x800) {
		to[0] = (char)(0xC0 | c >> 6);
		to[1] = (char)(0x80 | (c & 0x3F));
	} else {
		to[0] = (char)(0xE0 | c >> 12);
		to[1] = (char)(0x80 | (c >> 6 & 0x3F));
		to[2] = (char)(0x80 | (c & 0x3F));
	}
}

static void
fill_tables(void)
{
	enum set set;
	unsigned c;

	for (set = LATIN1; set <= LATIN9; set++)
		fill_table(set);
	fill_table(WINDOWS);
	for (c = 0x80; c <= 0xFF; c++)
		if (high[WINDOWS][c - 0x80][0] == '\0')
			put_utf8(high[WINDOWS][c - 0x80], c);
	/* JIS X 0201: half-width forms */
	for (c = 0xA1; c <= 0xDF; c++)
		put_utf8(high[KATAKANA][c - 0x80], 0xFF61 + (c - 0xA1));
}

/* --------------------------------------------- descriptors of a thread ---- */

struct descriptors {
	iconv_t cd[SET_MAX];	/* 0: not opened yet */
};

static pthread_key_t descriptors_key;
static pthread_once_t key_once = PTHREAD_ONCE_INIT;

static void
close_descriptors(void *arg)
{
	struct descriptors *d = arg;
	int i;

	for (i = 0; i < SET_MAX; i++)
		if (d->cd[i] != (iconv_t)0 && d->cd[i] != (iconv_t)-1)
			iconv_close(d->cd[i]);
	free(d);
}

static void
make_key(void)
{
	if (pthread_key_create(&descriptors_key, close_descriptors) != 0)
		abort();	/* at most once, before any byte was read */
}

static iconv_t
get_descriptor(enum set set)
{
	struct descriptors *d;

	pthread_once(&key_once, make_key);
	d = pthread_getspecific(descriptors_key);
	if (d == NULL) {
		d = calloc(1, sizeof *d);
		if (d == NULL || pthread_setspecific(descriptors_key, d) != 0) {
			free(d);
			return (iconv_t)-1;
		}
	}
	if (set == JIS0212)
		set = JIS0208;
	if (set == GB2312)
		set = GB18030;
	if (d->cd[set] == (iconv_t)0)
		d->cd[set] = iconv_open("UTF-8", encodings[set]);
	return d->cd[set];
}

/* -EILSEQ when they are no characters of the set. */
static int
convert(enum set set, const char *text, size_t len, struct buf *out)
{
	iconv_t cd = get_descriptor(set);
	char *in = (char *)text, *room, *to, *p;
	size_t n_in = len, n_out = 3 * len + 4;
	int r;

	if (cd == (iconv_t)-1)
		return -EILSEQ;
	/* Two bytes or more become at most four. */
	r = buf_reserve(out, n_out, &room);
	if (r < 0)
		return r;
	to = room;
	iconv(cd, NULL, NULL, NULL, NULL);
	if (iconv(cd, &in, &n_in, &to, &n_out) == (size_t)-1 || n_in != 0)
		return -EILSEQ;
	/* Some tables map a wide backslash to the ASCII one, which separates. */
	for (p = room; p < to; p++)
		if ((unsigned char)*p < 0x80)
			return -EILSEQ;
	buf_grow(out, (size_t)(to - room));
	return 0;
}

/* -------------------------------------------------------- declarations ---- */

struct charset
charset_default(void)
{
	return (struct charset){ .g0 = ASCII, .g1 = NONE, .whole = 0 };
}

struct charset
charset_parse(const char *value, size_t len)
{
	struct charset cs = charset_default();
	bool first = true;
	size_t i = 0, t;

	while (i <= len) {
		char term[24];
		size_t n = 0;

		for (; i < len && value[i] != '\\'; i++) {
			char c = value[i];

			if (c >= 'a' && c <= 'z')
				c = (char)(c - 'a' + 'A');
			if (((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) && n < sizeof term - 1)
				term[n++] = c;
		}
		i++;
		term[n] = '\0';
		for (t = 0; t < sizeof terms / sizeof *terms; t++)
			if (strcmp(terms[t].term, term) == 0)
				break;
		if (t == sizeof terms / sizeof *terms) {
			if (first)
				cs.whole = WINDOWS;
		} else if (first) {
			cs.g0 = (uint8_t)terms[t].g0;
			cs.g1 = (uint8_t)terms[t].g1;
			cs.whole = (uint8_t)terms[t].whole;
		}
		first = false;
	}
	return cs;
}

bool
charset_is_plain(const char *text, size_t len)
{
	uint64_t word;
	size_t i = 0;

	for (; i + 8 <= len; i += 8) {
		memcpy(&word, text + i, 8);
		if (word & 0x8080808080808080u)
			return false;
	}
	for (; i < len; i++)
		if ((unsigned char)text[i] & 0x80)
			return false;
	return memchr(text, '\033', len) == NULL;
}

/* ---------------------------------------------------------- conversion ---- */

/* What a value is read with, and where it stands. */
struct state {
	const unsigned char *p, *end;
	enum charset_text kind;
	enum set g[2];
};

static bool
is_delimiter(unsigned char c, enum charset_text kind)
{
	/* PS3.5 6.1.2.5.3: code extension ends at each of these */
	if (c == '\n' || c == '\r' || c == '\f' || c == '\t')
		return true;
	return kind == CHARSET_NAMES && (c == '^' || c == '=');
}

static int
take_escape(struct state *s)
{
	size_t i, n, left = (size_t)(s->end - s->p) - 1;

	for (i = 0; i < sizeof escapes / sizeof *escapes; i++) {
		n = strlen(escapes[i].escape);
		if (n <= left && memcmp(s->p + 1, escapes[i].escape, n) == 0) {
			s->g[escapes[i].half] = escapes[i].set;
			s->p += 1 + n;
			return 0;
		}
	}
	return -EILSEQ;
}

/* A run of two-byte characters of one set, moved to the half where its
 * encoding has it. */
static int
take_pairs(struct state *s, enum set set, struct buf *out)
{
	char text[192];
	size_t n = 0;
	bool right = *s->p >= 0x80;

	while (s->p < s->end && n + 3 <= sizeof text) {
		unsigned char a = *s->p;

		if ((a >= 0x80) != right || (a & 0x7F) < 0x21 || (a & 0x7F) == 0x7F)
			break;
		if (s->end - s->p < 2 || (s->p[1] >= 0x80) != right ||
		    (s->p[1] & 0x7F) < 0x21 || (s->p[1] & 0x7F) == 0x7F)
			return -EILSEQ;
		if (set == JIS0212)
			text[n++] = (char)0x8F;
		text[n++] = (char)(a | 0x80);
		text[n++] = (char)(s->p[1] | 0x80);
		s->p += 2;
	}
	return n == 0 ? -EILSEQ : convert(set, text, n, out);
}

/* PS3.5 6.1.2.5: one value with code extension, up to its separator or the end. */
static int
extended_value(struct state *s, const struct charset *cs, struct buf *out)
{
	int r;

	s->g[0] = cs->g0;
	s->g[1] = cs->g1;
	while (s->p < s->end) {
		unsigned char c = *s->p;
		enum set set = s->g[c >= 0x80];

		if (c == 0x1B) {
			r = take_escape(s);
		} else if (c <= 0x20 || c == 0x7F) {
			if (is_delimiter(c, s->kind)) {
				s->g[0] = cs->g0;
				s->g[1] = cs->g1;
			}
			r = buf_putc(out, (char)c);
			s->p++;
		} else if (set >= JIS0208 && set <= GB2312) {
			r = take_pairs(s, set, out);
		} else if (c < 0x80) {
			if (c == '\\' && s->kind != CHARSET_SINGLE)
				return 0;
			if (is_delimiter(c, s->kind)) {
				s->g[0] = cs->g0;
				s->g[1] = cs->g1;
			}
			r = buf_putc(out, (char)c);
			s->p++;
		} else {
			if (high[set][c - 0x80][0] == '\0')
				return -EILSEQ;
			r = buf_put(out, high[set][c - 0x80], strnlen(high[set][c - 0x80], 4));
			s->p++;
		}
		if (r < 0)
			return r;
	}
	return 0;
}

static int
utf8_value(struct state *s, struct buf *out)
{
	const unsigned char *from = s->p;
	size_t n;

	while (s->p < s->end && !(*s->p == '\\' && s->kind != CHARSET_SINGLE)) {
		n = utf8_sequence(s->p, (size_t)(s->end - s->p));
		if (n == 0)
			return -EILSEQ;
		s->p += n;
	}
	return buf_put(out, from, (size_t)(s->p - from));
}

/* GB 18030 and GBK: the second byte of a character may be a backslash. */
static int
gb_value(struct state *s, struct buf *out)
{
	int r;

	while (s->p < s->end) {
		const unsigned char *from = s->p;

		if (*s->p < 0x80) {
			while (s->p < s->end && *s->p < 0x80) {
				if (*s->p == '\\' && s->kind != CHARSET_SINGLE)
					break;
				s->p++;
			}
			r = buf_put(out, from, (size_t)(s->p - from));
			if (r < 0 || (s->p < s->end && *s->p == '\\'))
				return r;
			continue;
		}
		while (s->p < s->end && *s->p >= 0x80 && s->p - from < 4096) {
			size_t left = (size_t)(s->end - s->p);
			size_t n = left >= 2 && s->p[1] >= 0x30 && s->p[1] <= 0x39 ? 4 : 2;

			if (n > left)
				return -EILSEQ;
			s->p += n;
		}
		r = convert(GB18030, (const char *)from, (size_t)(s->p - from), out);
		if (r < 0)
			return r;
	}
	return 0;
}

static int
windows_value(struct state *s, struct buf *out)
{
	for (; s->p < s->end && !(*s->p == '\\' && s->kind != CHARSET_SINGLE); s->p++) {
		int r = *s->p < 0x80 ? buf_putc(out, (char)*s->p)
				     : buf_put(out, high[WINDOWS][*s->p - 0x80],
					       strnlen(high[WINDOWS][*s->p - 0x80], 4));
		if (r < 0)
			return r;
	}
	return 0;
}

int
charset_to_utf8(const struct charset *cs, enum charset_text kind,
		const char *text, size_t len, struct buf *out)
{
	struct state s = { .kind = kind };
	int r;

	if (charset_is_plain(text, len))
		return buf_put(out, text, len);
	pthread_once(&tables_once, fill_tables);
	s.p = (const unsigned char *)text;
	s.end = s.p + len;
	for (;;) {
		const unsigned char *from = s.p;
		size_t before = out->len;

		if (cs->whole == UTF8)
			r = utf8_value(&s, out);
		else if (cs->whole == GB18030)
			r = gb_value(&s, out);
		else if (cs->whole == WINDOWS)
			r = windows_value(&s, out);
		else
			r = extended_value(&s, cs, out);
		if (r == -EILSEQ) {
			buf_truncate(out, before);
			s.p = from;
			r = windows_value(&s, out);
		}
		if (r < 0)
			return r;
		if (s.p == s.end)
			return 0;
		r = buf_putc(out, '\\');
		if (r < 0)
			return r;
		s.p++;
	}
}

/* --------------------------------------------------------- from UTF-8 ---- */

static int
to_high_half(enum set set, const char *text, size_t len, struct buf *out)
{
	size_t n;
	int c, r = 0;

	for (; len > 0 && r == 0; text += n, len -= n) {
		n = utf8_sequence((const unsigned char *)text, len);
		if (n == 0)
			return -EILSEQ;
		if (n == 1) {
			r = buf_putc(out, *text);
			continue;
		}
		for (c = 0; c < 128; c++)
			if (n < 4 && strnlen(high[set][c], 4) == n && memcmp(high[set][c], text, n) == 0)
				break;
		r = c < 128 ? buf_putc(out, (char)(c + 0x80)) : -EILSEQ;
	}
	return r;
}

static int
to_gb18030(const char *text, size_t len, struct buf *out)
{
	iconv_t cd = iconv_open("GB18030", "UTF-8");
	char *in = (char *)text, *room, *to;
	size_t n_in = len, n_out = 2 * len + 4;
	int r;

	if (cd == (iconv_t)-1)
		return -EILSEQ;
	r = buf_reserve(out, n_out, &room);
	to = room;
	if (r == 0 && (iconv(cd, &in, &n_in, &to, &n_out) == (size_t)-1 || n_in != 0))
		r = -EILSEQ;
	iconv_close(cd);
	if (r == 0)
		buf_grow(out, (size_t)(to - room));
	return r;
}

int
charset_from_utf8(const struct charset *cs, enum charset_text kind, const char *text, size_t len, struct buf *out)
{
	size_t before = out->len;
	struct buf again;
	int r;

	if (charset_is_plain(text, len))
		return buf_put(out, text, len);
	pthread_once(&tables_once, fill_tables);
	if (cs->whole == UTF8)
		r = buf_put(out, text, len);
	else if (cs->whole == GB18030)
		r = to_gb18030(text, len, out);
	else if (cs->whole != NONE || cs->g1 == NONE || cs->g1 >= JIS0208)
		r = -EILSEQ;
	else
		r = to_high_half((enum set)cs->g1, text, len, out);
	if (r < 0)
		return r;
	/* What reading makes of it is what counts. */
	buf_init(&again, 4 * len + 64);
	r = charset_to_utf8(cs, kind, out->data + before, out->len - before, &again);
	if (r == 0 && (again.len != len || memcmp(again.data, text, len) != 0))
		r = -EILSEQ;
	buf_fini(&again);
	if (r < 0)
		buf_truncate(out, before);
	return r;
}
