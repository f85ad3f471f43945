# fuzz targets of web/; the library of the door goes before the core
fuzz_targets += tests/fuzz/fuzz_accept \
	tests/fuzz/fuzz_block_list \
	tests/fuzz/fuzz_json_input tests/fuzz/fuzz_change_set \
	tests/fuzz/fuzz_multipart \
	tests/fuzz/fuzz_qido_params \
	tests/fuzz/fuzz_uri_template
tests_fuzz_fuzz_accept_LDADD = libweb.a $(FUZZ_LIBS)
tests_fuzz_fuzz_block_list_LDADD = libweb.a $(FUZZ_LIBS)
tests_fuzz_fuzz_json_input_LDADD = $(WEB_LIBS) $(FUZZ_LIBS)
tests_fuzz_fuzz_change_set_LDADD = $(WEB_LIBS) $(FUZZ_LIBS)
tests_fuzz_fuzz_multipart_LDADD = libweb.a $(FUZZ_LIBS)
tests_fuzz_fuzz_qido_params_LDADD = libweb.a $(FUZZ_LIBS)
tests_fuzz_fuzz_uri_template_LDADD = libweb.a $(FUZZ_LIBS)
fuzz_targets += tests/fuzz/fuzz_export
tests_fuzz_fuzz_export_LDADD = $(WEB_LIBS) $(FUZZ_LIBS)
