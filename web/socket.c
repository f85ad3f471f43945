#include "web/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "web/limits.h"

/* What one call may take: the kernel's own limit is 2 GB. */
#define SENDFILE_PIECE ((uint64_t)1 << 30)

static int
max_descriptors(void)
{
	struct rlimit files;

	return getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < 65536 ? (int)files.rlim_cur : 65536;
}

/* Call fn for every IPv4 socket of local_port among these descriptors, until it returns true:
 * that descriptor, or -1. */
static int
each_socket(int fd, int end, int local_port, bool (*fn)(const void *ctx, int fd), const void *ctx)
{
	int misses = 0;

	/* Descriptors are handed out lowest first, so a long run of closed ones is the end. */
	for (; fd < end && misses < 256; fd++) {
		struct sockaddr_in self;
		socklen_t len = sizeof self;

		if (getsockname(fd, (struct sockaddr *)&self, &len) < 0) {
			misses = errno == EBADF ? misses + 1 : 0;
			continue;
		}
		misses = 0;
		if (self.sin_family == AF_INET && ntohs(self.sin_port) == local_port && fn(ctx, fd))
			return fd;
	}
	return -1;
}

static bool
is_peer(const void *ctx, int fd)
{
	const struct sockaddr_in *want = ctx;
	struct sockaddr_in peer;
	socklen_t len = sizeof peer;

	return getpeername(fd, (struct sockaddr *)&peer, &len) == 0 && peer.sin_port == want->sin_port &&
	       peer.sin_addr.s_addr == want->sin_addr.s_addr;
}

int
socket_next(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return 3;
	close(fd);
	return fd;
}

int
socket_find(const char *address, int port, int local_port, int first)
{
	struct sockaddr_in want = { .sin_port = htons((uint16_t)port) };
	int fd;

	if (inet_pton(AF_INET, address, &want.sin_addr) != 1)
		return -1;
	fd = each_socket(first, max_descriptors(), local_port, is_peer, &want);
	return fd >= 0 ? fd : each_socket(3, first, local_port, is_peer, &want);
}

static bool
end_pacing(const void *ctx, int fd)
{
	struct sockaddr_in self = { 0 };
	socklen_t len = sizeof self;

	(void)ctx;
	/* Reno, which never paces, is what any process may always choose. */
	if (getsockname(fd, (struct sockaddr *)&self, &len) == 0 && ntohl(self.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET)
		setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", sizeof "reno" - 1);
	return false;
}

void
socket_unpace(int local_port)
{
	each_socket(3, max_descriptors(), local_port, end_pacing, NULL);
}

static bool
end_reading(const void *ctx, int fd)
{
	(void)ctx;
	shutdown(fd, SHUT_RD);
	return false;
}

void
socket_hang_up(int local_port)
{
	each_socket(3, max_descriptors(), local_port, end_reading, NULL);
}

int
socket_take(int fd)
{
	int own = fcntl(fd, F_DUPFD_CLOEXEC, 0), none, r = 0;

	if (own < 0)
		return -errno;
	none = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (none < 0 || dup3(none, fd, O_CLOEXEC) < 0)
		r = -errno;
	if (none >= 0)
		close(none);
	if (r < 0)
		close(own);
	return r < 0 ? r : own;
}

int
socket_send_file(int fd, int file, uint64_t off, uint64_t len, int idle_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	off_t at = (off_t)off;
	ssize_t n;

	while (len > 0) {
		n = sendfile(fd, file, &at, len < SENDFILE_PIECE ? (size_t)len : SENDFILE_PIECE);
		if (n == 0)
			return -ESTALE;
		if (n > 0)
			len -= (uint64_t)n;
		else if (errno == EAGAIN && poll(&p, 1, idle_ms) == 0)
			return -ETIMEDOUT;
		else if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
	}
	return 0;
}

void
socket_linger(int fd)
{
	int64_t until = clock_monotonic() + (int64_t)LIMIT_LINGER_MS * 1000000;
	uint64_t left = LIMIT_DRAIN;
	char scrap[16384];

	if (fd < 0 || shutdown(fd, SHUT_WR) < 0)
		return;
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int64_t wait = (until - clock_monotonic()) / 1000000;
		ssize_t n;

		if (wait <= 0 || poll(&p, 1, (int)wait) <= 0)
			return;
		n = recv(fd, scrap, sizeof scrap, MSG_DONTWAIT);
		if (n <= 0 || (uint64_t)n > left)
			return;
		left -= (uint64_t)n;
	}
}
