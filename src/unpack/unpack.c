/* The one file that knows libarchive.
 *
 * Formats and filters are named one by one: among all of them are mtree, which
 * reads files that the archive names, and filters that run programs.
 */
#include "unpack/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/io.h"

#define CHUNK (256u << 10)
/* Entries in a row that libarchive asks to try again. */
#define RETRIES 1000

struct unpack {
	struct archive *archive;
	int fd;
	uint64_t size;			/* of the archive itself */
	uint64_t at;			/* where it is read */
	uint64_t given;			/* bytes of entries that came out of it */
	uint64_t expected, got;		/* of the entry; UINT64_MAX: not said */
	bool packed;			/* as a whole, so that passing over an entry unpacks it */
	bool in_entry, entry_ended;
	struct archive_entry *first;	/* read by unpack_open already; NULL: given out */
	int first_result;
	unsigned char chunk[CHUNK];
};

/* -- the bytes of the archive --------------------------------------------- */

static la_ssize_t
on_read(struct archive *a, void *ctx, const void **ret_data)
{
	struct unpack *u = ctx;
	ssize_t n = io_pread_all(u->fd, u->chunk, sizeof u->chunk, u->at);

	if (n < 0) {
		archive_set_error(a, (int)-n, "%s", strerror((int)-n));
		return ARCHIVE_FATAL;
	}
	u->at += (uint64_t)n;
	*ret_data = u->chunk;
	return n;
}

static la_int64_t
on_seek(struct archive *a, void *ctx, la_int64_t off, int whence)
{
	struct unpack *u = ctx;
	la_int64_t base = whence == SEEK_SET ? 0 : (la_int64_t)(whence == SEEK_CUR ? u->at : u->size), to;

	if (__builtin_add_overflow(base, off, &to) || to < 0 || (uint64_t)to > u->size) {
		archive_set_error(a, EINVAL, "a position outside of the archive");
		return ARCHIVE_FATAL;
	}
	u->at = (uint64_t)to;
	return to;
}

static la_int64_t
on_skip(struct archive *a, void *ctx, la_int64_t request)
{
	struct unpack *u = ctx;
	uint64_t left = u->size > u->at ? u->size - u->at : 0;

	(void)a;
	if (request < 0)
		return 0;
	if ((uint64_t)request > left)
		request = (la_int64_t)left;
	u->at += (uint64_t)request;
	return request;
}

/* -- opening -------------------------------------------------------------- */

static void
support(struct archive *a)
{
	archive_read_support_filter_gzip(a);
	archive_read_support_filter_bzip2(a);
	archive_read_support_filter_xz(a);
	archive_read_support_filter_lzma(a);
	archive_read_support_filter_zstd(a);
	archive_read_support_filter_lz4(a);
	archive_read_support_filter_compress(a);
	archive_read_support_format_tar(a);
	archive_read_support_format_cpio(a);
	archive_read_support_format_zip(a);
	archive_read_support_format_7zip(a);
	archive_read_support_format_iso9660(a);
}

static int
broken(struct unpack *u, struct err *err)
{
	const char *why = archive_error_string(u->archive);

	if (archive_errno(u->archive) == ENOMEM)
		return err_set(err, -EBADMSG, "unpacking it needs more memory than it may have");
	return err_set(err, -EBADMSG, "the archive is broken: %s", why != NULL ? why : "no reason is given");
}

