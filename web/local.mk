if WITH_WEB
noinst_LIBRARIES += libweb.a
libweb_a_SOURCES = web/web.h
libweb_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
WEB_LIBS = libweb.a $(CIVETWEB_LIBS) $(JANSSON_LIBS)
endif
