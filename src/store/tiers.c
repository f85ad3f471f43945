/* The tiers that a store has: what its tiers.conf says, and whether that can be.
 *
 * A directory becomes a tier's with the first file that is moved there: it gets a mark then, which holds a number of the
 * store's own.  Without its mark, as when nothing is mounted there, what lies in it is away, and nothing is lost;
 * with that of another store it is refused.
 */
#include "store/tiers_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/guid.h"
#include "base/io.h"
#include "base/log.h"

#define ID_FILE "tiers.id"
/* Lines "NAME DIRECTORY" of those that were begun. */
#define BEGUN_FILE "tiers.begun"
#define BEGUN_BYTES_MAX (256 << 10)

/* -- the number of the store ---------------------------------------------- */

static int
read_id(struct store *st, char id[GUID_TEXT_MAX])
{
	int fd = openat(st->dir, ID_FILE, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = io_pread_all(fd, id, GUID_TEXT_MAX - 1, 0);
	close(fd);
	if (n < 0)
		return (int)n;
	if (n != GUID_TEXT_MAX - 1)
		return -EIO;
	id[n] = '\0';
	return 0;
}

/* Another process may do the same. */
static int
make_id(struct store *st)
{
	char id[GUID_TEXT_MAX], part[64];
	int fd, r = guid_make(id);

	if (r < 0)
		return r;
	snprintf(part, sizeof part, ID_FILE ".%s", id);
	fd = openat(st->dir, part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0)
		return -errno;
	r = io_write_all(fd, id, strlen(id));
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	close(fd);
	if (r == 0 && linkat(st->dir, part, st->dir, ID_FILE, 0) < 0 && errno != EEXIST)
		r = -errno;
	unlinkat(st->dir, part, 0);
	if (r == 0 && fsync(st->dir) < 0)
		r = -errno;
	return r;
}

/* -- reading -------------------------------------------------------------- */

static int
read_conf(struct store *st, const char *path, struct tiers_conf *conf, struct err *err)
{
	int fd = openat(st->dir, STORE_TIERS_CONF, O_RDONLY | O_CLOEXEC), r;
	char *text;
	ssize_t n;

	if (fd < 0)
		return errno == ENOENT ? -ENOENT : err_set(err, -errno, "%s: %s", path, strerror(errno));
	text = malloc(TIERS_CONF_BYTES_MAX + 1);
	n = text == NULL ? -ENOMEM : io_pread_all(fd, text, TIERS_CONF_BYTES_MAX + 1, 0);
	close(fd);
	r = n < 0 ? err_set(err, (int)n, "%s: %s", path, strerror((int)-n)) : tiers_conf_parse(path, text, (size_t)n, conf, err);
	free(text);
	return r;
}

int
tier_sums(struct store *st, uint64_t tiers[STORE_TIERS])
{
	struct partition_row sums;
	struct kv_txn *txn;
	uint64_t n;
	int r = kv_begin(st->kv, KV_READ, &txn);

	if (r < 0)
		return r;
	r = catalog_total(txn, &sums, &n);
	kv_abort(txn);
	if (r == 0)
		memcpy(tiers, sums.tiers, sizeof sums.tiers);
	return r;
}

/* -- checking ------------------------------------------------------------- */

static bool
is_same(const char *a, const char *b)
{
	struct stat x, y;

	return strcmp(a, b) == 0 || (stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino);
}

static int
check_places(struct store *st, const char *path, const struct tiers_conf *conf, struct err *err)
{
	unsigned i, j;

	for (i = 1; i < STORE_TIERS; i++) {
		const char *dir = conf->dirs[i], *name = store_tier_name((enum store_tier)i);
		char *real = dir[0] != '\0' ? realpath(dir, NULL) : NULL;
		const char *at = real != NULL ? real : dir;
		bool mixed = dir[0] != '\0' && (io_is_below(at, st->path) || io_is_below(st->path, at));

		free(real);
		if (mixed)
			return err_set(err, -EINVAL, "%s: the directory %s of the tier %s and the store lie in each other", path, dir, name);
		for (j = 1; j < i && dir[0] != '\0'; j++)
			if (conf->dirs[j][0] != '\0' && is_same(dir, conf->dirs[j]))
				return err_set(err, -EINVAL, "%s: the tiers %s and %s have the same directory", path,
					       store_tier_name((enum store_tier)j), name);
	}
	return 0;
}

/* Whether it can be what it is said to be.  For who only reads, the doors tell. */
static int
check_tier(struct store *st, enum store_tier tier, const char *dir, uint64_t bytes, struct err *err)
{
	struct stat sb;
	int r;

	if (st->read_only)
		return 0;
	if (dir[0] == '\0')
		return bytes == 0 ? 0 : err_set(err, -EINVAL, "files are in the tier %s, for which " STORE_TIERS_CONF " has no line",
						store_tier_name(tier));
	r = blob_tier_look(st->blobs, tier);
	if (r == -EBUSY)
		return err_set(err, r, "the directory %s of the tier %s belongs to another store", dir, store_tier_name(tier));
	if (bytes == 0 && (stat(dir, &sb) < 0 || !S_ISDIR(sb.st_mode)))
		return err_set(err, -ENOENT, "the directory %s of the tier %s: no such directory", dir, store_tier_name(tier));
	if (r < 0 && bytes > 0)
		log_warning("tier=%s dir=%s state=away: what lies in it cannot be read", store_tier_name(tier), dir);
	return 0;
}

/* A rule may ask when files were read last: is that kept? */
static void
check_atime(struct store *st, const struct tiers_conf *conf)
{
	struct statvfs fs;
	bool asked = false;
	size_t i;

	for (i = 0; i < conf->n_rules; i++)
		asked |= conf->rules[i].unused > 0;
	if (asked && !st->read_only && fstatvfs(st->dir, &fs) == 0 && (fs.f_flag & ST_NOATIME))
		log_warning("tier: the file system of the store does not keep when files were read (noatime): they are unused since they were stored");
}

int
tiers_open(struct store *st, struct err *err)
{
	struct tiers_conf *conf = calloc(1, sizeof *conf);
	char path[4096 + 64], id[GUID_TEXT_MAX];
	uint64_t sums[STORE_TIERS];
	unsigned i;
	int r;

	if (conf == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	st->tiers = conf;
	snprintf(path, sizeof path, "%s/" STORE_TIERS_CONF, st->path);
	r = read_conf(st, path, conf, err);
	if (r < 0 && r != -ENOENT)
		return r;
	if (r == 0)
		r = check_places(st, path, conf, err);
	else
		r = 0;
	if (r < 0)
		return r;
	check_atime(st, conf);
	strcpy(id, "-");		/* a store that has moved nothing yet */
	if (store_has_tier(st, STORE_HOT)) {
		r = read_id(st, id);
		if (r == -ENOENT && !st->read_only && (r = make_id(st)) == 0)
			r = read_id(st, id);
		if (r < 0 && r != -ENOENT)
			return err_set(err, r, "cannot keep %s/" ID_FILE ": %s", st->path, strerror(-r));
	}
	for (i = 1, r = 0; i < STORE_TIERS && r == 0; i++)
		if (conf->dirs[i][0] != '\0')
			r = blob_set_tier(st->blobs, i, conf->dirs[i], id);
	if (r == 0)
		r = tier_sums(st, sums);
	if (r < 0)
		return err_set(err, r, "cannot open the tiers: %s", strerror(-r));
	for (i = 1; i < STORE_TIERS && r == 0; i++)
		r = check_tier(st, (enum store_tier)i, conf->dirs[i], sums[i], err);
	return r;
}

bool
store_has_tier(const struct store *st, enum store_tier tier)
{
	unsigned i;

	if (st->tiers == NULL)
		return false;
	for (i = 1; i < STORE_TIERS; i++)
		if ((tier == STORE_HOT || i == (unsigned)tier) && st->tiers->dirs[i][0] != '\0')
			return true;
	return false;
}

bool
store_has_tier_rules(const struct store *st)
{
	return store_has_tier(st, STORE_HOT) && st->tiers->n_rules > 0;
}

static void
begun_line(const struct store *st, enum store_tier tier, char line[BLOB_TIER_PATH_MAX + 16])
{
	snprintf(line, BLOB_TIER_PATH_MAX + 16, "%s %s\n", store_tier_name(tier), st->tiers->dirs[tier]);
}

/* Was anything ever moved to this directory?  Names may lead there that no row tells of yet. */
static int
has_begun(struct store *st, enum store_tier tier)
{
	char line[BLOB_TIER_PATH_MAX + 16], *text, *at;
	int fd = openat(st->dir, BEGUN_FILE, O_RDONLY | O_CLOEXEC);
	ssize_t n;
	bool found = false;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	begun_line(st, tier, line);
	text = malloc(BEGUN_BYTES_MAX + 1);
	n = text == NULL ? -ENOMEM : io_pread_all(fd, text, BEGUN_BYTES_MAX, 0);
	close(fd);
	if (n > 0) {
		text[n] = '\0';
		for (at = text; !found && (at = strstr(at, line)) != NULL; at++)
			found = at == text || at[-1] == '\n';
	}
	free(text);
	return n < 0 ? (int)n : found;
}

static int
note_begun(struct store *st, enum store_tier tier)
{
	char line[BLOB_TIER_PATH_MAX + 16];
	int fd = openat(st->dir, BEGUN_FILE, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666), r;

	if (fd < 0)
		return -errno;
	begun_line(st, tier, line);
	r = io_write_all(fd, line, strlen(line));
	if (r == 0 && (fsync(fd) < 0 || fsync(st->dir) < 0))
		r = -errno;
	close(fd);
	return r;
}

int
tier_begin_use(struct store *st, enum store_tier tier, struct err *err)
{
	const char *dir = st->tiers->dirs[tier], *name = store_tier_name(tier);
	uint64_t sums[STORE_TIERS];
	int r, begun;

	if (tier == STORE_HOT)
		return 0;
	r = blob_tier_look(st->blobs, tier);
	if (r == 0 && st->tiers->begun[tier])
		return 0;
	begun = has_begun(st, tier);
	if (r == -ENOMEDIUM && begun == 0 && tier_sums(st, sums) == 0 && sums[tier] == 0)
		r = blob_tier_begin(st->blobs, tier);
	/* Before anything is there. */
	if (r == 0)
		r = begun == 0 ? note_begun(st, tier) : begun < 0 ? begun : 0;
	if (r == 0)
		st->tiers->begun[tier] = true;
	if (r == -ENOMEDIUM)
		return err_set(err, r, "the directory %s of the tier %s is not there", dir, name);
	return r < 0 ? err_set(err, r, "the directory %s of the tier %s cannot be used: %s", dir, name, strerror(-r)) : 0;
}

int
tier_away(struct store *st, enum store_tier tier, int num, struct err *err)
{
	if (st->tiers == NULL || st->tiers->dirs[tier][0] == '\0')
		return err_set(err, num, "the file of the instance lies in a tier that " STORE_TIERS_CONF " has no line for: ContainerNotFound");
	return err_set(err, num, "the directory %.160s of the tier %s, where the file of the instance lies, is not there: ContainerNotFound",
		       st->tiers->dirs[tier], store_tier_name(tier));
}

/* -- links that are lost -------------------------------------------------- */

static bool
is_in(struct store *st, const char *name, unsigned tier, const struct instance_info *info)
{
	struct stat sb;
	bool same;
	int fd;

	if (blob_tier_open(st->blobs, name, tier, &fd) < 0)
		return false;
	same = fstat(fd, &sb) == 0 && (uint64_t)sb.st_size == info->size && clock_ns(sb.st_mtim) == info->mtime;
	close(fd);
	return same;
}

bool
tier_find(struct store *st, const char *name, const struct instance_info *info, unsigned *ret_tier)
{
	unsigned i;

	for (i = 1; i < STORE_TIERS; i++)
		if (is_in(st, name, i, info)) {
			*ret_tier = i;
			return true;
		}
	return false;
}

int
tier_lead_back(struct store *st, const char *name, unsigned tier)
{
	char stage[BLOB_STAGE_MAX];
	uint64_t number;
	int r = stage_take(st, &number);

	if (r < 0)
		return r;
	stage_name(stage, number, NULL);
	return blob_tier_lead_back(st->blobs, name, tier, stage);
}
