/* The bottom layer: buffers, slices, errors, time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/byte_lock.h"
#include "base/clock.h"
#include "base/copy.h"
#include "base/crc64.h"
#include "base/err.h"
#include "base/guid.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/lru.h"
#include "base/md5.h"
#include "base/parallel.h"
#include "base/sha256.h"
#include "base/ticker.h"

static void
buf_grows_and_ends_with_nul(void **state)
{
	struct buf b;
	int i;

	(void)state;
	buf_init(&b, 1 << 20);
	for (i = 0; i < 1000; i++)
		assert_int_equal(buf_printf(&b, "%d,", i), 0);
	assert_int_equal(strlen(b.data), b.len);
	assert_string_equal(b.data + b.len - 4, "999,");
	buf_fini(&b);
}

static void
buf_stops_at_its_ceiling_and_says_so_for_ever(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 4);
	assert_int_equal(buf_puts(&b, "1234"), 0);
	assert_int_equal(buf_putc(&b, '5'), -EMSGSIZE);
	buf_truncate(&b, 0);
	assert_int_equal(buf_putc(&b, '1'), -EMSGSIZE);
	assert_int_equal(buf_error(&b), -EMSGSIZE);
	buf_reset(&b);
	assert_int_equal(buf_putc(&b, '1'), 0);
	buf_fini(&b);
}

static void
json_string_escapes_and_replaces_what_is_not_utf8(void **state)
{
	static const struct { const char *in; size_t len; const char *out; } cases[] = {
		{ "a\"b\\c\n\001", 7, "\"a\\\"b\\\\c\\n\\u0001\"" },
		{ "\0x", 2, "\"\\u0000x\"" },
		{ "\xC3\xA4", 2, "\"\xC3\xA4\"" },
		{ "\xC3", 1, "\"\xEF\xBF\xBD\"" },
		{ "\xED\xA0\x80", 3, "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"" },
		{ "\xF0\x9F\x98\x80", 4, "\"\xF0\x9F\x98\x80\"" },
		{ "\x7F", 1, "\"\\u007f\"" },
		{ "", 0, "\"\"" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct buf b;

		buf_init(&b, 100);
		assert_int_equal(buf_put_json_string(&b, cases[i].in, cases[i].len), 0);
		assert_string_equal(b.data, cases[i].out);
		buf_fini(&b);
	}
}

static void
slices_order_like_memcmp_with_prefixes_first(void **state)
{
	(void)state;
	assert_true(slice_compare(slice_str("a"), slice_str("b")) < 0);
	assert_true(slice_compare(slice_str("a"), slice_str("aa")) < 0);
	assert_true(slice_compare(slice_str("b"), slice_str("aa")) > 0);
	assert_int_equal(slice_compare(slice_of(NULL, 0), slice_str("")), 0);
}

static void
err_keeps_number_reason_and_sentence(void **state)
{
	struct err e = { 0 };

	(void)state;
	assert_int_equal(err_set_dicom(&e, -EINVAL, 43264, 0x00100020, "no %s", "PatientID"), -EINVAL);
	err_prefix(&e, "file %d", 7);
	assert_string_equal(err_text(&e), "file 7: no PatientID");
	assert_int_equal(e.reason, 43264);
	assert_int_equal(err_set(NULL, -EIO, "x"), -EIO);
}

static void
clock_prints_utc_with_seven_digits(void **state)
{
	char text[CLOCK_TEXT_MAX];

	(void)state;
	clock_format(1740816000123456789, text);
	assert_string_equal(text, "2025-03-01T08:00:00.1234567Z");
	clock_format(-1, text);
	assert_string_equal(text, "1969-12-31T23:59:59.9999999Z");
}

static void
clock_reads_what_it_prints_and_other_zones(void **state)
{
	static const char *const bad[] = {
		"", "2025-03-01", "2025-03-01T08:00:00", "2025-03-01T08:00:00.Z", "2025-02-29T08:00:00Z",
		"2025-13-01T08:00:00Z", "0000-01-01T00:00:00Z", "2025-03-01T24:00:00Z", "2025-03-01T08:00:60Z",
		"2025-03-01T08:00:00+1:00", "2025-03-01T08:00:00+01:60", "2025-03-01T08:00:00Z ",
		"2025-03-01T08:00:00.1234567890Z", "2025-03-01 08:00:00Z", "-025-03-01T08:00:00Z",
	};
	char text[CLOCK_TEXT_MAX];
	int64_t a, b, first, last;
	size_t i;

	(void)state;
	for (i = 0; i < 2000; i++) {
		int64_t ns = (int64_t)i * 4243211234567891 - 4000000000000000000;

		clock_format(ns, text);
		assert_int_equal(clock_parse(text, &a), 0);
		assert_true(a == clock_ticks(ns));
	}
	assert_int_equal(clock_parse("2025-03-01T08:00:00.5Z", &a), 0);
	assert_int_equal(clock_parse("2025-03-01T10:30:00.500000099+02:30", &b), 0);
	assert_true(a == b);
	assert_int_equal(clock_parse("2025-03-01T03:00:00.5-05:00", &b), 0);
	assert_true(a == b);
	assert_int_equal(clock_parse("2024-02-29T00:00:00Z", &a), 0);
	assert_int_equal(clock_parse("0001-01-01T00:00:00Z", &first), 0);
	assert_int_equal(clock_parse("9999-12-31T23:59:59.9999999Z", &last), 0);
	assert_true(first < a && a < last);
	assert_true(first == -621355968000000000);
	assert_true(last == 2534023007999999999);
	for (i = 0; i < sizeof bad / sizeof *bad; i++)
		if (clock_parse(bad[i], &a) != -EINVAL)
			fail_msg("\"%s\" passes", bad[i]);
}

static void
hash_of_a_stream_is_the_hash_of_its_bytes(void **state)
{
	unsigned char a[HASH_LEN], b[HASH_LEN];
	char text[2 * HASH_LEN + 1];
	struct hash_stream *h = hash_stream_new();

	(void)state;
	hash_stream_add(h, "hello ", 6);
	hash_stream_add(h, "world", 5);
	hash_stream_get(h, a);
	hash_bytes("hello world", 11, b);
	assert_memory_equal(a, b, HASH_LEN);
	hash_format(a, text);
	/* xxhsum -H2 of the same bytes */
	assert_string_equal(text, "df8d09e93f874900a99b8775cc15b6c7");
	hash_stream_free(h);
}

