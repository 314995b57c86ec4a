/* What the parts of sip/tpdu.h share: septets, and how long user data is. */
#pragma once

#include "sip/tpdu.h"

/* n septets from or to packed octets, the first at a bit (TS 23.038, 6.1.2.1.1). The octets that
 * are written to must be zero; false: a septet above 0x7f. */
void sip_tpdu_septets_read(const uint8_t *octets, unsigned first_bit, uint8_t *septets, unsigned n);
bool sip_tpdu_septets_put(const uint8_t *septets, unsigned n, unsigned first_bit, uint8_t *octets);

/* The octets of TP-UD by TP-UDL and TP-DCS. */
size_t sip_tpdu_data_octets(const struct sip_tpdu *t);
/* Does the user data begin with the header that TP-UDHI promises, and hold it? */
bool sip_tpdu_header_valid(const struct sip_tpdu *t);
