/* crc64.h: the CRC of Azure Storage's x-ms-content-crc64 (CRC-64/NVME: polynomial AD93D23594C93659, reflected). */
#ifndef BASE_CRC64_H
#define BASE_CRC64_H

#include <stddef.h>
#include <stdint.h>

/* Begin with 0; crc is that of what came before. */
uint64_t crc64_add(uint64_t crc, const void *data, size_t len);

#define CRC64_TEXT_MAX 13		/* base64 of the eight bytes, the lowest first */
void crc64_format(uint64_t crc, char text[CRC64_TEXT_MAX]);

#endif
