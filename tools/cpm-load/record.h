/*
 * Records: one line for each message, so that what the two sides saw can be compared by "cpm-load
 * verify". S marker session to from status remote_id sent_us answered_us    sent; status in 8
 * hexadecimal digits, or "none": no answer R marker session to from status fault remote_id intact
 * us        received; status that was answered, or "none" D remote_id state session us a receipt
 * received marker: run and number, 12 hexadecimal digits, or "-" for a text without one. session: a
 * number for each session in the order they were opened. An empty field is "-". Lines are in the
 * order of answers (S) or arrival (R, D).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct record {
	int    fd; /* -1: no record is kept */
	char  *room;
	size_t used;
	bool   failed; /* a write failed; reported once, by record_close() */
};

struct record_line {
	bool        marked, answered, intact;
	uint64_t    key;
	uint32_t    session, status;
	struct str  to, from, remote_id;
	const char *fault;
	uint64_t    sent_us, us;
};

bool record_open(struct record *r,
		 const char    *path);  /* path NULL: keeps none. False: errno says why */
bool record_close(struct record *r); /* false: not all lines were written, errno says why */
void record_sent(struct record *r, const struct record_line *line);
void record_received(struct record *r, const struct record_line *line);
void record_receipt(struct record *r, struct str remote_id, struct str state, uint32_t session,
		    uint64_t us);
