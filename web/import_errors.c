/* GET of the two queues, and of what lies in the error-container; its DELETE (contract 10). */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "web/handlers.h"
#include "web/import_path.h"
#include "web/params.h"
#include "web/reply.h"
#include "web/server.h"
#include "web/wado.h"

/* ------------------------------------------------------------ files ---- */

static void
http_date(int64_t ns, char text[40])
{
	time_t t = (time_t)(ns / 1000000000);
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(text, 40, "%a, %d %b %Y %H:%M:%S GMT", &tm);
}

/* As it is now: what is added to a queue meanwhile comes with the next request.  fd stays the caller's. */
static int
send_fd(struct request *rq, int fd, const char *type, struct err *err)
{
	char piece[16384], date[40];
	struct wado_span span;
	struct etag tag = { 0 };
	struct stat sb;
	ssize_t n;
	int r;

	if (fstat(fd, &sb) < 0)
		return err_set(err, -errno, "The file cannot be read: %s", strerror(errno));
	if (!S_ISREG(sb.st_mode))
		return err_set(err, -ENOENT, "No such file");
	snprintf(tag.text, sizeof tag.text, "%llx-%llx-%llx", (unsigned long long)sb.st_ino,
		 (unsigned long long)sb.st_size, (unsigned long long)clock_ns(sb.st_mtim));
	if (wado_has_current(rq, &tag))
		return 0;
	http_date(clock_ns(sb.st_mtim), date);
	reply_header(rq, "Last-Modified", "%s", date);
	r = wado_begin(rq, &tag, type, (uint64_t)sb.st_size, &span, err);
	if (r != 0)
		return r > 0 ? 0 : r;
	while (span.len > 0) {
		n = io_pread_all(fd, piece, span.len < sizeof piece ? (size_t)span.len : sizeof piece, span.first);
		if (n <= 0)
			return n < 0 ? (int)n : -ESTALE;
		r = reply_write(rq, piece, (size_t)n);
		if (r < 0)
			return r;
		span.first += (uint64_t)n;
		span.len -= (uint64_t)n;
	}
	return reply_end(rq);
}

int
import_queue_handle(struct request *rq, struct err *err)
{
	bool errors = route_id_of(rq->match.route) == ROUTE_ERROR_QUEUE;
	int fd, r = store_open_queue(rq->service->store, errors, &fd);

	if (r == -ENOENT) {
		/* Nothing was ever in it. */
		reply_body(rq, 200, "application/x-ndjson", "", 0);
		return 0;
	}
	if (r < 0)
		return err_set(err, r, "The queue cannot be read: %s", strerror(-r));
	r = send_fd(rq, fd, "application/x-ndjson", err);
	close(fd);
	return r;
}

int
import_error_handle(struct request *rq, struct err *err)
{
	char path[STORE_IMPORT_PATH_MAX + 1];
	size_t len;
	bool report;
	int fd, r = import_path(rq, path, err);

	if (r < 0)
		return r;
	r = store_open_refused(rq->service->store, path, &fd);
	if (r < 0)
		return err_set(err, r == -ENOTDIR || r == -ELOOP ? -ENOENT : r, "No such file in the error-container");
	len = strlen(path);
	report = len > strlen(STORE_IMPORT_REPORT) &&
		strcmp(path + len - strlen(STORE_IMPORT_REPORT), STORE_IMPORT_REPORT) == 0;
	r = send_fd(rq, fd, report ? REPLY_JSON : "application/octet-stream", err);
	close(fd);
	return r;
}

int
import_error_delete_handle(struct request *rq, struct err *err)
{
	char path[STORE_IMPORT_PATH_MAX + 1];
	int r = import_path(rq, path, err);

	if (r < 0)
		return r;
	r = store_remove_refused(rq->service->store, path);
	if (r == -ENOENT || r == -EISDIR || r == -EPERM)
		return err_set(err, -ENOENT, "No such file in the error-container");
	if (r < 0)
		return err_set(err, r, "The file cannot be removed: %s", strerror(-r));
	import_put_headers(rq);
	reply_empty(rq, 202);
	return 0;
}

