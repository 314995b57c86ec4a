#include "fault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"
#include "smpp/pdu.h"

const char *const fault_names[FAULT_KIND_COUNT] = {
	"-", "throttle", "silent", "slow", "disconnect", "error", "early", "undeliverable"};

static bool chance(const char *text, uint32_t *millionths)
{
	char  *end;
	double v = strtod(text, &end);

	if (end == text || strcmp(end, "%") != 0 || v < 0 || v > 100)
		return false;
	*millionths = (uint32_t)(v * 10000 + 0.5);
	return true;
}

static bool status(const char *text, uint32_t *v)
{
	char *end;

	if (smpp_status_find(str_of(text), v))
		return true;
	*v = (uint32_t)strtoul(text, &end, 0);
	return end != text && *end == '\0' && *v != 0;
}

/* One fault: its words, parted by colons. */
static bool fault_one(char *text, struct fault *f, char why[256])
{
	char *words[3] = {0}, *rest = NULL;
	int   count = 0, used = 1;

	for (char *word = strtok_r(text, ":", &rest); word != NULL && count < 3;
	     word = strtok_r(NULL, ":", &rest))
		words[count++] = word;
	*f = (struct fault){.millionths = 1000000};
	for (int kind = 1; kind < FAULT_KIND_COUNT && count > 0; kind++) {
		if (strcmp(words[0], fault_names[kind]) == 0)
			f->kind = (enum fault_kind)kind;
	}
	if (f->kind == FAULT_NONE) {
		snprintf(why, 256,
			 "\"%.40s\" is no fault; there are throttle, silent, slow, disconnect, "
			 "error, early, undeliverable",
			 count > 0 ? words[0] : "");
		return false;
	}
	if (f->kind == FAULT_SLOW && (count < 2 || !option_duration(words[used++], &f->slow_us))) {
		snprintf(why, 256, "slow needs a time: slow:50ms or slow:50ms:20%%");
		return false;
	}
	if (f->kind == FAULT_ERROR && (count < 2 || !status(words[used++], &f->status))) {
		snprintf(why, 256, "error needs a status: error:0x14:2%% or error:RMSGQFUL");
		return false;
	}
	if (used < count && !chance(words[used++], &f->millionths)) {
		snprintf(why, 256,
			 "\"%.40s\" is no share; expected one from 0%% to 100%%, such as 0.1%%",
			 words[used - 1]);
		return false;
	}
	if (used < count) {
		snprintf(why, 256, "\"%.40s\" is too much behind \"%.40s\"", words[used], words[0]);
		return false;
	}
	return true;
}

bool fault_parse(const char *text, struct fault_script *script, char why[256])
{
	char copy[512], *rest = NULL;

	*script = (struct fault_script){0};
	snprintf(why, 256, "the script is longer than 511 characters or 16 faults");
	if (strlen(text) >= sizeof(copy))
		return false;
	memcpy(copy, text, strlen(text) + 1);
	for (char *word = strtok_r(copy, ",", &rest); word != NULL;
	     word = strtok_r(NULL, ",", &rest)) {
		if (script->count == FAULT_MAX ||
		    !fault_one(word, &script->fault[script->count], why))
			return false;
		script->count++;
	}
	return true;
}

static bool on_its_own(enum fault_kind kind)
{
	return kind == FAULT_EARLY || kind == FAULT_UNDELIVERABLE;
}

const struct fault *fault_draw(const struct fault_script *script, struct random *random)
{
	static const struct fault none = {0};

	for (unsigned i = 0; i < script->count; i++) {
		if (!on_its_own(script->fault[i].kind) &&
		    random_below(random, 1000000) < script->fault[i].millionths)
			return &script->fault[i];
	}
	return &none;
}

bool fault_also(const struct fault_script *script, enum fault_kind kind, struct random *random)
{
	for (unsigned i = 0; i < script->count; i++) {
		if (script->fault[i].kind == kind &&
		    random_below(random, 1000000) < script->fault[i].millionths)
			return true;
	}
	return false;
}
