/* crowd HOST PORT COUNT SECONDS PATH: COUNT connections at once that are as slow as can be, and
 * what they do to one client that is not.
 *
 * A third of them send a head, a third the body of a store request, a third read PATH, which should
 * be large: one byte a second each.  Beside them one client asks for /health/check, each time on a new
 * connection.  Prints, as key=value: the median and the 95th percentile of its times alone
 * (alone_ms, alone_p95_ms) and in the crowd (crowd_ms, crowd_p95_ms), and how many of the
 * crowd were still served at the end (open).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ASKS 200

static struct sockaddr_in peer = { .sin_family = AF_INET };

static double
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static void
fail(const char *what)
{
	perror(what);
	exit(1);
}

static int
open_connection(int buffer)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		fail("socket");
	if (buffer > 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
	if (connect(fd, (struct sockaddr *)&peer, sizeof peer) < 0)
		fail("connect");
	return fd;
}

static void
send_text(int fd, const char *text)
{
	if (send(fd, text, strlen(text), MSG_NOSIGNAL) != (ssize_t)strlen(text))
		fail("send");
}

/* One request on a connection of its own: milliseconds. */
static double
ask(void)
{
	double began = now_ms();
	int fd = open_connection(0);
	char reply[4096];
	ssize_t n, total = 0;

	send_text(fd, "GET /health/check HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	while ((n = recv(fd, reply + total, sizeof reply - 1 - (size_t)total, 0)) > 0)
		total += n;
	reply[total] = '\0';
	if (strncmp(reply, "HTTP/1.1 200", 12) != 0) {
		fprintf(stderr, "no 200: %.60s\n", reply);
		exit(1);
	}
	close(fd);
	return now_ms() - began;
}

static int
ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void
print_times(const char *name, double *times, size_t n)
{
	qsort(times, n, sizeof *times, ascending);
	printf("%s_ms=%.3f %s_p95_ms=%.3f ", name, times[n / 2], name, times[n * 95 / 100]);
}

static int
join_crowd(int i, const char *path)
{
	int fd = open_connection(i % 3 == 2 ? 2048 : 0);
	char head[2048];

	if (i % 3 == 0) {
		send_text(fd, "GET /health/check HTTP/1.1\r\nHost: x\r\nX: ");
	} else if (i % 3 == 1) {
		send_text(fd, "POST /v2/studies HTTP/1.1\r\nHost: x\r\nAccept: */*\r\n"
			  "Content-Type: application/dicom\r\nContent-Length: 1000000\r\n\r\nslow");
	} else {
		snprintf(head, sizeof head, "GET %s HTTP/1.1\r\nHost: x\r\nAccept: */*\r\n\r\n", path);
		send_text(fd, head);
	}
	return fd;
}

/* One byte in or out.  false: the service has closed the connection. */
static bool
go_on(int i, int fd)
{
	char c = 'x';
	ssize_t n;

	if (i % 3 == 2) {
		n = recv(fd, &c, 1, MSG_DONTWAIT);
		return n > 0 || (n < 0 && errno == EAGAIN);
	}
	if (recv(fd, &c, 1, MSG_DONTWAIT | MSG_PEEK) == 0)
		return false;
	return send(fd, "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT) == 1;
}

int
main(int argc, char **argv)
{
	static double times[ASKS], crowd[1 << 20];
	struct rlimit files;
	int count, i, *fds, still = 0;
	double until, next;
	size_t n = 0;

	if (argc != 6)
		return 2;
	count = atoi(argv[3]);
	peer.sin_port = htons((uint16_t)atoi(argv[2]));
	if (inet_pton(AF_INET, argv[1], &peer.sin_addr) != 1)
		return 2;
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	fds = calloc((size_t)count, sizeof *fds);
	if (fds == NULL)
		return 1;
	for (i = 0; i < ASKS; i++)
		times[i] = ask();
	for (i = 0; i < count; i++)
		fds[i] = join_crowd(i, argv[5]);
	until = now_ms() + atof(argv[4]) * 1e3;
	next = now_ms() + 1e3;
	while (now_ms() < until && n < sizeof crowd / sizeof *crowd) {
		crowd[n++] = ask();
		poll(NULL, 0, 5);
		if (now_ms() < next)
			continue;
		next += 1e3;
		for (i = 0; i < count; i++)
			if (fds[i] >= 0 && !go_on(i, fds[i])) {
				close(fds[i]);
				fds[i] = -1;
			}
	}
	for (i = 0; i < count; i++)
		still += fds[i] >= 0;
	print_times("alone", times, ASKS);
	print_times("crowd", crowd, n);
	printf("open=%d\n", still);
	free(fds);
	return 0;
}
