/* handles: what a server that exports a mount again does: file handles and directory offsets.
 *
 *   handles save FILE PATH...      the handles of the paths into FILE
 *   handles open FILE MOUNT        opens each; prints its inode number, type and size, or the error
 *   handles cat FILE MOUNT         the bytes of the first
 *   handles walk DIR N COMMAND     lists DIR; after N entries runs COMMAND, goes back there with seekdir and
 *                                  goes on; prints the names before, "--", and those after
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HANDLE_MAX 128

struct saved {
	struct file_handle head;
	unsigned char bytes[HANDLE_MAX];
};

static int
die(const char *what)
{
	fprintf(stderr, "handles: %s: %s\n", what, strerror(errno));
	return 1;
}

static int
save(const char *file, char **paths, int n)
{
	FILE *f = fopen(file, "w");
	int i, mount_id;

	if (f == NULL)
		return die(file);
	for (i = 0; i < n; i++) {
		struct saved s;

		memset(&s, 0, sizeof s);
		s.head.handle_bytes = HANDLE_MAX;
		if (name_to_handle_at(AT_FDCWD, paths[i], &s.head, &mount_id, 0) < 0)
			return die(paths[i]);
		fwrite(&s, sizeof s, 1, f);
	}
	return fclose(f) == 0 ? 0 : die(file);
}

static int
copy_out(int fd)
{
	char data[65536];
	ssize_t n;

	while ((n = read(fd, data, sizeof data)) > 0)
		fwrite(data, 1, (size_t)n, stdout);
	return n < 0 ? die("read") : 0;
}

static int
open_all(const char *file, const char *mount, int cat)
{
	int m = open(mount, O_RDONLY | O_DIRECTORY), fd, r = 0;
	FILE *f = fopen(file, "r");
	struct saved s;
	struct stat sb;

	if (m < 0 || f == NULL)
		return die(m < 0 ? mount : file);
	while (r == 0 && fread(&s, sizeof s, 1, f) == 1) {
		fd = open_by_handle_at(m, &s.head, O_RDONLY);
		if (fd < 0) {
			printf("%s\n", errno == ESTALE ? "ESTALE" : strerror(errno));
			continue;
		}
		if (cat)
			r = copy_out(fd);
		else if (fstat(fd, &sb) < 0)
			r = die("fstat");
		else
			printf("%llu %s %lld\n", (unsigned long long)sb.st_ino, S_ISDIR(sb.st_mode) ? "dir" : "file",
			       (long long)sb.st_size);
		close(fd);
		if (cat)
			break;
	}
	fclose(f);
	close(m);
	return r;
}

static int
walk(const char *dir, int n, const char *command)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	long at = 0;
	int i = 0;

	if (d == NULL)
		return die(dir);
	while (i < n && (e = readdir(d)) != NULL) {
		at = telldir(d);
		if (e->d_name[0] != '.') {
			puts(e->d_name);
			i++;
		}
	}
	puts("--");
	fflush(stdout);
	/* As a server that forgets the directory between two requests. */
	closedir(d);
	if (system(command) != 0)
		return die(command);
	d = opendir(dir);
	if (d == NULL)
		return die(dir);
	seekdir(d, at);
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			puts(e->d_name);
	closedir(d);
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc >= 4 && strcmp(argv[1], "save") == 0)
		return save(argv[2], argv + 3, argc - 3);
	if (argc == 4 && (strcmp(argv[1], "open") == 0 || strcmp(argv[1], "cat") == 0))
		return open_all(argv[2], argv[3], argv[1][0] == 'c');
	if (argc == 5 && strcmp(argv[1], "walk") == 0)
		return walk(argv[2], atoi(argv[3]), argv[4]);
	fprintf(stderr, "usage: handles save|open|cat|walk ...\n");
	return 2;
}
