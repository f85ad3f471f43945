#include "fs/services.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/log.h"

/* -- numbers -------------------------------------------------------------- */

static uint32_t
hash_of(const struct store *st)
{
	unsigned char hash[HASH_LEN];

	hash_bytes(store_label(st), strlen(store_label(st)), hash);
	return (uint32_t)hash[0] << 24 | (uint32_t)hash[1] << 16 | (uint32_t)hash[2] << 8 | hash[3];
}

static int
by_label(const void *a, const void *b)
{
	return strcmp(store_label(*(struct store *const *)a), store_label(*(struct store *const *)b));
}

/* By its name, so that stores which never met seldom have the same. */
static unsigned
free_number(const struct store *st, struct store *const *taken)
{
	unsigned first = hash_of(st) % STORE_NUMBER_MAX, i = first;

	while (taken[i + 1] != NULL)
		i = (i + 1) % STORE_NUMBER_MAX;
	return i + 1;
}

int
services_number(struct store *const *stores, size_t n, struct err *err)
{
	struct store *taken[STORE_NUMBER_MAX + 1] = { NULL }, *sorted[STORE_NUMBER_MAX];
	unsigned number;
	size_t i;
	int r;

	if (n > STORE_NUMBER_MAX)
		return err_set(err, -E2BIG, "a mount shows %d stores at most", STORE_NUMBER_MAX);
	memcpy(sorted, stores, n * sizeof *sorted);
	qsort(sorted, n, sizeof *sorted, by_label);	/* whatever order they were named in */
	for (i = 0; i < n; i++) {
		number = store_number(sorted[i]);
		if (number != 0 && taken[number] == NULL)
			taken[number] = sorted[i];
	}
	for (i = 0; i < n; i++) {
		if (taken[store_number(sorted[i])] == sorted[i])
			continue;
		if (store_number(sorted[i]) != 0)
			log_warning("mount service=%s has the number of service=%s: its inode numbers are others from now on",
				    store_label(sorted[i]), store_label(taken[store_number(sorted[i])]));
		number = free_number(sorted[i], taken);
		r = store_set_number(sorted[i], number, err);
		if (r < 0)
			return r;
		taken[number] = sorted[i];
	}
	return 0;
}

/* -- above them ----------------------------------------------------------- */

static int
fs_by_label(const void *a, const void *b)
{
	return strcmp(store_label((*(struct fs *const *)a)->st), store_label((*(struct fs *const *)b)->st));
}

int
services_join(struct mount *m, struct err *err)
{
	size_t i;
	int r;

	/* The order of listings. */
	qsort(m->services, m->n, sizeof *m->services, fs_by_label);
	m->by_number[0] = m->upper;
	for (i = 0; i < m->n; i++) {
		struct fs *fs = m->services[i];

		fs->generation = hash_of(fs->st) | 1;
		m->by_number[fs->number] = fs;
		r = tree_add_service(&m->upper->tree, fs->number, store_workspace(fs->st), store_service(fs->st));
		if (r == -EEXIST)
			return err_set(err, r, "the directory of the workspace %s would have the inode number of another",
				       store_workspace(fs->st));
		if (r < 0)
			return err_set(err, r, "out of memory");
	}
	return 0;
}

int
services_statvfs(const struct mount *m, struct statvfs *ret_sv)
{
	dev_t disks[STORE_NUMBER_MAX];
	struct statvfs sum, sv;
	struct stat sb;
	size_t i, j;

	memset(&sum, 0, sizeof sum);
	sum.f_bsize = sum.f_frsize = 4096;
	for (i = 0; i < m->n; i++) {
		if (fstat(store_dir(m->services[i]->st), &sb) < 0 || statvfs(store_path(m->services[i]->st), &sv) < 0)
			return -errno;
		disks[i] = sb.st_dev;
		for (j = 0; disks[j] != disks[i]; j++)
			;
		if (j < i)
			continue;	/* the same disk */
		sum.f_blocks += sv.f_blocks * (sv.f_frsize / 512) / 8;
		sum.f_bfree += sv.f_bfree * (sv.f_frsize / 512) / 8;
		sum.f_bavail += sv.f_bavail * (sv.f_frsize / 512) / 8;
		sum.f_files += sv.f_files;
		sum.f_ffree += sv.f_ffree;
		sum.f_favail += sv.f_favail;
	}
	*ret_sv = sum;
	return 0;
}

int
services_sync(const struct mount *m)
{
	int r = 0, s;
	size_t i;

	for (i = 0; i < m->n; i++) {
		s = store_sync(m->services[i]->st);
		if (r == 0)
			r = s;
	}
	return r;
}
