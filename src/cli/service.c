#include "cli/service.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

static int
read_conf(struct cli_service *s, const struct conf *conf, struct err *err)
{
	char path[PATH_MAX + sizeof CLI_SERVICE_CONF + 1];
	int r = conf_copy(conf, &s->conf);

	if (r < 0)
		return err_set(err, r, "no memory");
	snprintf(path, sizeof path, "%s/" CLI_SERVICE_CONF, s->path);
	return conf_parse_store_file(s->conf, path, err);
}

/* Sentences about one of several stores name it. */
static int
say(const struct cli_service *s, bool named, int r, struct err *err)
{
	if (r < 0 && named && strstr(err_text(err), s->path) == NULL)
		err_prefix(err, "%.150s", s->path);
	return r;
}

int
cli_service_open(struct cli_service *s, const struct conf *conf, bool named, struct err *err)
{
	struct store_options options = { .named = named };
	int r = read_conf(s, conf, err);

	if (r == 0) {
		options.map_size = conf_number(s->conf, OPT_MAP_SIZE);
		r = store_open(s->path, &options, &s->store, err);
	}
	return say(s, named, r, err);
}

static int
start(struct cli_service *s, struct err *err)
{
	int r = ops_start(s->store, &s->ops, err);

	if (r == 0)
		r = cli_access_read(s->conf, &s->access, err);
	if (r == 0)
		r = ops_run_exports(s->ops, &s->access.settings, err);
	if (r == 0)
		r = cli_events_read(s->conf, &s->access, &s->receivers, err);
	if (r == 0 && s->receivers.settings.n > 0)
		r = events_start(s->store, &s->receivers.settings, &s->events, err);
	if (r == 0)
		r = lifecycle_start(s->store, s->ops, conf_number(s->conf, OPT_TIER_INTERVAL), &s->lifecycle, err);
	if (r == 0)
		r = health_start(s->store, (unsigned)conf_number(s->conf, OPT_HEALTH_INTERVAL), &s->health, err);
	return r;
}

int
cli_service_start(struct cli_service *s, bool named, struct err *err)
{
	return say(s, named, start(s, err), err);
}

int
cli_service_watch(struct cli_service *s, bool named, struct err *err)
{
	return conf_flag(s->conf, OPT_WATCH) ? say(s, named, file_watch_start(s->store, &s->watch, err), err) : 0;
}

void
cli_service_unwatch(struct cli_service *s)
{
	file_watch_stop(s->watch);
	s->watch = NULL;
}

void
cli_service_close(struct cli_service *s)
{
	events_stop(s->events);
	health_stop(s->health);
	lifecycle_stop(s->lifecycle);
	ops_stop(s->ops);
	cli_events_fini(&s->receivers);
	cli_access_fini(&s->access);
	store_close(s->store);
	conf_free(s->conf);
}

int
cli_services_check_paths(const struct cli_service *services, size_t n, struct err *err)
{
	struct stat a, b;
	size_t i, j;

	for (i = 1; i < n; i++) {
		if (stat(services[i].path, &a) < 0)
			continue;	/* opening it tells */
		for (j = 0; j < i; j++)
			if (stat(services[j].path, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino)
				return err_set(err, -EEXIST, "%.140s and %.140s are the same store", services[j].path,
					       services[i].path);
	}
	return 0;
}

/* Labels, as hosts and import areas have them; case does not count in hosts. */
int
cli_services_check_names(const struct cli_service *services, size_t n, struct err *err)
{
	size_t i, j;

	for (i = 1; i < n; i++)
		for (j = 0; j < i; j++)
			if (strcasecmp(store_label(services[i].store), store_label(services[j].store)) == 0)
				return err_set(err, -EEXIST, "%.90s and %.90s have the same name, %s: workspace and service "
					       "must tell them apart", services[j].path, services[i].path,
					       store_label(services[i].store));
	return 0;
}