/* The sums that the clients of Azure's Blob service send. */
static void
md5_and_crc64_of_pieces_are_those_of_the_whole(void **state)
{
	char text[MD5_TEXT_MAX], crc[CRC64_TEXT_MAX];
	struct md5 *m = md5_new();
	char long_text[100];
	uint64_t whole, pieces;
	size_t i;

	(void)state;
	assert_non_null(m);
	assert_int_equal(md5_add(m, "a", 1), 0);
	assert_int_equal(md5_add(m, "bc", 2), 0);
	assert_int_equal(md5_get(m, text), 0);
	assert_string_equal(text, "kAFQmDzST7DWlj99KOF/cg==");
	md5_free(m);
	assert_true(crc64_add(0, "123456789", 9) == UINT64_C(0xAE8B14860A799888));
	crc64_format(crc64_add(crc64_add(0, "1234", 4), "56789", 5), crc);
	assert_string_equal(crc, "iJh5CoYUi64=");
	for (i = 0; i < sizeof long_text; i++)
		long_text[i] = (char)(i * 7);
	whole = crc64_add(0, long_text, sizeof long_text);
	for (i = 0; i <= sizeof long_text; i++) {
		pieces = crc64_add(crc64_add(0, long_text, i), long_text + i, sizeof long_text - i);
		assert_true(pieces == whole);
	}
}

