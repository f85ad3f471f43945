/* make-phantom.c: DICOM files of nobody, for trying things out and for measuring.
 *
 * Writes studies of a body phantom (an ellipse of water with lungs, a spine and some
 * noise) as Part 10 files, Explicit VR Little Endian, with headers as scanners
 * write them: about 150 attributes, sequences and private blocks.  The same
 * options give the same bytes.  UIDs are below 2.25, so nobody owns them.
 *
 * It needs nothing but a C compiler.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define HEADER_MAX 65536
#define UID_LENGTH 64

struct options {
	unsigned studies, series, instances, size;
	uint64_t seed;
	const char *out;
};

/* Where one instance stands, and what follows from it. */
struct place {
	unsigned study, series, instance;	/* from 0 */
	unsigned patient;
	const struct kind *kind;
	char study_uid[UID_LENGTH + 1], series_uid[UID_LENGTH + 1], sop_uid[UID_LENGTH + 1], frame_uid[UID_LENGTH + 1];
	char date[9], time[14];
};

static const struct kind {
	const char *modality, *class_uid, *model, *region;
	const char *const *descriptions;
} kinds[] = {
#define KIND(...) (const char *const[]){ __VA_ARGS__, NULL }
	{ "CT", "1.2.840.10008.5.1.4.1.1.2", "Phantom CT 64", "CHEST",
	  KIND("Thorax  5.0  B31f", "Lung  1.0  B70f", "Topogram  0.6  T20s", "Abdomen venous  3.0") },
	{ "MR", "1.2.840.10008.5.1.4.1.1.4", "Phantom MR 3T", "HEAD",
	  KIND("t1_mprage_sag", "t2_tse_tra", "ep2d_diff", "localizer") },
	{ "PT", "1.2.840.10008.5.1.4.1.1.128", "Phantom PET", "WHOLEBODY",
	  KIND("PET AC", "PET NAC", "PET MIP", "PET dynamic") },
};
/* Most studies are CT. */
static const unsigned char kind_of_study[] = { 0, 0, 1, 0, 2, 0, 1 };

static const char *const family_names[] = { "Adams", "Becker", "Chen", "Dubois", "Eriksson", "Ferrari", "Garcia", "Haddad",
	"Ivanova", "Jansen", "Kowalski", "Larsen", "Moreau", "Nakamura", "Okafor", "Petrov" };
static const char *const given_names[] = { "Anna", "Bela", "Carlos", "Dana", "Emil", "Fatima", "Grace", "Hugo",
	"Ines", "Jonas", "Kim", "Lena", "Milan", "Nora", "Omar", "Paula" };
static const char *const physicians[] = { "House^Greta", "Quincy^Jack", "Ross^Doug", "Grey^Mira", "Watson^John" };
#define PICK(list, n) ((list)[(n) % (sizeof(list) / sizeof *(list))])

