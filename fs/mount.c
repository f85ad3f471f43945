/* Mounting, and the end of it. */
#include "fs/private.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cond.h"
#include "base/log.h"
#include "fs/behind.h"
#include "fs/notify.h"
#include "fs/services.h"
#include "fs/virtual.h"

/* -- libfuse's own words -------------------------------------------------- */

static void
fuse_log_line(enum fuse_log_level level, const char *fmt, va_list ap)
{
	char line[512];
	size_t len;

	vsnprintf(line, sizeof line, fmt, ap);
	len = strlen(line);
	while (len > 0 && line[len - 1] == '\n')
		line[--len] = '\0';
	if (level <= FUSE_LOG_ERR)
		log_error("fuse %s", line);
	else if (level <= FUSE_LOG_WARNING)
		log_warning("fuse %s", line);
	else
		log_debug("fuse %s", line);
}

/* -- mounting ------------------------------------------------------------- */

#define FUSE_MAGIC 0x65735546		/* statfs(2) */

/* As umount2(dir, MNT_DETACH), for who may not: by its set-uid helper.  0 or -errno. */
static int
detach_by_helper(const char *dir)
{
	const char *const argv[] = { "fusermount3", "-u", "-q", "-z", "--", dir, NULL };
	pid_t pid;
	int status, r;

	r = posix_spawnp(&pid, argv[0], NULL, NULL, (char *const *)argv, environ);
	if (r != 0)
		return -r;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EPERM;
}

/* What a killed process has left: its mount is still there and answers nothing.
 * Only statfs is sure to ask it: the attributes of its root may be cached. */
static int
detach_dead(const char *dir, struct err *err)
{
	struct statfs sf;
	struct stat sb;
	int i, r;

	for (i = 0; i < 16; i++) {	/* they stack */
		if (statfs(dir, &sf) == 0 && stat(dir, &sb) == 0) {
			if (!S_ISDIR(sb.st_mode))
				return err_set(err, -ENOTDIR, "%s is no directory", dir);
			if (sf.f_type == FUSE_MAGIC && sb.st_ino == TREE_ROOT)
				return err_set(err, -EBUSY, "%s: something is mounted there", dir);
			return 0;
		}
		if (errno != ENOTCONN && errno != ECONNABORTED)
			return err_set(err, -errno, "%s: %s", dir, strerror(errno));
		r = umount2(dir, MNT_DETACH) < 0 ? -errno : 0;
		if (r == -EPERM)
			r = detach_by_helper(dir);
		if (r < 0)
			return err_set(err, r, "%s: a dead mount is in the way: %s", dir, strerror(-r));
		log_info("mount dir=%s took over a dead mount", dir);
	}
	return err_set(err, -ENOTCONN, "%s: dead mounts are in the way", dir);
}

/* path as the value of an option, commas and backslashes escaped. */
static void
put_escaped(struct buf *b, const char *path)
{
	for (; *path != '\0'; path++) {
		if (*path == ',' || *path == '\\')
			buf_putc(b, '\\');
		buf_putc(b, *path);
	}
}

static int
make_session(struct mount *m, bool debug, struct err *err)
{
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	struct buf o;
	int r = -ENOMEM;

	buf_init(&o, 8192);
	buf_puts(&o, "fsname=");
	put_escaped(&o, m->n == 1 ? store_path(m->services[0]->st) : "dicomlake");
	buf_puts(&o, ",subtype=dicomlake,default_permissions,nosuid,nodev");
	if (geteuid() == 0)
		buf_puts(&o, ",allow_other");
	if (m->options.auto_unmount)
		buf_puts(&o, ",auto_unmount");
	if (m->options.rest.len > 0)
		buf_printf(&o, ",%s", m->options.rest.data);
	if (buf_error(&o) == 0 && fuse_opt_add_arg(&args, "dicomlake") == 0 &&
	    fuse_opt_add_arg(&args, "-o") == 0 && fuse_opt_add_arg(&args, o.data) == 0 &&
	    (!debug || fuse_opt_add_arg(&args, "-d") == 0)) {
		m->se = fuse_session_new(&args, &fs_operations, sizeof fs_operations, m);
		r = m->se != NULL ? 0 : err_set(err, -EINVAL, "bad mount options: %s", o.data);
	}
	fuse_opt_free_args(&args);
	buf_fini(&o);
	return r;
}

/* -- start and stop ------------------------------------------------------- */

