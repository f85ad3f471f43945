/* change_json.h: an entry of the change feed as JSON (contract 12.2), the same at every door. */
#ifndef STORE_CHANGE_JSON_H
#define STORE_CHANGE_JSON_H

#include "base/buf.h"
#include "store/store.h"

void change_put_json(const struct change_entry *entry, struct buf *out);

#endif
