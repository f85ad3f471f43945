/* The parts of the mount that need neither a kernel nor a store: node numbers,
 * public names, options, and the table of names that linger. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/cond.h"
#include "fs/alias.h"
#include "fs/inode.h"
#include "fs/options.h"
#include "fs/tree.h"

/* -- tree ----------------------------------------------------------------- */

static void
instance_nodes_carry_id_and_version(void **state)
{
	uint64_t a = tree_instance_node(4099, 7), b = tree_instance_node(4099, 8);

	(void)state;
	assert_true(tree_is_instance(a) && !tree_is_local(a) && !tree_is_fixed(a));
	assert_true(a != b);
	assert_int_equal(tree_catalog_id(a), 4099);
	assert_int_equal(tree_ino(a), tree_ino(b));
	assert_int_equal(tree_dir_offset(a), 4099);
	assert_true(tree_same_version(a, 7) && !tree_same_version(a, 8));
	assert_int_equal(tree_instance_node(UINT64_C(1) << 48, 1), 0);
	assert_false(tree_is_instance(4099));
	assert_int_equal(tree_catalog_id(4099), 4099);
	/* an offset is never negative, and local names come after the catalog's */
	assert_true((int64_t)tree_dir_offset(TREE_LOCAL | 5) > (int64_t)tree_dir_offset(a));
}

/* As the kernel knows it, and back. */
static void
check_service(uint64_t node)
{
	assert_int_equal(tree_outer(0, node), node);
	assert_int_equal(tree_service(tree_outer(200, node)), 200);
	assert_int_equal(tree_inner(tree_outer(200, node)), node);
	assert_true(tree_outer(200, node) != tree_outer(201, node) && tree_outer(200, node) != node);
	assert_int_equal(tree_is_instance(tree_outer(200, node)), tree_is_instance(node));
	assert_int_equal(tree_is_local(tree_outer(200, node)), tree_is_local(node));
	assert_int_equal(tree_is_virtual(tree_outer(200, node)), tree_is_virtual(node));
}

static void
nodes_of_several_carry_their_service(void **state)
{
	uint64_t last = (UINT64_C(1) << 40) - 1;

	(void)state;
	check_service(TREE_SERVICE);
	check_service(TREE_ERROR_QUEUE);
	check_service(4096);
	check_service(last);
	check_service(tree_instance_node(4099, UINT64_MAX));
	check_service(tree_instance_node(last, 0));
	check_service(TREE_LOCAL | 17);
	check_service(TREE_LOCAL_DIR | 17);
	check_service(TREE_VIRTUAL | UINT64_C(0xfff) << 48 | last);
	check_service(tree_real_node(UINT64_MAX, true));
	check_service(tree_real_node(12345, true));
	assert_true(tree_is_real(tree_real_node(UINT64_MAX, true)));
	assert_int_equal(tree_real_node(12345, true), tree_real_node(12345, false));
	assert_true(tree_real_node(last + 1, true) != tree_real_node(0, true));
	assert_true(tree_fits(0, last + 1) && tree_fits(1, last) && !tree_fits(1, last + 1));
	/* what is above them is of none, and no such name is a node */
	assert_int_equal(tree_outer(200, TREE_ROOT), TREE_ROOT);
	assert_int_equal(tree_outer(200, 0), 0);
	assert_int_equal(tree_service(TREE_AHDS), 0);
}

static void
services_share_what_is_above_them(void **state)
{
	struct tree upper, other, own;
	const struct tree_fixed *ahds, *w, *dicom, *f;

	(void)state;
	assert_int_equal(tree_init_upper(&upper), 0);
	assert_int_equal(tree_add_service(&upper, 1, "w", "a"), 0);
	assert_int_equal(tree_add_service(&upper, 2, "w", "b"), 0);
	assert_int_equal(tree_add_service(&upper, 3, "v", "a"), 0);
	ahds = tree_fixed_child(&upper, TREE_ROOT, "AHDS");
	assert_non_null(ahds);
	w = tree_fixed_child(&upper, ahds->id, "w");
	assert_non_null(w);
	assert_true(tree_is_upper(w->id) && tree_is_outside(w->id) && tree_is_closed(w->id) && !tree_is_virtual(w->id));
	assert_ptr_equal(tree_fixed_at(&upper, w->id), w);
	dicom = tree_fixed_child(&upper, w->id, "dicom");
	assert_non_null(dicom);
	f = tree_fixed_child(&upper, dicom->id, "b");
	assert_true(f != NULL && f->id == TREE_SERVICE && f->service == 2);
	f = tree_fixed_child(&upper, TREE_ROOT, "AHDS_v-a");
	assert_true(f != NULL && f->id == TREE_AREA && f->service == 3);
	assert_null(tree_fixed_child(&upper, ahds->id, "x"));
	assert_null(tree_fixed_at(&upper, TREE_SERVICE));
	/* a service finds its way up, and a workspace is the same whoever else is there */
	assert_int_equal(tree_init(&own, "w", "b", true), 0);
	assert_int_equal(tree_fixed_at(&own, TREE_SERVICE)->parent, dicom->id);
	assert_null(tree_fixed_at(&own, TREE_DICOM));
	assert_int_equal(tree_init_upper(&other), 0);
	assert_int_equal(tree_add_service(&other, 9, "w", "z"), 0);
	assert_non_null(tree_fixed_at(&other, w->id));
	tree_fini(&own);
	tree_fini(&other);
	tree_fini(&upper);
}

