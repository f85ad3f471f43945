/* Bodies for tests that curl cannot make, and a reader of multipart replies that shares no
 * code with the one under test.
 *
 *	httpgen instance BYTES UID		a valid instance of about that size
 *	httpgen body COUNT BYTES ROOT		multipart/related (boundary "bound") of COUNT of them,
 *						ROOT.1, ROOT.2 ... in one series
 *	httpgen split CONTENT-TYPE DIR		parts of stdin as DIR/1.dcm and heads as DIR/1.head
 */
#include "config.h"	/* memmem */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned char header[4096];
static size_t header_len;

static void
put(const void *data, size_t len)
{
	memcpy(header + header_len, data, len);
	header_len += len;
}

static void
put_number(uint32_t n, unsigned bytes)
{
	unsigned i;

	for (i = 0; i < bytes; i++) {
		unsigned char c = (unsigned char)(n >> (8 * i));

		put(&c, 1);
	}
}

/* Explicit VR little endian, a short VR. */
static void
put_text(unsigned group, unsigned element, const char *vr, const char *value)
{
	size_t len = strlen(value), padded = (len + 1) & ~(size_t)1;

	put_number(group, 2);
	put_number(element, 2);
	put(vr, 2);
	put_number((uint32_t)padded, 2);
	put(value, len);
	if (padded > len)
		put(strcmp(vr, "UI") == 0 ? "\0" : " ", 1);
}

static void
put_short(unsigned group, unsigned element, unsigned value)
{
	put_number(group, 2);
	put_number(element, 2);
	put("US", 2);
	put_number(2, 2);
	put_number(value, 2);
}

static void
make_header(const char *uid, const char *root, uint32_t pixels)
{
	char study[80], series[80];
	size_t meta;

	snprintf(study, sizeof study, "%.60s.0.1", root);
	snprintf(series, sizeof series, "%.60s.0.2", root);
	header_len = 0;
	memset(header, 0, 128);
	header_len = 128;
	put("DICM", 4);
	put_number(0x0002, 2);
	put_number(0x0000, 2);
	put("UL", 2);
	put_number(4, 2);
	meta = header_len;
	put_number(0, 4);
	put_text(0x0002, 0x0002, "UI", "1.2.840.10008.5.1.4.1.1.7");
	put_text(0x0002, 0x0003, "UI", uid);
	put_text(0x0002, 0x0010, "UI", "1.2.840.10008.1.2.1");
	{
		size_t end = header_len;

		header_len = meta;
		put_number((uint32_t)(end - meta - 4), 4);
		header_len = end;
	}
	put_text(0x0008, 0x0016, "UI", "1.2.840.10008.5.1.4.1.1.7");
	put_text(0x0008, 0x0018, "UI", uid);
	put_text(0x0008, 0x0020, "DA", "20200102");
	put_text(0x0008, 0x0060, "CS", "OT");
	put_text(0x0010, 0x0010, "PN", "Generated^Test");
	put_text(0x0010, 0x0020, "LO", "GEN1");
	put_text(0x0020, 0x000d, "UI", study);
	put_text(0x0020, 0x000e, "UI", series);
	put_short(0x0028, 0x0002, 1);
	put_text(0x0028, 0x0004, "CS", "MONOCHROME2");
	put_short(0x0028, 0x0010, 1);
	put_short(0x0028, 0x0011, 1);
	put_short(0x0028, 0x0100, 8);
	put_short(0x0028, 0x0101, 8);
	put_short(0x0028, 0x0102, 7);
	put_short(0x0028, 0x0103, 0);
	put_number(0x7fe0, 2);
	put_number(0x0010, 2);
	put("OB", 2);
	put_number(0, 2);
	put_number(pixels, 4);
}

