/* The body of Put Block List: any bytes are a list of IDs that are base64, or none. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "tests/fuzz/check.h"
#include "web/block_list.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct block_name *names = NULL;
	size_t n = 0, i;
	int r = block_list_parse((const char *)data, size, &names, &n);

	check(r == 0 || r == -EINVAL || r == -E2BIG || r == -ENOMEM, "it ends as block_list.h says");
	check(n <= BLOCK_LIST_MAX, "and is bounded");
	for (i = 0; r == 0 && i < n; i++)
		check(block_id_is_valid(names[i].id), "each ID is one");
	free(names);
	return 0;
}
