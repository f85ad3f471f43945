# DL_CIVETWEB: the package brings no .pc file, so look for header and library.
AC_DEFUN([DL_CIVETWEB], [
  AC_CHECK_HEADER([civetweb.h], [], [AC_MSG_ERROR([civetweb.h not found (libcivetweb-dev), or use --disable-web])])
  dl_save_LIBS=$LIBS
  AC_CHECK_LIB([civetweb], [mg_start], [CIVETWEB_LIBS=-lcivetweb],
    [AC_MSG_ERROR([libcivetweb not found])], [-lpthread -ldl])
  LIBS=$dl_save_LIBS
  AC_SUBST([CIVETWEB_LIBS])
])
