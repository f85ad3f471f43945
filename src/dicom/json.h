/* json.h: stored DICOM JSON templates, and how a door shows them.
 *
 * The index keeps the JSON of each instance once, for dialects that differ in
 * what they say of bulk values (VR OB OD OF OL OV OW UN): Azure's leaves them
 * out at every level, PS3.18's gives an InlineBinary or a BulkDataURI.  So a
 * template is DICOM JSON in which each member that only some doors show
 * stands between the bytes 01 and 02, its comma included; JSON itself never
 * holds those bytes.  Where the URL of the instance is to be put, it has 03.
 *
 *   hide:  drop everything between 01 and 02
 *   show:  drop the marks alone, put the instance's URL for 03
 *
 * Both leave valid JSON.  Spans do not nest: inside one the data set is shown
 * or hidden whole.
 */
#ifndef DICOM_JSON_H
#define DICOM_JSON_H

#include "base/buf.h"
#include "base/slice.h"

#define JSON_SPAN_OPEN	'\001'
#define JSON_SPAN_CLOSE	'\002'
#define JSON_URL	'\003'

/* Append the template to out: hidden when instance_url is NULL, else shown with
 * that URL (no slash at its end; escaped here as JSON wants).  -EBADMSG: a span
 * does not end; out then holds what came before. */
int dicom_json_render(struct slice template, const char *instance_url, struct buf *out);

/* Find the member of the (rendered or template) top-level object with this
 * tag.  *ret_value is the text of its value, {"vr":...}, inside json.
 * -ENOENT; -EBADMSG json is not an object. */
int dicom_json_find(struct slice json, uint32_t tag, struct slice *ret_value);
/* The same for several tags asked in ascending order, in one pass: *pos is 0 at
 * first and belongs to this function between the calls. */
int dicom_json_find_next(struct slice json, size_t *pos, uint32_t tag, struct slice *ret_value);

/* Call fn with each member of the top-level object whose name is a tag, in their order, until it
 * returns non-zero, which is returned.  -EBADMSG. */
int dicom_json_each(struct slice json, int (*fn)(void *ctx, uint32_t tag, struct slice element), void *ctx);
/* The VR of {"vr":..}; 0 when it has none. */
uint16_t dicom_json_vr(struct slice element);

/* Call fn with the text of each member of "Value" of {"vr":..,"Value":[..]}, until it returns
 * non-zero, which is returned.  0 also when there is none; -EBADMSG. */
int dicom_json_values(struct slice element, int (*fn)(void *ctx, struct slice value), void *ctx);
/* The texts of all of them, a backslash between two (as in a file). */
int dicom_json_texts(struct slice element, struct buf *out);
/* Append one such value as dicom_text gives it: a string without its escapes, the
 * groups of a person name with '=' between them, a number as it is written; nothing of a data set. */
int dicom_json_text(struct slice value, struct buf *out);

#endif
