/* What a DICOMDIR names: any bytes give names of files below it, and nothing else. */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "dicom/dicomdir.h"
#include "tests/fuzz/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char file[DICOMDIR_FILE_MAX];
	struct dicom *d;
	uint32_t i;
	int r = 0;

	if (dicom_read_mem(data, size, &d, NULL) < 0)
		return 0;
	for (i = 0; r != -ENOENT; i++) {
		r = dicomdir_file(d, i, file);
		check(r >= 0 || r == -EINVAL || r == -ENOENT, "a record has a file, none, a bad one, or is none");
		if (r <= 0)
			continue;
		check(file[0] != '\0' && file[0] != '/', "a name begins below the folder");
		check(strstr(file, "//") == NULL && strcmp(file, "..") != 0 && strncmp(file, "../", 3) != 0 &&
		      strstr(file, "/../") == NULL && (strlen(file) < 3 || strcmp(file + strlen(file) - 3, "/..") != 0),
		      "and stays there");
	}
	dicom_free(d);
	return 0;
}
