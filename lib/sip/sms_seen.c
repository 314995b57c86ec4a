#include "sip/sms_seen.h"

#include <string.h>

#include "sip/tpdu.h"

#define TP_RD 0x04u /* of the first octet of a SUBMIT */

uint64_t sip_sms_seen_hash(const struct sip_sms_seen *seen, struct str sender, struct str tpdu)
{
	uint8_t  parts[SIP_RP_USER_DATA_MAX + sizeof(uint64_t)];
	size_t   n = tpdu.n < SIP_RP_USER_DATA_MAX ? tpdu.n : SIP_RP_USER_DATA_MAX;
	uint64_t who = hash_sip(&seen->key, sender.p, sender.n);

	memcpy(parts, &who, sizeof(who));
	if (n > 0) {
		memcpy(parts + sizeof(who), tpdu.p, n);
		parts[sizeof(who)] &= (uint8_t)~TP_RD;
	}
	return hash_sip(&seen->key, parts, sizeof(who) + n);
}

static bool holds(const struct sip_sms_known *k, struct now now)
{
	return k->since_us != 0 && now.us - k->since_us < SIP_SMS_SEEN_US;
}

const struct sip_sms_known *sip_sms_seen_find(const struct sip_sms_seen *seen, struct now now,
					      uint64_t hash, uint8_t reference, bool again)
{
	const struct sip_sms_known *row = seen->rows[hash & (SIP_SMS_SEEN_ROWS - 1)];

	for (unsigned i = 0; i < SIP_SMS_SEEN_WAYS; i++) {
		if (row[i].hash == hash && (again || row[i].reference == reference) &&
		    holds(&row[i], now))
			return &row[i];
	}
	return NULL;
}

void sip_sms_seen_add(struct sip_sms_seen *seen, struct now now, uint64_t hash, uint8_t reference,
		      const uint8_t scts[7])
{
	struct sip_sms_known *row = seen->rows[hash & (SIP_SMS_SEEN_ROWS - 1)], *place = row;

	for (unsigned i = 1; i < SIP_SMS_SEEN_WAYS; i++) {
		if (row[i].since_us < place->since_us)
			place = &row[i];
	}
	*place = (struct sip_sms_known){
		.hash = hash, .since_us = now.us > 0 ? now.us : 1, .reference = reference};
	memcpy(place->scts, scts, sizeof(place->scts));
}

void sip_sms_seen_end(struct sip_sms_seen *seen, uint64_t hash, uint8_t reference, bool taken)
{
	struct sip_sms_known *row = seen->rows[hash & (SIP_SMS_SEEN_ROWS - 1)];

	for (unsigned i = 0; i < SIP_SMS_SEEN_WAYS; i++) {
		if (row[i].hash != hash || row[i].reference != reference || row[i].taken)
			continue;
		if (taken)
			row[i].taken = true;
		else
			row[i] = (struct sip_sms_known){0};
	}
}
