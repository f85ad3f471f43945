/* level.h: the levels of the tree, as they are written in the index. */
#ifndef CATALOG_LEVEL_H
#define CATALOG_LEVEL_H

enum level {
	LEVEL_ROOT,
	LEVEL_PARTITION,
	LEVEL_STUDY,
	LEVEL_SERIES,
	LEVEL_INSTANCE,
};

#endif
