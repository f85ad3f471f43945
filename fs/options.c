#include "fs/options.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OPTIONS_MAX 4096		/* a page, as mount(2) itself takes */
#define XATTR_LIST_DEFAULT 4000		/* ext4 has a block of 4096, with some of it for itself */
#define XATTR_LIST_LIMIT 65536		/* Linux lists no more */

/* What fstab and mount(8) may pass along and no file system acts on. */
static const char *const ignored[] = {
	"defaults", "auto", "noauto", "user", "nouser", "users", "owner", "group", "nofail", "_netdev",
	"relatime", "norelatime", "strictatime", "nostrictatime", "lazytime", "nolazytime", "noiversion",
	"loud", "silent",
};

static int
parse_number(const char *value, int base, unsigned long max, uint32_t *ret, const char *what, struct err *err)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = value[0] >= '0' && value[0] <= '9' ? strtoul(value, &end, base) : ULONG_MAX;
	if (n > max || errno != 0 || *end != '\0')
		return err_set(err, -EINVAL, "mount option %s: not a number in range", what);
	*ret = (uint32_t)n;
	return 0;
}

static bool
is_ignored(const char *option)
{
	size_t i;

	if (strncmp(option, "x-", 2) == 0 || strncmp(option, "comment=", 8) == 0)
		return true;
	for (i = 0; i < sizeof ignored / sizeof *ignored; i++)
		if (strcmp(option, ignored[i]) == 0)
			return true;
	return false;
}

static int
parse_one(const char *option, struct fs_mount_options *o, struct err *err)
{
	if (strncmp(option, "uid=", 4) == 0)
		return parse_number(option + 4, 10, UINT32_MAX - 1, &o->uid, "uid", err);
	if (strncmp(option, "gid=", 4) == 0)
		return parse_number(option + 4, 10, UINT32_MAX - 1, &o->gid, "gid", err);
	if (strncmp(option, "umask=", 6) == 0)
		return parse_number(option + 6, 8, 0777, &o->umask, "umask", err);
	if (strncmp(option, "xattr_list=", 11) == 0)
		return parse_number(option + 11, 10, XATTR_LIST_LIMIT, &o->xattr_list, "xattr_list", err);
	if (strcmp(option, "sync") == 0)
		o->sync = true;
	else if (strcmp(option, "async") == 0)
		o->sync = false;
	else if (strcmp(option, "spin") == 0)
		o->spin = true;
	else if (strcmp(option, "nospin") == 0)
		o->spin = false;
	else if (strcmp(option, "uring") == 0)
		o->uring = o->uring_switch = true;
	else if (strcmp(option, "nouring") == 0)
		o->uring = o->uring_switch = false;
	else if (strcmp(option, "nopassthrough") == 0)
		o->passthrough = false;
	else if (strcmp(option, "auto_unmount") == 0)
		o->auto_unmount = true;
	else if (strcmp(option, "noauto_unmount") == 0)
		o->auto_unmount = false;
	else if (option[0] != '\0' && !is_ignored(option)) {
		if (o->rest.len > 0)
			buf_putc(&o->rest, ',');
		buf_puts(&o->rest, option);
	}
	return buf_error(&o->rest);
}

int
fs_mount_options_parse(const char *text, struct fs_mount_options *o, struct err *err)
{
	char option[OPTIONS_MAX];
	size_t n = 0;
	int r = 0;

	memset(o, 0, sizeof *o);
	o->uid = getuid();
	o->gid = getgid();
	o->umask = 022;
	o->passthrough = true;
	o->spin = true;
	o->uring = true;
	o->auto_unmount = true;
	o->xattr_list = XATTR_LIST_DEFAULT;
	buf_init(&o->rest, OPTIONS_MAX);
	for (; text != NULL && r == 0; text++) {
		if (*text == ',' || *text == '\0') {
			option[n] = '\0';
			n = 0;
			r = parse_one(option, o, err);
			if (*text == '\0')
				break;
			continue;
		}
		if (n + 2 >= sizeof option) {
			r = err_set(err, -EMSGSIZE, "mount options are too long");
			break;
		}
		option[n++] = *text;
		if (*text == '\\' && text[1] != '\0')	/* libfuse's escape for a comma */
			option[n++] = *++text;
	}
	if (r < 0)
		fs_mount_options_fini(o);
	return r;
}

void
fs_mount_options_fini(struct fs_mount_options *o)
{
	buf_fini(&o->rest);
}
