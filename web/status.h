/* status.h: errors as HTTP statuses.  Nowhere else (contract 0.4). */
#ifndef WEB_STATUS_H
#define WEB_STATUS_H

/* num is a negative errno of a store verb or of this folder. */
int status_of(int num);
/* "Not Found"; never NULL. */
const char *status_phrase(int status);

#endif
