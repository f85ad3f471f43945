/* date.h: the forms of dates and times (PS3.5 6.2: DA, TM, DT; without ranges, offsets and padding). */
#ifndef DICOM_DATE_H
#define DICOM_DATE_H

#include <stdbool.h>
#include <stddef.h>

/* YYYYMMDD, a day there is. */
bool date_is_valid(const char *s, size_t len);
/* HH, HHMM, HHMMSS, HHMMSS.F to .FFFFFF; a leap second passes. */
bool time_is_valid(const char *s, size_t len);
/* YYYY and on, two digits at a time, then as a time. */
bool date_time_is_valid(const char *s, size_t len);

/* month from 1 to 12 */
unsigned date_days_in_month(unsigned year, unsigned month);

#endif
