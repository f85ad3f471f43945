/* Runs one fuzz target over its seeds and past crashes, as TAP, without a
 * fuzzing engine: fuzz_NAME reads tests/fuzz/corpus/NAME, or the directories
 * and files given as arguments. */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int count;

static void
replay_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data = NULL;
	long size;

	if (f == NULL || fseek(f, 0, SEEK_END) != 0 || (size = ftell(f)) < 0) {
		printf("not ok %d - %s: %s\n", ++count, path, strerror(errno));
		exit(1);
	}
	rewind(f);
	/* Exactly as long as the input, so that a sanitizer sees a read past it. */
	data = malloc(size > 0 ? (size_t)size : 1);
	if (data == NULL || fread(data, 1, (size_t)size, f) != (size_t)size) {
		printf("Bail out! %s: cannot be read\n", path);
		exit(1);
	}
	fclose(f);
	/* Said before, so that the log names the input that kills the program. */
	printf("# %s\n", path);
	fflush(stdout);
	LLVMFuzzerTestOneInput(data, (size_t)size);
	free(data);
	printf("ok %d - %s\n", ++count, strrchr(path, '/') != NULL ? strrchr(path, '/') + 1 : path);
}

static int
not_hidden(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

static void
replay(const char *path)
{
	struct dirent **names;
	struct stat sb;
	char file[4096];
	int i, n;

	if (stat(path, &sb) < 0) {
		printf("Bail out! %s: %s\n", path, strerror(errno));
		exit(1);
	}
	if (!S_ISDIR(sb.st_mode)) {
		replay_file(path);
		return;
	}
	n = scandir(path, &names, not_hidden, alphasort);
	if (n < 0) {
		printf("Bail out! %s: %s\n", path, strerror(errno));
		exit(1);
	}
	for (i = 0; i < n; i++) {
		snprintf(file, sizeof file, "%s/%s", path, names[i]->d_name);
		replay(file);
		free(names[i]);
	}
	free(names);
}

int
main(int argc, char **argv)
{
	const char *top = getenv("abs_top_srcdir");
	const char *name = strstr(argv[0], "fuzz_");
	const char *next;
	char corpus[4096];
	int i;

	for (i = 1; i < argc; i++)
		replay(argv[i]);
	if (argc == 1) {
		/* the last one: a directory of the path may hold the word too */
		while (name != NULL && (next = strstr(name + 1, "fuzz_")) != NULL)
			name = next;
		if (name == NULL) {
			printf("Bail out! the program's name is not fuzz_NAME\n");
			return 1;
		}
		snprintf(corpus, sizeof corpus, "%s/tests/fuzz/corpus/%s",
			 top != NULL ? top : ".", name + strlen("fuzz_"));
		replay(corpus);
	}
	if (count == 0)
		printf("not ok %d - there are no seeds\n", ++count);
	printf("1..%d\n", count);
	return 0;
}
