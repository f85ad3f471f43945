#include "cli/cli.h"

#include <errno.h>
#include <string.h>

const char *
cli_format_bytes(uint64_t bytes, char text[CLI_BYTES_MAX])
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB" };
	double value = (double)bytes;
	size_t i = 0;

	while (value >= 999.95 && i + 1 < sizeof units / sizeof *units) {
		value /= 1000;
		i++;
	}
	snprintf(text, CLI_BYTES_MAX, i == 0 ? "%.0f %s" : "%.1f %s", value, units[i]);
	return text;
}

void
cli_print_safe(FILE *out, const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		/* c2 80 to c2 9f are the C1 controls, which some terminals obey */
		if (c < 0x20 || c == 0x7f ||
		    (c == 0xc2 && i + 1 < len && (unsigned char)s[i + 1] < 0xa0)) {
			fprintf(out, "\\x%02x", c);
			if (c == 0xc2)
				fprintf(out, "\\x%02x", (unsigned char)s[++i]);
		} else {
			putc(c, out);
		}
	}
}

int
cli_partition(const struct conf *conf, const char **ret_partition, struct err *err)
{
	const char *name = conf_text(conf, OPT_PARTITION);

	if (name != NULL && !store_name_is_valid(name))
		return err_set(err, -EINVAL, "--partition: '%.100s' is not 1 to %d letters, digits, _, . and -", name,
			       STORE_NAME_MAX);
	*ret_partition = name;
	return 0;
}

int
cli_finish_output(struct err *err)
{
	if (fflush(stdout) != 0 || ferror(stdout))
		return err_set(err, -EIO, "cannot write to standard output");
	return 0;
}

int
cli_parse_uids(const char *text, char uids[3][UID_TEXT_MAX], int *ret_count, struct err *err)
{
	int n;

	for (n = 0; n < 3; n++) {
		size_t len = strcspn(text, "/");

		if (!uid_is_valid(text, len))
			return err_set(err, -EINVAL, "'%.*s' is not a UID", len > 80 ? 80 : (int)len, text);
		memcpy(uids[n], text, len);
		uids[n][len] = '\0';
		text += len;
		if (*text == '/')
			text++;
		if (*text == '\0')
			break;
	}
	if (n == 3)
		return err_set(err, -EINVAL, "more than three UIDs: STUDY[/SERIES[/INSTANCE]]");
	*ret_count = n + 1;
	return 0;
}
