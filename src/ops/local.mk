libcore_a_SOURCES += \
	src/ops/ops.h src/ops/runner.c \
	src/ops/health.h src/ops/health.c \
	src/ops/events.h src/ops/event_receiver.h src/ops/event_receiver.c src/ops/event_sender.h src/ops/event_sender.c src/ops/events.c \
	src/ops/kinds.h src/ops/reindex.c src/ops/update.c src/ops/tier.c src/ops/lifecycle.h src/ops/lifecycle.c \
	src/ops/export.h src/ops/exporter.h src/ops/export.c
