# DL_PIXEL: the codecs of src/pixel.  Debian's dcmtk.pc requires packages that
# libdcmtk-dev does not bring, so try to link instead.
AC_DEFUN([DL_PIXEL], [
  AC_REQUIRE([AC_PROG_CXX])
  PKG_CHECK_MODULES([JPEG], [libjpeg])
  PKG_CHECK_MODULES([PNG], [libpng])
  PKG_CHECK_MODULES([CHARLS], [charls >= 2.1])
  PKG_CHECK_MODULES([OPENJPEG], [libopenjp2 >= 2.5])
  AC_LANG_PUSH([C++])
  dl_save_LIBS=$LIBS
  dl_save_CXXFLAGS=$CXXFLAGS
  # Debian builds DCMTK for it, and not every compiler is there by itself.
  DCMTK_CXXFLAGS=-std=gnu++17
  CXXFLAGS="$CXXFLAGS $DCMTK_CXXFLAGS"
  DCMTK_JPEG_LIBS="-ldcmjpeg -lijg8 -lijg12 -lijg16 -ldcmimgle -ldcmdata -loflog -lofstd"
  LIBS="$DCMTK_JPEG_LIBS $LIBS"
  AC_MSG_CHECKING([for DCMTK's JPEG decoders])
  AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <dcmtk/config/osconfig.h>
    #include <dcmtk/dcmjpeg/djcparam.h>
    #include <dcmtk/dcmjpeg/djdijg16.h>]], [[DJCodecParameter p(ECC_lossyYCbCr, EDC_photometricInterpretation,
      EUC_never, EPC_default); DJDecompressIJG16Bit d(p, OFFalse);]])],
    [AC_MSG_RESULT([yes])], [AC_MSG_ERROR([DCMTK's JPEG decoders not found (libdcmtk-dev)])])
  LIBS=$dl_save_LIBS
  CXXFLAGS=$dl_save_CXXFLAGS
  AC_SUBST([DCMTK_CXXFLAGS])
  AC_LANG_POP([C++])
  # Programs that decode no frame need not load what does; the one C++ file needs no
  # more than its run-time library, so C programs are linked as C.
  PIXEL_LIBS="-Wl,--push-state,--as-needed $JPEG_LIBS $PNG_LIBS $CHARLS_LIBS $OPENJPEG_LIBS"
  PIXEL_LIBS="$PIXEL_LIBS $DCMTK_JPEG_LIBS -lstdc++ -lm -Wl,--pop-state"
  AC_SUBST([PIXEL_LIBS])
  dl_codecs="JPEG JPEG-LS JPEG-2000 RLE"
])
