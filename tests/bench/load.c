/* A small HTTP load generator, the same for every server the benchmark compares.
 *
 *	load stow HOST PORT PATH CONNECTIONS PER-REQUEST < list of files
 *	load get HOST PORT CONNECTIONS SECONDS ACCEPT < list of paths
 *
 * stow sends the files, PER-REQUEST in each multipart body, over keep-alive
 * connections, and prints instances a second.  get asks for the paths in turn
 * and prints requests a second, the median latency in microseconds and the bytes
 * of one round of bodies.  Any reply but 200 or 202 (204 for get) ends it with status 1.
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BOUNDARY "dicomlakebench"
#define PART "\r\n--" BOUNDARY "\r\nContent-Type: application/dicom\r\n\r\n"
#define LAST "\r\n--" BOUNDARY "--\r\n"

static const char *host, *port, *path, *accept_type;
static char **items;
static size_t n_items, next_item, per_request;
static double seconds;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned long long total_bytes;
static size_t total_requests;
static unsigned *latencies;
static size_t n_latencies;
#define FILL_MAX ((size_t)16 << 10)	/* taken at once where a line is looked for: the rest need not be copied */
#define DROP_MAX ((size_t)1 << 30)
#define NO_LENGTH (~0ULL)
#define LATENCIES_MAX (1 << 22)

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
die(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(1);
}

struct connection {
	int fd;
	char buf[256 << 10];
	size_t have, at;
};

static int
dial(void)
{
	struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM }, *ai;
	int fd, one = 1;

	if (getaddrinfo(host, port, &hints, &ai) != 0)
		die("address");
	fd = socket(ai->ai_family, ai->ai_socktype, 0);
	if (fd < 0 || connect(fd, ai->ai_addr, ai->ai_addrlen) < 0)
		die("connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	freeaddrinfo(ai);
	return fd;
}

static void
send_all(int fd, const char *data, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = send(fd, data, len, MSG_NOSIGNAL);
		if (n <= 0)
			die("send");
		data += n;
		len -= (size_t)n;
	}
}

static void
fill(struct connection *c)
{
	size_t room;
	ssize_t n;

	if (c->at > 0) {
		memmove(c->buf, c->buf + c->at, c->have - c->at);
		c->have -= c->at;
		c->at = 0;
	}
	room = sizeof c->buf - c->have - 1;
	n = recv(c->fd, c->buf + c->have, room < FILL_MAX ? room : FILL_MAX, 0);
	if (n <= 0)
		die("the server closed the connection");
	c->have += (size_t)n;
	c->buf[c->have] = '\0';
}

/* Nobody looks at a body: the kernel drops it (tcp(7), MSG_TRUNC), so that what is measured is who sent it,
 * whoever that is, and not a copy here. */
static void
skip(struct connection *c, unsigned long long len)
{
	while (len > 0) {
		size_t n = c->have - c->at;

		if (n == 0 && len > FILL_MAX) {
			ssize_t dropped = recv(c->fd, NULL, (size_t)(len < DROP_MAX ? len : DROP_MAX), MSG_TRUNC);

			if (dropped <= 0)
				die("the server closed the connection");
			len -= (unsigned long long)dropped;
			continue;
		}
		if (n == 0) {
			c->at = c->have = 0;
			fill(c);
			continue;
		}
		if (n > len)
			n = (size_t)len;
		c->at += n;
		len -= n;
	}
}

/* One line into text, without its end. */
static void
line(struct connection *c, char *text, size_t size)
{
	char *end;
	size_t n;

	while ((end = memchr(c->buf + c->at, '\n', c->have - c->at)) == NULL)
		fill(c);
	n = (size_t)(end - (c->buf + c->at));
	c->at += n + 1;
	if (n > 0 && end[-1] == '\r')
		n--;
	if (n >= size)
		n = size - 1;
	memcpy(text, end - (end[-1] == '\r' ? 1 : 0) - n, n);
	text[n] = '\0';
}

/* A body without a length ends with its connection; the next request has a new one. */
static unsigned long long
drain(struct connection *c)
{
	unsigned long long len = c->have - c->at;
	ssize_t n;

	while ((n = recv(c->fd, NULL, DROP_MAX, MSG_TRUNC)) > 0)
		len += (unsigned long long)n;
	close(c->fd);
	c->have = c->at = 0;
	c->fd = dial();
	return len;
}

