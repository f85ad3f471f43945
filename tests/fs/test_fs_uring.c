/* Requests by io_uring (uring.h), from a mount with one file.  Who closes it waits until many do, and
 * the thread that the last of them came to replies to all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fs/uring.h"
#include "tests/unit/scratch.h"

#define SWITCH "/sys/module/fuse/parameters/enable_uring"
#define PAYLOAD (128 * 1024)		/* of a connection that says nothing of max_pages */
#define CLIENTS 100
#define NODE 2
#define PATIENCE_S 240		/* under a sanitizer, too */

struct fixture {
	char dir[SCRATCH_MAX];
	int fd;
	bool offered;			/* by the kernel, and accepted */
	_Atomic(struct uring *) uring;
	pthread_t device;
	pid_t clients[CLIENTS];
	atomic_uint served, by_device, left;
	pthread_mutex_t lock;		/* guards all below */
	unsigned gather;		/* so many are to be there before any is answered, by who comes last */
	unsigned there;
	uint64_t uniques[CLIENTS + 1];
};

static struct fixture fixture;

/* -- the server ------------------------------------------------------------- */

static bool
reply(struct fixture *f, uint64_t unique, int error, void *body, size_t len)
{
	struct fuse_out_header head = { .len = (uint32_t)(sizeof head + len), .unique = unique, .error = error };
	struct iovec iov[] = { { &head, sizeof head }, { body, len } };
	struct uring *u = atomic_load(&f->uring);
	int n = len > 0 ? 2 : 1;
	ssize_t r;

	if (u == NULL || !uring_reply(u, iov, n, &r))
		r = writev(f->fd, iov, n);
	return r == (ssize_t)head.len;
}

/* Everything but a flush. */
static void
serve_other(struct fixture *f, const struct fuse_in_header *in)
{
	struct fuse_attr attr = { .ino = in->nodeid, .nlink = 1,
				  .mode = in->nodeid == FUSE_ROOT_ID ? S_IFDIR | 0755 : S_IFREG | 0644 };
	struct fuse_attr_out got = { .attr = attr };
	struct fuse_entry_out entry = { .nodeid = NODE, .attr = { .ino = NODE, .nlink = 1, .mode = S_IFREG | 0644 } };
	struct fuse_open_out opened = { .fh = 1 };

	switch (in->opcode) {
	case FUSE_LOOKUP:
		reply(f, in->unique, 0, &entry, sizeof entry);
		break;
	case FUSE_GETATTR:
		reply(f, in->unique, 0, &got, sizeof got);
		break;
	case FUSE_OPEN:
		reply(f, in->unique, 0, &opened, sizeof opened);
		break;
	case FUSE_RELEASE:
		reply(f, in->unique, 0, NULL, 0);
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
	case FUSE_NOTIFY_REPLY:
		break;
	default:
		reply(f, in->unique, -ENOSYS, NULL, 0);
	}
}

static void
serve(void *ctx, void *request, size_t len)
{
	struct fixture *f = ctx;
	const struct fuse_in_header *in = request;
	unsigned i;

	assert_true(len >= sizeof *in && len == in->len);
	if (in->opcode != FUSE_FLUSH) {
		serve_other(f, in);
		return;
	}
	pthread_mutex_lock(&f->lock);
	f->uniques[f->there++] = in->unique;
	if (f->there == f->gather) {
		for (i = 0; i < f->there; i++)
			reply(f, f->uniques[i], 0, NULL, 0);
		f->there = 0;
	}
	pthread_mutex_unlock(&f->lock);
	atomic_fetch_add(&f->served, 1);
}

static void
leave(void *ctx)
{
	struct fixture *f = ctx;

	atomic_fetch_add(&f->left, 1);
}

