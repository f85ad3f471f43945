/* Mounting, the threads that answer the kernel, and the end of it. */
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
#include "fs/notify.h"
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
make_session(struct fs *fs, bool debug, struct err *err)
{
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	struct buf o;
	int r = -ENOMEM;

	buf_init(&o, 8192);
	buf_puts(&o, "fsname=");
	put_escaped(&o, store_path(fs->st));
	buf_puts(&o, ",subtype=dicomlake,default_permissions,nosuid,nodev");
	if (geteuid() == 0)
		buf_puts(&o, ",allow_other");
	if (fs->options.auto_unmount)
		buf_puts(&o, ",auto_unmount");
	if (fs->options.rest.len > 0)
		buf_printf(&o, ",%s", fs->options.rest.data);
	if (buf_error(&o) == 0 && fuse_opt_add_arg(&args, "dicomlake") == 0 &&
	    fuse_opt_add_arg(&args, "-o") == 0 && fuse_opt_add_arg(&args, o.data) == 0 &&
	    (!debug || fuse_opt_add_arg(&args, "-d") == 0)) {
		fs->se = fuse_session_new(&args, &fs_operations, sizeof fs_operations, fs);
		r = fs->se != NULL ? 0 : err_set(err, -EINVAL, "bad mount options: %s", o.data);
	}
	fuse_opt_free_args(&args);
	buf_fini(&o);
	return r;
}

/* -- the threads ---------------------------------------------------------- */

/* The last thread has gone: the mount has ended. */
static void
end(struct fs *fs)
{
	void (*fn)(void *ctx) = NULL;
	void *ctx = NULL;

	pthread_mutex_lock(&fs->end_lock);
	fs->ended = true;
	if (!fs->stopping) {
		fn = fs->on_end;
		ctx = fs->on_end_ctx;
		fs->on_end = NULL;
	}
	pthread_mutex_unlock(&fs->end_lock);
	if (fn != NULL)
		fn(ctx);
}

static void *
answer(void *arg)
{
	struct fs *fs = arg;
	struct fuse_buf buf = { .mem = NULL };
	int r;

	pthread_setname_np(pthread_self(), "fs-answer");
	while (!fuse_session_exited(fs->se)) {
		r = fuse_session_receive_buf(fs->se, &buf);
		if (r == -EINTR || r == -EAGAIN)
			continue;
		if (r <= 0)
			break;		/* unmounted, or stopped */
		fuse_session_process_buf(fs->se, &buf);
	}
	free(buf.mem);
	fs_scratch_free();
	if (--fs->running == 0)
		end(fs);
	return NULL;
}

static int
start_threads(struct fs *fs)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned n = (unsigned)(cpus > 0 ? cpus : 1) + FS_THREADS_MORE;
	int r = 0;

	fs->threads = calloc(n, sizeof *fs->threads);
	if (fs->threads == NULL)
		return -ENOMEM;
	fs->running = n;
	for (; fs->n_threads < n; fs->n_threads++) {
		r = -pthread_create(&fs->threads[fs->n_threads], NULL, answer, fs);
		if (r < 0)
			break;
	}
	fs->running -= n - fs->n_threads;
	return fs->n_threads > 0 ? 0 : r;
}

static void
join_threads(struct fs *fs)
{
	while (fs->n_threads > 0)
		pthread_join(fs->threads[--fs->n_threads], NULL);
}

/* -- start and stop ------------------------------------------------------- */

