/* The changeDataset of a bulk update: what is taken of it may be stored, and what is wrong is told as JSON. */
#include <stdint.h>
#include <string.h>

#include "tests/fuzz/check.h"
#include "web/change_set.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
look(const struct change_set *c)
{
	struct buf list;
	json_t *told;
	size_t i;

	buf_init(&list, 64u << 20);
	buf_putc(&list, '[');
	buf_put(&list, c->faults.data, c->faults.len);
	buf_putc(&list, ']');
	told = json_loadb(list.data, list.len, 0, NULL);
	check(told != NULL, "faults are JSON");
	json_decref(told);
	buf_fini(&list);
	check(c->n <= CHANGE_SET_MAX, "there are as many values as there is room");
	for (i = 0; i < c->n && c->faults.len == 0; i++) {
		check(store_check_update(&c->values[i]) == NULL, "what has no fault can be updated");
		check(strlen(c->values[i].text) > 0, "and is not empty");
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct change_set c;
	struct err err = { 0 };
	json_t *set = json_loadb((const char *)data, size, JSON_DECODE_ANY, NULL);

	if (set == NULL)
		return 0;
	change_set_init(&c);
	if (change_set_read(set, &c, &err) == 0)
		look(&c);
	else
		check(err.text[0] != '\0', "a refusal says why");
	change_set_fini(&c);
	json_decref(set);
	return 0;
}