static void
public_names_are_those_the_catalog_can_have(void **state)
{
	static const struct { enum store_level parent; const char *name; const char *key; } cases[] = {
		{ STORE_ROOT, "Microsoft.Default", "Microsoft.Default" },
		{ STORE_ROOT, "a/b", NULL },
		{ STORE_ROOT, "", NULL },
		{ STORE_ROOT, "..", NULL },
		{ STORE_ROOT, ".clinic", ".clinic" },
		{ STORE_PARTITION, "1.2.3", "1.2.3" },
		{ STORE_PARTITION, "1.2.3.dcm", NULL },
		{ STORE_PARTITION, "..", NULL },
		{ STORE_PARTITION, "file", NULL },
		{ STORE_STUDY, "1.2.3", "1.2.3" },
		{ STORE_SERIES, "1.2.3.dcm", "1.2.3" },
		{ STORE_SERIES, "1.2.3", NULL },
		{ STORE_SERIES, ".dcm", NULL },
		{ STORE_SERIES, "1.2.3.DCM", NULL },
		{ STORE_SERIES, "1.2.x.dcm", NULL },
		{ STORE_INSTANCE, "1.2.3", NULL },
		{ STORE_STUDY, "1234567890123456789012345678901234567890123456789012345678901234",
		  "1234567890123456789012345678901234567890123456789012345678901234" },
		{ STORE_STUDY, "12345678901234567890123456789012345678901234567890123456789012345", NULL },
	};
	char key[UID_TEXT_MAX];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(tree_public_name(cases[i].parent, cases[i].name, key), cases[i].key != NULL);
		if (cases[i].key != NULL)
			assert_string_equal(key, cases[i].key);
	}
}

/* -- options -------------------------------------------------------------- */

static void
options_are_ours_ignored_or_passed_on(void **state)
{
	struct fs_mount_options o;
	struct err err;

	(void)state;
	assert_int_equal(fs_mount_options_parse("ro,uid=7,gid=8,umask=077,sync,nofail,x-mount.mkdir,noexec,"
						"nopassthrough,noauto_unmount,fsname=a\\,b", &o, &err), 0);
	assert_int_equal(o.uid, 7);
	assert_int_equal(o.gid, 8);
	assert_int_equal(o.umask, 077);
	assert_true(o.sync && !o.passthrough && !o.auto_unmount);
	assert_string_equal(o.rest.data, "ro,noexec,fsname=a\\,b");
	fs_mount_options_fini(&o);
	assert_int_equal(fs_mount_options_parse(NULL, &o, &err), 0);
	assert_true(!o.sync && o.passthrough && o.auto_unmount && o.rest.len == 0);
	fs_mount_options_fini(&o);
	assert_int_equal(o.xattr_list, 4000);
	assert_int_equal(fs_mount_options_parse("uid=", &o, &err), -EINVAL);
	assert_int_equal(fs_mount_options_parse("xattr_list=65537", &o, &err), -EINVAL);
	assert_int_equal(fs_mount_options_parse("umask=1000", &o, &err), -EINVAL);
	assert_int_equal(fs_mount_options_parse("gid=1x", &o, &err), -EINVAL);
	assert_int_equal(fs_mount_options_parse("uid=4294967295", &o, &err), -EINVAL);
}

/* -- names that linger ---------------------------------------------------- */

struct fixture {
	struct nodes *t;
	struct node *top, *partition;
	unsigned gone;
	char last_gone[300];
};

static void
note_gone(void *ctx, uint64_t parent, const char *name)
{
	struct fixture *f = ctx;

	(void)parent;
	f->gone++;
	snprintf(f->last_gone, sizeof f->last_gone, "%s", name);
}

