libcore_a_SOURCES += \
	src/pixel/pixel.h src/pixel/codec.h src/pixel/pixel.c \
	src/pixel/charls.c src/pixel/deflate.c src/pixel/j2k_cut.c src/pixel/jpeg.c src/pixel/openjpeg.c \
	src/pixel/png.c src/pixel/render.c src/pixel/rle.c \
	src/pixel/dcmtk.cc
