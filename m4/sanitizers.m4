# DL_SANITIZERS: --enable-asan, --enable-ubsan, --enable-tsan, --enable-fuzzers.
AC_DEFUN([DL_SANITIZERS], [
  AC_ARG_ENABLE([asan], [AS_HELP_STRING([--enable-asan], [address sanitizer])])
  AC_ARG_ENABLE([ubsan], [AS_HELP_STRING([--enable-ubsan], [undefined behaviour sanitizer])])
  AC_ARG_ENABLE([tsan], [AS_HELP_STRING([--enable-tsan], [thread sanitizer])])
  AC_ARG_ENABLE([fuzzers], [AS_HELP_STRING([--enable-fuzzers], [libFuzzer targets (needs clang)])])
  AS_IF([test "x$enable_asan" = xyes && test "x$enable_tsan" = xyes],
    [AC_MSG_ERROR([--enable-asan and --enable-tsan exclude each other])])
  dl_sanitizers=
  SAN_CFLAGS=
  AS_IF([test "x$enable_asan" = xyes], [dl_sanitizers="$dl_sanitizers address"
    SAN_CFLAGS="$SAN_CFLAGS -fsanitize=address"])
  AS_IF([test "x$enable_ubsan" = xyes], [dl_sanitizers="$dl_sanitizers undefined"
    SAN_CFLAGS="$SAN_CFLAGS -fsanitize=undefined -fno-sanitize-recover=undefined"])
  AS_IF([test "x$enable_tsan" = xyes], [dl_sanitizers="$dl_sanitizers thread"
    SAN_CFLAGS="$SAN_CFLAGS -fsanitize=thread"])
  AS_IF([test -n "$SAN_CFLAGS"], [SAN_CFLAGS="$SAN_CFLAGS -fno-omit-frame-pointer"])
  # clang would want its C++ run-time library for this one check.
  SAN_CXXFLAGS=
  AS_IF([test "x$enable_ubsan" = xyes], [SAN_CXXFLAGS="-fno-sanitize=vptr"])
  FUZZ_CFLAGS=
  AS_IF([test "x$enable_fuzzers" = xyes], [
    FUZZ_CFLAGS="-fsanitize=fuzzer"
    SAN_CFLAGS="$SAN_CFLAGS -fsanitize=fuzzer-no-link"])
  AC_SUBST([SAN_CFLAGS])
  AC_SUBST([SAN_CXXFLAGS])
  AC_SUBST([FUZZ_CFLAGS])
])
