/* dicomlake events: how far the receivers of events are, and forgetting those that are no more. */
#include "cli/receivers.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "cli/cli.h"

int
receiver_put_json(void *ctx, const struct receiver *v)
{
	struct buf *b = ctx;
	char time[CLOCK_TEXT_MAX];

	buf_printf(b, "%s{\"name\":\"%s\",\"sequence\":%" PRIu64 ",\"behind\":%" PRIu64 ",\"served\":%s",
		   b->data[b->len - 1] == '[' ? "" : ",", v->name, v->sequence, v->behind, v->served ? "true" : "false");
	if (v->failing != 0) {
		clock_format(v->failing, time);
		buf_printf(b, ",\"failingSince\":\"%s\",\"error\":", time);
		buf_put_json_string(b, v->why, strlen(v->why));
	}
	buf_putc(b, '}');
	return 0;
}

int
receiver_print(void *ctx, const struct receiver *v)
{
	const char *before = ctx;
	char time[CLOCK_TEXT_MAX];

	printf("%s%s: %" PRIu64 " behind%s", before, v->name, v->behind, v->served ? "" : ", nobody sends them");
	if (v->failing != 0) {
		clock_format(v->failing, time);
		printf(", fails since %s: ", time);
		cli_print_safe(stdout, v->why, strlen(v->why));
	}
	printf("\n");
	return 0;
}

static int
list(struct store *st, bool json, struct err *err)
{
	char empty[] = "";
	struct buf b;
	int r;

	if (!json)
		return store_receivers(st, receiver_print, empty, err);
	buf_init(&b, CLI_JSON_MAX);
	buf_putc(&b, '[');
	r = store_receivers(st, receiver_put_json, &b, err);
	buf_puts(&b, "]\n");
	if (r == 0)
		fwrite(b.data, 1, b.len, stdout);
	buf_fini(&b);
	return r;
}

int
command_events(struct conf *conf, int argc, char **argv, struct err *err)
{
	bool forget = argc > 1 && strcmp(argv[1], "forget") == 0;
	const struct store_options options = { .read_only = !forget };
	struct store *st = NULL;
	int i, r;

	if (argc > 1 && !forget)
		return err_set(err, -EINVAL, "'%s' is not forget", argv[1]), CLI_USAGE;
	if (argc == 2)
		return err_set(err, -EINVAL, "no receiver is named"), CLI_USAGE;
	r = store_open(argv[0], &options, &st, err);
	if (r == 0 && !forget)
		r = list(st, conf_flag(conf, OPT_JSON), err);
	for (i = 2; i < argc && r == 0; i++) {
		r = store_receiver_forget(st, argv[i], err);
		if (r < 0)
			err_prefix(err, "%s", argv[i]);
	}
	store_close(st);
	return r;
}
