bin_PROGRAMS += dicomlake
dicomlake_SOURCES = \
	src/cli/cli.h src/cli/cli.c src/cli/main.c \
	src/cli/daemon.h src/cli/daemon.c src/cli/progress.h src/cli/progress.c \
	src/cli/walk.h src/cli/walk.c src/cli/media.h src/cli/media.c \
	src/cli/source.h src/cli/source.c \
	src/cli/access.h src/cli/access.c src/cli/export.c \
	src/cli/events.h src/cli/events.c src/cli/receivers.h src/cli/receivers.c \
	src/cli/init.c src/cli/serve.c src/cli/service.h src/cli/service.c src/cli/import.c src/cli/query.c \
	src/cli/operations.h src/cli/operations.c src/cli/tags.c src/cli/update.c \
	src/cli/status.c src/cli/check.c src/cli/backup.c src/cli/reclaim.c src/cli/tier.c src/cli/delete.c
dicomlake_LDADD = $(FS_LIBS) $(WEB_LIBS) $(CORE_LIBS)

# mount(8) looks for a helper of this name in /sbin before it asks mount.fuse.
if WITH_FS
install-exec-hook:
	$(MKDIR_P) '$(DESTDIR)$(sbindir)'
	rm -f '$(DESTDIR)$(sbindir)/mount.fuse.dicomlake'
	$(LN_S) '$(bindir)/dicomlake' '$(DESTDIR)$(sbindir)/mount.fuse.dicomlake'
uninstall-hook:
	rm -f '$(DESTDIR)$(sbindir)/mount.fuse.dicomlake'
endif
