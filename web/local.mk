if WITH_WEB
noinst_LIBRARIES += libweb.a
libweb_a_SOURCES = \
	web/web.h web/limits.h web/handlers.h web/routes.tbl \
	web/accept.c web/accept.h \
	web/api.c \
	web/change_feed.c \
	web/block_list.c web/block_list.h web/blocks.c web/blocks.h \
	web/chunks.c web/chunks.h \
	web/bulk_update.c \
	web/change_set.c web/change_set.h \
	web/cors.c web/cors.h \
	web/delete.c \
	web/dialect.c web/dialect.h \
	web/external.c web/external.h \
	web/etag.c web/etag.h \
	web/export.c web/export.h \
	web/follow.c web/follow.h \
	web/health.c \
	web/import.c web/import_errors.c web/import_path.h web/import_path.c \
	web/json_input.c web/json_input.h \
	web/metrics.c web/metrics.h \
	web/multipart.c web/multipart.h \
	web/operations.c web/operations.h \
	web/params.c web/params.h \
	web/partitions.c \
	web/qido.c \
	web/query_tags.c web/query_tags.h \
	web/qido_params.c web/qido_params.h \
	web/range.c web/range.h \
	web/reply.c web/reply.h web/reply_head.c web/reply_head.h \
	web/request.c web/request.h \
	web/route.c web/route.h \
	web/server.c web/server.h \
	web/socket.c web/socket.h \
	web/status.c web/status.h \
	web/stow.c \
	web/stow_results.c web/stow_results.h \
	web/uri.c web/uri.h \
	web/wado.c web/wado.h \
	web/wado_bulkdata.c \
	web/wado_frames.c \
	web/wado_instance.c \
	web/wado_metadata.c \
	web/wado_rendered.c \
	web/watch.c web/watch.h
WEB_LIBS = libweb.a $(CIVETWEB_LIBS)
endif
