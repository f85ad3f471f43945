/* What the dialects differ in.  The attribute sets are those of contract 4.6 for
 * /v1 and /v2, and of PS3.18 tables 10.6.3-3 to -5 for /dicom-web. */
#include "web/dialect.h"

#include <strings.h>

#include "dicom/tag.h"
#include "store/pixels.h"

#define N(a) (sizeof (a) / sizeof *(a))
#define SET(a) { (a), N(a) }

#define SERIES_DESCRIPTION	0x0008103E
#define PPS_START_TIME		0x00400245
#define REQUEST_ATTRIBUTES	0x00400275

static const uint32_t v2_study[] = {
	TAG_STUDY_DATE, TAG_ACCESSION_NUMBER, TAG_REFERRING_PHYSICIAN_NAME, TAG_STUDY_DESCRIPTION,
	TAG_PATIENT_NAME, TAG_PATIENT_ID, TAG_PATIENT_BIRTH_DATE, TAG_STUDY_INSTANCE_UID,
};
static const uint32_t v2_series[] = {
	TAG_MODALITY, TAG_MANUFACTURER_MODEL_NAME, TAG_SERIES_INSTANCE_UID, TAG_PPS_START_DATE,
};
static const uint32_t v2_instance[] = { TAG_SOP_INSTANCE_UID };

#define V1_STUDY \
	TAG_SPECIFIC_CHARACTER_SET, TAG_STUDY_DATE, TAG_STUDY_TIME, TAG_ACCESSION_NUMBER, \
	TAG_INSTANCE_AVAILABILITY, TAG_REFERRING_PHYSICIAN_NAME, TAG_TIMEZONE_OFFSET, \
	TAG_PATIENT_NAME, TAG_PATIENT_ID, TAG_PATIENT_BIRTH_DATE, TAG_PATIENT_SEX, \
	TAG_STUDY_INSTANCE_UID, TAG_STUDY_ID
#define V1_SERIES \
	TAG_SPECIFIC_CHARACTER_SET, TAG_MODALITY, TAG_TIMEZONE_OFFSET, SERIES_DESCRIPTION, \
	TAG_SERIES_INSTANCE_UID, TAG_PPS_START_DATE, PPS_START_TIME, REQUEST_ATTRIBUTES
#define V1_INSTANCE \
	TAG_SPECIFIC_CHARACTER_SET, TAG_SOP_CLASS_UID, TAG_SOP_INSTANCE_UID, \
	TAG_INSTANCE_AVAILABILITY, TAG_TIMEZONE_OFFSET, TAG_INSTANCE_NUMBER, \
	TAG_NUMBER_OF_FRAMES, TAG_ROWS, TAG_COLUMNS, TAG_BITS_ALLOCATED

static const uint32_t v1_study[] = { V1_STUDY };
static const uint32_t v1_series[] = { V1_SERIES };
static const uint32_t v1_instance[] = { V1_INSTANCE };
static const uint32_t all_study[] = {
	V1_STUDY, TAG_STUDY_DESCRIPTION,
	0x00080063,	/* AnatomicRegionsInStudyCodeSequence */
	0x00081032,	/* ProcedureCodeSequence */
	0x00081060,	/* NameOfPhysiciansReadingStudy */
	0x00081080,	/* AdmittingDiagnosesDescription */
	0x00081110,	/* ReferencedStudySequence */
	0x00101010,	/* PatientAge */
	0x00101020,	/* PatientSize */
	0x00101030,	/* PatientWeight */
	0x00102180,	/* Occupation */
	0x001021B0,	/* AdditionalPatientHistory */
};
static const uint32_t all_series[] = {
	V1_SERIES, TAG_SERIES_NUMBER, TAG_MANUFACTURER_MODEL_NAME,
	0x00200060,	/* Laterality */
	0x00080021,	/* SeriesDate */
	0x00080031,	/* SeriesTime */
};

static const uint32_t plain_study[] = {
	V1_STUDY, TAG_MODALITIES_IN_STUDY, TAG_RETRIEVE_URL, TAG_STUDY_RELATED_SERIES,
	TAG_STUDY_RELATED_INSTANCES,
};
static const uint32_t plain_series[] = {
	V1_SERIES, TAG_INSTANCE_AVAILABILITY, TAG_RETRIEVE_URL, TAG_SERIES_NUMBER,
	TAG_SERIES_RELATED_INSTANCES,
};
static const uint32_t plain_instance[] = { V1_INSTANCE, TAG_RETRIEVE_URL };