/* What comes by the device. */
static void *
answer(void *arg)
{
	struct fixture *f = arg;
	static char buf[PAYLOAD + 4096] __attribute__((aligned(8)));
	const struct fuse_in_header *in = (const struct fuse_in_header *)buf;
	ssize_t n;

	while ((n = read(f->fd, buf, sizeof buf)) > 0 || errno == EINTR || errno == EAGAIN || errno == ENOENT) {
		if (n <= 0)
			continue;
		if (in->opcode == FUSE_FLUSH) {
			atomic_fetch_add(&f->by_device, 1);
			reply(f, in->unique, 0, NULL, 0);
		} else
			serve_other(f, in);
	}
	return NULL;
}

/* -- mounting --------------------------------------------------------------- */

static bool
answer_init(struct fixture *f)
{
	static char buf[PAYLOAD + 4096] __attribute__((aligned(8)));
	struct fuse_in_header in;
	struct fuse_init_in init;
	struct fuse_init_out out = { .major = FUSE_KERNEL_VERSION, .minor = FUSE_KERNEL_MINOR_VERSION,
				     .max_write = PAYLOAD, .max_background = 12, .time_gran = 1 };
	struct fuse_out_header head = { .len = sizeof head + sizeof out };
	struct iovec iov[] = { { &head, sizeof head }, { &out, sizeof out } };

	if (read(f->fd, buf, sizeof buf) < (ssize_t)(sizeof in + sizeof init))
		return false;
	memcpy(&in, buf, sizeof in);
	memcpy(&init, buf + sizeof in, sizeof init);
	f->offered = ((uint64_t)init.flags2 << 32 & URING_INIT_FLAG) != 0;
	head.unique = in.unique;
	out.flags = init.flags & FUSE_INIT_EXT;
	if (f->offered)
		out.flags2 = (uint32_t)(URING_INIT_FLAG >> 32);
	return in.opcode == FUSE_INIT && writev(f->fd, iov, 2) == (ssize_t)head.len;
}

/* 1: and the kernel offers it; 0: it does not; -1: not to be had here. */
static int
try_mount(struct fixture *f)
{
	char options[128];

	f->fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (f->fd < 0)
		return -1;
	snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", f->fd);
	if (mount("test", f->dir, "fuse.test", MS_NOSUID | MS_NODEV, options) < 0 || !answer_init(f)) {
		close(f->fd);
		return -1;
	}
	if (!f->offered) {
		umount2(f->dir, MNT_FORCE | MNT_DETACH);
		close(f->fd);
	}
	return f->offered;
}

/* Whoever else tests may put the switch back meanwhile. */
static int
mount_it(struct fixture *f)
{
	int i, r = 0;

	for (i = 0; i < 100 && r == 0; i++)
		r = uring_switch_on() == 0 ? try_mount(f) : -1;
	return r;
}

static int
start(struct fixture *f, size_t payload)
{
	struct uring_server server = { .serve = serve, .leave = leave, .ctx = f };
	int r = uring_start(f->fd, payload, &server, &f->uring);

	assert_int_equal(pthread_create(&f->device, NULL, answer, f), 0);
	return r;
}

static int
setup(void **state)
{
	struct fixture *f = *state = &fixture;

	memset(f, 0, sizeof *f);
	f->fd = -1;
	pthread_mutex_init(&f->lock, NULL);
	if (scratch_make(f->dir, "fs-uring", true) < 0)
		return -1;
	if (!uring_is_possible() || mount_it(f) != 1)
		f->fd = -1;
	alarm(PATIENCE_S);		/* a hang is the failure to be found here */
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	alarm(0);
	if (f->fd >= 0)
		close(f->fd);
	umount2(f->dir, MNT_FORCE | MNT_DETACH);
	pthread_mutex_destroy(&f->lock);
	return scratch_remove(f->dir);
}

static void
require_mount(const struct fixture *f)
{
	if (f->fd < 0) {
		print_message("no requests by io_uring here\n");
		skip();
	}
}

static void
end(struct fixture *f)
{
	struct uring *u = atomic_load(&f->uring);

	umount2(f->dir, MNT_FORCE | MNT_DETACH);
	if (u != NULL)
		uring_join(u);
	pthread_join(f->device, NULL);
	atomic_store(&f->uring, NULL);
	uring_free(u);
}

