#include "cli/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"

void
daemon_notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t len;
	int fd;

	if (path == NULL)
		return;
	len = strlen(path);
	if ((path[0] != '/' && path[0] != '@') || len < 2 || len >= sizeof to.sun_path) {
		log_warning("notify error=\"NOTIFY_SOCKET is no socket's name\"");
		return;
	}
	memcpy(to.sun_path, path, len);
	if (path[0] == '@')
		to.sun_path[0] = '\0';		/* the abstract name space */
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&to,
			     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
		log_warning("notify error=\"%s\"", strerror(errno));
	if (fd >= 0)
		close(fd);
}

int
daemon_detach(int *ret_release, struct err *err)
{
	int fds[2], status = 0;
	ssize_t n;
	char byte;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_set(err, -errno, "cannot make a pipe: %s", strerror(errno));
	pid = fork();
	if (pid < 0) {
		int e = errno;

		close(fds[0]);
		close(fds[1]);
		return err_set(err, -e, "cannot fork: %s", strerror(e));
	}
	if (pid == 0) {
		close(fds[0]);
		setsid();
		*ret_release = fds[1];
		return 0;
	}
	close(fds[1]);
	/* A byte: it is well.  The end of the pipe without one: it has died. */
	do
		n = read(fds[0], &byte, 1);
	while (n < 0 && errno == EINTR);
	if (n == 1)
		_exit(0);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

void
daemon_release(int release, bool keep_stderr)
{
	int null;

	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		if (!keep_stderr)
			dup2(null, STDERR_FILENO);
		if (null > STDERR_FILENO)
			close(null);
	}
	if (write(release, "", 1) < 0)
		log_debug("nobody waits for readiness");
	close(release);
}

int
daemon_write_pid_file(const char *path, struct err *err)
{
	int fd;

	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	if (dprintf(fd, "%ld\n", (long)getpid()) < 0) {
		close(fd);
		return err_set(err, -EIO, "%s: cannot write", path);
	}
	close(fd);
	return 0;
}

void
daemon_remove_pid_file(const char *path)
{
	long pid = 0;
	FILE *f;

	f = fopen(path, "re");
	if (f == NULL)
		return;
	if (fscanf(f, "%ld", &pid) != 1)
		pid = 0;
	fclose(f);
	if (pid == (long)getpid())
		unlink(path);
}

int
daemon_open_log(const char *path, struct err *err)
{
	int fd;

	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
	if (fd < 0)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	if (dup2(fd, STDERR_FILENO) < 0) {
		int e = errno;

		close(fd);
		return err_set(err, -e, "%s: %s", path, strerror(e));
	}
	close(fd);
	return 0;
}

int
daemon_save_log(void)
{
	return fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
}

void
daemon_restore_log(int saved)
{
	if (saved < 0)
		return;
	dup2(saved, STDERR_FILENO);
	close(saved);
}
