libcore_a_SOURCES += \
	src/kv/kv.h src/kv/kv_ops.h src/kv/kv.c \
	src/kv/kv_lmdb.c src/kv/kv_mem.c src/kv/kv_fault.c
