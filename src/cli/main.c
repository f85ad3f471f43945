/* main.c: finds the command, and turns results into exit statuses. */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

enum { STATUS_DONE = 0, STATUS_FAILED = 1, STATUS_USAGE = 2 };

static const struct command commands[] = {
	{ "init", CONF_INIT, 1, 1, "STORE", "make a new store in the directory STORE", NULL, command_init },
	{ "serve", CONF_SERVE, 1, -1, "STORE...", "serve stores: DICOMweb, a mount, or both",
	  "A door is opened for each of --listen and --mount.  With neither, DICOMweb is\n"
	  "served on 127.0.0.1:8042.  Runs in the foreground until SIGTERM or SIGINT.\n"
	  "Paths of several stores begin with /<workspace>-<service>, or the host name does.\n",
	  command_serve },
	{ "mount", CONF_MOUNT, 2, -1, "STORE... DIR [-o OPTIONS]", "mount stores at DIR, in the background",
	  "umount(8) ends it.  Also: mount -t fuse.dicomlake STORE DIR -o OPTIONS\n", command_mount },
	{ "import", CONF_IMPORT, 2, -1, "STORE PATH...", "store files, folders with all below them, and what is in archives",
	  "Each refused file is named with the reason; then the exit status is 1.\n"
	  "An import that was interrupted goes on when the same command is given again.\n", command_import },
	{ "export", CONF_EXPORT, 2, -1, "STORE (STUDY[/SERIES[/INSTANCE]]... | --query KEYWORD=VALUE... | --all) DEST",
	  "copy instances to a directory, Azure Blob or S3",
	  "DEST is a directory, s3://BUCKET[/PREFIX], or the https:// URI of a container.  What gives access\n"
	  "to it comes from the environment or --credentials.\n", command_export },
	{ "query", CONF_QUERY, 1, -1, "STORE [study|series|instance] [KEYWORD=VALUE...]", "search",
	  "A date may be a year, a month or a range: 2024, 202406, 20240101-20240630, 2024-.\n"
	  "Newest first.\n", command_query },
	{ "status", CONF_STATUS, 1, 1, "STORE", "show counts, bytes, pending work, map size, readers", NULL, command_status },
	{ "backup", CONF_BACKUP, 2, 2, "STORE DIR", "copy a store to DIR, or what changed since the last time",
	  "The store may be in use.  DIR is a store then, too.\n", command_backup },
	{ "restore", CONF_RESTORE, 2, 2, "DIR STORE", "make the store STORE out of the backup DIR", NULL, command_restore },
	{ "tier", CONF_TIER, 1, -1, "STORE [STUDY[/SERIES[/INSTANCE]]...]", "move files between the tiers of a store",
	  "Without --to, as the rules of its tiers.conf say; see dicomlake-store(5).\n", command_tier },
	{ "reclaim", CONF_RECLAIM, 1, 1, "STORE", "remove files that deletes left behind", NULL, command_reclaim },
	{ "check", CONF_CHECK, 1, 1, "STORE", "compare the index with the files",
	  "The exit status is 1 when a finding remains.\n", command_check },
	{ "delete", CONF_DELETE, 2, 2, "STORE STUDY[/SERIES[/INSTANCE]]", "delete a study, series or instance (UIDs)",
	  NULL, command_delete },
	{ "update", CONF_UPDATE, 2, -1, "STORE STUDY[/SERIES[/INSTANCE]]... KEYWORD=VALUE...",
	  "change attributes of whole studies, or their UIDs",
	  "What was stored first is kept.  SERIES and INSTANCE name what gets another UID, as in\n"
	  "2.25.1/2.25.2 SeriesInstanceUID=2.25.3.\n", command_update },
	{ "tags", CONF_TAGS, 1, -1, "STORE [add LEVEL:ATTRIBUTE[:VR[:CREATOR]]... | delete|enable|disable ATTRIBUTE... | errors ATTRIBUTE]",
	  "list, add, delete and switch extended query tags",
	  "LEVEL is study, series or instance, as in study:PatientAge or series:00191001:LO:ACME.\n"
	  "What is in the store already is then indexed, here or by the daemon that serves it.\n",
	  command_tags },
	{ "events", CONF_EVENTS, 1, -1, "STORE [forget NAME...]", "show how far the receivers of events are, or forget some",
	  NULL, command_events },
	{ "operations", CONF_OPERATIONS, 1, 2, "STORE [ID]", "list operations, and wait for them",
	  NULL, command_operations },
};

static void
print_overview(FILE *out)
{
	size_t i;

	fprintf(out, "usage: dicomlake COMMAND [OPTIONS] STORE ...\n\n");
	for (i = 0; i < sizeof commands / sizeof *commands; i++)
		fprintf(out, "  %-10s  %s\n", commands[i].name, commands[i].help);
	fprintf(out, "\ndicomlake COMMAND --help shows the options of one; see also dicomlake(1).\n");
}

