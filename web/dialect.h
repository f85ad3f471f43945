/* dialect.h: what /v1, /v2 and /dicom-web differ in, as data.
 *
 * A handler asks the dialect for the value it needs and never which dialect
 * it is.
 */
#ifndef WEB_DIALECT_H
#define WEB_DIALECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/store.h"
#include "web/accept.h"

/* For the routes: in which dialects one exists. */
enum { DIALECT_V1 = 1, DIALECT_V2 = 2, DIALECT_PLAIN = 4, DIALECT_ALL = 7,
	/* No dialect: the resource is of all partitions together and stands outside of them. */
	DIALECT_SPANS = 8 };

/* For the accept rules. */
enum { RESOURCE_STUDY = 1, RESOURCE_SERIES = 2, RESOURCE_INSTANCE = 4, RESOURCE_FRAMES = 8 };

/* The six URLs of contract 4.1. */
enum search_url {
	SEARCH_ALL_STUDIES, SEARCH_ALL_SERIES, SEARCH_ALL_INSTANCES,
	SEARCH_STUDY_SERIES, SEARCH_STUDY_INSTANCES, SEARCH_SERIES_INSTANCES,
	SEARCH_URLS
};

struct tag_set {
	const uint32_t *tags;
	size_t count;
};

/* An attribute that is not in the data set but computed, and where it may be asked for. */
struct computed_tag {
	uint32_t tag;
	unsigned urls;			/* bits 1 << enum search_url */
};

/* What a page of the change feed is (contract 12.1). */
struct feed_rules {
	enum changes_from from;		/* what offset counts */
	uint64_t limit_default, limit_max;
};

struct dialect {
	const char *prefix;		/* first segment of the path */
	unsigned bit;
	const char *versions;		/* api-supported-versions; NULL: no such header */

	/* Store */
	enum validate_rules rules;
	enum ingest_same same;		/* what POST does with an instance that is there */
	bool zero_preamble;		/* contract 2.3 */
	bool part_params;		/* media types of bodies and parts may carry parameters */
	bool external;			/* headers of external metadata are known (contract 2.11) */
	bool attributes_always;		/* 00741048 in every referenced item */
	int warned_status;		/* all stored, some with a warning */

	/* Accept */
	bool store_needs_accept;	/* no Accept header is a 406 there */
	bool plain_json;		/* application/json asks for application/dicom+json */
	const struct accept_rule *retrieve_rules;
	size_t n_retrieve_rules;
	bool many_as_stored;		/* several instances: only transfer-syntax=* (contract 3.2) */
	bool multipart_type;		/* type= in the multipart Content-Type */

	/* Frames and pictures */
	uint64_t frame_file_max;	/* larger files' frames are neither transcoded nor rendered; 0: all are */
	bool one_picture_type;		/* several types in Accept are a 406 (contract 3.6) */
	bool picture_options;		/* window= and viewport= are heeded */
	bool original_pixels;		/* of the version stored first, when that is asked for (contract 3.7) */

	/* Metadata */
	bool show_bulk;			/* InlineBinary and BulkDataURI */
	bool bare_etag;			/* without quotes, the same in every coding (contract 3.5) */

	/* Search */
	struct tag_set defaults[3];		/* study, series, instance */
	struct tag_set all[3];			/* includefield=all; count 0: the whole header */
	const struct computed_tag *computed;	/* ends with tag 0 */
	bool online;				/* InstanceAvailability and RetrieveURL are computed */
	/* All of PS3.18's matching, any attribute of any level, orderby and count. */
	bool wide_search;
	bool wide_export;		/* POST /export takes queries, changes and everything too */
	bool latest_represents;		/* contract 4.9 (struct search: latest) */
	uint64_t limit_default;			/* 0: none */
	uint64_t limit_max;			/* 0: none */

	struct feed_rules feed;
	const char *succeeded;			/* status of an operation that did */
};

/* By the first segment of a path, without regard to case; NULL: none. */
const struct dialect *dialect_find(const char *segment);

#endif
