libcore_a_SOURCES += \
	src/base/slice.h src/base/slice.c \
	src/base/buf.h src/base/buf.c \
	src/base/err.h src/base/err.c \
	src/base/log.h src/base/log.c \
	src/base/clock.h src/base/clock.c \
	src/base/cond.h src/base/cond.c \
	src/base/ticker.h src/base/ticker.c \
	src/base/utf8.h src/base/utf8.c \
	src/base/vec.h src/base/vec.c \
	src/base/hash.h src/base/hash.c \
	src/base/sha256.h src/base/sha256.c \
	src/base/base64.h src/base/base64.c \
	src/base/parallel.h src/base/parallel.c \
	src/base/md5.h src/base/md5.c src/base/crc64.h src/base/crc64.c \
	src/base/io.h src/base/io.c \
	src/base/copy.h src/base/copy.c \
	src/base/byte_lock.h src/base/byte_lock.c \
	src/base/guid.h src/base/guid.c \
	src/base/coding.h src/base/coding.c \
	src/base/lru.h src/base/lru.c