static void
sha256_of_pieces_is_that_of_the_whole(void **state)
{
	struct sha256 *s = sha256_new();
	char text[SHA256_TEXT_MAX];

	(void)state;
	assert_int_equal(sha256_add(s, "a", 1), 0);
	assert_int_equal(sha256_add(s, "bc", 2), 0);
	assert_int_equal(sha256_get(s, text), 0);
	/* FIPS 180-2, B.1 */
	assert_string_equal(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	sha256_free(s);
}

/* ------------------------------------------------------------- lru ---- */

static int values_freed;

static void
free_value(void *value)
{
	values_freed++;
	free(value);
}

static const unsigned char *
key(int n)
{
	static unsigned char k[HASH_LEN];

	memcpy(k, &n, sizeof n);
	return k;
}

static struct lru_item *
put(struct lru *l, int n, size_t size)
{
	int *value = malloc(sizeof *value);

	*value = n;
	return lru_put(l, key(n), value, size);
}

static bool
has(struct lru *l, int n)
{
	struct lru_item *i = lru_find(l, key(n));
	bool found = i != NULL;

	if (found)
		assert_int_equal(*(int *)lru_value(i), n);
	lru_release(l, i);
	return found;
}

static size_t
bytes_of(struct lru *l)
{
	struct lru_counts counts;

	lru_count(l, &counts);
	return counts.bytes;
}

static void
lru_drops_what_was_not_asked_for_longest(void **state)
{
	struct lru *l = lru_new(100, free_value);
	int n;

	(void)state;
	values_freed = 0;
	for (n = 0; n < 4; n++)
		lru_release(l, put(l, n, 25));
	assert_true(has(l, 0) && has(l, 2) && has(l, 3));
	lru_release(l, put(l, 4, 25));
	assert_false(has(l, 1));
	assert_true(has(l, 0) && has(l, 2) && has(l, 3) && has(l, 4));
	assert_int_equal(bytes_of(l), 100);
	lru_release(l, put(l, 5, 50));
	assert_true(has(l, 3) && has(l, 4) && has(l, 5));
	assert_int_equal(values_freed, 3);
	lru_free(l);
	assert_int_equal(values_freed, 6);
}

static void
lru_keeps_what_is_held_and_nothing_beyond_its_bytes(void **state)
{
	struct lru *l = lru_new(100, free_value);
	struct lru_item *held[3], *large;

	(void)state;
	values_freed = 0;
	held[0] = put(l, 0, 50);
	held[1] = put(l, 1, 50);
	held[2] = put(l, 2, 50);	/* is nobody's but ours */
	assert_true(has(l, 0) && has(l, 1));
	assert_false(has(l, 2));
	assert_int_equal(*(int *)lru_value(held[2]), 2);
	assert_int_equal(bytes_of(l), 100);
	lru_release(l, held[2]);
	assert_int_equal(values_freed, 1);
	lru_release(l, held[0]);
	large = put(l, 3, 51);
	assert_false(has(l, 3));
	assert_true(has(l, 0));
	lru_release(l, large);
	lru_release(l, put(l, 4, 50));
	assert_true(has(l, 1) && has(l, 4));
	assert_false(has(l, 0));
	lru_release(l, held[1]);
	lru_free(l);
	assert_int_equal(values_freed, 5);
}

static void
lru_has_one_value_of_a_key_and_no_end_of_keys(void **state)
{
	struct lru *l = lru_new(1 << 20, free_value);
	struct lru_item *first, *second;
	struct lru_counts counts;
	int n;

	(void)state;
	first = put(l, 0, 10);
	second = put(l, 0, 10);
	assert_ptr_equal(first, second);
	assert_int_equal(bytes_of(l), 10);
	lru_release(l, first);
	lru_release(l, second);
	for (n = 1; n < 3000; n++)
		lru_release(l, put(l, n, 10));
	assert_true(bytes_of(l) < 10 * 3000);
	assert_true(has(l, 2999));
	assert_false(has(l, 0));
	lru_count(l, &counts);
	assert_int_equal(counts.found, 1);
	assert_int_equal(counts.missed, 1);
	lru_free(l);
}

/* RFC 4648 10. */
static void
base64_goes_there_and_back(void **state)
{
	static const struct { const char *plain, *text; } cases[] = {
		{ "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" }, { "foob", "Zm9vYg==" }, { "fooba", "Zm9vYmE=" },
		{ "foobar", "Zm9vYmFy" }, { "\xfb\xff", "+/8=" },
	};
	static const char *const bad[] = { "Z", "Zg=", "Zg", "Zh==", "Zm9=", "Z===", "====", "Zm 9", "Zm9v=", "=Zg=", "Zg==Zg==" };
	char text[16], plain[16];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		base64_encode(cases[i].plain, strlen(cases[i].plain), text);
		assert_string_equal(text, cases[i].text);
		assert_int_equal(base64_decode(text, plain, sizeof plain), strlen(cases[i].plain));
		assert_memory_equal(plain, cases[i].plain, strlen(cases[i].plain));
	}
	for (i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(base64_decode(bad[i], plain, sizeof plain), -EINVAL);
	assert_int_equal(base64_decode("Zm9vYmFy", plain, 5), -EMSGSIZE);
}

/* RFC 4231 4.3. */
static void
hmac_is_that_of_the_rfc(void **state)
{
	static const unsigned char want[] = "\x5b\xdc\xc1\x46\xbf\x60\x75\x4e\x6a\x04\x24\x26\x08\x95\x75\xc7"
		"\x5a\x00\x3f\x08\x9d\x27\x39\x83\x9d\xec\x58\xb9\x64\xec\x38\x43";
	unsigned char code[HMAC_SHA256_LEN];

	(void)state;
	assert_int_equal(hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, code), 0);
	assert_memory_equal(code, want, sizeof code);
}

