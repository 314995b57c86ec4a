/* The rules of the database in the order in which they are tried. There are thousands of them at
 * most. Main thread of control. */
#pragma once

#include <stddef.h>

#include "db.h"

struct rules_list {
	struct conf_rule **rules; /* owned */
	size_t             n, room;
	bool               failed;
};

/* By position, then name. 0, -ENOMEM, or -errno of the database; freed by the caller, whatever is
 * returned. */
int  rules_list_read(struct db *db, struct rules_list *list);
void rules_list_free(struct rules_list *list);
