#include "web/status.h"

#include <errno.h>
#include <stddef.h>

int
status_of(int num)
{
	switch (num) {
	case 0:
		return 200;
	case -EINVAL:
	case -EBADMSG:
	case -ECONNRESET:	/* the client left in the middle of its body */
		return 400;
	case -EACCES:
		return 403;
	case -ENOENT:
		return 404;
	case -ENOTSUP:		/* a representation that cannot be given */
		return 406;
	case -ETIMEDOUT:
		return 408;
	case -EEXIST:
	case -EBUSY:		/* an operation that excludes this one runs */
		return 409;
	case -EFBIG:
		return 413;
	case -E2BIG:		/* query or path */
		return 414;
	case -EPROTONOSUPPORT:
		return 415;
	case -ERANGE:
		return 416;
	case -ESTALE:		/* the backing file was changed or removed */
		return 424;
	case -ENOSPC:
	case -EDQUOT:
	case -EROFS:
	case -EAGAIN:
	case -ENOMEM:
	case -EMFILE:
	case -ENFILE:
	case -EIO:
		return 503;
	default:
		return 500;
	}
}

const char *
status_phrase(int status)
{
	static const struct {
		int status;
		const char *phrase;
	} phrases[] = {
		{ 200, "OK" },
		{ 201, "Created" },
		{ 202, "Accepted" },
		{ 204, "No Content" },
		{ 206, "Partial Content" },
		{ 304, "Not Modified" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 406, "Not Acceptable" },
		{ 408, "Request Timeout" },
		{ 409, "Conflict" },
		{ 411, "Length Required" },
		{ 412, "Precondition Failed" },
		{ 413, "Content Too Large" },
		{ 414, "URI Too Long" },
		{ 415, "Unsupported Media Type" },
		{ 416, "Range Not Satisfiable" },
		{ 417, "Expectation Failed" },
		{ 424, "Failed Dependency" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" },
		{ 503, "Service Unavailable" },
		{ 505, "HTTP Version Not Supported" },
	};
	size_t i;

	for (i = 0; i < sizeof phrases / sizeof *phrases; i++)
		if (phrases[i].status == status)
			return phrases[i].phrase;
	return status < 400 ? "OK" : "Error";
}
