#include "smpp/pdu.h"

#include "base/assert.h"

const char *smpp_command_name(uint32_t command)
{
	switch (command) {
#define SMPP_COMMAND(name, id)                                                                     \
	case (id):                                                                                 \
		return #name;
#include "smpp/commands.def"
#undef SMPP_COMMAND
	}
	return NULL;
}

const char *smpp_status_name(uint32_t status)
{
	switch (status) {
#define SMPP_STATUS(name, value)                                                                   \
	case (value):                                                                              \
		return "ESME_" #name;
#include "smpp/statuses.def"
#undef SMPP_STATUS
	}
	return NULL;
}

bool smpp_status_find(struct str name, uint32_t *status)
{
	static const struct {
		struct str name;
		uint32_t   status;
	} statuses[] = {
#define SMPP_STATUS(name, value) {{#name, sizeof(#name) - 1}, (value)},
#include "smpp/statuses.def"
#undef SMPP_STATUS
	};

	if (str_starts(name, STR("ESME_")))
		name = str_skip(name, 5);
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		if (str_eq(name, statuses[i].name)) {
			*status = statuses[i].status;
			return true;
		}
	}
	return false;
}

const char *smpp_tlv_name(uint16_t tag)
{
	switch (tag) {
#define SMPP_TLV(name, number, min, max)                                                           \
	case (number):                                                                             \
		return #name;
#include "smpp/tlvs.def"
#undef SMPP_TLV
	}
	return NULL;
}

bool smpp_tlv_limits(uint16_t tag, uint16_t *min, uint16_t *max)
{
	switch (tag) {
#define SMPP_TLV(name, number, fewest, most)                                                       \
	case (number):                                                                             \
		*min = (fewest);                                                                   \
		*max = (most);                                                                     \
		return true;
#include "smpp/tlvs.def"
#undef SMPP_TLV
	}
	return false;
}

enum pull smpp_pdu_next(struct cur *in, struct smpp_pdu *pdu, uint32_t *need)
{
	struct cur c = *in;
	uint32_t   size = cur_be32(&c);

	if (c.failed) {
		*need = 4;
		return PULL_MORE;
	}
	if (size < SMPP_HEADER_SIZE || size > SMPP_PDU_SIZE_MAX) {
		/* Now, not after waiting for 4 GB; the sequence only where the header is there. */
		pdu->size = size;
		pdu->command = cur_be32(&c);
		pdu->status = cur_be32(&c);
		pdu->sequence = size < SMPP_HEADER_SIZE ? 0 : cur_be32(&c);
		pdu->body = cur_of(c.p, 0);
		return PULL_BAD;
	}
	if (cur_left(in) < size) {
		*need = size;
		return PULL_MORE;
	}
	pdu->size = size;
	pdu->command = cur_be32(&c);
	pdu->status = cur_be32(&c);
	pdu->sequence = cur_be32(&c);
	pdu->body = cur_sub(&c, size - SMPP_HEADER_SIZE);
	*in = c;
	return PULL_ITEM;
}

size_t smpp_pdu_begin(struct put *w, uint32_t command, uint32_t status, uint32_t sequence)
{
	size_t     mark = put_size(w);
	uint8_t    bytes[SMPP_HEADER_SIZE];
	struct put head = put_to(bytes, sizeof(bytes));

	put_be32(&head, 0);
	put_be32(&head, command);
	put_be32(&head, status);
	put_be32(&head, sequence);
	put_bytes(w, bytes, sizeof(bytes));
	return mark;
}

bool smpp_pdu_end(struct put *w, size_t mark)
{
	size_t     size = put_size(w) - mark;
	struct put head = put_to(w->start + mark, 4);

	ASSERT(mark <= put_size(w));
	if (w->failed || size > SMPP_PDU_SIZE_MAX) {
		w->p = w->start + mark;
		w->failed = false;
		return false;
	}
	put_be32(&head, (uint32_t)size);
	return true;
}

bool smpp_pdu_put(struct put *w, uint32_t command, uint32_t status, uint32_t sequence)
{
	return smpp_pdu_end(w, smpp_pdu_begin(w, command, status, sequence));
}

bool smpp_tlv_next(struct cur *tlvs, struct smpp_tlv *tlv)
{
	if (tlvs->failed || cur_left(tlvs) == 0)
		return false;
	tlv->tag = cur_be16(tlvs);
	tlv->size = cur_be16(tlvs);
	tlv->value = cur_sub(tlvs, tlv->size);
	return !tlvs->failed;
}

bool smpp_tlv_find(struct cur tlvs, uint16_t tag, struct smpp_tlv *tlv)
{
	while (smpp_tlv_next(&tlvs, tlv)) {
		if (tlv->tag == tag)
			return true;
	}
	return false;
}

enum smpp_status smpp_tlvs_check(struct cur tlvs, unsigned *unknown)
{
	struct smpp_tlv tlv;
	uint16_t        min, max;

	*unknown = 0;
	while (smpp_tlv_next(&tlvs, &tlv)) {
		if (!smpp_tlv_limits(tlv.tag, &min, &max))
			++*unknown;
		else if (tlv.size < min || tlv.size > max)
			return SMPP_RINVPARLEN;
	}
	return tlvs.failed ? SMPP_RINVOPTPARSTREAM : SMPP_ROK;
}

void smpp_tlv_put(struct put *w, uint16_t tag, const void *value, uint16_t size)
{
	put_be16(w, tag);
	put_be16(w, size);
	put_bytes(w, value, size);
}

void smpp_tlv_put_u8(struct put *w, uint16_t tag, uint8_t value)
{
	smpp_tlv_put(w, tag, &value, 1);
}
