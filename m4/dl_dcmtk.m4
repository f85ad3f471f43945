# DL_DCMTK: DCMTK's data library, wanted by a benchmark only.  Debian's dcmtk.pc
# requires packages that libdcmtk-dev does not bring, so try to link instead.
AC_DEFUN([DL_DCMTK], [
  AC_REQUIRE([AC_PROG_CXX])
  AC_LANG_PUSH([C++])
  dl_save_LIBS=$LIBS
  DCMTK_LIBS="-ldcmdata -loflog -lofstd"
  LIBS="$DCMTK_LIBS $LIBS"
  AC_MSG_CHECKING([for DCMTK's library])
  AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <dcmtk/config/osconfig.h>
    #include <dcmtk/dcmdata/dcfilefo.h>
    #include <dcmtk/dcmdata/dcjson.h>]], [[DcmFileFormat f; DcmJsonFormatCompact j(OFFalse);]])],
    [have_dcmtk=yes], [have_dcmtk=no])
  AC_MSG_RESULT([$have_dcmtk])
  LIBS=$dl_save_LIBS
  AC_LANG_POP([C++])
  AC_SUBST([DCMTK_LIBS])
])
