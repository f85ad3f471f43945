/* What the tests of pixel data ask of src/store/pixels.h, from the shell:
 *
 *	pixels FILE count
 *	pixels FILE frame N SYNTAX	"*" as stored; to standard output
 *	pixels FILE render N png|jpeg [QUALITY]
 *	pixels FILE transcode SYNTAX
 *
 * through a store of its own.  Exits 1 with the error's number and sentence. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "store/pixels.h"
#include "tests/unit/scratch.h"

static int
ingest(struct store *st, const char *path, struct ingest_result *result, struct err *err)
{
	struct ingest_options options = { .rules = VALIDATE_PLAIN, .same = INGEST_SAME_KEEP };
	struct incoming *in = NULL;
	struct ticket *ticket;
	char piece[65536];
	FILE *f = fopen(path, "rb");
	size_t n;
	int r;

	if (f == NULL)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	r = incoming_new(st, &in, err);
	while (r == 0 && (n = fread(piece, 1, sizeof piece, f)) > 0)
		r = incoming_write(in, piece, n, err);
	fclose(f);
	if (r == 0)
		r = incoming_accept(in, &options, result, &ticket, err);
	if (r < 0) {
		incoming_free(in);
		return r;
	}
	return ticket_wait(ticket, result, err);
}

static int
put(void *ctx, const void *data, size_t len)
{
	(void)ctx;
	return io_write_all(1, data, len);
}

static int
run(const struct pixels *p, int argc, char **argv, struct err *err)
{
	uint32_t count = 0, n = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) - 1 : 0;
	struct pixels_view view = { .quality = 100 };
	struct buf out;
	int r;

	if (strcmp(argv[0], "transcode") == 0 && argc == 2)
		return pixels_transcode(p, argv[1], 90, put, NULL, err);
	r = pixels_count(p, &count, err);
	if (r < 0)
		return r;
	if (strcmp(argv[0], "count") == 0) {
		printf("%u\n", count);
		return 0;
	}
	if (n >= count)
		return err_set(err, -ENOENT, "there are %u frames", count);
	buf_init(&out, (size_t)1 << 30);
	if (strcmp(argv[0], "frame") == 0 && argc == 3) {
		r = pixels_frame(p, n, argv[2], 90, &out, err);
	} else if (strcmp(argv[0], "render") == 0 && argc >= 3) {
		view.png = strcmp(argv[2], "png") == 0;
		if (argc > 3)
			view.quality = (unsigned)strtoul(argv[3], NULL, 10);
		r = pixels_render(p, n, &view, &out, err);
	} else {
		r = err_set(err, -EINVAL, "usage");
	}
	if (r == 0)
		r = put(NULL, out.data, out.len);
	buf_fini(&out);
	return r;
}

int
main(int argc, char **argv)
{
	char dir[SCRATCH_MAX];
	struct pixels_cache *cache = NULL;
	struct ingest_result result;
	struct store_file *f = NULL;
	struct pixels *p = NULL;
	struct store *st = NULL;
	struct err err = { 0 };
	int r;

	if (argc < 3)
		return 2;
	r = scratch_store(dir, "pixels", NULL, NULL, &st, &err);
	if (r == 0)
		r = ingest(st, argv[1], &result, &err);
	if (r == 0)
		r = store_open_file(st, result.id, &f, &err);
	if (r == 0)
		r = pixels_cache_new(&cache);
	if (r == 0)
		r = pixels_open(cache, f, &p, &err);
	if (r == 0)
		r = run(p, argc - 2, argv + 2, &err);
	if (r < 0)
		fprintf(stderr, "%s: %s\n", strerror(-r), err_text(&err));
	pixels_close(p);
	pixels_cache_free(cache);
	store_file_close(f);
	store_close(st);
	return scratch_remove(dir) != 0 || r < 0;
}
