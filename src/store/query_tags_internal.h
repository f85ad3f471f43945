/* query_tags_internal.h: what query_tag_spec.c does for query_tags.c. */
#ifndef STORE_QUERY_TAGS_INTERNAL_H
#define STORE_QUERY_TAGS_INTERNAL_H

#include "store/internal.h"
#include "store/query_tags.h"

/* A keyword or 8 hexadecimal digits.  -EINVAL. */
int  query_tag_parse_path(const char *path, uint32_t *ret_tag, struct err *err);
/* Its tag, level, VR and creator; the rest of *ret_tag is left as it is.  -EINVAL. */
int  query_tag_parse(const struct query_tag_spec *spec, struct query_tag *ret_tag, struct err *err);

#endif