static void
unmount(struct fs *fs)
{
	if (umount2(fs->dir, UMOUNT_NOFOLLOW) == 0)
		return;
	if (errno == EBUSY) {
		log_warning("unmount dir=%s is busy: detached, files open there are cut off", fs->dir);
		/* Forced too, so that nothing waits for a daemon that is gone. */
		if (umount2(fs->dir, MNT_FORCE | MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
			return;
	}
	if (errno == EPERM) {
		/* By fusermount3, which detaches it and cannot force: while somebody is in there
		 * requests may come for ever.  Closing the session cuts them off. */
		reader_stop(&fs->passthrough.reader);
		join_threads(fs);
		fuse_session_unmount(fs->se);
	} else if (errno != EINVAL && errno != ENOENT)
		log_error("unmount dir=%s error=\"%s\"", fs->dir, strerror(errno));
}

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
	if (fs->se != NULL) {
		/* Unmounted it is; this only gives back what libfuse keeps for it. */
		fuse_session_unmount(fs->se);
		fuse_session_destroy(fs->se);
		reader_close(&fs->passthrough.reader);
	}
	nodes_free(fs->nodes, file_drop);
	virtual_free(fs->virtual);
	fs_mount_options_fini(&fs->options);
	real_table_free(fs->real);
	pthread_cond_destroy(&fs->none_expected);
	pthread_mutex_destroy(&fs->handles_lock);
	pthread_mutex_destroy(&fs->end_lock);
	free(fs->threads);
	free(fs->dir);
	free(fs);
}

static int
prepare(struct fs *fs, struct err *err)
{
	int r;

	tree_init(&fs->tree, store_workspace(fs->st), store_service(fs->st));
	fs->passthrough.wanted = fs->options.passthrough;
	fs->passthrough.fuse_fd = -1;
	fs->passthrough.reader.fd = fs->passthrough.reader.stop_fd = -1;
	fs->nodes = nodes_new(ALIAS_MAX, notify_gone_locked, fs);
	fs->opened = open_table_new(fs->st, &fs->passthrough);
	fs->real = real_table_new();
	fs->virtual = virtual_new();
	snprintf(fs->health_path, sizeof fs->health_path, "AHDS/%s/dicom/%s/" STORE_HEALTH_DIR,
		 store_workspace(fs->st), store_service(fs->st));
	if (fs->nodes == NULL || fs->opened == NULL || fs->real == NULL || fs->virtual == NULL ||
	    node_add_top_locked(fs->nodes, TREE_IMPORT) == NULL ||
	    node_add_catalog_locked(fs->nodes, NULL, TREE_SERVICE, STORE_ROOT, "") == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	r = settler_start(close_settled, fs, &fs->settler);
	return r < 0 ? err_set(err, r, "cannot start a thread: %s", strerror(-r)) : 0;
}

/* From here on the kernel's caches must be told of every change. */
static int
mount_and_serve(struct fs *fs, struct err *err)
{
	int r;

	/* The helper of auto_unmount lives as long as we do: it must not keep
	 * others' pipes and files open (LMDB's descriptors are not close-on-exec). */
	close_range(STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC);
	if (fuse_session_mount(fs->se, fs->dir) != 0)
		return err_set(err, -EIO, "cannot mount at %s", fs->dir);
	fs->passthrough.fuse_fd = fuse_session_fd(fs->se);
	fcntl(fs->passthrough.fuse_fd, F_SETFD, FD_CLOEXEC);
	r = reader_open(&fs->passthrough.reader, fs->passthrough.fuse_fd, fs->options.spin);
	if (r == 0)
		r = fuse_session_custom_io(fs->se, &passthrough_io, fs->passthrough.fuse_fd);
	if (r == 0)
		r = notify_start(fs);
	if (r == 0)
		r = store_observe(fs->st, notify_change, fs);
	if (r == 0)
		r = start_threads(fs);
	if (r < 0) {
		store_observe(fs->st, NULL, NULL);
		unmount(fs);
		return err_set(err, r, "cannot serve %s: %s", fs->dir, strerror(-r));
	}
	return 0;
}

int
fs_start(struct store *st, const char *dir, const struct fs_options *options,
	 struct fs **ret_fs, struct err *err)
{
	struct fs *fs = calloc(1, sizeof *fs);
	struct stat sb;
	int r;

	if (fs == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	fs->st = st;
	fs->started = clock_now();
	pthread_mutex_init(&fs->handles_lock, NULL);
	cond_init(&fs->none_expected);
	pthread_mutex_init(&fs->end_lock, NULL);
	fuse_set_log_func(fuse_log_line);
	r = fs_mount_options_parse(options != NULL ? options->mount_options : NULL, &fs->options, err);
	if (r == 0)
		r = detach_dead(dir, err);
	if (r == 0) {
		fs->dir = realpath(dir, NULL);
		if (fs->dir == NULL)
			r = err_set(err, -errno, "%s: %s", dir, strerror(errno));
	}
	if (r == 0)
		r = prepare(fs, err);
	if (r == 0)
		r = make_session(fs, options != NULL && options->foreground_debug, err);
	if (r == 0)
		r = mount_and_serve(fs, err);
	if (r < 0) {
		fs_free(fs);
		return r;
	}
	/* It answers once this does. */
	if (stat(fs->dir, &sb) < 0 || sb.st_ino != TREE_ROOT) {
		r = err_set(err, -EIO, "%s does not answer", fs->dir);
		fs_stop(fs);
		return r;
	}
	log_info("mount dir=%s passthrough=%s", fs->dir, passthrough_is_on(&fs->passthrough) ? "on" : "off");
	*ret_fs = fs;
	return 0;
}

void
fs_on_end(struct fs *fs, void (*fn)(void *ctx), void *ctx)
{
	bool ended;

	pthread_mutex_lock(&fs->end_lock);
	ended = fs->ended;
	if (!ended) {
		fs->on_end = fn;
		fs->on_end_ctx = ctx;
	}
	pthread_mutex_unlock(&fs->end_lock);
	if (ended)
		fn(ctx);
}

void
fs_stop(struct fs *fs)
{
	bool ended;

	if (fs == NULL)
		return;
	pthread_mutex_lock(&fs->end_lock);
	fs->stopping = true;
	ended = fs->ended;
	pthread_mutex_unlock(&fs->end_lock);
	if (!ended)
		unmount(fs);
	join_threads(fs);
	store_observe(fs->st, NULL, NULL);
	fs_free(fs);
}

void
fs_each_counter(struct fs *fs, void (*fn)(void *ctx, const char *op, uint64_t count), void *ctx)
{
	static const char *const names[] = {
#define X(id, name) name,
		FS_OPERATIONS(X)
#undef X
	};
	size_t i;

	for (i = 0; i < FS_OPERATIONS_END; i++)
		fn(ctx, names[i], fs->counters[i]);
}
