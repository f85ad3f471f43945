# tests/pixel: frames, transcoding and pictures of the sample files against other
# programs' idea of them.
check_PROGRAMS += tests/pixel/pixels
tests_pixel_pixels_SOURCES = tests/pixel/pixels.c $(SCRATCH)
tests_pixel_pixels_LDADD = $(CORE_LIBS)

pixel_tests = \
	tests/pixel/frames-encapsulated.t \
	tests/pixel/render-samples.t \
	tests/pixel/transcode-decodes.t \
	tests/pixel/transcode-encodes.t
TESTS += $(pixel_tests)
EXTRA_DIST += $(pixel_tests) tests/pixel/pixel.sh tests/pixel/oracle.py
