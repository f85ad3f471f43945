/* change_json.h: an entry of the change feed as JSON (contract 12.2). */
#ifndef WEB_CHANGE_JSON_H
#define WEB_CHANGE_JSON_H

#include "base/buf.h"
#include "store/store.h"

void change_put_json(const struct change_entry *entry, struct buf *out);

#endif