/* ---------------------------------------------------------- listing ---- */

struct page {
	struct buf out;
	bool xml;
	uint64_t limit, n;
	bool more;
	char last[STORE_IMPORT_PATH_MAX + 64];
};

static void
put_xml(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++)
		switch (*text) {
		case '<':
			buf_puts(out, "&lt;");
			break;
		case '>':
			buf_puts(out, "&gt;");
			break;
		case '&':
			buf_puts(out, "&amp;");
			break;
		default:
			/* Others cannot be written in XML at all. */
			buf_putc(out, (unsigned char)*text < ' ' ? '?' : *text);
		}
}

static int
put_file(void *ctx, const char *path, uint64_t size, int64_t mtime)
{
	struct page *p = ctx;
	char date[40], when[CLOCK_TEXT_MAX];

	if (p->n == p->limit) {
		p->more = true;
		return 1;
	}
	if (p->xml) {
		http_date(mtime, date);
		buf_puts(&p->out, "<Blob><Name>");
		put_xml(&p->out, path);
		buf_printf(&p->out, "</Name><Properties><Last-Modified>%s</Last-Modified><Etag>0x%" PRIX64 "</Etag><Content-Length>%"
			   PRIu64 "</Content-Length><Content-Type>application/octet-stream</Content-Type>"
			   "<BlobType>BlockBlob</BlobType></Properties></Blob>", date, (uint64_t)mtime, size);
	} else {
		clock_format(mtime, when);
		buf_puts(&p->out, p->n > 0 ? ",\n{\"path\":" : "{\"path\":");
		buf_put_json_string(&p->out, path, strlen(path));
		buf_printf(&p->out, ",\"size\":%" PRIu64 ",\"lastModified\":\"%s\"}", size, when);
	}
	p->n++;
	snprintf(p->last, sizeof p->last, "%s", path);
	return buf_error(&p->out);
}

/* Azure's List Blobs, as far as a flat list goes; and JSON for everybody else. */
int
import_errors_handle(struct request *rq, struct err *err)
{
	struct page p = { .limit = LIMIT_ERRORS_DEFAULT };
	const char *comp, *after;
	struct uri_query query;
	int r = uri_parse_query(rq->raw_query, &query, err);

	if (r < 0)
		return r;
	comp = uri_query_find(&query, "comp");
	p.xml = comp != NULL && strcasecmp(comp, "list") == 0;
	after = uri_query_find(&query, p.xml ? "marker" : "after");
	r = param_number(&query, p.xml ? "maxresults" : "limit", 1, LIMIT_ERRORS, &p.limit, err);
	if (r == 0 && (uri_query_find(&query, "prefix") != NULL || uri_query_find(&query, "delimiter") != NULL))
		r = err_set(err, -EINVAL, "prefix and delimiter are not supported");
	if (r < 0)
		return r;
	buf_init(&p.out, LIMIT_LIST);
	buf_puts(&p.out, p.xml ? "<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults ContainerName=\"error-container\"><Blobs>" :
		 "[");
	r = store_list_refused(rq->service->store, after != NULL ? after : "", put_file, &p);
	if (r >= 0 && p.xml) {
		buf_puts(&p.out, "</Blobs><NextMarker>");
		put_xml(&p.out, p.more ? p.last : "");
		buf_puts(&p.out, "</NextMarker></EnumerationResults>");
		import_put_headers(rq);
	} else if (r >= 0) {
		buf_puts(&p.out, "]\n");
	}
	if (r >= 0)
		r = reply_buf(rq, 200, p.xml ? "application/xml" : REPLY_JSON, &p.out);
	if (r < 0)
		err_set(err, r, "The error-container cannot be listed: %s", strerror(-r));
	buf_fini(&p.out);
	return r;
}