/* -- clients ---------------------------------------------------------------- */

/* A process of its own: one that waits for its own mount could not even be killed. */
static pid_t
ask(const struct fixture *f)
{
	pid_t pid = fork();
	char path[SCRATCH_MAX + 16];
	struct rlimit files;
	cpu_set_t one;
	int fd;

	if (pid != 0)
		return pid;
	/* The connection ends with the server, whatever becomes of who asks. */
	close_range(STDERR_FILENO + 1, ~0u, 0);
	/* Only the server may be short of them. */
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	/* All in one queue. */
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	sched_setaffinity(0, sizeof one, &one);
	snprintf(path, sizeof path, "%s/file", f->dir);
	fd = open(path, O_RDONLY);
	_exit(fd < 0 || close(fd) < 0);
}

static void
ask_many(struct fixture *f)
{
	unsigned i;

	for (i = 0; i < CLIENTS; i++) {
		f->clients[i] = ask(f);
		assert_true(f->clients[i] > 0);
	}
}

/* How many got no answer. */
static unsigned
join_clients(const struct fixture *f)
{
	unsigned i, failed = 0;
	int status;

	for (i = 0; i < CLIENTS; i++)
		if (waitpid(f->clients[i], &status, 0) != f->clients[i] || status != 0)
			failed++;
	return failed;
}

/* -- tests ------------------------------------------------------------------ */

static size_t
count(const char *dir, const char *text)
{
	char path[SCRATCH_MAX + 16];
	FILE *f;
	size_t n;

	snprintf(path, sizeof path, "%s/possible", dir);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	fclose(f);
	n = uring_count_processors(path);
	unlink(path);
	return n;
}

static void
test_processors_are_counted(void **state)
{
	char dir[SCRATCH_MAX];

	(void)state;
	assert_true(scratch_make(dir, "fs-processors", true) == 0);
	assert_int_equal(count(dir, "0\n"), 1);
	assert_int_equal(count(dir, "0-1\n"), 2);
	assert_int_equal(count(dir, "0-3,8\n"), 5);
	assert_int_equal(count(dir, "0-3,8-11,16\n"), 9);
	assert_int_equal(count(dir, "0-239\n"), 240);
	/* not to be understood: it is not used then */
	assert_int_equal(count(dir, ""), 0);
	assert_int_equal(count(dir, "\n"), 0);
	assert_int_equal(count(dir, "0-\n"), 0);
	assert_int_equal(count(dir, "3-0\n"), 0);
	assert_int_equal(count(dir, "0-1,\n"), 0);
	assert_int_equal(count(dir, "0-1 4\n"), 0);
	assert_int_equal(count(dir, "0-4294967295\n"), 0);
	assert_int_equal(count(dir, "all\n"), 0);
	assert_int_equal(uring_count_processors("/nonexistent"), 0);
	assert_true(uring_count_processors("/sys/devices/system/cpu/possible") > 0);
	assert_int_equal(scratch_remove(dir), 0);
}

/* None is answered before the last has come. */
static void
test_replies_by_another_thread(void **state)
{
	struct fixture *f = *state;
	unsigned i;

	require_mount(f);
	f->gather = CLIENTS;
	assert_int_equal(start(f, PAYLOAD), 0);
	for (i = 1; i <= 5; i++) {
		ask_many(f);
		assert_int_equal(join_clients(f), 0);
		assert_int_equal(f->served, i * CLIENTS);
	}
	assert_int_equal(f->by_device, 0);
	end(f);
	assert_true(f->left >= CLIENTS);
}

