/* What the map of pager messages shares with that of short messages, and nobody else includes. */
#pragma once

#include "sip/map.h"

struct sip_senders { /* beside the one that the message has */
	struct sip_address hidden, uri;
};

/* ->from of the record. False: it says that it is somebody whom it is not. */
bool sip_sender_in(const struct sip_map *map, const struct sip_message *in,
		   const struct sip_mandatory *known, const struct sip_sender *from, struct msg *m,
		   struct sip_senders *beside);
/* Its hops, and what goes with it of its sender, after all but other extras. False: the pool is
 * dry. */
bool sip_way_in(const struct sip_map *map, const struct sip_mandatory *known,
		const struct sip_senders *beside, struct msg *m);