static const struct computed_tag strict_computed[] = {		/* contract 4.7 */
	{ TAG_MODALITIES_IN_STUDY, 1u << SEARCH_ALL_STUDIES },
	{ TAG_STUDY_RELATED_INSTANCES, 1u << SEARCH_ALL_STUDIES },
	{ TAG_SERIES_RELATED_INSTANCES, 1u << SEARCH_ALL_SERIES | 1u << SEARCH_STUDY_SERIES },
	{ TAG_STUDY_RELATED_SERIES, 0 },
	{ 0, 0 },
};
static const struct computed_tag plain_computed[] = { { 0, 0 } };

#define UID_JPEG	"1.2.840.10008.1.2.4.50"
#define UID_JPEG_LS	"1.2.840.10008.1.2.4.80"
#define UID_JPEG_2000	"1.2.840.10008.1.2.4.90"
#define UID_HTJ2K	"1.2.840.10008.1.2.4.201"
#define UID_RLE		"1.2.840.10008.1.2.5"

static const char *const strict_xfers[] = { "*", UID_EXPLICIT_LE, UID_JPEG_2000, NULL };
static const char *const raw_xfers[] = { "*", UID_EXPLICIT_LE, NULL };
static const char *const jp2_xfers[] = { UID_JPEG_2000, NULL };

/* PS3.18 table 8.7.3-4 and -5: the syntaxes of each type. */
static const char *const jpeg_xfers[] = {
	UID_JPEG, "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70", NULL,
};
static const char *const jls_xfers[] = { UID_JPEG_LS, "1.2.840.10008.1.2.4.81", NULL };
static const char *const jpeg2000_xfers[] = { UID_JPEG_2000, "1.2.840.10008.1.2.4.91", NULL };
static const char *const htj2k_xfers[] = {
	UID_HTJ2K, "1.2.840.10008.1.2.4.202", "1.2.840.10008.1.2.4.203", NULL,
};
static const char *const rle_xfers[] = { UID_RLE, NULL };
static const char *const jxl_xfers[] = {
	"1.2.840.10008.1.2.4.110", "1.2.840.10008.1.2.4.111", "1.2.840.10008.1.2.4.112", NULL,
};
static const char *const mpeg2_xfers[] = { "1.2.840.10008.1.2.4.100", "1.2.840.10008.1.2.4.101", NULL };
static const char *const mp4_xfers[] = {
	"1.2.840.10008.1.2.4.102", "1.2.840.10008.1.2.4.103", "1.2.840.10008.1.2.4.104", "1.2.840.10008.1.2.4.105",
	"1.2.840.10008.1.2.4.106", "1.2.840.10008.1.2.4.107", "1.2.840.10008.1.2.4.108", NULL,
};

#define ANY_RESOURCE (RESOURCE_STUDY | RESOURCE_SERIES | RESOURCE_INSTANCE)

static const struct accept_rule strict_rules[] = {		/* contract 3.1 */
	{ RESOURCE_STUDY | RESOURCE_SERIES, "application/dicom", ACCEPT_MULTIPART, 0,
	  "application/dicom", strict_xfers, UID_EXPLICIT_LE },
	{ RESOURCE_INSTANCE, "application/dicom", ACCEPT_SINGLE | ACCEPT_MULTIPART, 0,
	  "application/dicom", strict_xfers, UID_EXPLICIT_LE },
	{ ANY_RESOURCE, "*/*", ACCEPT_SINGLE | ACCEPT_MULTIPART, ACCEPT_MULTIPART,
	  "application/dicom", strict_xfers, "*" },
	{ RESOURCE_FRAMES, "application/octet-stream", ACCEPT_SINGLE | ACCEPT_MULTIPART, 0,
	  "application/octet-stream", raw_xfers, UID_EXPLICIT_LE },
	{ RESOURCE_FRAMES, "image/jp2", ACCEPT_MULTIPART, 0, "image/jp2", jp2_xfers, UID_JPEG_2000 },
	{ RESOURCE_FRAMES, "*/*", ACCEPT_SINGLE | ACCEPT_MULTIPART, ACCEPT_MULTIPART,
	  "application/octet-stream", raw_xfers, "*" },
};

/* A type of image, or video: as stored where it can hold that. */
#define IMAGE_RULE(type, xfers, otherwise) \
	{ RESOURCE_FRAMES, type, ACCEPT_SINGLE | ACCEPT_MULTIPART | ACCEPT_STORED, 0, type, xfers, otherwise }

/* As stored unless a syntax is named.  multipart/related without a type means
 * DICOM files too; an instance comes bare to whom anything is welcome. */
