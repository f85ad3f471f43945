#include "cli/access.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"

#define FILE_MAX 65536

static int
read_file(const char *path, struct cli_access *a, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), r = 0;
	struct stat st;
	ssize_t n = 0;
	char *p;

	if (fd < 0)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	a->file = calloc(1, FILE_MAX + 1);
	if (a->file == NULL)
		r = err_set(err, -ENOMEM, "no memory");
	else if (fstat(fd, &st) == 0 && (st.st_mode & 07) != 0)
		r = err_set(err, -EACCES, "%s: it holds secrets, and everybody may read it", path);
	else if ((n = io_pread_all(fd, a->file, FILE_MAX, 0)) < 0)
		r = err_set(err, (int)n, "%s: %s", path, strerror((int)-n));
	close(fd);
	if (r < 0)
		return r;
	a->file_len = (size_t)n;
	for (p = a->file; p < a->file + n; p++)
		if (*p == '\n' || *p == '\r')
			*p = '\0';
	return 0;
}

const char *
cli_access_find(const struct cli_access *a, const char *name)
{
	const char *p = a->file, *value;
	size_t len = strlen(name);

	for (; p != NULL && p < a->file + a->file_len; p += strlen(p) + 1)
		if (strncmp(p, name, len) == 0 && p[len] == '=')
			return p[len + 1] != '\0' ? p + len + 1 : NULL;
	value = getenv(name);
	return value != NULL && *value != '\0' ? value : NULL;
}

int
cli_access_read(const struct conf *conf, struct cli_access *a, struct err *err)
{
	const char *path = conf_text(conf, OPT_CREDENTIALS);
	struct export_settings *s = &a->settings;
	int r = 0;

	*a = (struct cli_access){ .file = NULL };
	if (path != NULL)
		r = read_file(path, a, err);
	if (r < 0) {
		cli_access_fini(a);
		return r;
	}
	*s = (struct export_settings){
		.roots = conf_text(conf, OPT_EXPORT_ROOT),
		.jobs = (unsigned)conf_number(conf, OPT_EXPORT_JOBS),
		.patience_ms = (unsigned)conf_number(conf, OPT_EXPORT_PATIENCE),
		.ca_file = conf_text(conf, OPT_CA_FILE),
		.identity_endpoint = conf_text(conf, OPT_IDENTITY_ENDPOINT),
		.s3_endpoint = cli_access_find(a, "AWS_ENDPOINT_URL"),
		.s3_region = cli_access_find(a, "AWS_REGION"),
		.s3_id = cli_access_find(a, "AWS_ACCESS_KEY_ID"),
		.s3_key = cli_access_find(a, "AWS_SECRET_ACCESS_KEY"),
		.s3_session = cli_access_find(a, "AWS_SESSION_TOKEN"),
		.sas = conf_flag(conf, OPT_EXPORT_SAS),
		.no_credential = conf_flag(conf, OPT_EXPORT_PUBLIC),
	};
	return 0;
}

void
cli_access_fini(struct cli_access *a)
{
	if (a->file != NULL)
		explicit_bzero(a->file, a->file_len);
	free(a->file);
	*a = (struct cli_access){ .file = NULL };
}
