libcore_a_SOURCES += \
	src/catalog/schema.tbl src/catalog/schema.h src/catalog/schema.c \
	src/catalog/codec.h src/catalog/codec.c \
	src/catalog/level.h \
	src/catalog/attribute.h src/catalog/attribute.c \
	src/catalog/row.h src/catalog/row.c \
	src/catalog/header.h src/catalog/header.c \
	src/catalog/feed.h src/catalog/feed.c \
	src/catalog/reclaim.h src/catalog/reclaim.c \
	src/catalog/catalog.h src/catalog/internal.h src/catalog/catalog.c \
	src/catalog/batch_internal.h src/catalog/batch.c src/catalog/batch_index.c \
	src/catalog/external.h src/catalog/external.c \
	src/catalog/receiver.h src/catalog/receiver.c \
	src/catalog/operation.h src/catalog/operation.c \
	src/catalog/query_tag.h src/catalog/query_tag.c src/catalog/batch_tags.c src/catalog/batch_tier.c \
	src/catalog/original.h src/catalog/original.c src/catalog/batch_original.c \
	src/catalog/batch_put.c src/catalog/batch_remove.c