static int
reply(struct connection *c, unsigned long long *ret_bytes)
{
	unsigned long long length, n;
	int status, chunked = 0;
	char text[4096];

	do {
		line(c, text, sizeof text);
		if (sscanf(text, "HTTP/1.1 %d", &status) != 1)
			die("not a reply");
		length = NO_LENGTH;
		while (line(c, text, sizeof text), text[0] != '\0') {
			if (strncasecmp(text, "content-length:", 15) == 0)
				length = strtoull(text + 15, NULL, 10);
			if (strncasecmp(text, "transfer-encoding:", 18) == 0 && strstr(text, "chunked") != NULL)
				chunked = 1;
		}
	} while (status == 100);
	*ret_bytes = length;
	if (!chunked && length == NO_LENGTH) {
		*ret_bytes = status == 204 || status == 304 ? 0 : drain(c);
		return status;
	}
	if (!chunked) {
		skip(c, length);
		return status;
	}
	*ret_bytes = 0;
	do {
		line(c, text, sizeof text);
		n = strtoull(text, NULL, 16);
		skip(c, n);
		*ret_bytes += n;
		line(c, text, sizeof text);
	} while (n > 0);
	return status;
}

static size_t
take(size_t max, size_t *ret_first)
{
	size_t n;

	pthread_mutex_lock(&lock);
	n = n_items - next_item;
	if (n > max)
		n = max;
	*ret_first = next_item;
	next_item += n;
	pthread_mutex_unlock(&lock);
	return n;
}

/* A body in a buffer that each connection keeps: fresh memory for each would
 * cost as much as sending it. */
static void
body_of(size_t first, size_t n, char **buf, size_t *buf_cap, size_t *ret_len)
{
	char *body = *buf;
	size_t len = 0, cap = *buf_cap, i;
	struct stat sb;
	int fd;

	for (i = first; i < first + n; i++) {
		fd = open(items[i], O_RDONLY);
		if (fd < 0 || fstat(fd, &sb) < 0)
			die(items[i]);
		if (len + (size_t)sb.st_size + 200 > cap) {
			cap = (len + (size_t)sb.st_size + 200) * 2;
			body = realloc(body, cap);
		}
		len += (size_t)sprintf(body + len, "%s", PART);
		if (read(fd, body + len, (size_t)sb.st_size) != sb.st_size)
			die(items[i]);
		len += (size_t)sb.st_size;
		close(fd);
	}
	len += (size_t)sprintf(body + len, "%s", LAST);
	*ret_len = len;
	*buf = body;
	*buf_cap = cap;
}

static size_t
head_of(char *head, size_t size, size_t length)
{
	return (size_t)snprintf(head, size,
		 "POST %s HTTP/1.1\r\nHost: %s:%s\r\nAccept: application/dicom+json\r\n"
		 "Content-Type: multipart/related; type=\"application/dicom\"; boundary=" BOUNDARY "\r\n"
		 "Content-Length: %zu\r\n\r\n", path, host, port, length);
}

/* One large file, out of the page cache: what the client costs is not what is
 * measured.  0 when the file is not large. */
static int
send_large(int to, const char *file)
{
	char head[1024];
	struct stat sb;
	off_t off = 0;
	size_t len;
	int fd = open(file, O_RDONLY);

	if (fd < 0 || fstat(fd, &sb) < 0)
		die(file);
	if (sb.st_size < 65536) {
		close(fd);
		return 0;
	}
	len = head_of(head, sizeof head, sizeof PART - 1 + (size_t)sb.st_size + sizeof LAST - 1);
	memcpy(head + len, PART, sizeof PART);
	len += sizeof PART - 1;
	if (send(to, head, len, MSG_NOSIGNAL | MSG_MORE) != (ssize_t)len)
		die("send");
	while (off < sb.st_size)
		if (sendfile(to, fd, &off, (size_t)(sb.st_size - off)) <= 0)
			die("sendfile");
	send_all(to, LAST, sizeof LAST - 1);
	close(fd);
	return 1;
}

