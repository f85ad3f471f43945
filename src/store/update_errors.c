/* What an update says of the studies that failed (contract 6.4). */
#include "store/update_run.h"

#include <stdio.h>
#include <string.h>

static void
add_line(struct run *w, const char *line)
{
	/* What is too much is left out whole. */
	if (w->errors.len + strlen(line) + 1 >= UPDATE_ERRORS_TEXT_MAX)
		return;
	buf_puts(&w->errors, line);
	buf_putc(&w->errors, '\n');
}

void
update_fail_instance(struct run *w, const char *sop_uid, const struct err *err)
{
	char line[400];

	if (w->n_errors++ == 0) {
		snprintf(line, sizeof line, "Study %s was not updated", w->study_uid);
		add_line(w, line);
	}
	if (w->n_errors <= UPDATE_ERRORS_MAX) {
		snprintf(line, sizeof line, "Instance %s: %s", sop_uid, err_text(err));
		add_line(w, line);
	} else if (w->n_errors == UPDATE_ERRORS_MAX + 1)
		add_line(w, "There are more instances that could not be updated");
}

void
update_fail_study(struct run *w, const char *why)
{
	char line[400];

	w->n_errors++;
	snprintf(line, sizeof line, "Study %s was not updated: %s", w->study_uid, why);
	add_line(w, line);
}
