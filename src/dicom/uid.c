#include "dicom/uid.h"

bool
uid_is_valid(const char *uid, size_t len)
{
	size_t i;

	if (len < 1 || len > UID_MAX)
		return false;
	for (i = 0; i < len; i++)
		if (uid[i] != '.' && (uid[i] < '0' || uid[i] > '9'))
			return false;
	return uid[len - 1] != '.';
}
