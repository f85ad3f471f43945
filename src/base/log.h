/* log.h: the log: one line an event, to stderr or, under systemd, with its priority prefix.
 *
 * Lines are `key=value` pairs after a short verb.  UIDs may appear; patient
 * names, identifiers, dates and free text never do.
 * Threads: any.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

void log_set_level(enum log_level level);
/* -EINVAL when name is none of error, warning, info, debug. */
int  log_level_parse(const char *name, enum log_level *ret_level);
int  log_enabled(enum log_level level);

/* This thread works for one of several services: from here on its lines begin with service=NAME.  name is
 * borrowed; NULL: for none. */
void log_about(const char *name);

void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
