libcore_a_SOURCES += \
	src/blob/blob.h src/blob/blob_ops.h src/blob/blob.c \
	src/blob/blob_tier.h src/blob/blob_tier.c src/blob/blob_dir.c src/blob/blob_watch.c src/blob/blob_mem.c