struct counted {
	int done[100];
	size_t fails_at;
};

static int
count_one(void *ctx, size_t i)
{
	struct counted *c = ctx;

	__atomic_fetch_add(&c->done[i], 1, __ATOMIC_SEQ_CST);
	return i == c->fails_at ? -EIO : 0;
}

static void
parallel_work_is_done_once_each_and_ends_at_a_failure(void **state)
{
	struct counted c = { .fails_at = 1000 };
	int i, done = 0;

	(void)state;
	assert_int_equal(parallel_run(100, 7, count_one, &c), 0);
	for (i = 0; i < 100; i++)
		assert_int_equal(c.done[i], 1);
	assert_int_equal(parallel_run(0, 7, count_one, &c), 0);
	c = (struct counted){ .fails_at = 3 };
	assert_int_equal(parallel_run(100, 1, count_one, &c), -EIO);
	for (i = 0; i < 100; i++)
		done += c.done[i];
	assert_int_equal(done, 4);
}

/* An open file without a name, of n bytes; -1. */
static int
temp_file(size_t n)
{
	char path[] = "/tmp/dicomlake-base-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0 && unlink(path) == 0);
	for (; n > 0; n--)
		assert_int_equal(write(fd, n % 7 == 0 ? "x" : "y", 1), 1);
	return fd;
}

static void
a_file_is_copied_with_what_goes_with_it(void **state)
{
	const struct timespec times[2] = { { 1000, 5 }, { 2000, 7 } };
	int from = temp_file(5000), to = temp_file(0), stopped = temp_file(0);
	atomic_bool stop = true;
	char a[5001], b[5001];
	struct stat sb;
	bool kept;

	(void)state;
	kept = fsetxattr(from, "user.kept", "v", 1, 0) == 0;
	assert_int_equal(fchmod(from, 0640), 0);
	assert_int_equal(futimens(from, times), 0);
	assert_int_equal(copy_file(from, to, NULL), 0);
	assert_int_equal(pread(from, a, sizeof a, 0), 5000);
	assert_int_equal(pread(to, b, sizeof b, 0), 5000);
	assert_memory_equal(a, b, 5000);
	assert_int_equal(fstat(to, &sb), 0);
	assert_int_equal(sb.st_mode & 0777, 0640);
	assert_true(sb.st_mtim.tv_sec == 2000 && sb.st_mtim.tv_nsec == 7);
	if (kept)
		assert_int_equal(fgetxattr(to, "user.kept", b, sizeof b), 1);
	assert_int_equal(copy_file(from, stopped, &stop), -ECANCELED);
	assert_int_equal(copy_bytes(from, 10, to, 4990, 100, NULL), 0);
	assert_int_equal(pread(to, b, 100, 4990), 100);
	assert_memory_equal(a + 10, b, 100);
	assert_int_equal(copy_bytes(from, 4999, to, 0, 2, NULL), -EIO);
	/* What the kernel does not do, as across file systems. */
	assert_int_equal(copy_bytes(from, 0, from, 3, 3000, NULL), 0);
	assert_int_equal(pread(from, b, 3003, 0), 3003);
	assert_memory_equal(a, b, 3);
	assert_memory_equal(a, b + 3, 3000);
	close(from);
	close(to);
	close(stopped);
}

static void
guids_have_their_version_in_their_place(void **state)
{
	static const unsigned char bytes[GUID_LEN] = { 0, 1, 2, 3, 4, 5, 0xff, 7, 0xff, 9, 10, 11, 12, 13, 14, 15 };
	char text[GUID_TEXT_MAX], other[GUID_TEXT_MAX];

	(void)state;
	guid_format(bytes, 8, text);
	assert_string_equal(text, "00010203-0405-8f07-bf09-0a0b0c0d0e0f");
	assert_int_equal(guid_make(text), 0);
	assert_int_equal(guid_make(other), 0);
	assert_int_equal(text[14], '4');
	assert_string_not_equal(text, other);
}

