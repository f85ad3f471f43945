libcore_a_SOURCES += \
	src/ops/ops.h src/ops/runner.c \
	src/ops/kinds.h src/ops/reindex.c
