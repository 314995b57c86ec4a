/*
 * What protocols may ask while they work (struct proto_services), answered from what the worker
 * reads anyway: the world of this turn, the directory, cpm.yaml. Worker.
 */
#pragma once

#include <stdint.h>

#include "proto/proto.h"
#include "world/world.h"

struct worker;

/* Which peer has which address: made anew when peers change. */
struct sources {
	struct source_place {
		struct flow flow;
		uint32_t    peer; /* slot + 1; 0: empty */
		uint8_t     protocol;
		bool        trusted, watched;
		uint8_t     identity;
	} * places;            /* [SOURCES_PLACES] */
	uint32_t *used, count; /* [SOURCES_MAX]: places that are not empty */
};

int  sources_init(struct sources *s);
void sources_free(struct sources *s);
void sources_follow_world(struct worker *w);

extern const struct proto_services services_template; /* but for its context, the worker */