static void
a_lock_by_number_is_had_once_until_it_is_closed(void **state)
{
	char path[] = "/tmp/dicomlake-base-XXXXXX";
	int fd = mkstemp(path), one, other, again = -1;

	(void)state;
	assert_true(fd >= 0);
	assert_false(byte_lock_is_held(AT_FDCWD, path, 1000));
	assert_int_equal(byte_lock_take(AT_FDCWD, path, 1000, &one), 0);
	assert_true(byte_lock_is_held(AT_FDCWD, path, 1000));
	assert_false(byte_lock_is_held(AT_FDCWD, path, UINT64_MAX));
	assert_int_equal(byte_lock_take(AT_FDCWD, path, 1000, &again), -EBUSY);
	assert_int_equal(again, -1);
	assert_int_equal(byte_lock_take(AT_FDCWD, path, UINT64_MAX, &other), 0);
	close(one);
	assert_false(byte_lock_is_held(AT_FDCWD, path, 1000));
	assert_int_equal(byte_lock_take(AT_FDCWD, path, 1000, &one), 0);
	close(one);
	close(other);
	close(fd);
	unlink(path);
	assert_false(byte_lock_is_held(AT_FDCWD, path, 1000));
}

static int
tick(void *ctx)
{
	atomic_int *ticks = ctx;

	return ++*ticks < 3 ? 1 : 24 * 3600 * 1000;
}

static void
a_ticker_calls_at_once_and_again_and_ends_in_the_middle_of_a_rest(void **state)
{
	atomic_int ticks = 0;
	struct ticker *t;

	(void)state;
	assert_int_equal(ticker_start("tick", tick, &ticks, &t, NULL), 0);
	while (ticks < 3)
		sched_yield();
	ticker_stop(t);
	assert_int_equal(ticks, 3);
	ticker_stop(NULL);
}

static void
log_lines_say_whom_they_are_about(void **state)
{
	char text[200] = "";
	int fds[2], saved = dup(STDERR_FILENO);

	(void)state;
	assert_true(saved >= 0 && pipe(fds) == 0 && dup2(fds[1], STDERR_FILENO) >= 0);
	unsetenv("JOURNAL_STREAM");
	log_warning("one n=%d", 1);
	log_about("w-s");
	log_warning("two n=%d", 2);
	log_about(NULL);
	log_warning("three n=%d", 3);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(fds[1]);
	assert_true(read(fds[0], text, sizeof text - 1) > 0);
	close(fds[0]);
	assert_string_equal(text, "warning: one n=1\nwarning: service=w-s two n=2\nwarning: three n=3\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(log_lines_say_whom_they_are_about),
		cmocka_unit_test(a_file_is_copied_with_what_goes_with_it),
		cmocka_unit_test(guids_have_their_version_in_their_place),
		cmocka_unit_test(a_lock_by_number_is_had_once_until_it_is_closed),
		cmocka_unit_test(a_ticker_calls_at_once_and_again_and_ends_in_the_middle_of_a_rest),
		cmocka_unit_test(base64_goes_there_and_back),
		cmocka_unit_test(hmac_is_that_of_the_rfc),
		cmocka_unit_test(parallel_work_is_done_once_each_and_ends_at_a_failure),
		cmocka_unit_test(buf_grows_and_ends_with_nul),
		cmocka_unit_test(buf_stops_at_its_ceiling_and_says_so_for_ever),
		cmocka_unit_test(json_string_escapes_and_replaces_what_is_not_utf8),
		cmocka_unit_test(slices_order_like_memcmp_with_prefixes_first),
		cmocka_unit_test(err_keeps_number_reason_and_sentence),
		cmocka_unit_test(clock_prints_utc_with_seven_digits),
		cmocka_unit_test(clock_reads_what_it_prints_and_other_zones),
		cmocka_unit_test(hash_of_a_stream_is_the_hash_of_its_bytes),
		cmocka_unit_test(md5_and_crc64_of_pieces_are_those_of_the_whole),
		cmocka_unit_test(sha256_of_pieces_is_that_of_the_whole),
		cmocka_unit_test(lru_drops_what_was_not_asked_for_longest),
		cmocka_unit_test(lru_keeps_what_is_held_and_nothing_beyond_its_bytes),
		cmocka_unit_test(lru_has_one_value_of_a_key_and_no_end_of_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