static uint64_t
mix(uint64_t x)
{
	/* splitmix64 */
	x += 0x9e3779b97f4a7c15;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

/* 2.25 and the decimal of a UUID (PS3.5 B.2) made from these numbers. */
static void
make_uid(const struct options *o, char uid[UID_LENGTH + 1], unsigned what, unsigned a, unsigned b, unsigned c)
{
	uint64_t high = mix(mix(mix(o->seed ^ what) ^ a) ^ ((uint64_t)b << 32 | c)), low = mix(high ^ 0x5bd1e995);
	unsigned __int128 n;
	char digits[40], *p = digits + sizeof digits - 1;

	high = (high & ~0xf000ull) | 0x8000;			/* version 8 */
	low = (low & ~(3ull << 62)) | 2ull << 62;		/* variant 2 */
	n = (unsigned __int128)high << 64 | low;
	*p = '\0';
	for (; n != 0; n /= 10)
		*--p = (char)('0' + (int)(n % 10));
	snprintf(uid, UID_LENGTH + 1, "2.25.%s", p);
}

/* ------------------------------------------------------------ writing ---- */

struct header {
	unsigned char bytes[HEADER_MAX];
	size_t len;
};

static void
put_bytes(struct header *h, const void *bytes, size_t len)
{
	if (len > sizeof h->bytes - h->len) {
		fprintf(stderr, "make-phantom: the header grew too long\n");
		exit(1);
	}
	memcpy(h->bytes + h->len, bytes, len);
	h->len += len;
}

static void
put_u16(struct header *h, unsigned v)
{
	const unsigned char b[2] = { (unsigned char)v, (unsigned char)(v >> 8) };

	put_bytes(h, b, 2);
}

static void
put_u32(struct header *h, uint32_t v)
{
	put_u16(h, v & 0xffff);
	put_u16(h, v >> 16);
}

/* PS3.5 7.1.2: some VRs have a 32-bit length after two reserved bytes. */
static void
put_element(struct header *h, uint32_t tag, const char vr[3], uint32_t len)
{
	put_u16(h, tag >> 16);
	put_u16(h, tag & 0xffff);
	put_bytes(h, vr, 2);
	if (strstr("OB OW SQ UN UT UC UR", vr) != NULL) {
		put_u16(h, 0);
		put_u32(h, len);
	} else {
		put_u16(h, len);
	}
}

static void
put_text(struct header *h, uint32_t tag, const char vr[3], const char *text)
{
	size_t len = strlen(text);

	put_element(h, tag, vr, (uint32_t)(len + len % 2));
	put_bytes(h, text, len);
	if (len % 2 != 0)
		put_bytes(h, strcmp(vr, "UI") == 0 ? "" : " ", 1);
}

static void put_format(struct header *, uint32_t, const char vr[3], const char *, ...)
	__attribute__((format(printf, 4, 5)));

static void
put_format(struct header *h, uint32_t tag, const char vr[3], const char *format, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	put_text(h, tag, vr, text);
}

static void
put_us(struct header *h, uint32_t tag, unsigned v)
{
	put_element(h, tag, "US", 2);
	put_u16(h, v);
}

/* A sequence of one item, both of a length known only at its end. */
static size_t
begin_sequence(struct header *h, uint32_t tag)
{
	put_element(h, tag, "SQ", 0);
	put_u32(h, 0xe000fffe);
	put_u32(h, 0);
	return h->len;
}

static void
end_sequence(struct header *h, size_t start)
{
	size_t item = h->len - start, sequence = item + 8;
	int i;

	for (i = 0; i < 4; i++) {
		h->bytes[start - 4 + (size_t)i] = (unsigned char)(item >> (8 * i));
		h->bytes[start - 12 + (size_t)i] = (unsigned char)(sequence >> (8 * i));
	}
}

static void
put_code(struct header *h, uint32_t tag, const char *value, const char *scheme, const char *meaning)
{
	size_t start = begin_sequence(h, tag);

	put_text(h, 0x00080100, "SH", value);
	put_text(h, 0x00080102, "SH", scheme);
	put_text(h, 0x00080104, "LO", meaning);
	end_sequence(h, start);
}

static void
put_reference(struct header *h, uint32_t tag, const char *class_uid, const char *sop_uid)
{
	size_t start = begin_sequence(h, tag);

	put_text(h, 0x00081150, "UI", class_uid);
	put_text(h, 0x00081155, "UI", sop_uid);
	end_sequence(h, start);
}

static void
put_meta(struct header *h, const struct place *p)
{
	struct header *m = calloc(1, sizeof *m);

	if (m == NULL)
		abort();
	put_element(m, 0x00020001, "OB", 2);
	put_bytes(m, "\0\1", 2);
	put_text(m, 0x00020002, "UI", p->kind->class_uid);
	put_text(m, 0x00020003, "UI", p->sop_uid);
	put_text(m, 0x00020010, "UI", "1.2.840.10008.1.2.1");
	put_text(m, 0x00020012, "UI", "2.25.190146791043182537444806132342625375407");
	put_text(m, 0x00020013, "SH", "PHANTOM_1");
	put_bytes(h, (unsigned char[128]){ 0 }, 128);
	put_bytes(h, "DICM", 4);
	put_element(h, 0x00020000, "UL", 4);
	put_u32(h, (uint32_t)m->len);
	put_bytes(h, m->bytes, m->len);
	free(m);
}

static void
put_identification(struct header *h, const struct options *o, const struct place *p)
{
	char other[UID_LENGTH + 1];

	put_text(h, 0x00080005, "CS", "ISO_IR 192");
	put_format(h, 0x00080008, "CS", "ORIGINAL\\PRIMARY\\AXIAL");
	put_text(h, 0x00080012, "DA", p->date);
	put_text(h, 0x00080013, "TM", p->time);
	put_text(h, 0x00080016, "UI", p->kind->class_uid);
	put_text(h, 0x00080018, "UI", p->sop_uid);
	put_text(h, 0x00080020, "DA", p->date);
	put_text(h, 0x00080021, "DA", p->date);
	put_text(h, 0x00080022, "DA", p->date);
	put_text(h, 0x00080023, "DA", p->date);
	put_text(h, 0x00080030, "TM", p->time);
	put_text(h, 0x00080031, "TM", p->time);
	put_text(h, 0x00080032, "TM", p->time);
	put_text(h, 0x00080033, "TM", p->time);
	put_format(h, 0x00080050, "SH", "A%07u", 1000 + p->study);
	put_text(h, 0x00080060, "CS", p->kind->modality);
	put_text(h, 0x00080070, "LO", "Phantom Works");
	put_text(h, 0x00080080, "LO", "Phantom General Hospital");
	put_text(h, 0x00080081, "ST", "1 Example Street, Nowhere");
	put_text(h, 0x00080090, "PN", PICK(physicians, p->patient));
	put_text(h, 0x00081010, "SH", "STATION1");
	put_format(h, 0x00081030, "LO", "%s %s", p->kind->modality, p->kind->region);
	put_code(h, 0x00081032, "RPID220", "RADLEX", "Imaging procedure");
	put_format(h, 0x0008103e, "LO", "%s", p->kind->descriptions[p->series % 4]);
	put_text(h, 0x00081040, "LO", "Radiology");
	put_text(h, 0x00081050, "PN", PICK(physicians, p->patient + 2));
	put_text(h, 0x00081070, "PN", "Operator^Otto");
	put_text(h, 0x00081090, "LO", p->kind->model);
	make_uid(o, other, 'R', p->study, 0, 0);
	put_reference(h, 0x00081110, "1.2.840.10008.3.1.2.3.1", other);
	make_uid(o, other, 'P', p->study, 0, 0);
	put_reference(h, 0x00081111, "1.2.840.10008.3.1.2.3.3", other);
	make_uid(o, other, 'I', p->study, p->series, 0);
	put_reference(h, 0x00081140, p->kind->class_uid, other);
	put_text(h, 0x00082111, "ST", "phantom, no compression");
	put_code(h, 0x00082218, "T-D3000", "SRT", "Chest");

	put_text(h, 0x00090010, "LO", "PHANTOM HEADER 01");
	put_format(h, 0x00091001, "LO", "session %u.%u", p->study, p->series);
	put_text(h, 0x00091002, "DS", "12.5\\0.25\\3");
	put_us(h, 0x00091003, p->instance & 0xffff);
}

static void
put_patient(struct header *h, const struct place *p)
{
	static const char *const family_accented[] = { "Müller", "Ångström", "Núñez", "Dvořák" };

	if (p->patient % 8 == 7)
		put_format(h, 0x00100010, "PN", "%s^%s", PICK(family_accented, p->patient / 8), PICK(given_names, p->patient));
	else
		put_format(h, 0x00100010, "PN", "%s^%s", PICK(family_names, p->patient), PICK(given_names, p->patient / 16 + p->patient));
	put_format(h, 0x00100020, "LO", "PH%06u", p->patient + 1);
	put_format(h, 0x00100030, "DA", "%04u%02u%02u", 1930 + p->patient * 7 % 75, 1 + p->patient % 12, 1 + p->patient * 5 % 28);
	put_text(h, 0x00100040, "CS", p->patient % 2 == 0 ? "F" : "M");
	put_format(h, 0x00101010, "AS", "%03uY", 20 + p->patient * 7 % 70);
	put_format(h, 0x00101020, "DS", "1.%02u", 55 + p->patient % 40);
	put_format(h, 0x00101030, "DS", "%u", 50 + p->patient % 50);
	put_text(h, 0x00102160, "SH", "unknown");
	put_text(h, 0x00102180, "SH", "none");
	put_text(h, 0x001021b0, "LT", "This is no patient but a phantom; nothing here was ever true of anybody.");
	put_text(h, 0x00104000, "LT", "Made by make-phantom.");
}

static void
put_acquisition(struct header *h, const struct place *p)
{
	put_text(h, 0x00180015, "CS", p->kind->region);
	put_text(h, 0x00180022, "CS", "HELICAL MODE");
	put_text(h, 0x00180050, "DS", "5");
	put_text(h, 0x00180060, "DS", "120");
	put_text(h, 0x00180090, "DS", "500");
	put_text(h, 0x00181000, "LO", "SN-0815");
	put_text(h, 0x00181020, "LO", "syngo PHANTOM 1.0\\build 77");
	put_text(h, 0x00181030, "LO", "01_Routine");
	put_text(h, 0x00181100, "DS", "360");
	put_text(h, 0x00181110, "DS", "1040");
	put_text(h, 0x00181111, "DS", "570");
	put_text(h, 0x00181120, "DS", "0");
	put_text(h, 0x00181130, "DS", "145.5");
	put_text(h, 0x00181140, "CS", "CW");
	put_text(h, 0x00181150, "IS", "500");
	put_format(h, 0x00181151, "IS", "%u", 120 + p->instance % 60);
	put_text(h, 0x00181152, "IS", "110");
	put_text(h, 0x00181160, "SH", "WEDGE_3");
	put_text(h, 0x00181170, "IS", "40");
	put_text(h, 0x00181190, "DS", "1.2");
	put_text(h, 0x00181200, "DA", p->date);
	put_text(h, 0x00181201, "TM", p->time);
	put_text(h, 0x00181210, "SH", "B31f");
	put_text(h, 0x00185100, "CS", "HFS");
	put_element(h, 0x00189305, "FD", 8);
	put_bytes(h, (unsigned char[8]){ 0, 0, 0, 0, 0, 0, 0xe0, 0x3f }, 8);
	put_element(h, 0x00189306, "FD", 8);
	put_bytes(h, (unsigned char[8]){ 0, 0, 0, 0, 0, 0, 0xf0, 0x3f }, 8);
	put_element(h, 0x00189345, "FD", 8);
	put_bytes(h, (unsigned char[8]){ 0, 0, 0, 0, 0, 0, 0x20, 0x40 }, 8);
	put_code(h, 0x00189346, "113691", "DCM", "IEC Body Dosimetry Phantom");

	put_text(h, 0x00190010, "LO", "PHANTOM ACQ 02");
	put_text(h, 0x00191010, "LO", "protocol step 3 of 7: spiral, breath hold after inspiration");
	put_format(h, 0x00191011, "DS", "%u.5\\%u.25\\1\\2\\3\\4\\5\\6", p->instance, p->series);
	put_element(h, 0x001910b0, "UN", 768);
	{
		unsigned char curve[768];
		size_t i;

		for (i = 0; i < sizeof curve; i++)
			curve[i] = (unsigned char)(i * i / 7 + p->instance);
		put_bytes(h, curve, sizeof curve);
	}
}

static void
put_relationship(struct header *h, const struct options *o, const struct place *p)
{
	double spacing = o->size == 512 ? 0.7421875 : 360.0 / o->size, z = -200.0 + 5.0 * p->instance;

	put_text(h, 0x0020000d, "UI", p->study_uid);
	put_text(h, 0x0020000e, "UI", p->series_uid);
	put_format(h, 0x00200010, "SH", "S%u", p->study + 1);
	put_format(h, 0x00200011, "IS", "%u", p->series + 1);
	put_text(h, 0x00200012, "IS", "1");
	put_format(h, 0x00200013, "IS", "%u", p->instance + 1);
	put_format(h, 0x00200032, "DS", "%.4f\\%.4f\\%.1f", -spacing * o->size / 2, -spacing * o->size / 2, z);
	put_text(h, 0x00200037, "DS", "1\\0\\0\\0\\1\\0");
	put_text(h, 0x00200052, "UI", p->frame_uid);
	put_text(h, 0x00200060, "CS", "");
	put_text(h, 0x00201040, "LO", "XY");
	put_format(h, 0x00201041, "DS", "%.1f", z);
	put_text(h, 0x00204000, "LT", "phantom");

	put_text(h, 0x00210010, "LO", "PHANTOM REL 03");
	put_text(h, 0x00211011, "CS", "FORWARD");
	{
		size_t start = begin_sequence(h, 0x00211020);

		put_text(h, 0x00210010, "LO", "PHANTOM REL 03");
		put_text(h, 0x00211021, "LO", "nested private");
		put_code(h, 0x0040a043, "PH1", "99PHANTOM", "Inside a private sequence");
		end_sequence(h, start);
	}
}

static void
put_image_module(struct header *h, const struct options *o)
{
	double spacing = o->size == 512 ? 0.7421875 : 360.0 / o->size;

	put_us(h, 0x00280002, 1);
	put_text(h, 0x00280004, "CS", "MONOCHROME2");
	put_us(h, 0x00280010, o->size);
	put_us(h, 0x00280011, o->size);
	put_format(h, 0x00280030, "DS", "%.7g\\%.7g", spacing, spacing);
	put_us(h, 0x00280100, 16);
	put_us(h, 0x00280101, 12);
	put_us(h, 0x00280102, 11);
	put_us(h, 0x00280103, 0);
	put_us(h, 0x00280106, 0);
	put_us(h, 0x00280107, 4095);
	put_text(h, 0x00281050, "DS", "40\\-600");
	put_text(h, 0x00281051, "DS", "400\\1500");
	put_text(h, 0x00281052, "DS", "-1024");
	put_text(h, 0x00281053, "DS", "1");
	put_text(h, 0x00281054, "LO", "HU");
	put_text(h, 0x00281055, "LO", "WINDOW1\\WINDOW2");
	put_text(h, 0x00282110, "CS", "00");
}

static void
put_procedure(struct header *h, const struct place *p)
{
	size_t start;

	put_text(h, 0x00290010, "LO", "PHANTOM CSA");
	put_text(h, 0x00291008, "CS", "IMAGE NUM 4");
	put_text(h, 0x00291009, "LO", "20250101");
	put_element(h, 0x00291010, "OB", 1536);
	{
		unsigned char block[1536];
		size_t i;

		for (i = 0; i < sizeof block; i++)
			block[i] = (unsigned char)mix(i / 16);
		put_bytes(h, block, sizeof block);
	}
	put_text(h, 0x00321033, "LO", "Emergency");
	put_format(h, 0x00321060, "LO", "%s %s routine", p->kind->modality, p->kind->region);
	put_text(h, 0x00380010, "LO", "ADM77");
	put_text(h, 0x00400244, "DA", p->date);
	put_text(h, 0x00400245, "TM", p->time);
	put_format(h, 0x00400253, "SH", "PPS%u", p->study);
	put_text(h, 0x00400254, "LO", "Routine");
	start = begin_sequence(h, 0x00400275);
	put_text(h, 0x00321060, "LO", "Routine examination");
	put_text(h, 0x00400007, "LO", "Routine step");
	put_code(h, 0x00400008, "PROT1", "99PHANTOM", "Protocol one");
	put_format(h, 0x00400009, "SH", "SPS%u", p->study);
	put_format(h, 0x00401001, "SH", "RP%u", p->study);
	end_sequence(h, start);
	put_format(h, 0x00401001, "SH", "RP%u", p->study);
	put_text(h, 0x00402017, "LO", "ORDER1");
	put_text(h, 0x20500020, "CS", "IDENTITY");
}

/* ------------------------------------------------------------- pixels ---- */

static int
inside(double x, double y, double cx, double cy, double rx, double ry)
{
	double dx = (x - cx) / rx, dy = (y - cy) / ry;

	return dx * dx + dy * dy < 1;
}

static void
fill_pixels(const struct options *o, const struct place *p, unsigned char *pixels)
{
	double slice = o->instances > 1 ? (double)p->instance / (o->instances - 1) : 0.5;
	double lung = 0.10 + 0.12 * (1 - (2 * slice - 1) * (2 * slice - 1));
	uint64_t noise = mix(o->seed ^ ((uint64_t)p->study << 40 | (uint64_t)p->series << 20 | p->instance));
	unsigned i, j;

	for (j = 0; j < o->size; j++) {
		double y = (j + 0.5) / o->size - 0.5;

		for (i = 0; i < o->size; i++) {
			double x = (i + 0.5) / o->size - 0.5;
			int hu = -1000;

			if (inside(x, y, 0, 0, 0.44, 0.32)) {
				hu = 40;
				if (inside(x, y, -0.2, -0.03, lung, lung * 1.2) || inside(x, y, 0.2, -0.03, lung, lung * 1.2))
					hu = -820;
				else if (inside(x, y, 0, 0.2, 0.06, 0.07))
					hu = 700;
				else if (inside(x, y, -0.05, 0.02, 0.09, 0.1))
					hu = 60 + (int)p->series * 40;
			}
			noise = noise * 6364136223846793005 + 1442695040888963407;
			hu += 1024 + (int)(noise >> 59) - 16;
			if (hu < 0)
				hu = 0;
			*pixels++ = (unsigned char)hu;
			*pixels++ = (unsigned char)(hu >> 8);
		}
	}
}

static int
write_instance(const struct options *o, const struct place *p, const char *path, struct header *h, unsigned char *pixels)
{
	uint32_t size = o->size * o->size * 2;
	FILE *f;
	int ok;

	h->len = 0;
	put_meta(h, p);
	put_identification(h, o, p);
	put_patient(h, p);
	put_acquisition(h, p);
	put_relationship(h, o, p);
	put_image_module(h, o);
	put_procedure(h, p);
	put_element(h, 0x7fe00010, "OW", size);
	fill_pixels(o, p, pixels);
	f = fopen(path, "wb");
	if (f == NULL)
		return -1;
	ok = fwrite(h->bytes, 1, h->len, f) == h->len && fwrite(pixels, 1, size, f) == size;
	return fclose(f) == 0 && ok ? 0 : -1;
}

static int
make_directory(const char *path)
{
	if (mkdir(path, 0777) == 0 || errno == EEXIST)
		return 0;
	fprintf(stderr, "make-phantom: %s: %s\n", path, strerror(errno));
	return -1;
}

static void
settle_study(const struct options *o, struct place *p)
{
	unsigned day = p->study * 37 % 3650;

	p->patient = p->study * 2 / 3;		/* every other patient comes twice */
	p->kind = &kinds[PICK(kind_of_study, p->study)];
	snprintf(p->date, sizeof p->date, "%04u%02u%02u", 2016 + day / 365, 1 + day % 365 / 31 % 12, 1 + day % 28);
	snprintf(p->time, sizeof p->time, "%02u%02u%02u.%06u", 7 + p->study % 12, p->study * 7 % 60, p->study * 13 % 60,
		 p->study * 1237 % 1000000);
	make_uid(o, p->study_uid, 's', p->study, 0, 0);
	make_uid(o, p->frame_uid, 'f', p->study, 0, 0);
}

static int
write_all(const struct options *o)
{
	unsigned char *pixels = malloc((size_t)o->size * o->size * 2);
	struct header *h = malloc(sizeof *h);
	struct place p = { 0 };
	char dir[4096], path[4200];
	int r = -1;

	if (pixels == NULL || h == NULL || make_directory(o->out) < 0)
		goto out;
	for (p.study = 0; p.study < o->studies; p.study++) {
		settle_study(o, &p);
		snprintf(dir, sizeof dir, "%s/study%04u", o->out, p.study + 1);
		if (make_directory(dir) < 0)
			goto out;
		for (p.series = 0; p.series < o->series; p.series++) {
			make_uid(o, p.series_uid, 'e', p.study, p.series, 0);
			snprintf(dir, sizeof dir, "%s/study%04u/series%02u", o->out, p.study + 1, p.series + 1);
			if (make_directory(dir) < 0)
				goto out;
			for (p.instance = 0; p.instance < o->instances; p.instance++) {
				make_uid(o, p.sop_uid, 'i', p.study, p.series, p.instance + 1);
				snprintf(path, sizeof path, "%s/%s%05u.dcm", dir, p.kind->modality, p.instance + 1);
				if (write_instance(o, &p, path, h, pixels) < 0) {
					fprintf(stderr, "make-phantom: %s: %s\n", path, strerror(errno));
					goto out;
				}
			}
		}
	}
	r = 0;
out:
	free(h);
	free(pixels);
	return r;
}

static int
usage(void)
{
	fprintf(stderr, "usage: make-phantom --out DIR [--studies N] [--series N] [--instances N] [--size 64|512] [--seed N]\n"
		"N studies (1) of N series (3) of N instances (20), each SIZE x SIZE (512) pixels\n");
	return 2;
}

int
main(int argc, char **argv)
{
	struct options o = { .studies = 1, .series = 3, .instances = 20, .size = 512 };
	int i;

	for (i = 1; i + 1 < argc; i += 2) {
		char *end = argv[i + 1];
		unsigned long n;

		if (strcmp(argv[i], "--out") == 0) {
			o.out = argv[i + 1];
			continue;
		}
		n = strtoul(argv[i + 1], &end, 10);
		if (*end != '\0' || end == argv[i + 1] || n > 1000000)
			return usage();
		if (strcmp(argv[i], "--studies") == 0)
			o.studies = (unsigned)n;
		else if (strcmp(argv[i], "--series") == 0)
			o.series = (unsigned)n;
		else if (strcmp(argv[i], "--instances") == 0)
			o.instances = (unsigned)n;
		else if (strcmp(argv[i], "--size") == 0)
			o.size = (unsigned)n;
		else if (strcmp(argv[i], "--seed") == 0)
			o.seed = n;
		else
			return usage();
	}
	if (i != argc || o.out == NULL || o.size == 0 || o.size > 4096 || strlen(o.out) > 4000)
		return usage();
	return write_all(&o) == 0 ? 0 : 1;
}
