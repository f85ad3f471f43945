/* vec.h: room in a growing array. */
#ifndef BASE_VEC_H
#define BASE_VEC_H

#include <stddef.h>

/* *at holds *cap elements of `size` bytes, n of them in use: make room for one
 * more, doubling from `first`.  0 or -ENOMEM, which changes nothing. */
int vec_room(void *at, size_t *cap, size_t n, size_t size, size_t first);

#endif
