/* json_input.h: JSON that clients send (contract 0.4): comments and trailing commas are tolerated, names of
 * members compare without regard to case.
 *
 * All of it is foreign.  Threads: as the request.
 */
#ifndef WEB_JSON_INPUT_H
#define WEB_JSON_INPUT_H

#include <jansson.h>

#include "web/request.h"

/* Overwrite with spaces what JSON does not have: comments, and commas before a closing bracket. */
void json_relax(char *text, size_t len);
/* The body of a request, of type application/json.  The caller owns *ret_json.  -EPROTONOSUPPORT another type;
 * -EFBIG past LIMIT_JSON; -EINVAL not JSON. */
int  json_read_body(struct request *rq, json_t **ret_json, struct err *err);
/* A member of an object, by its name without regard to case; borrowed.  NULL: absent, null, or no object. */
json_t *json_member(json_t *object, const char *name);
/* Likewise; *ret_value is NULL when it is absent.  -EINVAL: it is no object, or array. */
int  json_member_object(json_t *object, const char *name, json_t **ret_value, struct err *err);
int  json_member_array(json_t *object, const char *name, json_t **ret_value, struct err *err);
/* false when it is absent.  -EINVAL: it is neither true nor false. */
int  json_member_bool(json_t *object, const char *name, bool *ret_value, struct err *err);
/* The text of a member, by its name without regard to case; borrowed.  *ret_text is NULL when it is absent or null.  -EINVAL: it is no string. */
int  json_member_text(json_t *object, const char *name, const char **ret_text, struct err *err);

#endif
