/* Deflated Image Frame Compression (PS3.5 A.4.13): each frame a raw deflate stream. */
#include <errno.h>

#include <zlib.h>

#include "pixel/codec.h"

int
deflate_decode(const void *data, size_t len, struct pixel_frame *frame, struct err *err)
{
	z_stream z = { 0 };
	int r;

	if (len > UINT32_MAX)
		return err_set(err, -EFBIG, "the deflated frame is too long");
	if (inflateInit2(&z, -MAX_WBITS) != Z_OK)
		return err_set(err, -ENOMEM, "out of memory");
	z.next_in = (unsigned char *)data;
	z.avail_in = (unsigned)len;
	z.next_out = frame->data;
	z.avail_out = (unsigned)frame->len;
	r = inflate(&z, Z_FINISH);
	inflateEnd(&z);
	/* Z_BUF_ERROR: there is more than a frame, a byte of padding for one */
	if (z.avail_out > 0 || (r != Z_STREAM_END && r != Z_BUF_ERROR && r != Z_OK))
		return err_set(err, -EBADMSG, "the deflated frame is damaged or ends before its last pixel");
	return 0;
}
