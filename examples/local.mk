noinst_PROGRAMS += examples/make-phantom
examples_make_phantom_SOURCES = examples/make-phantom.c
EXTRA_DIST += examples/setup.sh examples/quickstart examples/curl-session \
	examples/dicomlake.conf examples/dicomlake.service examples/fstab
