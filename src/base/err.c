#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void
err_clear(struct err *e)
{
	if (e != NULL)
		*e = (struct err){ 0 };
}

int
err_set(struct err *e, int num, const char *fmt, ...)
{
	va_list ap;

	if (e == NULL)
		return num;
	e->num = num;
	e->reason = 0;
	e->tag = 0;
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof e->text, fmt, ap);
	va_end(ap);
	return num;
}

int
err_set_dicom(struct err *e, int num, uint16_t reason, uint32_t tag, const char *fmt, ...)
{
	va_list ap;

	if (e == NULL)
		return num;
	e->num = num;
	e->reason = reason;
	e->tag = tag;
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof e->text, fmt, ap);
	va_end(ap);
	return num;
}

void
err_prefix(struct err *e, const char *fmt, ...)
{
	char head[sizeof e->text], whole[2 * sizeof e->text + 3];
	va_list ap;

	if (e == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(head, sizeof head, fmt, ap);
	va_end(ap);
	snprintf(whole, sizeof whole, "%s: %s", head, err_text(e));
	memcpy(e->text, whole, sizeof e->text - 1);
	e->text[sizeof e->text - 1] = '\0';
}

const char *
err_text(const struct err *e)
{
	if (e->text[0] != '\0')
		return e->text;
	return e->num < 0 ? strerror(-e->num) : "no error";
}
