/* err.h: why something failed, said once where the cause is known.
 *
 * A function whose failure a person must understand takes a struct err last;
 * NULL is fine.  The door logs it and turns it into its own language.  The
 * text is one sentence without a full stop, in UTF-8, and never holds a
 * patient's name, identifier or date.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdint.h>

struct err {
	int num;		/* negative errno; 0 when nothing was set */
	uint16_t reason;	/* DICOM failure reason (0008,1197), 0 if none */
	uint32_t tag;		/* the attribute at fault, 0 if none */
	char text[320];
};

void err_clear(struct err *e);
/* Each returns num, so that a caller can `return err_set(...)`. */
int  err_set(struct err *e, int num, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
int  err_set_dicom(struct err *e, int num, uint16_t reason, uint32_t tag, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
/* Put "prefix: " before the text that is there. */
void err_prefix(struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* The text, or strerror of num when none was set; never NULL. */
const char *err_text(const struct err *e);

#endif
