/* Any bytes as a code stream of any syntax, for a frame of any small format:
 * decoded to exactly the cells of the format, or refused with a sentence; what was decoded
 * can be shown, and encoded again where nothing is lost. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pixel/pixel.h"
#include "tests/fuzz/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The head of an input, before the code stream. */
enum { SYNTAX, ROWS, COLUMNS, SAMPLES, BITS, STORED, FLAGS, COLOR, HEAD };

static const char *const syntaxes[] = {
	"1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.80",
	"1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.8.1",
};
#define N(a) (sizeof (a) / sizeof *(a))

static void
show(const struct pixel_frame *frame)
{
	static const uint16_t entries[] = { 0, 300, 65535 };
	const struct pixel_lut lut = { N(entries), -1, 16, entries };
	struct pixel_view view = {
		.slope = 1, .palette = { &lut, &lut, &lut }, .fit_width = 5, .fit_height = 7, .flip_x = true,
	};
	struct pixel_picture picture;
	struct err err = { 0 };
	struct buf out;

	if (pixel_render(frame, &view, &picture, &err) < 0) {
		check(err.text[0] != '\0', "a refusal says why");
		return;
	}
	check(picture.width <= 5 && picture.height <= 7, "a picture fits");
	buf_init(&out, 1 << 20);
	check(pixel_write_jpeg(&picture, 50, &out, &err) == 0, "a picture can be written as JPEG");
	check(pixel_write_png(&picture, &out, &err) == 0, "a picture can be written as PNG");
	buf_fini(&out);
	pixel_picture_fini(&picture);
}

static void
encode_again(const struct pixel_frame *frame)
{
	static const char *const lossless[] = { "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.5" };
	struct pixel_frame again;
	struct pixel_format format;
	struct err err = { 0 };
	struct buf out;
	size_t i;

	buf_init(&out, 64 << 20);
	for (i = 0; i < N(lossless); i++) {
		buf_reset(&out);
		if (pixel_encode(lossless[i], frame, 0, &out, &format, &err) < 0)
			continue;
		if (pixel_decode(lossless[i], &format, out.data, out.len, &again, &err) < 0) {
			fprintf(stderr, "%s: %s\n", lossless[i], err.text);
			check(0, "what is encoded can be decoded");
		}
		if (!frame->format.planar && (again.len != frame->len || memcmp(again.data, frame->data, again.len) != 0)) {
			fprintf(stderr, "%s: ", lossless[i]);
			check(0, "nothing is lost");
		}
		pixel_frame_fini(&again);
	}
	buf_fini(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pixel_format format;
	struct pixel_frame frame;
	struct err err = { 0 };
	int r;

	if (size < HEAD)
		return 0;
	format = (struct pixel_format){
		.rows = data[ROWS], .columns = data[COLUMNS], .samples = data[SAMPLES] % 5,
		.bits_allocated = data[BITS] == 1 ? 1 : data[BITS] % 5 * 8,
		.bits_stored = data[STORED] % 65, .high_bit = (data[STORED] % 65) - 1u,
		.is_signed = data[FLAGS] & 1, .planar = data[FLAGS] & 2,
		.color = (enum pixel_color)(data[COLOR] % (PIXEL_YBR_ICT + 1)),
	};
	/* as image_describe has it */
	if (format.bits_stored == 0 || format.bits_stored > format.bits_allocated) {
		format.bits_stored = format.bits_allocated;
		format.high_bit = format.bits_stored - 1;
	}
	r = pixel_decode(syntaxes[data[SYNTAX] % N(syntaxes)], &format, data + HEAD, size - HEAD, &frame, &err);
	if (r < 0) {
		check(err.num == r && err.text[0] != '\0', "a refusal says why");
		return 0;
	}
	check(frame.len == pixel_frame_size(&frame.format), "a frame has the size of its format");
	show(&frame);
	/* bits beyond those stored may be anything but, for RLE of single bits, padding */
	if (format.bits_allocated > 1 || format.rows * format.columns % 8 == 0)
		encode_again(&frame);
	pixel_frame_fini(&frame);
	return 0;
}
