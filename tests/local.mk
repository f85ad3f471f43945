# Every folder of tests adds to TESTS in its own local.mk.
EXTRA_DIST += tests/request.sh tests/data/minimal.dump
# Made anew before the tests when its source changed.
check_DATA = tests/lib.sh
include $(srcdir)/tests/unit/local.mk
include $(srcdir)/tests/contract/local.mk
include $(srcdir)/tests/fs/local.mk
include $(srcdir)/tests/pixel/local.mk
include $(srcdir)/tests/web/local.mk
include $(srcdir)/tests/cli/local.mk
include $(srcdir)/tests/clients/local.mk
include $(srcdir)/tests/export/local.mk
include $(srcdir)/tests/events/local.mk
include $(srcdir)/tests/same/local.mk
include $(srcdir)/tests/fault/local.mk
include $(srcdir)/tests/fuzz/local.mk
include $(srcdir)/tests/bench/local.mk