static int
begin(struct unpack *u, struct err *err)
{
	bool opened;

	u->archive = archive_read_new();
	if (u->archive == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	support(u->archive);
	archive_read_set_read_callback(u->archive, on_read);
	archive_read_set_skip_callback(u->archive, on_skip);
	archive_read_set_seek_callback(u->archive, on_seek);
	archive_read_set_callback_data(u->archive, u);
	opened = archive_read_open1(u->archive) >= ARCHIVE_WARN;
	u->packed = archive_filter_count(u->archive) > 1;
	if (opened)
		/* Only what a first header was read of is one. */
		u->first_result = archive_read_next_header(u->archive, &u->first);
	if (opened && (u->first_result == ARCHIVE_EOF || u->first_result >= ARCHIVE_WARN))
		return 0;
	return u->packed || opened ? broken(u, err) : err_set(err, -EINVAL, "not an archive");
}

int
unpack_open(int fd, struct unpack **ret_unpack, struct err *err)
{
	struct unpack *u = calloc(1, sizeof *u);
	struct stat sb;
	int r;

	if (u == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	u->fd = fd;
	if (fstat(fd, &sb) < 0) {
		r = err_set(err, -errno, "%s", strerror(errno));
	} else if (!S_ISREG(sb.st_mode)) {
		r = err_set(err, -EINVAL, "not an archive");
	} else {
		u->size = (uint64_t)sb.st_size;
		r = begin(u, err);
	}
	if (r < 0) {
		unpack_close(u);
		return r;
	}
	*ret_unpack = u;
	return 0;
}

void
unpack_close(struct unpack *u)
{
	if (u == NULL)
		return;
	archive_read_free(u->archive);
	free(u);
}

/* -- entries -------------------------------------------------------------- */

static int
check_bomb(struct unpack *u, struct err *err)
{
	uint64_t out = u->packed ? (uint64_t)archive_filter_bytes(u->archive, 0) : 0;

	if (out < u->given)
		out = u->given;
	if (out <= UNPACK_BOMB_MIN || out / UNPACK_BOMB_RATIO <= u->size)
		return 0;
	return err_set(err, -EBADMSG, "the archive unpacks to more than %d times its size and %llu bytes: a bomb",
		       UNPACK_BOMB_RATIO, (unsigned long long)UNPACK_BOMB_MIN);
}

/* What nobody read of an entry: libarchive seeks over it, unless it must be unpacked, which is
 * counted. */
static int
pass_over(struct unpack *u, struct err *err)
{
	const void *data;
	size_t len;
	la_int64_t off;
	int r = ARCHIVE_OK;

	while (u->packed && u->in_entry && !u->entry_ended && (r = archive_read_data_block(u->archive, &data, &len, &off)) >=
	       ARCHIVE_WARN && r != ARCHIVE_EOF) {
		int s;

		u->given += len;
		s = check_bomb(u, err);
		if (s < 0)
			return s;
	}
	u->in_entry = false;
	return r == ARCHIVE_FATAL ? broken(u, err) : 0;
}

static enum unpack_kind
kind_of(struct archive_entry *entry)
{
	if (archive_entry_hardlink(entry) != NULL || archive_entry_symlink(entry) != NULL)
		return UNPACK_LINK;
	switch (archive_entry_filetype(entry)) {
	case AE_IFDIR:
		return UNPACK_FOLDER;
	case AE_IFLNK:
		return UNPACK_LINK;
	case AE_IFREG:
	case 0:				/* not said, as in some zips */
		return UNPACK_FILE;
	default:
		return UNPACK_OTHER;
	}
}

static const char *
name_of(struct archive_entry *entry)
{
	const char *name = archive_entry_pathname(entry);

	/* NULL: not to be said in this locale */
	if (name == NULL)
		name = archive_entry_pathname_utf8(entry);
	return name != NULL ? name : "";
}

int
unpack_next(struct unpack *u, struct unpack_entry *ret_entry, struct err *err)
{
	struct archive_entry *entry;
	int r = pass_over(u, err), tries = 0;

	if (r == 0)
		r = check_bomb(u, err);
	if (r < 0)
		return r;
	entry = u->first;
	r = u->first_result;
	if (entry == NULL && r != ARCHIVE_EOF)
		do
			r = archive_read_next_header(u->archive, &entry);
		while (r == ARCHIVE_RETRY && ++tries < RETRIES);
	u->first = NULL;
	if (r == ARCHIVE_EOF)
		return 0;
	if (r < ARCHIVE_WARN)
		return broken(u, err);
	u->in_entry = true;
	u->entry_ended = false;
	u->got = 0;
	u->expected = archive_entry_size_is_set(entry) ? (uint64_t)archive_entry_size(entry) : UINT64_MAX;
	*ret_entry = (struct unpack_entry){
		.name = name_of(entry),
		.kind = kind_of(entry),
		.encrypted = archive_entry_is_encrypted(entry) != 0,
	};
	return 1;
}

ssize_t
unpack_read(struct unpack *u, void *data, size_t len, struct err *err)
{
	la_ssize_t n;
	int r;

	if (u->entry_ended || len == 0)
		return 0;
	r = check_bomb(u, err);
	if (r < 0)
		return r;
	n = archive_read_data(u->archive, data, len);
	if (n == ARCHIVE_FATAL)
		return broken(u, err);
	if (n < 0) {
		const char *why = archive_error_string(u->archive);

		return err_set(err, -ENODATA, "it cannot be unpacked: %s", why != NULL ? why : "no reason is given");
	}
	u->given += (uint64_t)n;
	u->got += (uint64_t)n;
	u->entry_ended = n == 0;
	if (n == 0 && u->expected != UINT64_MAX && u->got < u->expected)
		return err_set(err, -ENODATA, "it is cut short in the archive");
	return n;
}
