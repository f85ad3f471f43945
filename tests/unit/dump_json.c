/* dump_json [-s URL | -t] [-q] FILE...: the DICOM JSON of files, one line each; what
 * is refused is said on stderr.  For the oracle test. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dicom/dicom.h"
#include "dicom/json.h"

static int
dump(const char *path, const char *url, bool template, bool quiet)
{
	struct dicom *d = NULL;
	struct err err = { 0 };
	struct buf json, shown;
	int fd = open(path, O_RDONLY | O_CLOEXEC), r;

	if (fd < 0) {
		perror(path);
		return 1;
	}
	r = dicom_read_fd(fd, &d, &err);
	close(fd);
	if (r < 0) {
		fprintf(stderr, "%s: %s\n", path, err_text(&err));
		return 1;
	}
	buf_init(&json, (size_t)1 << 30);
	buf_init(&shown, (size_t)1 << 30);
	r = dicom_write_json(d, &json);
	if (r == 0)
		r = template ? buf_put(&shown, json.data, json.len)
			     : dicom_json_render(buf_slice(&json), url, &shown);
	if (r == 0 && !quiet) {
		fwrite(shown.data, 1, shown.len, stdout);
		putchar('\n');
	}
	buf_fini(&json);
	buf_fini(&shown);
	dicom_free(d);
	if (r < 0)
		fprintf(stderr, "%s: JSON: %s\n", path, strerror(-r));
	return r < 0 ? 2 : 0;
}

int
main(int argc, char **argv)
{
	const char *url = NULL;
	bool template = false, quiet = false;
	int c, worst = 0, r;

	while ((c = getopt(argc, argv, "s:tq")) != -1)
		switch (c) {
		case 's':
			url = optarg;
			break;
		case 't':
			template = true;
			break;
		case 'q':
			quiet = true;
			break;
		default:
			fprintf(stderr, "usage: dump_json [-s URL | -t] [-q] FILE...\n");
			return 2;
		}
	for (; optind < argc; optind++) {
		r = dump(argv[optind], url, template, quiet);
		if (r > worst)
			worst = r;
	}
	return worst;
}
