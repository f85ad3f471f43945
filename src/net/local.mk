libcore_a_SOURCES += \
	src/net/http_client.h src/net/http_client.c
