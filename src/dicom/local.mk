libcore_a_SOURCES += \
	src/dicom/tag.h src/dicom/uid.h src/dicom/dicom.h src/dicom/json.h \
	src/dicom/collate.h src/dicom/validate.h
