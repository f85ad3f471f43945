/* header_bench FILE...: CPU time from a file to its header's DICOM JSON, ours
 * and DCMTK's, each the median of rounds that take turns. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dicom/dicom.h"
#include "tests/bench/header_bench.h"

#define ROUNDS 11
#define ROUND_NS 40000000.0

static double
cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static size_t
our_header_to_json(const char *path)
{
	static struct buf json = { .max = 64 << 20 };
	struct dicom *d = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC), r;

	if (fd < 0)
		return 0;
	r = dicom_read_fd(fd, &d, NULL);
	close(fd);
	buf_reset(&json);
	if (r == 0)
		r = dicom_write_json(d, &json);
	dicom_free(d);
	return r == 0 ? json.len : 0;
}

/* Microseconds of CPU a call, over about ROUND_NS. */
static double
round_us(size_t (*fn)(const char *), const char *path)
{
	double start = cpu_ns(), spent;
	unsigned n = 0;

	do {
		fn(path);
		n++;
	} while ((spent = cpu_ns() - start) < ROUND_NS);
	return spent / n / 1e3;
}

static int
ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

int
main(int argc, char **argv)
{
	double ours[ROUNDS], theirs[ROUNDS];
	int i, r;

	if (argc < 2) {
		fprintf(stderr, "usage: header_bench FILE...\n");
		return 2;
	}
	printf("%-10s %-10s %-8s %s\n", "ours_us", "dcmtk_us", "ratio", "file");
	for (i = 1; i < argc; i++) {
		if (our_header_to_json(argv[i]) == 0 || oracle_header_to_json(argv[i]) == 0) {
			fprintf(stderr, "header_bench: %s: not read by both\n", argv[i]);
			return 1;
		}
		for (r = 0; r < ROUNDS; r++) {
			ours[r] = round_us(our_header_to_json, argv[i]);
			theirs[r] = round_us(oracle_header_to_json, argv[i]);
		}
		qsort(ours, ROUNDS, sizeof *ours, ascending);
		qsort(theirs, ROUNDS, sizeof *theirs, ascending);
		printf("%-10.1f %-10.1f %-8.1f %s\n", ours[ROUNDS / 2], theirs[ROUNDS / 2],
		       theirs[ROUNDS / 2] / ours[ROUNDS / 2], argv[i]);
	}
	return 0;
}
