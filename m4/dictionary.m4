# DL_DICOM_DICTIONARY: DCMTK's dictionary file, from which src/dicom's table is made.
AC_DEFUN([DL_DICOM_DICTIONARY], [
  AC_ARG_VAR([DICOM_DICTIONARY], [DCMTK's dicom.dic])
  AC_MSG_CHECKING([for DCMTK's data dictionary])
  AS_IF([test -z "$DICOM_DICTIONARY"], [
    for dl_f in /usr/share/libdcmtk*/dicom.dic /usr/share/dcmtk*/dicom.dic \
        /usr/local/share/dcmtk*/dicom.dic /usr/lib/*/dcmtk/dicom.dic; do
      AS_IF([test -r "$dl_f"], [DICOM_DICTIONARY=$dl_f; break])
    done])
  AS_IF([test -z "$DICOM_DICTIONARY"], [AC_MSG_ERROR([dicom.dic not found (libdcmtk-dev), or set DICOM_DICTIONARY])])
  AC_MSG_RESULT([$DICOM_DICTIONARY])
])
