/* serve.c: the daemon: the one place that knows both doors.
 *
 * Life: signals are blocked, so that every thread made later has them blocked
 * too and only sigwait sees them; the process goes to the background if it is
 * to; only then are the stores, the mount and the service opened, in this
 * order.  The end is the reverse, and a second SIGTERM or SIGINT ends it at once,
 * which the store survives.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/cli.h"
#include "cli/daemon.h"
#include "cli/service.h"
#ifdef WITH_FS
#include "fs/fs.h"
#endif
#ifdef WITH_WEB
#include "web/web.h"
#endif

#define DEFAULT_LISTEN "127.0.0.1:8042"
/* Sent to ourselves when the mount went away by itself. */
#define SIGNAL_MOUNT_ENDED SIGUSR1

struct plan {
	struct cli_service *services;
	size_t n;
	char mount[PATH_MAX];		/* "" none */
	char host[CONF_HOST_MAX];	/* "" no service */
	unsigned port;
	char *mount_options;		/* without those meant for us */
	bool background;
};

struct doors {
	const struct plan *plan;
	struct mount *mount;
	struct web *web;
};

/* From -o a,b=c: what is an option of ours is set, the rest kept for the mount. */
static int
sort_mount_options(struct conf *conf, unsigned command, char **ret_rest, struct err *err)
{
	const char *text = conf_text(conf, OPT_MOUNT_OPTIONS);
	char *all = NULL, *rest = NULL, *one, *state = NULL;
	int r = 0;

	if (text == NULL)
		return 0;
	all = strdup(text);
	rest = calloc(1, strlen(text) + 1);
	if (all == NULL || rest == NULL) {
		r = err_set(err, -ENOMEM, "no memory");
		goto out;
	}
	for (one = strtok_r(all, ",", &state); one != NULL; one = strtok_r(NULL, ",", &state)) {
		char name[64], *value = strchr(one, '='), *p;
		enum conf_option option;

		snprintf(name, sizeof name, "%.*s", value == NULL ? 63 : (int)(value - one < 63 ? value - one : 63), one);
		for (p = name; *p != '\0'; p++)
			if (*p == '_' && p != name)
				*p = '-';
		if (command == CONF_MOUNT && conf_find(name, command, &option) == 0 && option != OPT_MOUNT_OPTIONS) {
			r = conf_set(conf, option, value == NULL ? NULL : value + 1, err);
			if (r < 0)
				goto out;
			continue;
		}
		if (*rest != '\0')
			strcat(rest, ",");
		strcat(rest, one);
	}
	if (*rest != '\0') {
		*ret_rest = rest;
		rest = NULL;
	}
out:
	free(rest);
	free(all);
	return r;
}

/* Not realpath(3): a dead mount point must be nameable. */
static int
absolute_path(const char *path, char absolute[PATH_MAX], struct err *err)
{
	char cwd[PATH_MAX];
	int n;

	if (path[0] == '/')
		cwd[0] = '\0';
	else if (getcwd(cwd, sizeof cwd) == NULL)
		return err_set(err, -errno, "the working directory: %s", strerror(errno));
	n = snprintf(absolute, PATH_MAX, "%s%s%s", cwd, path[0] == '/' ? "" : "/", path);
	if (n >= PATH_MAX)
		return err_set(err, -ENAMETOOLONG, "%.100s...: %s", path, strerror(ENAMETOOLONG));
	while (n > 1 && absolute[n - 1] == '/')
		absolute[--n] = '\0';
	return 0;
}

