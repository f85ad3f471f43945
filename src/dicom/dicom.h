/* dicom.h: one parsed Part 10 file (PS3.10): its data set without its bulk.
 *
 * dicom_read_* goes through the whole structure once, to the end of the file,
 * and keeps the values of everything but bulk: values of VR OB OD OF OL OV OW
 * UN longer than DICOM_INLINE_MAX, and encapsulated pixel data, are skipped
 * over and known by offset and length only.  So memory is bounded by the size
 * of the header, which itself is bounded (limits in dicom.c's table), and a
 * 2 GB file costs no more than a small one.  Deflated data sets are inflated
 * in a stream under the same limits.
 *
 * All of the bytes are foreign: nothing about them is asserted.
 *
 * Errors:  -EBADMSG not a Part 10 file or broken (reason 43264); -EFBIG a limit
 *          was passed (reason 43264); -EINVAL not a regular file; -EIO, -ENOMEM.
 *          -EBADMSG also when the file ends before its data set does, or when
 *          native pixel data are shorter than their length says.
 *          Bytes after the data set are broken too, unless zeros (some archives pad).
 * Threads: a struct dicom is read-only after dicom_read_* (and validate.h's
 *          dicom_check_values) and may be shared.
 */
#ifndef DICOM_DICOM_H
#define DICOM_DICOM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "dicom/tag.h"
#include "dicom/uid.h"

/* Bulk values up to this many bytes are kept (and written inline in JSON at
 * doors that show bulk data). */
#define DICOM_INLINE_MAX 256

struct dicom;				/* opaque */

struct dicom_element {
	uint32_t tag;
	uint16_t vr;			/* explicit, or the dictionary's, or UN */
	bool encapsulated;		/* pixel data in fragments */
	uint8_t header;			/* bytes of tag, VR and length right before the value */
	uint64_t offset;		/* of the value, from the start of the file;
					 * 0 when it lies in a deflated data set */
	uint64_t length;		/* of the value; of all fragments with their
					 * item headers when encapsulated */
	struct slice value;		/* raw bytes as in the file, lives as long as the
					 * struct dicom; data is NULL when not kept, and
					 * for VR SQ; when empty it is not NULL */
};

/* The file is read with pread only, from offset 0 to its current end. */
int  dicom_read_fd(int fd, struct dicom **ret_dicom, struct err *err);
int  dicom_read_mem(const void *data, size_t len, struct dicom **ret_dicom, struct err *err);
void dicom_free(struct dicom *d);	/* NULL is fine */

/* The transfer syntax UID as the file meta information names it, trimmed. */
const char *dicom_xfer_uid(const struct dicom *d);
bool dicom_is_implicit(const struct dicom *d);
/* Offset of the first byte of the data set (after group 0002). */
uint64_t dicom_data_set_offset(const struct dicom *d);

/* Big endian, which the encapsulated never is. */
bool dicom_is_big_endian(const struct dicom *d);
/* The data set lies in a deflate stream, so its elements have no offsets. */
bool dicom_is_deflated(const struct dicom *d);
/* Bytes that d holds in memory. */
size_t dicom_memory(const struct dicom *d);

/* An element of the top-level data set, NULL when absent.  The last one wins
 * when a broken file repeats a tag. */
const struct dicom_element *dicom_find(const struct dicom *d, uint32_t tag);
/* Elements of the top-level data set in ascending order of tag. */
size_t dicom_count(const struct dicom *d);
const struct dicom_element *dicom_at(const struct dicom *d, size_t i);

/* Items of a sequence, each read like a data set of its own; borrowed.  NULL
 * when there is no such item or el is no sequence. */
struct dataset;
const struct dataset *dicom_top(const struct dicom *d);
const struct dicom_element *dicom_find_in(const struct dataset *ds, uint32_t tag);
const struct dataset *dicom_item(const struct dataset *ds, uint32_t sequence, uint32_t i);
/* Value i of a numeric element, -ENOENT (also past the last), -EINVAL. */
int  dicom_number_in(const struct dataset *ds, uint32_t tag, uint32_t i, double *ret_number);

/* Append the values of a top-level element as UTF-8 text: character set
 * undone, padding trimmed, values separated by `\`, binary numbers (US, FD,
 * AT ...) in decimal or 8 hex digits.  Returns the number of values (0: present and empty);
 * -ENOENT absent; -EINVAL a sequence or bulk. */
int  dicom_text(const struct dicom *d, uint32_t tag, struct buf *out);
/* The first value only, as a C string cut to fit; the same returns. */
int  dicom_text_first(const struct dicom *d, uint32_t tag, char *text, size_t size);
/* First value of a numeric element (US SS UL SL IS DS ...), -ENOENT, -EINVAL. */
int  dicom_number(const struct dicom *d, uint32_t tag, double *ret_number);

/* The DICOM JSON model (PS3.18 annex F, contract 0.5) of the whole data set,
 * one object, as a template (json.h).  Always valid JSON, whatever the file. */
int  dicom_write_json(const struct dicom *d, struct buf *out);
/* {"vr":..,"Value":..} of one top-level element, plain JSON; bulk gives {"vr":..}.
 * -ENOENT absent. */
int  dicom_write_json_element(const struct dicom *d, uint32_t tag, struct buf *out);

#endif
