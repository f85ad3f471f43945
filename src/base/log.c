#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static atomic_int threshold = LOG_LEVEL_INFO;
static _Thread_local const char *about;

static const struct {
	const char *name;
	const char *priority;		/* sd-daemon(3) */
} levels[] = {
	[LOG_LEVEL_ERROR] = { "error", "<3>" },
	[LOG_LEVEL_WARNING] = { "warning", "<4>" },
	[LOG_LEVEL_INFO] = { "info", "<6>" },
	[LOG_LEVEL_DEBUG] = { "debug", "<7>" },
};

void
log_set_level(enum log_level level)
{
	threshold = (int)level;
}

int
log_level_parse(const char *name, enum log_level *ret_level)
{
	size_t i;

	for (i = 0; i < sizeof levels / sizeof *levels; i++)
		if (strcmp(levels[i].name, name) == 0) {
			*ret_level = (enum log_level)i;
			return 0;
		}
	return -EINVAL;
}

int
log_enabled(enum log_level level)
{
	return (int)level <= threshold;
}

void
log_about(const char *name)
{
	about = name;
}

/* One write a line, so that lines of several threads never mix. */
static void
emit(enum log_level level, const char *fmt, va_list ap)
{
	char line[2048];
	int n, m;

	if (!log_enabled(level))
		return;
	n = snprintf(line, sizeof line, "%s%s: %s%.200s%s",
		     getenv("JOURNAL_STREAM") != NULL ? levels[level].priority : "",
		     levels[level].name, about != NULL ? "service=" : "", about != NULL ? about : "",
		     about != NULL ? " " : "");
	m = vsnprintf(line + n, sizeof line - (size_t)n - 1, fmt, ap);
	if (m > (int)sizeof line - n - 2)
		m = (int)sizeof line - n - 2;
	if (m < 0)
		m = 0;
	line[n + m] = '\n';
	if (write(STDERR_FILENO, line, (size_t)(n + m + 1)) < 0)
		return;		/* nobody left to tell */
}

#define LOG_FUNCTION(name, level)		\
	void					\
	name(const char *fmt, ...)		\
	{					\
		va_list ap;			\
						\
		va_start(ap, fmt);		\
		emit(level, fmt, ap);		\
		va_end(ap);			\
	}

LOG_FUNCTION(log_error, LOG_LEVEL_ERROR)
LOG_FUNCTION(log_warning, LOG_LEVEL_WARNING)
LOG_FUNCTION(log_info, LOG_LEVEL_INFO)
LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG)