static void
block_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGNAL_MOUNT_ENDED);
	pthread_sigmask(SIG_BLOCK, set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* SIGHUP: open the log file again, and take the level from the configuration. */
static void
reload(struct conf *conf)
{
	const char *log_file = conf_text(conf, OPT_LOG_FILE), *config = conf_text(conf, OPT_CONFIG);
	struct conf *fresh = NULL;
	struct err err = { 0 };

	if (log_file != NULL && daemon_open_log(log_file, &err) < 0)
		log_error("reload error=\"%s\"", err_text(&err));
	if (config == NULL)
		return;
	if (conf_new(&fresh) < 0)
		return;
	if (conf_parse_file(fresh, config, &err) < 0)
		log_error("reload error=\"%s\"", err_text(&err));
	else if (conf_is_set(fresh, OPT_LOG_LEVEL))
		log_set_level((enum log_level)conf_number(fresh, OPT_LOG_LEVEL));
	conf_free(fresh);
}

#ifdef WITH_FS
static void
mount_ended(void *ctx)
{
	(void)ctx;
	kill(getpid(), SIGNAL_MOUNT_ENDED);
}
#endif

#if defined WITH_FS && defined WITH_WEB
struct counters_out {
	struct buf *out;
	const char *service;		/* NULL: there is no need to name it */
};

static void
put_fs_counter(void *ctx, const char *op, uint64_t count)
{
	const struct counters_out *o = ctx;

	buf_puts(o->out, "dicomlake_fs_requests_total{");
	if (o->service != NULL)
		buf_printf(o->out, "service=\"%s\",", o->service);
	buf_printf(o->out, "op=\"%s\"} %" PRIu64 "\n", op, count);
}

/* Those of one store, or of all and of the directories above them. */
static void
put_fs_metrics(void *ctx, const struct store *st, struct buf *out)
{
	const struct doors *doors = ctx;
	const struct plan *plan = doors->plan;
	struct counters_out o = { .out = out };
	size_t i;

	buf_puts(out, "# HELP dicomlake_fs_requests_total Requests of the kernel the mount has answered.\n"
		 "# TYPE dicomlake_fs_requests_total counter\n");
	for (i = 0; i < plan->n; i++) {
		if (st != NULL && plan->services[i].store != st)
			continue;
		o.service = plan->n > 1 ? store_label(plan->services[i].store) : NULL;
		fs_each_counter(doors->mount, plan->services[i].store, put_fs_counter, &o);
	}
	o.service = NULL;
	if (st == NULL)
		fs_each_counter(doors->mount, NULL, put_fs_counter, &o);
}
#endif

#ifdef WITH_FS
static int
open_mount(const struct plan *plan, struct conf *conf, struct doors *doors, struct err *err)
{
	const struct fs_options options = {
		.mount_options = plan->mount_options,
		.foreground_debug = conf_flag(conf, OPT_FUSE_DEBUG),
	};
	struct store **stores = calloc(plan->n, sizeof *stores);
	size_t i;
	int r;

	if (stores == NULL)
		return err_set(err, -ENOMEM, "no memory");
	for (i = 0; i < plan->n; i++)
		stores[i] = plan->services[i].store;
	r = fs_start(stores, plan->n, plan->mount, &options, &doors->mount, err);
	free(stores);
	if (r == 0)
		fs_on_end(doors->mount, mount_ended, NULL);
	return r;
}
#endif

#ifdef WITH_WEB
static int
open_web(const struct plan *plan, struct conf *conf, struct doors *doors, struct err *err)
{
	struct web_options options = {
		.address = plan->host,
		.port = plan->port,
		.threads = (unsigned)conf_number(conf, OPT_THREADS),
		.cors_origins = conf_text(conf, OPT_CORS_ORIGIN),
	};
	struct web_store *stores = calloc(plan->n, sizeof *stores);
	size_t i;
	int r;

	if (stores == NULL)
		return err_set(err, -ENOMEM, "no memory");
	for (i = 0; i < plan->n; i++) {
		const struct cli_service *s = &plan->services[i];

		stores[i] = (struct web_store){
			.store = s->store,
			.ops = s->ops,
			.exports = conf_flag(s->conf, OPT_EXPORT) ? &s->access.settings : NULL,
			.max_request = conf_number(s->conf, OPT_MAX_REQUEST),
		};
	}
#ifdef WITH_FS
	if (doors->mount != NULL) {
		options.metrics = put_fs_metrics;
		options.metrics_ctx = doors;
	}
#endif
	r = web_start(stores, plan->n, &options, &doors->web, err);
	free(stores);
	return r;
}
#endif

static int
open_doors(const struct plan *plan, struct conf *conf, struct doors *doors, struct err *err)
{
	int r = 0;

	(void)plan;
	(void)conf;
	(void)doors;
	(void)err;
#ifdef WITH_FS
	if (plan->mount[0] != '\0')
		r = open_mount(plan, conf, doors, err);
#endif
#ifdef WITH_WEB
	if (r == 0 && plan->host[0] != '\0')
		r = open_web(plan, conf, doors, err);
#endif
	return r;
}

static void
close_doors(struct doors *doors)
{
	(void)doors;
	/* The service first: its /metrics asks the mount. */
#ifdef WITH_WEB
	web_stop(doors->web);
#endif
#ifdef WITH_FS
	fs_stop(doors->mount);
#endif
}

static void
print_ready(const struct plan *plan, const struct doors *doors)
{
	size_t i;

	(void)doors;
	printf("dicomlake: ready");
#ifdef WITH_WEB
	if (doors->web != NULL)
		printf(" http=http://%s:%u", plan->host, web_port(doors->web));
#endif
	if (plan->mount[0] != '\0')
		printf(" mount=%s", plan->mount);
	for (i = 0; i < plan->n; i++)
		printf(" store=%s", plan->services[i].path);
	putchar('\n');
	fflush(stdout);
}

static void
wait_for_end(const struct plan *plan, struct conf *conf, const sigset_t *set)
{
	sigset_t end;
	int sig;

	for (;;) {
		if (sigwait(set, &sig) != 0)
			continue;
		if (sig == SIGHUP) {
			reload(conf);
			continue;
		}
		if (sig == SIGNAL_MOUNT_ENDED && plan->host[0] != '\0') {
			log_info("serve mount=%s state=unmounted", plan->mount);
			continue;
		}
		break;
	}
	log_info("serve state=ending cause=%s", sig == SIGNAL_MOUNT_ENDED ? "unmounted" : strsignal(sig));
	sigemptyset(&end);
	sigaddset(&end, SIGTERM);
	sigaddset(&end, SIGINT);
	pthread_sigmask(SIG_UNBLOCK, &end, NULL);
}

/* All are open, and differ, before anything begins. */
static int
open_services(const struct plan *plan, const struct conf *conf, struct err *err)
{
	bool several = plan->n > 1;
	size_t i;
	int r = cli_services_check_paths(plan->services, plan->n, err);

	for (i = 0; i < plan->n && r == 0; i++)
		r = cli_service_open(&plan->services[i], conf, several, err);
	if (r == 0)
		r = cli_services_check_names(plan->services, plan->n, err);
	for (i = 0; i < plan->n && r == 0; i++)
		r = cli_service_start(&plan->services[i], several, err);
	return r;
}

static int
watch_files(const struct plan *plan, struct err *err)
{
	size_t i;
	int r = 0;

	for (i = 0; i < plan->n && r == 0; i++)
		r = cli_service_watch(&plan->services[i], plan->n > 1, err);
	return r;
}

static int
serve(const struct plan *plan, struct conf *conf, struct err *err)
{
	const char *log_file = conf_text(conf, OPT_LOG_FILE), *pid_file = conf_text(conf, OPT_PID_FILE);
	const enum log_level level = (enum log_level)conf_number(conf, OPT_LOG_LEVEL);
	struct doors doors = { .plan = plan };
	int release = -1, terminal = -1, r;
	sigset_t set;
	size_t i;

	/* On its way to the background, without a file, it speaks to the one who
	 * waits: only of trouble. */
	log_set_level(plan->background && log_file == NULL ? LOG_LEVEL_WARNING : level);
	block_signals(&set);
	if (plan->background) {
		r = daemon_detach(&release, err);
		if (r < 0)
			return r;
	}
	if (log_file != NULL) {
		terminal = daemon_save_log();
		r = daemon_open_log(log_file, err);
		if (r < 0)
			goto out;
	}
	r = open_services(plan, conf, err);
	if (r == 0)
		r = open_doors(plan, conf, &doors, err);
	if (r == 0)
		r = watch_files(plan, err);
	if (r < 0)
		goto out;
	if (pid_file != NULL) {
		r = daemon_write_pid_file(pid_file, err);
		if (r < 0)
			goto out;
	}
	if (terminal >= 0)
		close(terminal);
	terminal = -1;
	if (plan->background)
		daemon_release(release, log_file != NULL);	/* its level stays: nobody reads without a file */
	else
		print_ready(plan, &doors);
	daemon_notify("READY=1");
	wait_for_end(plan, conf, &set);
	daemon_notify("STOPPING=1");
out:
	for (i = 0; i < plan->n; i++)
		cli_service_unwatch(&plan->services[i]);
	close_doors(&doors);
	for (i = 0; i < plan->n; i++)
		cli_service_close(&plan->services[i]);
	daemon_restore_log(terminal);
	if (pid_file != NULL)
		daemon_remove_pid_file(pid_file);
	return r;
}

/* Read the configuration and settle what is to be done, before anything is opened. */
static int
make_plan(struct conf *conf, unsigned command, char **stores, const char *mount, struct plan *plan, struct err *err)
{
	const char *listen;
	bool loopback = true;
	size_t i;
	int r;

	if (conf_text(conf, OPT_CONFIG) != NULL) {
		r = conf_parse_file(conf, conf_text(conf, OPT_CONFIG), err);
		if (r < 0)
			return r;
	}
	if (command == CONF_SERVE)
		mount = conf_text(conf, OPT_MOUNT);
	r = sort_mount_options(conf, command, &plan->mount_options, err);
	if (r < 0)
		return CLI_USAGE;
	for (i = 0, r = 0; i < plan->n && r == 0; i++)
		r = absolute_path(stores[i], plan->services[i].path, err);
	if (r == 0 && mount != NULL)
		r = absolute_path(mount, plan->mount, err);
	if (r < 0)
		return r;
	listen = conf_text(conf, OPT_LISTEN);
	if (command == CONF_MOUNT)
		listen = NULL;
	else if (listen == NULL && mount == NULL)
		listen = DEFAULT_LISTEN;
	if (listen != NULL) {
		conf_parse_address(listen, plan->host, &plan->port, &loopback);
		if (!loopback && !conf_flag(conf, OPT_INSECURE)) {
			err_set(err, -EINVAL, "%s is reached by other machines, and there is no authentication yet: give --insecure if that is meant", listen);
			return CLI_USAGE;
		}
	}
#ifndef WITH_FS
	if (mount != NULL)
		return err_set(err, -ENOSYS, "this dicomlake was built without the mount");
#endif
#ifndef WITH_WEB
	if (listen != NULL)
		return err_set(err, -ENOSYS, "this dicomlake was built without the DICOMweb service");
#endif
	return 0;
}

static int
plan_and_serve(struct conf *conf, unsigned command, char **stores, size_t n, const char *mount, struct err *err)
{
	struct plan *plan = calloc(1, sizeof *plan);
	int r;

	if (plan == NULL || (plan->services = calloc(n, sizeof *plan->services)) == NULL) {
		free(plan);
		return err_set(err, -ENOMEM, "no memory");
	}
	plan->n = n;
	r = make_plan(conf, command, stores, mount, plan, err);
	if (r == 0) {
		plan->background = command == CONF_MOUNT && !conf_flag(conf, OPT_FOREGROUND);
		r = serve(plan, conf, err);
	}
	free(plan->mount_options);
	free(plan->services);
	free(plan);
	return r;
}

int
command_serve(struct conf *conf, int argc, char **argv, struct err *err)
{
	return plan_and_serve(conf, CONF_SERVE, argv, (size_t)argc, NULL, err);
}

int
command_mount(struct conf *conf, int argc, char **argv, struct err *err)
{
	return plan_and_serve(conf, CONF_MOUNT, argv, (size_t)argc - 1, argv[argc - 1], err);
}
