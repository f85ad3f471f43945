/* file_watch.h: following what others do to the files of a store (contract 11.7).
 *
 * A file that appears below the data directory is indexed, where it lies or at the place its UIDs say;
 * one that was changed there is a new version; the instance of one that vanished is deleted.
 * Beginning with what happened before, all without asking, a second after it was done.  What cannot be
 * indexed stays where it is, and is in the error-queue.
 */
#ifndef STORE_FILE_WATCH_H
#define STORE_FILE_WATCH_H

#include "store/store.h"

struct file_watch;

/* By a thread of its own. */
int  file_watch_start(struct store *st, struct file_watch **ret_watch, struct err *err);
void file_watch_stop(struct file_watch *watch);		/* before the store; NULL is fine */

#endif
