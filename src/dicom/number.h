/* number.h: numbers as JSON writes them (RFC 8259), and back.
 *
 * The C locale is assumed: nothing in the program calls setlocale.
 */
#ifndef DICOM_NUMBER_H
#define DICOM_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room for any number printed here. */
#define NUMBER_TEXT_MAX 32

/* Each returns the length; no NUL is put. */
size_t number_put_unsigned(char *to, uint64_t n);
size_t number_put_signed(char *to, int64_t n);
/* The shortest text that reads back as the same value; 0 for NaN and infinity. */
size_t number_put_double(char *to, double d);
size_t number_put_float(char *to, float f);

/* DS or IS text, spaces around it allowed, as a JSON number: "+120", ".5",
 * "007" and "500." are mended.  to has room for len + 1.  0 when it is no number, or
 * one that no double can hold. */
size_t number_put_text(char *to, const char *text, size_t len);
/* The value of such a text. */
bool number_parse(const char *text, size_t len, double *ret_number);

#endif
