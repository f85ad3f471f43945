/* dump_json [-s URL | -i] FILE...: the DICOM JSON of files, one line each, or
 * their identity: study, series, instance and what each set of rules says of
 * it.  What is refused is said on stderr.  For the oracle test. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dicom/dicom.h"
#include "dicom/json.h"
#include "dicom/validate.h"

static void
print_identity(const struct dicom *d)
{
	static const enum validate_rules rules[] = { VALIDATE_PLAIN, VALIDATE_V1, VALIDATE_V2 };
	struct dicom_identity id;
	struct err err;
	size_t i;

	dicom_identify(d, VALIDATE_PLAIN, NULL, &id, NULL);
	printf("%s\t%s\t%s", id.study_uid, id.series_uid, id.sop_uid);
	for (i = 0; i < 3; i++) {
		struct dicom_identity again;

		err_clear(&err);
		printf("\t%08X", dicom_identify(d, rules[i], NULL, &again, &err) < 0 ? (unsigned)err.tag : 0);
	}
	putchar('\n');
}

static int
print_json(const struct dicom *d, const char *url)
{
	struct buf json, shown;
	int r;

	buf_init(&json, (size_t)1 << 30);
	buf_init(&shown, (size_t)1 << 30);
	r = dicom_write_json(d, &json);
	if (r == 0)
		r = dicom_json_render(buf_slice(&json), url, &shown);
	if (r == 0) {
		fwrite(shown.data, 1, shown.len, stdout);
		putchar('\n');
	} else {
		fprintf(stderr, "JSON: %s\n", strerror(-r));
	}
	buf_fini(&json);
	buf_fini(&shown);
	return r;
}

/* 0 done, 1 refused, 2 failed. */
static int
dump(const char *path, const char *url, bool identity)
{
	struct dicom *d = NULL;
	struct err err = { 0 };
	int fd = open(path, O_RDONLY | O_CLOEXEC), r;

	if (fd < 0) {
		perror(path);
		return 2;
	}
	r = dicom_read_fd(fd, &d, &err);
	close(fd);
	if (r < 0) {
		fprintf(stderr, "%s: %s\n", path, err_text(&err));
		return 1;
	}
	if (identity)
		print_identity(d);
	else
		r = print_json(d, url);
	dicom_free(d);
	return r < 0 ? 2 : 0;
}

int
main(int argc, char **argv)
{
	const char *url = NULL;
	bool identity = false;
	int c, worst = 0, r;

	while ((c = getopt(argc, argv, "s:i")) != -1)
		switch (c) {
		case 's':
			url = optarg;
			break;
		case 'i':
			identity = true;
			break;
		default:
			fprintf(stderr, "usage: dump_json [-s URL | -i] FILE...\n");
			return 2;
		}
	for (; optind < argc; optind++) {
		r = dump(argv[optind], url, identity);
		if (r > worst)
			worst = r;
	}
	return worst;
}
