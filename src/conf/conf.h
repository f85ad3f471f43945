/* conf.h: options, from the command line and from dicomlake.conf(5).
 *
 * options.tbl names every option once.  A value given on the command line
 * wins over one in the store's file, and that over one in the file of --config, whichever is read first; what none of
 * them sets has its default.
 *
 * Errors:  -EINVAL with a sentence that names the option, or file and line;
 *          -EFBIG the file passes a limit; -ENOMEM; those of open(2) and read(2).
 * Threads: one at a time.
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"

/* Commands, and the configuration file, that take an option. */
enum {
	CONF_INIT	= 1 << 0,
	CONF_SERVE	= 1 << 1,
	CONF_MOUNT	= 1 << 2,
	CONF_IMPORT	= 1 << 3,
	CONF_QUERY	= 1 << 4,
	CONF_STATUS	= 1 << 5,
	CONF_CHECK	= 1 << 6,
	CONF_DELETE	= 1 << 7,
	CONF_IN_FILE	= 1 << 8,
	CONF_TAGS	= 1 << 9,
	CONF_OPERATIONS	= 1 << 10,
	CONF_EXPORT	= 1 << 20,
	CONF_UPDATE	= 1 << 21,
	CONF_EVENTS	= 1 << 24,
	CONF_BACKUP	= 1 << 25,
	CONF_RESTORE	= 1 << 26,
	CONF_RECLAIM	= 1 << 27,
	CONF_TIER	= 1 << 28,
	CONF_IN_STORE	= 1 << 29,	/* the configuration file of a store */
};

enum conf_type {
	CONF_FLAG,		/* present or not; yes or no in the file */
	CONF_TEXT,
	CONF_LIST,		/* may be repeated: joined with commas */
	CONF_COUNT,		/* a number without unit */
	CONF_SIZE,		/* bytes: 4096, 64K, 10M, 4G, 1T (powers of 1024) */
	CONF_DURATION,		/* seconds: 500ms, 30s, 5m, 2h, 7d; kept in milliseconds */
	CONF_ADDRESS,		/* IPv4 or localhost, a colon, a port; or the port alone */
	CONF_LEVEL,		/* of the log */
};

enum conf_option {
#define OPTION(id, name, where, type, argument, default, min, max, help) OPT_##id,
#include "conf/options.tbl"
#undef OPTION
	OPT_MAX
};

struct conf;			/* opaque */

int  conf_new(struct conf **ret_conf);
int  conf_copy(const struct conf *c, struct conf **ret_copy);
void conf_free(struct conf *c);			/* NULL is fine */

/* Options of one command, anywhere among argv[0..argc); `--` ends them.
 * Operands are moved to the front in their order and counted. */
int  conf_parse_args(struct conf *c, unsigned command, int argc, char **argv,
		     int *ret_operands, struct err *err);
/* `key = value` lines.  name is for the error sentences. */
int  conf_parse_text(struct conf *c, const char *name, const char *text, size_t len, struct err *err);
int  conf_parse_file(struct conf *c, const char *path, struct err *err);
/* That of a store, which sets what is about the store alone.  There need not be one.  -EACCES: somebody else than
 * root and this user owns it, or everybody may write it. */
int  conf_parse_store_file(struct conf *c, const char *path, struct err *err);
/* As if the option stood on the command line; value is NULL for a flag. */
int  conf_set(struct conf *c, enum conf_option option, const char *value, struct err *err);

/* Whether command line or file set it. */
bool conf_is_set(const struct conf *c, enum conf_option option);
bool conf_flag(const struct conf *c, enum conf_option option);
/* NULL when it has neither value nor default.  Lives as long as c. */
const char *conf_text(const struct conf *c, enum conf_option option);
uint64_t conf_number(const struct conf *c, enum conf_option option);

/* One line an option of that command. */
void conf_print_help(FILE *out, unsigned command);

/* The pieces, for what is no option of its own (-o of mount). */
int  conf_find(const char *name, unsigned command, enum conf_option *ret_option);
int  conf_parse_number(enum conf_type type, const char *text, uint64_t *ret_number);
#define CONF_HOST_MAX 64
/* host is an IPv4 address in dots; *ret_loopback tells whether only this machine reaches it. */
int  conf_parse_address(const char *text, char host[CONF_HOST_MAX], unsigned *ret_port, bool *ret_loopback);

#endif