static const struct accept_rule plain_rules[] = {
	{ RESOURCE_INSTANCE, "application/dicom", ACCEPT_SINGLE, 0, "application/dicom", NULL, "*" },
	{ ANY_RESOURCE, "application/dicom", ACCEPT_MULTIPART, 0, "application/dicom", NULL, "*" },
	{ ANY_RESOURCE, "", ACCEPT_MULTIPART, 0, "application/dicom", NULL, "*" },
	{ RESOURCE_INSTANCE, "*/*", ACCEPT_SINGLE | ACCEPT_MULTIPART, 0, "application/dicom", NULL, "*" },
	{ RESOURCE_STUDY | RESOURCE_SERIES, "*/*", ACCEPT_SINGLE | ACCEPT_MULTIPART, ACCEPT_MULTIPART,
	  "application/dicom", NULL, "*" },
	{ RESOURCE_INSTANCE, "application/*", ACCEPT_SINGLE | ACCEPT_MULTIPART, 0, "application/dicom", NULL, "*" },
	{ RESOURCE_STUDY | RESOURCE_SERIES, "multipart/*", ACCEPT_SINGLE, ACCEPT_MULTIPART,
	  "application/dicom", NULL, "*" },

	/* PS3.18 8.7.3.4: bytes are uncompressed unless a syntax is named. */
	{ RESOURCE_FRAMES, "application/octet-stream", ACCEPT_SINGLE | ACCEPT_MULTIPART, 0,
	  "application/octet-stream", NULL, UID_EXPLICIT_LE },
	IMAGE_RULE("image/jpeg", jpeg_xfers, UID_JPEG),
	IMAGE_RULE("image/jls", jls_xfers, UID_JPEG_LS),
	IMAGE_RULE("image/jp2", jpeg2000_xfers, UID_JPEG_2000),
	IMAGE_RULE("image/jphc", htj2k_xfers, UID_HTJ2K),
	IMAGE_RULE("image/dicom-rle", rle_xfers, UID_RLE),
	IMAGE_RULE("image/jxl", jxl_xfers, "1.2.840.10008.1.2.4.110"),
	IMAGE_RULE("video/mpeg", mpeg2_xfers, "1.2.840.10008.1.2.4.100"),
	IMAGE_RULE("video/mp4", mp4_xfers, "1.2.840.10008.1.2.4.102"),
	{ RESOURCE_FRAMES, "", ACCEPT_MULTIPART, 0, "application/octet-stream", NULL, "*" },
	{ RESOURCE_FRAMES, "*/*", ACCEPT_SINGLE | ACCEPT_MULTIPART, ACCEPT_MULTIPART,
	  "application/octet-stream", NULL, "*" },
	{ RESOURCE_FRAMES, "multipart/*", ACCEPT_SINGLE, ACCEPT_MULTIPART, "application/octet-stream", NULL, "*" },
};

#define STRICT \
	.versions = "1.0-prerelease, 1, 2", \
	.same = INGEST_SAME_REFUSE, .zero_preamble = true, .store_needs_accept = true, \
	.retrieve_rules = strict_rules, .n_retrieve_rules = N(strict_rules), .many_as_stored = true, \
	.frame_file_max = PIXELS_FILE_MAX, .one_picture_type = true, \
	.bare_etag = true, \
	.computed = strict_computed, .latest_represents = true, .limit_default = 100, .limit_max = 200, \
	.all = { SET(all_study), SET(all_series), SET(v1_instance) }

#define V1 \
	STRICT, .bit = DIALECT_V1, .rules = VALIDATE_V1, .warned_status = 200, \
	.feed = { CHANGES_BY_SEQUENCE, 10, 100 }, .succeeded = "completed", \
	.defaults = { SET(v1_study), SET(v1_series), SET(v1_instance) }

static const struct dialect dialects[] = {
	{ .prefix = "v2", STRICT, .bit = DIALECT_V2, .rules = VALIDATE_V2,
	  .external = true, .attributes_always = true, .warned_status = 202,
	  .feed = { CHANGES_BY_TIME, 100, 200 }, .succeeded = "succeeded",
	  .defaults = { SET(v2_study), SET(v2_series), SET(v2_instance) } },
	{ .prefix = "v1", V1 },
	{ .prefix = "v1.0-prerelease", V1 },
	{ .prefix = "dicom-web", .bit = DIALECT_PLAIN,
	  .rules = VALIDATE_PLAIN, .same = INGEST_SAME_KEEP, .part_params = true, .warned_status = 202,
	  .plain_json = true, .external = true,
	  .feed = { CHANGES_BY_SEQUENCE, 100, 1000 }, .succeeded = "succeeded",
	  .retrieve_rules = plain_rules, .n_retrieve_rules = N(plain_rules), .multipart_type = true,
	  .picture_options = true, .original_pixels = true, .show_bulk = true,
	  .defaults = { SET(plain_study), SET(plain_series), SET(plain_instance) },
	  .computed = plain_computed, .online = true, .wide_search = true, .wide_export = true },
};

const struct dialect *
dialect_find(const char *segment)
{
	size_t i;

	for (i = 0; i < N(dialects); i++)
		if (strcasecmp(dialects[i].prefix, segment) == 0)
			return &dialects[i];
	return NULL;
}