static void
unmount(struct mount *m)
{
	if (umount2(m->dir, UMOUNT_NOFOLLOW) == 0)
		return;
	if (errno == EBUSY) {
		log_warning("unmount dir=%s is busy: detached, files open there are cut off", m->dir);
		/* Forced too, so that nothing waits for a daemon that is gone. */
		if (umount2(m->dir, MNT_FORCE | MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
			return;
	}
	if (errno == EPERM) {
		/* By fusermount3, which detaches it and cannot force: while somebody is in there
		 * requests may come for ever.  Closing the session cuts them off. */
		answer_stop(m);
		answer_join(m);
		m->channel.closed = true;
		fuse_session_unmount(m->se);
	} else if (errno != EINVAL && errno != ENOENT)
		log_error("unmount dir=%s error=\"%s\"", m->dir, strerror(errno));
}

/* In this order: what settles may notify, and what notifies needs the session. */
static void
fs_free(struct fs *fs)
{
	if (fs == NULL)
		return;
	settler_stop(fs->settler);
	if (fs->nodes != NULL)
		handles_free(fs);
	open_table_free(fs->opened);
	notify_stop(fs);
	nodes_free(fs->nodes, file_drop);
	virtual_free(fs->virtual);
	real_table_free(fs->real);
	tree_fini(&fs->tree);
	pthread_cond_destroy(&fs->none_expected);
	pthread_mutex_destroy(&fs->handles_lock);
	free(fs);
}

static void
mount_free(struct mount *m)
{
	size_t i;

	/* Unmounted it is. */
	for (i = 0; i < m->n; i++)
		fs_free(m->services[i]);
	fs_free(m->upper);
	uring_free(m->channel.uring);
	behind_stop(m->behind);
	if (m->se != NULL) {
		/* This only gives back what libfuse keeps for it. */
		fuse_session_unmount(m->se);
		fuse_session_destroy(m->se);
		reader_close(&m->channel.reader);
	}
	fs_mount_options_fini(&m->options);
	pthread_mutex_destroy(&m->end_lock);
	free(m->services);
	free(m->threads);
	free(m->dir);
	free(m);
}

/* st NULL: what is above several.  *ret_fs is the caller's, on failure too. */
static int
fs_new(struct mount *m, struct store *st, bool several, struct fs **ret_fs, struct err *err)
{
	struct fs *fs = *ret_fs = calloc(1, sizeof *fs);
	int r;

	if (fs == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	fs->mount = m;
	fs->st = st;
	fs->generation = 1;
	pthread_mutex_init(&fs->handles_lock, NULL);
	cond_init(&fs->none_expected);
	fs->nodes = nodes_new(ALIAS_MAX, notify_gone_locked, fs);
	if (fs->nodes == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	if (st == NULL)
		return tree_init_upper(&fs->tree) < 0 ? err_set(err, -ENOMEM, "out of memory") : 0;
	fs->number = several ? store_number(st) : 0;
	fs->opened = open_table_new(st, &m->channel);
	fs->real = real_table_new();
	fs->virtual = virtual_new();
	snprintf(fs->health_path, sizeof fs->health_path, "AHDS/%s/dicom/%s/" STORE_HEALTH_DIR,
		 store_workspace(st), store_service(st));
	if (tree_init(&fs->tree, store_workspace(st), store_service(st), several) < 0 ||
	    fs->opened == NULL || fs->real == NULL || fs->virtual == NULL ||
	    node_add_top_locked(fs->nodes, TREE_IMPORT) == NULL ||
	    node_add_catalog_locked(fs->nodes, NULL, TREE_SERVICE, STORE_ROOT, "") == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	r = settler_start(close_settled, fs, &fs->settler);
	return r < 0 ? err_set(err, r, "cannot start a thread: %s", strerror(-r)) : 0;
}

static int
prepare(struct mount *m, struct store *const *stores, size_t n, struct err *err)
{
	bool several = n > 1;
	size_t i;
	int r = 0;

	m->channel.passthrough_wanted = m->options.passthrough;
	m->channel.uring_wanted = m->options.uring;
	m->services = calloc(n, sizeof *m->services);
	if (m->services == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	if (several)
		r = services_number(stores, n, err);
	for (i = 0; i < n && r == 0; i++)
		r = fs_new(m, stores[i], several, &m->services[m->n++], err);
	if (r == 0 && several)
		r = fs_new(m, NULL, several, &m->upper, err);
	if (r == 0 && several)
		r = services_join(m, err);
	return r;
}

static void
stop_observing(struct mount *m)
{
	size_t i;

	for (i = 0; i < m->n; i++)
		store_observe(m->services[i]->st, NULL, NULL);
}

/* From here on the kernel's caches must be told of every change. */
static int
mount_and_serve(struct mount *m, struct err *err)
{
	size_t i;
	int r;

	/* The helper of auto_unmount lives as long as we do: it must not keep
	 * others' pipes and files open (LMDB's descriptors are not close-on-exec). */
	close_range(STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC);
	if (m->options.uring_switch) {
		r = uring_switch_on();
		if (r < 0)
			log_warning("mount dir=%s the kernel's io_uring for FUSE is not to be had: %s", m->dir, strerror(-r));
	}
	if (fuse_session_mount(m->se, m->dir) != 0)
		return err_set(err, -EIO, "cannot mount at %s", m->dir);
	m->channel.fd = fuse_session_fd(m->se);
	fcntl(m->channel.fd, F_SETFD, FD_CLOEXEC);
	r = reader_open(&m->channel.reader, m->channel.fd, m->options.spin);
	if (r == 0)
		r = fuse_session_custom_io(m->se, &channel_io, m->channel.fd);
	for (i = 0; i < m->n && r == 0; i++) {
		r = notify_start(m->services[i]);
		if (r == 0)
			r = store_observe(m->services[i]->st, notify_change, m->services[i]);
	}
	if (r == 0)
		r = answer_start(m);
	if (r < 0) {
		stop_observing(m);
		unmount(m);
		answer_join(m);
		return err_set(err, r, "cannot serve %s: %s", m->dir, strerror(-r));
	}
	return 0;
}

int
fs_start(struct store *const *stores, size_t n, const char *dir, const struct fs_options *options,
	 struct mount **ret_mount, struct err *err)
{
	struct mount *m = calloc(1, sizeof *m);
	struct stat sb;
	int r;

	if (m == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	m->started = clock_now();
	m->channel.fd = -1;
	m->channel.reader.fd = m->channel.reader.stop_fd = -1;
	pthread_mutex_init(&m->end_lock, NULL);
	fuse_set_log_func(fuse_log_line);
	r = fs_mount_options_parse(options != NULL ? options->mount_options : NULL, &m->options, err);
	if (r == 0)
		r = detach_dead(dir, err);
	if (r == 0) {
		m->dir = realpath(dir, NULL);
		if (m->dir == NULL)
			r = err_set(err, -errno, "%s: %s", dir, strerror(errno));
	}
	if (r == 0)
		r = prepare(m, stores, n, err);
	if (r == 0)
		r = make_session(m, options != NULL && options->foreground_debug, err);
	if (r == 0)
		r = mount_and_serve(m, err);
	if (r < 0) {
		mount_free(m);
		return r;
	}
	/* It answers once this does. */
	if (stat(m->dir, &sb) < 0 || sb.st_ino != TREE_ROOT) {
		r = err_set(err, -EIO, "%s does not answer", m->dir);
		fs_stop(m);
		return r;
	}
	log_info("mount dir=%s passthrough=%s io_uring=%s", m->dir, m->channel.passthrough_on ? "on" : "off",
		 m->channel.uring_on ? "on" : "off");
	*ret_mount = m;
	return 0;
}

void
fs_on_end(struct mount *m, void (*fn)(void *ctx), void *ctx)
{
	bool ended;

	pthread_mutex_lock(&m->end_lock);
	ended = m->ended;
	if (!ended) {
		m->on_end = fn;
		m->on_end_ctx = ctx;
	}
	pthread_mutex_unlock(&m->end_lock);
	if (ended)
		fn(ctx);
}

void
fs_stop(struct mount *m)
{
	bool ended;

	if (m == NULL)
		return;
	pthread_mutex_lock(&m->end_lock);
	m->stopping = true;
	ended = m->ended;
	pthread_mutex_unlock(&m->end_lock);
	if (!ended)
		unmount(m);
	answer_join(m);
	stop_observing(m);
	mount_free(m);
}

static struct fs *
fs_of(struct mount *m, const struct store *st)
{
	size_t i;

	for (i = 0; i < m->n; i++)
		if (m->services[i]->st == st)
			return m->services[i];
	return m->upper;
}

void
fs_each_counter(struct mount *m, const struct store *st, void (*fn)(void *ctx, const char *op, uint64_t count), void *ctx)
{
	static const char *const names[] = {
#define X(id, name) name,
		FS_OPERATIONS(X)
#undef X
	};
	const struct fs *fs = fs_of(m, st);
	size_t i;

	for (i = 0; fs != NULL && i < FS_OPERATIONS_END; i++)
		fn(ctx, names[i], fs->counters[i]);
}
