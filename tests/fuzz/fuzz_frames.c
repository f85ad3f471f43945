/* Any file that the reader takes: its frames lie inside it, every one can be
 * read, and whatever it says of grey levels and tables is answered. */
#include "config.h"	/* memfd_create is an extension */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dicom/frames.h"
#include "tests/fuzz/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Frames looked at from either end, and the most bytes of one. */
#define LOOK 4
#define READ_MAX (1 << 20)

static void
look(const struct frames *f, int fd, size_t size, uint32_t n)
{
	uint64_t length = frames_length(f, n);
	struct frame_piece piece;
	uint32_t i;
	void *p;

	for (i = 0; frames_piece(f, n, i, &piece); i++)
		check(piece.offset <= size && piece.length <= size - piece.offset, "a piece lies in the file");
	check(length <= (uint64_t)size + 1, "a frame is no longer than the file");
	if (length == 0 || length > READ_MAX)
		return;
	p = malloc((size_t)length);
	check(p != NULL && frames_read(f, fd, n, p) == 0, "a frame can be read");
	free(p);
}

static void
ask(const struct dicom *d, int fd, size_t size)
{
	struct frames *f = NULL;
	struct image_grey grey;
	struct image_lut lut;
	struct image image;
	struct err err = { 0 };
	int kind;
	uint32_t n;

	for (kind = IMAGE_MODALITY_LUT; kind <= IMAGE_BLUE; kind++)
		if (image_read_lut(d, fd, (enum image_lut_kind)kind, kind & 1, &lut) == 0) {
			check(lut.count >= 1 && lut.count <= 65536, "a table has entries");
			free(lut.data);
		}
	if (image_describe(d, &image, &err) < 0) {
		check(err.text[0] != '\0', "a refusal says why");
		return;
	}
	if (frames_open(d, fd, &image, &f, &err) < 0) {
		check(err.text[0] != '\0', "a refusal says why");
		return;
	}
	check(frames_count(f) <= image.frames, "no more frames than it says");
	for (n = 0; n < frames_count(f); n++) {
		if (n >= LOOK && n + LOOK < frames_count(f))
			continue;
		look(f, fd, size, n);
		image_grey(d, n, &grey);
		check(grey.slope != 0, "a slope is not zero");
	}
	frames_free(f);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dicom *d = NULL;
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	check(fd >= 0 && write(fd, data, size) == (ssize_t)size, "a file can be made");
	if (dicom_read_fd(fd, &d, NULL) == 0) {
		ask(d, fd, size);
		dicom_free(d);
	}
	close(fd);
	return 0;
}
