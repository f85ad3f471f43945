# unit tests of web/
WEB_UNIT_LIBS = libweb.a $(UNIT_LIBS) $(CIVETWEB_LIBS) $(JANSSON_LIBS)
web_unit_tests = \
	tests/unit/test_web_accept \
	tests/unit/test_web_headers \
	tests/unit/test_web_multipart \
	tests/unit/test_web_qido \
	tests/unit/test_web_route \
	tests/unit/test_web_uri \
	tests/unit/test_web_watch
check_PROGRAMS += $(web_unit_tests)
TESTS += $(web_unit_tests)
tests_unit_test_web_accept_SOURCES = tests/unit/test_web_accept.c
tests_unit_test_web_accept_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_web_accept_LDADD = $(WEB_UNIT_LIBS)
tests_unit_test_web_headers_SOURCES = tests/unit/test_web_headers.c
tests_unit_test_web_headers_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_web_headers_LDADD = $(WEB_UNIT_LIBS)
tests_unit_test_web_multipart_SOURCES = tests/unit/test_web_multipart.c
tests_unit_test_web_multipart_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_web_multipart_LDADD = $(WEB_UNIT_LIBS)
tests_unit_test_web_qido_SOURCES = tests/unit/test_web_qido.c
tests_unit_test_web_qido_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_web_qido_LDADD = $(WEB_UNIT_LIBS)
tests_unit_test_web_route_SOURCES = tests/unit/test_web_route.c
tests_unit_test_web_route_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_web_route_LDADD = $(WEB_UNIT_LIBS)
tests_unit_test_web_uri_SOURCES = tests/unit/test_web_uri.c
tests_unit_test_web_uri_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_web_uri_LDADD = $(WEB_UNIT_LIBS)
tests_unit_test_web_watch_SOURCES = tests/unit/test_web_watch.c
tests_unit_test_web_watch_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_web_watch_LDADD = $(WEB_UNIT_LIBS)
