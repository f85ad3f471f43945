#include "dicom/dicomdir.h"

#include <errno.h>
#include <string.h>

#define TAG_DIRECTORY_RECORD_SEQUENCE 0x00041220
#define TAG_REFERENCED_FILE_ID 0x00041500

bool
dicomdir_is(const struct dicom *d)
{
	return dicom_find(d, TAG_DIRECTORY_RECORD_SEQUENCE) != NULL;
}

/* One component of a file ID: not empty, no way up, nothing that ends a name. */
static bool
is_component(const char *p, size_t len)
{
	return len > 0 && memchr(p, '/', len) == NULL && memchr(p, '\0', len) == NULL &&
		!(len == 1 && p[0] == '.') && !(len == 2 && p[0] == '.' && p[1] == '.');
}

int
dicomdir_file(const struct dicom *d, uint32_t i, char file[DICOMDIR_FILE_MAX])
{
	const struct dataset *record = dicom_item(dicom_top(d), TAG_DIRECTORY_RECORD_SEQUENCE, i);
	const struct dicom_element *id;
	const char *p, *end, *next;
	size_t used = 0, len;

	if (record == NULL)
		return -ENOENT;
	id = dicom_find_in(record, TAG_REFERENCED_FILE_ID);
	if (id == NULL || id->value.data == NULL || id->value.len == 0)
		return 0;
	p = id->value.data;
	for (end = p + id->value.len; p <= end; p = next + 1) {
		next = memchr(p, '\\', (size_t)(end - p));
		if (next == NULL)
			next = end;
		/* PS3.5 6.2: CS is padded with spaces, which do not count */
		for (len = (size_t)(next - p); len > 0 && (p[len - 1] == ' ' || p[len - 1] == '\0'); len--)
			;
		for (; len > 0 && *p == ' '; len--)
			p++;
		if (!is_component(p, len) || used + len + 2 > DICOMDIR_FILE_MAX)
			return -EINVAL;
		if (used > 0)
			file[used++] = '/';
		memcpy(file + used, p, len);
		used += len;
		file[used] = '\0';
	}
	return 1;
}