static void
start(struct fixture *f, size_t max)
{
	memset(f, 0, sizeof *f);
	f->t = nodes_new(max, note_gone, f);
	assert_non_null(f->t);
	nodes_lock(f->t);
	f->top = node_add_catalog_locked(f->t, NULL, TREE_SERVICE, STORE_ROOT, "");
	f->partition = node_add_catalog_locked(f->t, f->top, 5000, STORE_PARTITION, "P");
	f->partition->u.catalog.lookups = 1;
}

static void
end(struct fixture *f)
{
	nodes_unlock(f->t);
	nodes_free(f->t, NULL);
}

static struct node *
add(struct fixture *f, struct node *parent, const char *name, enum node_kind kind)
{
	struct node *n;

	assert_int_equal(node_add_local_locked(f->t, parent, name, kind, &n), 0);
	if (kind == NODE_DIR)
		node_set_listed_locked(n, true);
	node_review_locked(f->t, n);
	return n;
}

static struct node *
catalog(struct fixture *f, struct node *parent, uint64_t id, enum store_level level, const char *name)
{
	struct node *n = node_add_catalog_locked(f->t, parent, id, level, name);

	assert_non_null(n);
	n->u.catalog.lookups++;
	return n;
}

static void
directories_are_kept_as_long_as_the_kernel_knows_them(void **state)
{
	struct fixture f;
	struct node *study, *series;

	(void)state;
	start(&f, 100);
	study = catalog(&f, f.partition, 6000, STORE_STUDY, "1.2");
	series = catalog(&f, study, 6001, STORE_SERIES, "1.2.3");
	assert_ptr_equal(node_child_locked(f.t, 6000, "1.2.3"), series);
	node_forget_locked(f.t, 6000, 1);
	assert_non_null(node_find_locked(f.t, 6000));	/* it has a child */
	node_forget_locked(f.t, 6001, 1);
	assert_null(node_find_locked(f.t, 6001));
	assert_null(node_find_locked(f.t, 6000));
	node_forget_locked(f.t, 6000, 1);		/* a second time is nothing */
	node_forget_locked(f.t, TREE_SERVICE, 99);
	assert_non_null(node_find_locked(f.t, TREE_SERVICE));
	end(&f);
}

static void
a_hundred_thousand_directories_come_and_go(void **state)
{
	struct fixture f;
	char name[32];
	uint64_t i;

	(void)state;
	start(&f, 100);
	for (i = 0; i < 100000; i++) {
		snprintf(name, sizeof name, "1.%u", (unsigned)i);
		catalog(&f, f.partition, 10000 + i, STORE_STUDY, name);
	}
	assert_int_equal(nodes_count_locked(f.t, NODE_CATALOG), 100002);
	assert_int_equal(node_child_locked(f.t, 5000, "1.77777")->id, 10000 + 77777);
	for (i = 0; i < 100000; i++)
		node_forget_locked(f.t, 10000 + i, 1);
	assert_int_equal(nodes_count_locked(f.t, NODE_CATALOG), 2);
	end(&f);
}

static void
the_longest_idle_name_makes_room(void **state)
{
	struct fixture f;
	struct node *a, *b, *n;

	(void)state;
	start(&f, 3);
	a = add(&f, f.partition, "a", NODE_FILE);
	add(&f, f.partition, "b", NODE_FILE);
	add(&f, f.partition, "c", NODE_FILE);
	node_review_locked(f.t, a);		/* used again */
	add(&f, f.partition, "d", NODE_FILE);
	assert_int_equal(f.gone, 1);
	assert_string_equal(f.last_gone, "b");
	assert_null(node_child_locked(f.t, 5000, "b"));
	assert_non_null(node_child_locked(f.t, 5000, "a"));
	/* open files and listed directories stay */
	b = node_child_locked(f.t, 5000, "c");
	b->u.file.opens = 1;
	node_review_locked(f.t, b);
	a->u.file.opens = 1;
	node_review_locked(f.t, a);
	add(&f, f.partition, "dir", NODE_DIR);
	assert_int_equal(node_add_local_locked(f.t, f.partition, "e", NODE_FILE, &n), -ENOSPC);
	a->u.file.opens = b->u.file.opens = 0;
	end(&f);
}