/* As a debugger or a suspended system breaks off what threads wait for. */
static void
test_a_stopped_process_goes_on(void **state)
{
	struct fixture *f = *state;
	pid_t self = getpid(), pid;
	unsigned i;

	require_mount(f);
	f->gather = 1;
	assert_int_equal(start(f, PAYLOAD), 0);
	for (i = 0; i < 4; i++) {	/* each waits in the call that gave its answer */
		pid = ask(f);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
	}
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		/* nothing but system calls that are safe here */
		kill(self, SIGSTOP);
		poll(NULL, 0, 100);	/* how long is no matter: it has stopped when a signal arrives */
		kill(self, SIGCONT);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	ask_many(f);
	assert_int_equal(join_clients(f), 0);
	assert_int_equal(f->by_device, 0);
	end(f);
}

static void
wait_served(struct fixture *f, unsigned n)
{
	while (atomic_load(&f->served) < n)
		poll(NULL, 0, 1);
}

/* Who is asked and never answers keeps nobody from the end. */
static void
test_stop_waits_for_no_reply(void **state)
{
	struct fixture *f = *state;
	struct uring *u;

	require_mount(f);
	f->gather = CLIENTS + 1;
	assert_int_equal(start(f, PAYLOAD), 0);
	ask_many(f);
	wait_served(f, CLIENTS);
	u = atomic_load(&f->uring);
	uring_stop(u);
	uring_join(u);
	umount2(f->dir, MNT_FORCE | MNT_DETACH);
	assert_int_equal(join_clients(f), CLIENTS);
	pthread_join(f->device, NULL);
	atomic_store(&f->uring, NULL);
	uring_free(u);
}

/* A reply that comes after the connection has gone wakes its thread. */
static void
test_unmounted_while_they_wait(void **state)
{
	struct fixture *f = *state;
	unsigned i;

	require_mount(f);
	f->gather = CLIENTS + 1;
	assert_int_equal(start(f, PAYLOAD), 0);
	ask_many(f);
	wait_served(f, CLIENTS);
	assert_int_equal(umount2(f->dir, MNT_FORCE | MNT_DETACH), 0);
	assert_int_equal(join_clients(f), CLIENTS);
	pthread_mutex_lock(&f->lock);
	for (i = 0; i < f->there; i++)
		reply(f, f->uniques[i], 0, NULL, 0);
	pthread_mutex_unlock(&f->lock);
	end(f);
}

/* What the kernel refuses it sends by the device. */
static void
test_refused(void **state)
{
	struct fixture *f = *state;

	require_mount(f);
	assert_int_equal(start(f, 4096), -EINVAL);
	assert_null(atomic_load(&f->uring));
	ask_many(f);
	assert_int_equal(join_clients(f), 0);
	assert_int_equal(f->by_device, CLIENTS);
	end(f);
}

/* Those that there are take turns. */
static void
test_no_more_descriptors(void **state)
{
	struct fixture *f = *state;
	struct rlimit old, none;

	require_mount(f);
	f->gather = 1;
	assert_int_equal(start(f, PAYLOAD), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = (struct rlimit){ .rlim_cur = 3, .rlim_max = old.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	ask_many(f);
	assert_int_equal(join_clients(f), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	end(f);
}

/* The switch is as it was, when all is done. */
int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_processors_are_counted),
#define WITH_MOUNT(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
		WITH_MOUNT(test_replies_by_another_thread),
		WITH_MOUNT(test_a_stopped_process_goes_on),
		WITH_MOUNT(test_stop_waits_for_no_reply),
		WITH_MOUNT(test_unmounted_while_they_wait),
		WITH_MOUNT(test_refused),
		WITH_MOUNT(test_no_more_descriptors),
	};
	char before = 'Y';
	int fd = open(SWITCH, O_RDONLY | O_CLOEXEC), r;

	if (fd >= 0 && read(fd, &before, 1) != 1)
		before = 'Y';
	if (fd >= 0)
		close(fd);
	r = cmocka_run_group_tests(tests, NULL, NULL);
	fd = before == 'N' ? open(SWITCH, O_WRONLY | O_CLOEXEC) : -1;
	if (fd >= 0 && write(fd, "N", 1) != 1)
		r = 1;
	if (fd >= 0)
		close(fd);
	return r;
}
