/* header_bench.h: the other side of header_bench, made with DCMTK. */
#ifndef BENCH_HEADER_BENCH_H
#define BENCH_HEADER_BENCH_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Load the header up to the pixel data and write its JSON; returns the
 * JSON's length, 0 when either failed. */
size_t oracle_header_to_json(const char *path);

#ifdef __cplusplus
}
#endif

#endif
