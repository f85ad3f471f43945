libcore_a_SOURCES += \
	src/dicom/tag.h src/dicom/tag_private.h src/dicom/tag.c \
	src/dicom/uid.h src/dicom/uid.c \
	src/dicom/vr.h src/dicom/vr.c \
	src/dicom/number.h src/dicom/number.c \
	src/dicom/charset.h src/dicom/charset.c \
	src/dicom/input.h src/dicom/input.c \
	src/dicom/dataset.h src/dicom/part10.c \
	src/dicom/value.h src/dicom/value.c \
	src/dicom/dicom.h src/dicom/dicom.c \
	src/dicom/image.h src/dicom/image.c \
	src/dicom/frames.h src/dicom/frames.c \
	src/dicom/edit.h src/dicom/edit.c \
	src/dicom/dicomdir.h src/dicom/dicomdir.c \
	src/dicom/change.h src/dicom/change.c \
	src/dicom/json.h src/dicom/json.c src/dicom/json_write.c \
	src/dicom/date.h src/dicom/date.c \
	src/dicom/indexed.h src/dicom/indexed.c \
	src/dicom/collate.h src/dicom/collate.c \
	src/dicom/vr_rules.h src/dicom/vr_rules.c \
	src/dicom/validate.h src/dicom/validate.c

# The dictionary's tables.
nodist_libcore_a_SOURCES += src/dicom/dict.inc
BUILT_SOURCES += src/dicom/dict.inc
CLEANFILES += src/dicom/dict.inc
EXTRA_DIST += src/dicom/dict.awk
src/dicom/dict.inc: $(srcdir)/src/dicom/dict.awk $(DICOM_DICTIONARY)
	$(AM_V_GEN)$(MKDIR_P) src/dicom && \
	LC_ALL=C $(AWK) -f $(srcdir)/src/dicom/dict.awk '$(DICOM_DICTIONARY)' > $@.tmp && mv $@.tmp $@
# BUILT_SOURCES serves `make all` and `make check` only.
src/dicom/libcore_a-tag.$(OBJEXT): src/dicom/dict.inc
