# unit tests of web/
WEB_UNIT_LIBS = $(WEB_LIBS) $(UNIT_LIBS)
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
tests_unit_test_web_accept_LDADD = $(WEB_UNIT_LIBS)
tests_unit_test_web_headers_LDADD = $(WEB_UNIT_LIBS)
tests_unit_test_web_multipart_LDADD = $(WEB_UNIT_LIBS)
tests_unit_test_web_qido_LDADD = $(WEB_UNIT_LIBS)
tests_unit_test_web_route_LDADD = $(WEB_UNIT_LIBS)
tests_unit_test_web_uri_LDADD = $(WEB_UNIT_LIBS)
tests_unit_test_web_watch_LDADD = $(WEB_UNIT_LIBS)
