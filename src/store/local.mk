libcore_a_SOURCES += \
	src/store/store.h src/store/internal.h src/store/step.h \
	src/store/base_cache.h src/store/base_cache.c \
	src/store/store.c src/store/stage.c src/store/incoming.c src/store/describe.c \
	src/store/import.h src/store/import.c src/store/queues.c \
	src/store/import_operation.h src/store/import_operation.c \
	src/store/committer.c src/store/journal.c src/store/reclaim.c src/store/recover.c \
	src/store/namespace.c src/store/attributes.c src/store/retrieve.c src/store/pixels.h src/store/pixels_internal.h src/store/pixels.c \
	src/store/pixels_render.c src/store/pixels_transcode.c \
	src/store/search_value.h src/store/search_value.c src/store/search_internal.h src/store/search_term.c \
	src/store/search_gather.h src/store/search_gather.c src/store/search_merge.c \
	src/store/search_order.c src/store/search_plan.c \
	src/store/search_row.c src/store/search_scan.c src/store/search.c src/store/search_nodes.c \
	src/store/operations.h src/store/operations_internal.h src/store/operations.c \
	src/store/update.h src/store/update_internal.h src/store/update.c src/store/update_run.h src/store/update_run.c \
	src/store/update_spool.c src/store/update_errors.c src/store/update_record.c src/store/update_stage.c \
	src/store/update_swap.c src/store/update_name.c \
	src/store/external.h src/store/external.c src/store/external_json.h src/store/external_json.c \
	src/store/export.h src/store/export_internal.h src/store/export_source.c src/store/export.c \
	src/store/tier.h src/store/tiers_conf.h src/store/tiers_conf.c src/store/tiers_internal.h src/store/tiers.c src/store/tier_mover.h src/store/tier_move.c \
	src/store/tier_record.c src/store/tier_begin.c src/store/tier_where.c src/store/tier_copy.c src/store/tier_lead.c \
	src/store/orphans.h src/store/orphans.c \
	src/store/backup.h src/store/backup_internal.h src/store/backup.c src/store/backup_files.c src/store/backup_index.c \
	src/store/receivers.h src/store/receivers.c src/store/event_json.h src/store/event_json.c \
	src/store/query_tags.h src/store/query_tags_internal.h src/store/query_tag_spec.c \
	src/store/query_tags.c src/store/reindex.c \
	src/store/delete.c src/store/changes.c src/store/feed.c \
	src/store/change_json.h src/store/change_json.c src/store/status.c src/store/health.c \
	src/store/adopt.c src/store/originals.c src/store/file_watch.h src/store/file_watch.c \
	src/store/check_internal.h src/store/check_tiers.c src/store/check_index.c src/store/check.c
