/* read_files: open, read whole and close each of the files named on standard input, one after the other.
 *
 *	read_files PASSES <LIST
 *
 * Prints the microseconds a file of the fastest pass, and the bytes of one pass.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CHUNK (1 << 20)

static int64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static int64_t
read_file(const char *path, char *chunk)
{
	int64_t bytes = 0;
	ssize_t n;
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		return -1;
	while ((n = read(fd, chunk, CHUNK)) > 0)
		bytes += n;
	close(fd);
	return n < 0 ? -1 : bytes;
}

int
main(int argc, char **argv)
{
	int passes = argc == 2 ? atoi(argv[1]) : 0, pass;
	char *chunk = malloc(CHUNK), **paths = NULL, *line = NULL;
	int64_t best = INT64_MAX, bytes = 0, began, n;
	size_t count = 0, i, size = 0;
	ssize_t len;

	if (passes < 1 || chunk == NULL) {
		fprintf(stderr, "usage: read_files PASSES <LIST\n");
		return 2;
	}
	while ((len = getline(&line, &size, stdin)) > 0) {
		if (line[len - 1] == '\n')
			line[len - 1] = '\0';
		paths = realloc(paths, (count + 1) * sizeof *paths);
		if (paths == NULL || (paths[count++] = strdup(line)) == NULL)
			return 1;
	}
	for (pass = 0; pass < passes; pass++) {
		bytes = 0;
		began = now_ns();
		for (i = 0; i < count; i++) {
			n = read_file(paths[i], chunk);
			if (n < 0) {
				fprintf(stderr, "read_files: %s: %s\n", paths[i], strerror(errno));
				return 1;
			}
			bytes += n;
		}
		n = now_ns() - began;
		best = n < best ? n : best;
	}
	printf("%.2f %" PRId64 "\n", count > 0 ? (double)best / 1000 / (double)count : 0.0, bytes);
	for (i = 0; i < count; i++)
		free(paths[i]);
	free(paths);
	free(line);
	free(chunk);
	return 0;
}
