/* The floor of durable storing: write, fsync and rename the same files.
 *
 *	fsync_loop DIR THREADS < list of files	prints files a second
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char *dir;
static char **items;
static size_t n_items, next_item;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *
work(void *ctx)
{
	char from[4096], to[4096], *data = NULL;
	struct stat sb;
	size_t i;
	int fd;

	(void)ctx;
	for (;;) {
		pthread_mutex_lock(&lock);
		i = next_item++;
		pthread_mutex_unlock(&lock);
		if (i >= n_items)
			break;
		fd = open(items[i], O_RDONLY);
		if (fd < 0 || fstat(fd, &sb) < 0)
			exit(1);
		data = realloc(data, (size_t)sb.st_size + 1);
		if (read(fd, data, (size_t)sb.st_size) != sb.st_size)
			exit(1);
		close(fd);
		snprintf(from, sizeof from, "%s/.%zu", dir, i);
		snprintf(to, sizeof to, "%s/%zu", dir, i);
		fd = open(from, O_WRONLY | O_CREAT | O_EXCL, 0666);
		if (fd < 0 || write(fd, data, (size_t)sb.st_size) != sb.st_size || fsync(fd) < 0 ||
		    rename(from, to) < 0) {
			fprintf(stderr, "fsync_loop: %s\n", strerror(errno));
			exit(1);
		}
		close(fd);
	}
	free(data);
	return NULL;
}

int
main(int argc, char **argv)
{
	struct timespec a, b;
	pthread_t threads[64];
	char *text = NULL;
	size_t cap = 0;
	ssize_t n;
	int i, n_threads;

	if (argc != 3 || (n_threads = atoi(argv[2])) < 1 || n_threads > 64)
		return 2;
	dir = argv[1];
	while ((n = getline(&text, &cap, stdin)) > 0) {
		if (text[n - 1] == '\n')
			text[n - 1] = '\0';
		items = realloc(items, (n_items + 1) * sizeof *items);
		items[n_items++] = strdup(text);
	}
	clock_gettime(CLOCK_MONOTONIC, &a);
	for (i = 0; i < n_threads; i++)
		pthread_create(&threads[i], NULL, work, NULL);
	for (i = 0; i < n_threads; i++)
		pthread_join(threads[i], NULL);
	clock_gettime(CLOCK_MONOTONIC, &b);
	printf("%.1f\n", (double)n_items / ((double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9));
	return 0;
}
