/* The mount alone, and files to put there, for the tests of tests/fs.
 *
 *   fsd serve STORE DIR [-o OPTIONS] [-c FILE] [-b STORE]   makes the store if missing, prints "ready", ends on
 *                                 SIGTERM or when the mount goes; on SIGUSR1 writes the counters to FILE;
 *                                 -b mounts another one (workspace "beside") with it
 *   fsd make DIR COUNT [PIXEL-BYTES [PER-SERIES [STUDY]]]   files DIR/00001.dcm ... of one study
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "fs/fs.h"
#include "tests/unit/make_dicom.h"

static int
complain(const char *what, const struct err *err)
{
	fprintf(stderr, "fsd: %s: %s\n", what, err_text(err));
	return 1;
}

static void
put_counter(void *ctx, const char *op, uint64_t count)
{
	fprintf(ctx, "%s %llu\n", op, (unsigned long long)count);
}

static void
write_counters(struct mount *m, const struct store *st, const char *path)
{
	char tmp[4096];
	FILE *f;

	snprintf(tmp, sizeof tmp, "%s.tmp", path);
	f = fopen(tmp, "w");
	if (f == NULL)
		return;
	fs_each_counter(m, st, put_counter, f);
	fclose(f);
	rename(tmp, path);
}

static void
ended(void *ctx)
{
	(void)ctx;
	kill(getpid(), SIGTERM);
}

static int
serve(int argc, char **argv)
{
	struct fs_options options = { .mount_options = NULL };
	const char *counters = NULL, *beside = NULL;
	struct store *st[2] = { NULL, NULL };
	struct mount *m;
	struct err err;
	sigset_t set;
	int opt, sig;

	while ((opt = getopt(argc, argv, "o:c:b:")) != -1) {
		if (opt == 'o')
			options.mount_options = optarg;
		else if (opt == 'c')
			counters = optarg;
		else if (opt == 'b')
			beside = optarg;
		else
			return 2;
	}
	if (argc - optind != 2)
		return 2;
	err_clear(&err);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	if ((access(argv[optind], F_OK) < 0 && store_init(argv[optind], NULL, NULL, &err) < 0) ||
	    (beside != NULL && access(beside, F_OK) < 0 && store_init(beside, "beside", NULL, &err) < 0))
		return complain("store_init", &err);
	if (store_open(argv[optind], NULL, &st[0], &err) < 0 || (beside != NULL && store_open(beside, NULL, &st[1], &err) < 0))
		return complain("store_open", &err);
	if (fs_start(st, beside != NULL ? 2 : 1, argv[optind + 1], &options, &m, &err) < 0) {
		store_close(st[0]);
		store_close(st[1]);
		return complain("fs_start", &err);
	}
	fs_on_end(m, ended, NULL);
	printf("ready\n");
	fflush(stdout);
	do {
		sigwait(&set, &sig);
		if (sig == SIGUSR1 && counters != NULL)
			write_counters(m, st[0], counters);
	} while (sig == SIGUSR1);
	fs_stop(m);
	store_close(st[0]);
	store_close(st[1]);
	return 0;
}

static int
make(int argc, char **argv)
{
	unsigned long count = strtoul(argv[2], NULL, 10), pixels = argc > 3 ? strtoul(argv[3], NULL, 10) : 32;
	unsigned long per_series = argc > 4 ? strtoul(argv[4], NULL, 10) : count, i;
	const char *study = argc > 5 ? argv[5] : "2.25.4242";
	unsigned char *data = malloc(SAMPLE_MAX + pixels);
	char series[UID_TEXT_MAX], sop[UID_TEXT_MAX], path[4096];
	FILE *f;
	size_t len;
	int r = 0;

	for (i = 1; data != NULL && i <= count && r == 0; i++) {
		struct sample s = {
			.study_uid = study, .series_uid = series, .sop_uid = sop,
			.patient_id = "P1", .patient_name = "Test^Tom", .study_date = "20240101",
			.modality = "CT", .description = "made", .pixels = pixels, .fill = (int)(i & 0xff),
		};

		snprintf(series, sizeof series, "%.40s.%lu", study, (i - 1) / (per_series > 0 ? per_series : 1) + 1);
		snprintf(sop, sizeof sop, "%.40s.9.%lu", study, i);
		snprintf(path, sizeof path, "%s/%05lu.dcm", argv[1], i);
		len = make_dicom(&s, data);
		f = fopen(path, "w");
		r = f != NULL && fwrite(data, 1, len, f) == len ? 0 : 1;
		if (f == NULL || fclose(f) != 0)
			r = 1;
	}
	free(data);
	return r;
}

int
main(int argc, char **argv)
{
	if (argc >= 2 && strcmp(argv[1], "serve") == 0)
		return serve(argc - 1, argv + 1);
	if (argc >= 4 && strcmp(argv[1], "make") == 0)
		return make(argc - 1, argv + 1);
	fprintf(stderr, "usage: fsd serve|make ...\n");
	return 2;
}
