#include "dicom/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Longest text that is tried: DS has 16 bytes, files are not always right. */
#define TEXT_MAX 64

size_t
number_put_unsigned(char *to, uint64_t n)
{
	char digits[20];
	size_t i = sizeof digits, len;

	do
		digits[--i] = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	len = sizeof digits - i;
	memcpy(to, digits + i, len);
	return len;
}

size_t
number_put_signed(char *to, int64_t n)
{
	if (n >= 0)
		return number_put_unsigned(to, (uint64_t)n);
	*to = '-';
	return 1 + number_put_unsigned(to + 1, -(uint64_t)n);
}

/* m / 10^places */
static size_t
put_fixed(char *to, uint64_t m, int places)
{
	char digits[24];
	size_t n = number_put_unsigned(digits, m), len = 0;

	if ((size_t)places >= n) {
		to[len++] = '0';
		if (places > 0)
			to[len++] = '.';
		memset(to + len, '0', (size_t)places - n);
		len += (size_t)places - n;
		memcpy(to + len, digits, n);
		return len + n;
	}
	memcpy(to, digits, n - (size_t)places);
	len = n - (size_t)places;
	if (places > 0) {
		to[len++] = '.';
		memcpy(to + len, digits + n - places, (size_t)places);
		len += (size_t)places;
	}
	return len;
}

/* The fewest decimals m/10^k that give d back.  Exact: both are integers below
 * 2^53 and a power of ten up to 10^15, so one division rounds as reading the text does. */
static size_t
put_decimal(char *to, double d, bool is_float)
{
	static const double power[] = {
		1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15
	};
	double a = fabs(d), m;
	size_t n = 0;
	int k;

	if (a != 0 && (a < 1e-5 || a >= 9e15))
		return 0;
	for (k = 0; k < 16; k++) {
		m = a * power[k];
		if (m > 9e15)
			return 0;
		m = (double)(uint64_t)(m + 0.5);
		if (is_float ? (float)(m / power[k]) == (float)a : m / power[k] == a) {
			if (signbit(d))
				to[n++] = '-';
			return n + put_fixed(to + n, (uint64_t)m, k);
		}
	}
	return 0;
}

/* The fewest digits that read back as the same number, `single` as a float. */
static size_t
put_shortest(char *to, double d, bool single)
{
	char text[40];	/* what %.17g can need at most, as gcc counts it */
	int digits, most = single ? 9 : 17;
	size_t n;

	if (!isfinite(d))
		return 0;
	n = put_decimal(to, d, single);
	if (n > 0)
		return n;
	for (digits = single ? 6 : 15; digits <= most; digits++) {
		snprintf(text, sizeof text, "%.*g", digits, d);
		if (single ? strtof(text, NULL) == (float)d : strtod(text, NULL) == d)
			break;
	}
	n = strlen(text);
	memcpy(to, text, n);
	return n;
}

size_t
number_put_double(char *to, double d)
{
	return put_shortest(to, d, false);
}

size_t
number_put_float(char *to, float f)
{
	return put_shortest(to, (double)f, true);
}

static size_t
digits_at(const char *p, const char *end)
{
	const char *q = p;

	while (q < end && *q >= '0' && *q <= '9')
		q++;
	return (size_t)(q - p);
}

size_t
number_put_text(char *to, const char *text, size_t len)
{
	const char *p = text, *end = text + len;
	size_t whole, part, n = 0;
	bool large;

	while (p < end && *p == ' ')
		p++;
	while (end > p && end[-1] == ' ')
		end--;
	if (p == end || end - p > TEXT_MAX)
		return 0;
	if (*p == '-')
		to[n++] = '-';
	if (*p == '-' || *p == '+')
		p++;
	whole = digits_at(p, end);
	while (whole > 1 && *p == '0') {
		p++;
		whole--;
	}
	if (whole > 0)
		memcpy(to + n, p, whole);
	else
		to[n] = '0';
	n += whole > 0 ? whole : 1;
	p += whole;
	part = 0;
	if (p < end && *p == '.') {
		part = digits_at(++p, end);
		if (part > 0) {
			to[n++] = '.';
			memcpy(to + n, p, part);
			n += part;
		}
		p += part;
	}
	if (whole + part == 0)
		return 0;
	large = whole > 300;
	if (p < end && (*p == 'e' || *p == 'E')) {
		size_t exponent;

		to[n++] = 'e';
		p++;
		if (p < end && (*p == '-' || *p == '+')) {
			if (*p == '-')
				to[n++] = '-';
			p++;
		}
		exponent = digits_at(p, end);
		if (exponent == 0)
			return 0;
		memcpy(to + n, p, exponent);
		n += exponent;
		p += exponent;
		large = true;
	}
	if (p != end)
		return 0;
	if (large) {
		char copy[TEXT_MAX + 2];

		memcpy(copy, to, n);
		copy[n] = '\0';
		if (!isfinite(strtod(copy, NULL)))
			return 0;
	}
	return n;
}

bool
number_parse(const char *text, size_t len, double *ret_number)
{
	char clean[TEXT_MAX + 2];
	size_t n;

	while (len > 0 && *text == ' ') {
		text++;
		len--;
	}
	while (len > 0 && text[len - 1] == ' ')
		len--;
	if (len > TEXT_MAX)
		return false;
	n = number_put_text(clean, text, len);
	if (n == 0)
		return false;
	clean[n] = '\0';
	*ret_number = strtod(clean, NULL);
	return true;
}
