/* services.h: several stores in one mount.
 *
 *   /                                     the root, and what is above the services, are one struct fs without a store
 *   /AHDS/<workspace>/dicom
 *   /AHDS/<workspace>/dicom/<service>     each of these, and all below, is of one store
 *   /AHDS_<workspace>-<service>
 *
 * Each store's number is in its nodes (tree.h).  It is kept in its index, so that it stays whatever other stores there are; only
 * when stores meet that got the same number apart from each other, one gets another.
 *
 * Threads: those that answer the kernel, but for services_number and services_join, which come before.
 */
#ifndef FS_SERVICES_H
#define FS_SERVICES_H

#include <sys/statvfs.h>

#include "fs/private.h"

/* See to it that each has a number of its own. */
int  services_number(struct store *const *stores, size_t n, struct err *err);
/* Put m->services, who have their trees, below m->upper, whose tree is this made. */
int  services_join(struct mount *m, struct err *err);

/* Of all their disks together. */
int  services_statvfs(const struct mount *m, struct statvfs *ret_sv);
int  services_sync(const struct mount *m);

#endif