static void *
stow(void *ctx)
{
	struct connection *c = malloc(sizeof *c);
	unsigned long long bytes;
	size_t first, n, len, cap = 0;
	char head[1024], *body = NULL;
	int status;

	(void)ctx;
	c->fd = dial();
	c->have = c->at = 0;
	while ((n = take(per_request, &first)) > 0) {
		if (n != 1 || !send_large(c->fd, items[first])) {
			body_of(first, n, &body, &cap, &len);
			send_all(c->fd, head, head_of(head, sizeof head, len));
			send_all(c->fd, body, len);
		}
		status = reply(c, &bytes);
		if (status != 200 && status != 202) {
			fprintf(stderr, "load: status %d\n", status);
			exit(1);
		}
	}
	close(c->fd);
	free(body);
	free(c);
	return NULL;
}

static void *
get(void *ctx)
{
	struct connection *c = malloc(sizeof *c);
	unsigned long long bytes, sum = 0;
	size_t requests = 0, i = (size_t)(long)ctx * 7919;
	double end = now() + seconds, start;
	char head[4096];
	int status;

	c->fd = dial();
	c->have = c->at = 0;
	while ((start = now()) < end) {
		snprintf(head, sizeof head, "GET %s HTTP/1.1\r\nHost: %s:%s\r\nAccept: %s\r\n\r\n",
			 items[i++ % n_items], host, port, accept_type);
		send_all(c->fd, head, strlen(head));
		status = reply(c, &bytes);
		if (status != 200 && status != 204) {
			fprintf(stderr, "load: status %d for %s\n", status, items[(i - 1) % n_items]);
			exit(1);
		}
		sum += bytes;
		requests++;
		pthread_mutex_lock(&lock);
		if (n_latencies < LATENCIES_MAX)
			latencies[n_latencies++] = (unsigned)((now() - start) * 1e6);
		pthread_mutex_unlock(&lock);
	}
	pthread_mutex_lock(&lock);
	total_bytes += sum;
	total_requests += requests;
	pthread_mutex_unlock(&lock);
	close(c->fd);
	free(c);
	return NULL;
}

static int
ascending(const void *a, const void *b)
{
	unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;

	return x < y ? -1 : x > y;
}

static void
read_items(void)
{
	char *text = NULL;
	size_t cap = 0;
	ssize_t n;

	while ((n = getline(&text, &cap, stdin)) > 0) {
		if (text[n - 1] == '\n')
			text[n - 1] = '\0';
		items = realloc(items, (n_items + 1) * sizeof *items);
		items[n_items++] = strdup(text);
	}
	free(text);
	if (n_items == 0) {
		fprintf(stderr, "load: nothing on standard input\n");
		exit(1);
	}
}

int
main(int argc, char **argv)
{
	pthread_t threads[256];
	long connections, i;
	double start, took;
	int is_stow;

	if (argc != 7 || ((is_stow = strcmp(argv[1], "stow") == 0) == 0 && strcmp(argv[1], "get") != 0)) {
		fprintf(stderr, "usage: load stow HOST PORT PATH CONNECTIONS PER-REQUEST\n"
				"       load get HOST PORT CONNECTIONS SECONDS ACCEPT\n");
		return 2;
	}
	host = argv[2];
	port = argv[3];
	connections = atol(argv[is_stow ? 5 : 4]);
	if (is_stow) {
		path = argv[4];
		per_request = (size_t)atol(argv[6]);
	} else {
		seconds = atof(argv[5]);
		accept_type = argv[6];
		latencies = malloc(LATENCIES_MAX * sizeof *latencies);
	}
	if (connections < 1 || connections > 256)
		return 2;
	read_items();
	start = now();
	for (i = 0; i < connections; i++)
		pthread_create(&threads[i], NULL, is_stow ? stow : get, (void *)i);
	for (i = 0; i < connections; i++)
		pthread_join(threads[i], NULL);
	took = now() - start;
	if (is_stow)
		printf("%.1f\n", (double)n_items / took);
	else {
		qsort(latencies, n_latencies, sizeof *latencies, ascending);
		printf("%.1f %u %llu\n", (double)total_requests / took, latencies[n_latencies / 2],
		       total_bytes / total_requests);
	}
	return 0;
}
