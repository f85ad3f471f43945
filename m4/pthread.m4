# DL_PTHREAD: POSIX threads with -pthread, as every supported compiler takes it.
AC_DEFUN([DL_PTHREAD], [
  PTHREAD_CFLAGS=-pthread
  AC_SUBST([PTHREAD_CFLAGS])
])
