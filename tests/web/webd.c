/* A daemon with the web door only, for tests of it: what `dicomlake init` and
 * `dicomlake serve` do as far as lib.sh needs, without the rest.  With DICOMLAKE_TEST_BESIDE that store is
 * served, too, and the base URL has a path. */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "web/web.h"

static int
fail(const struct err *err)
{
	fprintf(stderr, "error: %s\n", err_text(err));
	return 1;
}

static int
init(const char *dir, bool partitions, struct err *err)
{
	struct store *st = NULL;
	int r = store_init(dir, NULL, NULL, err);

	if (r == 0 && partitions)
		r = store_open(dir, NULL, &st, err);
	if (r == 0 && partitions)
		r = store_enable_partitions(st, err);
	store_close(st);
	return r;
}

static int
serve(const char *dir, unsigned port, uint64_t max_request, unsigned threads, const char *cors_origins)
{
	struct web_options options = {
		.address = "127.0.0.1", .port = port, .threads = threads, .cors_origins = cors_origins,
	};
	struct web_store served[2] = { { .max_request = max_request } };
	const char *beside = getenv("DICOMLAKE_TEST_BESIDE");
	struct store *st = NULL, *other = NULL;
	struct ops *ops = NULL;
	struct web *web = NULL;
	struct err err = { 0 };
	sigset_t set;
	int sig;

	/* Before any thread, so that all of them leave the signals to this one. */
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (store_open(dir, NULL, &st, &err) < 0)
		return fail(&err);
	if (beside != NULL && store_open(beside, NULL, &other, &err) < 0)
		return fail(&err);
	if (ops_start(st, &ops, &err) < 0) {
		store_close(st);
		return fail(&err);
	}
	served[0].store = st;
	served[0].ops = ops;
	served[1].store = other;
	if (web_start(served, other != NULL ? 2 : 1, &options, &web, &err) < 0) {
		ops_stop(ops);
		store_close(st);
		return fail(&err);
	}
	printf("dicomlake: ready http=http://127.0.0.1:%u%s%s\n", web_port(web), other != NULL ? "/" : "",
	       other != NULL ? store_label(st) : "");
	fflush(stdout);
	sigwait(&set, &sig);
	web_stop(web);
	ops_stop(ops);
	store_close(st);
	store_close(other);
	return 0;
}

int
main(int argc, char **argv)
{
	struct err err = { 0 };
	unsigned port = 0, threads = 64;
	uint64_t max_request = 0;
	const char *cors_origins = NULL;
	int i;

	if (argc >= 3 && strcmp(argv[1], "init") == 0)
		return init(argv[2], argc > 3 && strcmp(argv[3], "--partitions") == 0, &err) < 0 ? fail(&err) : 0;
	if (argc < 3 || strcmp(argv[1], "serve") != 0) {
		fprintf(stderr, "usage: webd init STORE [--partitions] | webd serve STORE [--listen ADDR:PORT] "
			"[--max-request BYTES] [--threads N] [--cors-origin ORIGINS]\n");
		return 2;
	}
	for (i = 3; i + 1 < argc; i += 2) {
		const char *colon = strrchr(argv[i + 1], ':');

		if (strcmp(argv[i], "--listen") == 0 && colon != NULL)
			port = (unsigned)strtoul(colon + 1, NULL, 10);
		else if (strcmp(argv[i], "--max-request") == 0)
			max_request = strtoull(argv[i + 1], NULL, 10);
		else if (strcmp(argv[i], "--threads") == 0)
			threads = (unsigned)strtoul(argv[i + 1], NULL, 10);
		else if (strcmp(argv[i], "--cors-origin") == 0)
			cors_origins = argv[i + 1];
	}
	return serve(argv[2], port, max_request, threads, cors_origins);
}