static int
write_instance(const char *uid, const char *root, uint64_t bytes)
{
	static unsigned char noise[65536];
	uint64_t pixels, left;
	size_t i;

	for (i = 0; noise[1] == 0 && i < sizeof noise; i++)
		noise[i] = (unsigned char)(i * 2654435761u >> 13);
	make_header(uid, root, 0);
	pixels = bytes > header_len ? (bytes - header_len) & ~(uint64_t)1 : 2;
	if (pixels > UINT32_MAX - 1)
		pixels = UINT32_MAX - 1;
	make_header(uid, root, (uint32_t)pixels);
	if (fwrite(header, 1, header_len, stdout) != header_len)
		return 1;
	for (left = pixels; left > 0; left -= i) {
		i = left < sizeof noise ? (size_t)left : sizeof noise;
		if (fwrite(noise, 1, i, stdout) != i)
			return 1;
	}
	return 0;
}

static int
write_body(unsigned long count, uint64_t bytes, const char *root)
{
	unsigned long i;
	char uid[80];

	for (i = 1; i <= count; i++) {
		snprintf(uid, sizeof uid, "%.50s.%lu", root, i);
		printf("%s--bound\r\nContent-Type: application/dicom\r\n\r\n", i > 1 ? "\r\n" : "");
		if (write_instance(uid, root, bytes) != 0)
			return 1;
	}
	printf("\r\n--bound--\r\n");
	return fflush(stdout) != 0;
}

static int
save(const char *dir, unsigned n, const char *suffix, const char *data, size_t len)
{
	char path[4096];
	FILE *f;
	int r;

	snprintf(path, sizeof path, "%s/%u.%s", dir, n, suffix);
	f = fopen(path, "wb");
	if (f == NULL)
		return 1;
	r = fwrite(data, 1, len, f) != len;
	return fclose(f) != 0 || r;
}

static int
split(const char *type, const char *dir)
{
	const char *b = strstr(type, "boundary=");
	char delimiter[128];
	char *data = NULL, *p, *end;
	size_t len = 0, cap = 0, n, d;
	unsigned part = 0;

	if (b == NULL)
		return 1;
	b += 9;
	n = *b == '"' ? strcspn(++b, "\"") : strcspn(b, "; \r\n");
	d = (size_t)snprintf(delimiter, sizeof delimiter, "\r\n--%.*s", (int)(n < 100 ? n : 100), b);
	do {
		if (cap - len < 1 << 20)
			data = realloc(data, cap = cap * 2 + (4 << 20));
		if (data == NULL)
			return 1;
		n = fread(data + len, 1, cap - len, stdin);
		len += n;
	} while (n > 0);
	end = data + len;
	/* The first delimiter has no line end before it. */
	if (len < d || memcmp(data, delimiter + 2, d - 2) != 0)
		return 1;
	p = data + d - 2;
	while (end - p >= 4 && memcmp(p, "--\r\n", 4) != 0) {
		char *head = p + 2, *body, *next;

		if (memcmp(p, "\r\n", 2) != 0)
			return 1;
		body = memmem(head, (size_t)(end - head), "\r\n\r\n", 4);
		next = body == NULL ? NULL : memmem(body + 4, (size_t)(end - body - 4), delimiter, d);
		if (next == NULL)
			return 1;
		part++;
		if (save(dir, part, "head", head, (size_t)(body - head)) != 0 ||
		    save(dir, part, "dcm", body + 4, (size_t)(next - body - 4)) != 0)
			return 1;
		p = next + d;
	}
	if (end - p != 4)
		return 1;
	printf("%u\n", part);
	free(data);
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "instance") == 0)
		return write_instance(argv[3], argv[3], strtoull(argv[2], NULL, 10)) || fflush(stdout) != 0;
	if (argc == 5 && strcmp(argv[1], "body") == 0)
		return write_body(strtoul(argv[2], NULL, 10), strtoull(argv[3], NULL, 10), argv[4]);
	if (argc == 4 && strcmp(argv[1], "split") == 0)
		return split(argv[2], argv[3]);
	fprintf(stderr, "usage: httpgen instance BYTES UID | body COUNT BYTES ROOT | split CONTENT-TYPE DIR\n");
	return 2;
}