static void
a_directory_the_catalog_gets_keeps_the_names_in_it(void **state)
{
	struct fixture f;
	struct node *dir, *sub, *file, *study;
	uint64_t old;

	(void)state;
	start(&f, 100);
	dir = add(&f, f.partition, "1.2", NODE_DIR);
	old = dir->id;
	sub = add(&f, dir, "sub", NODE_DIR);
	file = add(&f, dir, ".x.dcm.AbCd", NODE_FILE);
	assert_int_equal(f.partition->listed_dirs, 1);
	study = catalog(&f, f.partition, 6000, STORE_STUDY, "1.2");
	assert_ptr_equal(node_child_locked(f.t, 5000, "1.2"), study);
	assert_ptr_equal(node_child_locked(f.t, 6000, ".x.dcm.AbCd"), file);
	assert_ptr_equal(node_child_locked(f.t, 6000, "sub"), sub);
	assert_int_equal(node_resolve_locked(f.t, old), 6000);
	assert_int_equal(f.partition->listed_dirs, 0);
	assert_int_equal(study->listed_dirs, 1);
	assert_string_equal(f.last_gone, "1.2");	/* the kernel must look again */
	assert_string_equal(alias_top_locked(file)->name, "P");
	end(&f);
}

static void
an_emptied_directory_waits_for_its_rmdir(void **state)
{
	struct fixture f;
	struct node *study, *again;

	(void)state;
	start(&f, 100);
	study = catalog(&f, f.partition, 6000, STORE_STUDY, "1.2");
	node_vanish_locked(f.t, study, 1000);
	assert_ptr_equal(node_child_locked(f.t, 5000, "1.2"), study);
	assert_int_equal(study->kind, NODE_DIR);
	assert_int_equal(nodes_expire_locked(f.t, 999), 1);
	assert_int_equal(nodes_expire_locked(f.t, 1000), 0);
	assert_null(node_find_locked(f.t, 6000));
	assert_int_equal(f.gone, 1);

	study = catalog(&f, f.partition, 6001, STORE_STUDY, "1.2");
	node_vanish_locked(f.t, study, 1000);
	assert_int_equal(alias_remove_dir_locked(f.t, study), 0);
	assert_null(node_child_locked(f.t, 5000, "1.2"));

	/* it comes back before anybody removed it */
	study = catalog(&f, f.partition, 6002, STORE_STUDY, "1.2");
	node_vanish_locked(f.t, study, 1000);
	again = catalog(&f, f.partition, 6003, STORE_STUDY, "1.2");
	assert_int_equal(node_resolve_locked(f.t, 6002), 6003);
	assert_ptr_equal(node_child_locked(f.t, 5000, "1.2"), again);
	end(&f);
}

static void
directories_are_listed_until_something_was_stored_from_them(void **state)
{
	struct fixture f;
	struct node *a, *b, *file;
	uint64_t listing = 0;

	(void)state;
	start(&f, 100);
	a = add(&f, f.partition, "a", NODE_DIR);
	b = add(&f, a, "b", NODE_DIR);
	file = add(&f, b, "x", NODE_FILE);
	assert_true(alias_use_next_locked(f.t, file, &listing));
	assert_int_equal(listing, a->id);
	assert_true(alias_use_next_locked(f.t, file, &listing));
	assert_int_equal(listing, 5000);
	assert_false(alias_use_next_locked(f.t, file, &listing));
	assert_true(!a->listed && !b->listed);
	assert_int_equal(alias_remove_dir_locked(f.t, a), 0);
	assert_int_equal(nodes_count_locked(f.t, NODE_DIR), 0);
	assert_int_equal(nodes_count_locked(f.t, NODE_FILE), 0);
	end(&f);
}

static void
rmdir_spares_what_is_in_use(void **state)
{
	struct fixture f;
	struct node *a, *b, *file, *dot;

	(void)state;
	start(&f, 100);
	a = add(&f, f.partition, "a", NODE_DIR);
	b = add(&f, a, "b", NODE_DIR);
	assert_int_equal(alias_remove_dir_locked(f.t, a), -ENOTEMPTY);	/* b is listed */
	node_set_listed_locked(b, false);
	file = add(&f, b, "x", NODE_FILE);
	file->u.file.opens = 1;
	assert_int_equal(alias_remove_dir_locked(f.t, a), -EBUSY);
	node_set_listed_locked(b, true);
	assert_int_equal(alias_remove_dir_locked(f.t, a), -ENOTEMPTY);
	node_set_listed_locked(b, false);
	file->u.file.opens = 0;
	assert_int_equal(alias_remove_dir_locked(f.t, a), 0);
	dot = add(&f, f.partition, ".~tmp~", NODE_DIR);
	file = add(&f, dot, "x", NODE_FILE);
	assert_int_equal(alias_remove_dir_locked(f.t, dot), -ENOTEMPTY);
	node_unname_locked(f.t, file);
	assert_int_equal(alias_remove_dir_locked(f.t, dot), 0);
	end(&f);
}

struct opener {
	struct nodes *t;
	struct node *file;
};

