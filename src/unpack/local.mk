libcore_a_SOURCES += src/unpack/unpack.h src/unpack/unpack.c
