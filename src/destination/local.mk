libcore_a_SOURCES += \
	src/destination/destination.h src/destination/private.h src/destination/destination.c \
	src/destination/spec.c src/destination/sign.c \
	src/destination/token.h src/destination/token.c \
	src/destination/azure.c src/destination/s3.c src/destination/file.c