static void
print_help(FILE *out, const struct command *command)
{
	fprintf(out, "usage: dicomlake %s [OPTIONS] %s\n\n%s.\n", command->name, command->operands, command->help);
	if (command->more != NULL)
		fputs(command->more, out);
	fputc('\n', out);
	conf_print_help(out, command->bit);
}

static void
print_version(void)
{
	printf("%s", PACKAGE_STRING);
#ifdef WITH_WEB
	printf(" DICOMweb");
#endif
#ifdef WITH_FS
	printf(" mount");
#endif
	printf("\n");
}

static const struct command *
find_command(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof commands / sizeof *commands; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static void
print_error(const struct command *command, const struct err *err)
{
	fprintf(stderr, "dicomlake %s: ", command->name);
	cli_print_safe(stderr, err_text(err), strlen(err_text(err)));
	fputc('\n', stderr);
}

static int
run(const struct command *command, int argc, char **argv)
{
	struct conf *conf = NULL;
	struct err err = { 0 };
	int i, operands, r, status;

	for (i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			print_help(stdout, command);
			return STATUS_DONE;
		}
	r = conf_new(&conf);
	if (r < 0) {
		err_set(&err, r, "no memory");
		goto out;
	}
	if (conf_parse_args(conf, command->bit, argc, argv, &operands, &err) < 0) {
		r = CLI_USAGE;
	} else if (operands < command->min) {
		err_set(&err, -EINVAL, operands == 0 ? "no store is named" : "an operand is missing");
		r = CLI_USAGE;
	} else if (command->max >= 0 && operands > command->max) {
		err_set(&err, -EINVAL, "'%s' is one operand too many", argv[command->max]);
		r = CLI_USAGE;
	} else {
		r = command->run(conf, operands, argv, &err);
		if (r >= 0 && r != CLI_USAGE && cli_finish_output(&err) < 0)
			r = -EIO;
	}
out:
	if (r == CLI_USAGE) {
		print_error(command, &err);
		fprintf(stderr, "usage: dicomlake %s [OPTIONS] %s\ndicomlake %s --help shows more\n",
			command->name, command->operands, command->name);
		status = STATUS_USAGE;
	} else if (r < 0) {
		print_error(command, &err);
		status = STATUS_FAILED;
	} else {
		status = r == CLI_DONE ? STATUS_DONE : STATUS_FAILED;
	}
	conf_free(conf);
	return status;
}

/* mount(8) runs `mount.fuse.dicomlake STORE DIR [-sfnv] [-N ns] [-t type] [-o opts]`
 * or, through mount.fuse, `dicomlake STORE DIR -o opts`. */
static int
run_as_mount_helper(int argc, char **argv)
{
	char *args[4 + 2 * 16];
	int count = 0, i;

	for (i = 0; i < argc; i++) {
		char *arg = argv[i];

		if (arg[0] != '-' || arg[1] == '\0') {
			if (count == 4)
				break;
			args[count++] = arg;
		} else if (strcmp(arg, "-o") == 0 && i + 1 < argc) {
			if (argv[i + 1][0] != '\0') {
				if (count + 2 > (int)(sizeof args / sizeof *args))
					break;
				args[count++] = arg;
				args[count++] = argv[i + 1];
			}
			i++;
		} else if ((strcmp(arg, "-t") == 0 || strcmp(arg, "-N") == 0) && i + 1 < argc) {
			i++;
		} else if (strspn(arg + 1, "snv") != strlen(arg + 1)) {
			if (strcmp(arg, "-f") == 0)
				return STATUS_DONE;	/* mount --fake */
			break;
		}
	}
	if (i < argc) {
		fprintf(stderr, "dicomlake: '%s' is not understood after mount\n", argv[i]);
		return STATUS_USAGE;
	}
	return run(find_command("mount"), count, args);
}

int
main(int argc, char **argv)
{
	const struct command *command;
	const char *base;
	int fd;

	/* A store's files must never become a closed descriptor 0, 1 or 2. */
	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
	setlocale(LC_CTYPE, "");
	base = strrchr(argv[0], '/');
	base = base == NULL ? argv[0] : base + 1;
	if (strncmp(base, "mount.", 6) == 0)
		return run_as_mount_helper(argc - 1, argv + 1);
	if (argc < 2) {
		print_overview(stderr);
		return STATUS_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
		command = argc > 2 ? find_command(argv[2]) : NULL;
		if (command != NULL)
			print_help(stdout, command);
		else
			print_overview(stdout);
		return STATUS_DONE;
	}
	if (strcmp(argv[1], "--version") == 0) {
		print_version();
		return STATUS_DONE;
	}
	command = find_command(argv[1]);
	if (command != NULL)
		return run(command, argc - 2, argv + 2);
	if (argc > 2 && strchr(argv[1], '/') != NULL)
		return run_as_mount_helper(argc - 1, argv + 1);
	fprintf(stderr, "dicomlake: there is no command '%s'\n", argv[1]);
	print_overview(stderr);
	return STATUS_USAGE;
}