static void *
leave(void *arg)
{
	struct opener *o = arg;

	nodes_lock(o->t);
	node_leave_file_locked(o->t, o->file);
	nodes_unlock(o->t);
	return NULL;
}

static void
rmdir_may_wait_for_the_last_who_leaves_a_file(void **state)
{
	struct timespec soon = cond_deadline(5), until = cond_deadline(60000);
	struct fixture f;
	struct opener o;
	pthread_t thread;

	(void)state;
	start(&f, 100);
	o = (struct opener){ f.t, add(&f, f.partition, "x", NODE_FILE) };
	o.file->u.file.opens = 2;
	node_leave_file_locked(f.t, o.file);
	while (nodes_wait_left_locked(f.t, &soon))
		;
	assert_int_equal(o.file->u.file.opens, 1);
	assert_int_equal(pthread_create(&thread, NULL, leave, &o), 0);
	while (o.file->u.file.opens > 0)
		assert_true(nodes_wait_left_locked(f.t, &until));
	assert_int_equal(pthread_join(thread, NULL), 0);
	end(&f);
}

static void
names_move_within_their_partition(void **state)
{
	struct fixture f;
	struct node *other, *a, *dir, *file;

	(void)state;
	start(&f, 100);
	other = catalog(&f, f.top, 5001, STORE_PARTITION, "Q");
	file = add(&f, f.partition, "x", NODE_FILE);
	node_set_instance_locked(f.t, file, 7000, 3);
	a = add(&f, f.partition, "y", NODE_FILE);
	dir = add(&f, f.partition, "d", NODE_DIR);
	assert_int_equal(alias_move_locked(f.t, file, other, "x"), -EXDEV);
	assert_int_equal(alias_move_locked(f.t, file, f.partition, "d"), -EISDIR);
	assert_int_equal(alias_move_locked(f.t, dir, f.partition, "y"), -ENOTDIR);
	assert_int_equal(alias_move_locked(f.t, file, dir, "z"), 0);
	assert_ptr_equal(node_child_locked(f.t, dir->id, "z"), file);
	assert_ptr_equal(node_of_instance_locked(f.t, 7000, NULL), file);
	assert_int_equal(alias_move_locked(f.t, file, f.partition, "y"), 0);	/* over another */
	assert_ptr_equal(node_child_locked(f.t, 5000, "y"), file);
	assert_int_equal(nodes_count_locked(f.t, NODE_FILE), 1);
	(void)a;
	end(&f);
}

static void
names_go_with_their_instance(void **state)
{
	struct fixture f;
	struct node *a, *b, *c;

	(void)state;
	start(&f, 100);
	a = add(&f, f.partition, "a", NODE_FILE);
	b = add(&f, f.partition, "b", NODE_FILE);
	c = add(&f, f.partition, "c", NODE_FILE);
	node_set_instance_locked(f.t, a, 7000, 3);
	node_set_instance_locked(f.t, b, 7000, 4);
	node_set_instance_locked(f.t, c, 7001, 5);
	alias_drop_instance_locked(f.t, 7000, 4);	/* replaced: b is the new one */
	assert_null(node_child_locked(f.t, 5000, "a"));
	assert_non_null(node_child_locked(f.t, 5000, "b"));
	b->u.file.opens = 1;
	alias_drop_instance_locked(f.t, 7000, 0);	/* deleted, b is open */
	assert_int_equal(b->u.file.instance, 0);
	b->u.file.opens = 0;
	assert_non_null(node_child_locked(f.t, 5000, "c"));
	assert_int_equal(f.gone, 2);
	end(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(instance_nodes_carry_id_and_version),
		cmocka_unit_test(nodes_of_several_carry_their_service),
		cmocka_unit_test(services_share_what_is_above_them),
		cmocka_unit_test(public_names_are_those_the_catalog_can_have),
		cmocka_unit_test(options_are_ours_ignored_or_passed_on),
		cmocka_unit_test(directories_are_kept_as_long_as_the_kernel_knows_them),
		cmocka_unit_test(a_hundred_thousand_directories_come_and_go),
		cmocka_unit_test(the_longest_idle_name_makes_room),
		cmocka_unit_test(a_directory_the_catalog_gets_keeps_the_names_in_it),
		cmocka_unit_test(an_emptied_directory_waits_for_its_rmdir),
		cmocka_unit_test(directories_are_listed_until_something_was_stored_from_them),
		cmocka_unit_test(rmdir_spares_what_is_in_use),
		cmocka_unit_test(rmdir_may_wait_for_the_last_who_leaves_a_file),
		cmocka_unit_test(names_move_within_their_partition),
		cmocka_unit_test(names_go_with_their_instance),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
