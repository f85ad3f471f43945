/* cli.h: what main.c and the commands share.
 *
 * A command gets its options parsed and its operands counted.  It returns
 * CLI_DONE; CLI_FAILED when it has said why; CLI_USAGE or a negative errno with
 * the sentence in *err, which main.c prints.  Data go to standard output, talk to
 * standard error.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/err.h"
#include "conf/conf.h"
#include "store/store.h"

enum cli_result { CLI_DONE, CLI_FAILED, CLI_USAGE };

struct command {
	const char *name;
	unsigned bit;			/* CONF_INIT ... */
	int min, max;			/* operands */
	const char *operands;		/* for the help */
	const char *help;
	const char *more;		/* further lines of the help, or NULL */
	int (*run)(struct conf *conf, int argc, char **argv, struct err *err);
};

int command_init(struct conf *conf, int argc, char **argv, struct err *err);
int command_serve(struct conf *conf, int argc, char **argv, struct err *err);
int command_mount(struct conf *conf, int argc, char **argv, struct err *err);
int command_events(struct conf *conf, int argc, char **argv, struct err *err);
int command_import(struct conf *conf, int argc, char **argv, struct err *err);
int command_export(struct conf *conf, int argc, char **argv, struct err *err);
int command_query(struct conf *conf, int argc, char **argv, struct err *err);
int command_status(struct conf *conf, int argc, char **argv, struct err *err);
int command_backup(struct conf *conf, int argc, char **argv, struct err *err);
int command_reclaim(struct conf *conf, int argc, char **argv, struct err *err);
int command_restore(struct conf *conf, int argc, char **argv, struct err *err);
int command_check(struct conf *conf, int argc, char **argv, struct err *err);
int command_operations(struct conf *conf, int argc, char **argv, struct err *err);
int command_tags(struct conf *conf, int argc, char **argv, struct err *err);
int command_update(struct conf *conf, int argc, char **argv, struct err *err);
int command_tier(struct conf *conf, int argc, char **argv, struct err *err);
int command_delete(struct conf *conf, int argc, char **argv, struct err *err);

/* "525.3 MB": powers of 1000, as disks and networks count. */
#define CLI_BYTES_MAX 32
const char *cli_format_bytes(uint64_t bytes, char text[CLI_BYTES_MAX]);
/* Print s with control characters as \xNN, so that names cannot drive a terminal. */
void cli_print_safe(FILE *out, const char *s, size_t len);
/* The value of --partition, NULL without one.  -EINVAL when it can be no partition's name. */
int cli_partition(const struct conf *conf, const char **ret_partition, struct err *err);
/* Take STUDY[/SERIES[/INSTANCE]] apart into as many UIDs as it has. */
int cli_parse_uids(const char *text, char uids[3][UID_TEXT_MAX], int *ret_count, struct err *err);
/* Ceiling of the JSON a command gathers before it prints it. */
#define CLI_JSON_MAX (64u << 20)
/* Flush standard output: -errno when what was printed did not arrive. */
int cli_finish_output(struct err *err);

#endif
