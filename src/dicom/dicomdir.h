/* dicomdir.h: the files that a DICOMDIR names (PS3.3 F, PS3.10 8).
 *
 * Threads: no state.
 */
#ifndef DICOM_DICOMDIR_H
#define DICOM_DICOMDIR_H

#include <stdbool.h>
#include <stdint.h>

#include "dicom/dicom.h"

/* Eight components of eight characters are allowed; makers of media go further. */
#define DICOMDIR_FILE_MAX 1024

/* Is it one?  Its Directory Record Sequence is in nothing else. */
bool dicomdir_is(const struct dicom *d);
/* The file of directory record i, its components with slashes between them.  1: it has one; 0: it has none, as
 * those of patients and studies; -EINVAL: what it has can be no file's below the DICOMDIR; -ENOENT: there is
 * no such record. */
int  dicomdir_file(const struct dicom *d, uint32_t i, char file[DICOMDIR_FILE_MAX]);

#endif
