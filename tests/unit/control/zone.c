#include "zone.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cur.h"
#include "base/put.h"

#include "test.h"

static const struct {
	const char *word;
	uint16_t    number;
} types[] = {{"A", ns_t_a}, {"AAAA", ns_t_aaaa}, {"SRV", ns_t_srv}, {"NAPTR", ns_t_naptr}};

static uint16_t type_number(const char *word)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(types[i].word, word) == 0)
			return types[i].number;
	return 0;
}

static const char *type_word(uint16_t number)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i].number == number)
			return types[i].word;
	return "?";
}

static void put_name(struct put *to, const char *name)
{
	while (*name != '\0' && strcmp(name, ".") != 0) {
		size_t n = strcspn(name, ".");

		put_u8(to, (uint8_t)n);
		put_bytes(to, name, n);
		name += n + (name[n] == '.');
	}
	put_u8(to, 0);
}

static void put_word(struct put *to, const char *word)
{
	put_u8(to, (uint8_t)strlen(word));
	put_bytes(to, word, strlen(word));
}

static void put_data(struct put *to, uint16_t type, const char *data)
{
	unsigned n[3];
	char     words[3][128];
	uint8_t  raw[16];

	switch (type) {
	case ns_t_a:
		assert_int_equal(inet_pton(AF_INET, data, raw), 1);
		put_bytes(to, raw, 4);
		return;
	case ns_t_aaaa:
		assert_int_equal(inet_pton(AF_INET6, data, raw), 1);
		put_bytes(to, raw, 16);
		return;
	case ns_t_srv:
		assert_int_equal(sscanf(data, "%u %u %u %127s", &n[0], &n[1], &n[2], words[0]), 4);
		for (unsigned i = 0; i < 3; i++)
			put_be16(to, (uint16_t)n[i]);
		put_name(to, words[0]);
		return;
	default:
		assert_int_equal(sscanf(data, "%u %u %127s %127s %127s", &n[0], &n[1], words[0],
					words[1], words[2]),
				 5);
		put_be16(to, (uint16_t)n[0]);
		put_be16(to, (uint16_t)n[1]);
		put_word(to, words[0]);
		put_word(to, words[1]);
		put_word(to, "");
		put_name(to, words[2]);
	}
}

static void put_record(struct put *to, uint16_t type, uint32_t ttl, const uint8_t *data, size_t n)
{
	put_be16(to, 0xc00c); /* the name that was asked for */
	put_be16(to, type);
	put_be16(to, ns_c_in);
	put_be32(to, ttl);
	put_be16(to, (uint16_t)n);
	put_bytes(to, data, n);
}

static void put_soa(struct put *to, uint32_t ttl)
{
	uint8_t    data[22] = {0};
	struct put minimum = put_to(data + 18, 4);

	put_be32(&minimum, ttl);
	put_record(to, ns_t_soa, ttl, data, sizeof(data));
}

struct question {
	char     name[256];
	uint16_t type;
	size_t   size; /* of head and question */
};

static bool question_read(struct cur in, struct question *q)
{
	const uint8_t *start = in.p;
	size_t         n = 0;
	unsigned       label;

	cur_bytes(&in, 12);
	while ((label = cur_u8(&in)) > 0) {
		const uint8_t *bytes = cur_bytes(&in, label);

		if (bytes == NULL || n + label + 2 > sizeof(q->name))
			return false;
		n += (size_t)sprintf(q->name + n, "%s%.*s", n > 0 ? "." : "", (int)label, bytes);
	}
	q->type = cur_be16(&in);
	cur_be16(&in);
	q->size = (size_t)(in.p - start);
	return !in.failed;
}

static bool fails(const struct zone_record *r, uint16_t type)
{
	return strncmp(r->type, "SERVFAIL", 8) == 0 &&
	       (r->type[8] == '\0' || type_number(r->type + 9) == type);
}

static size_t answer(const struct zone *z, const uint8_t *bytes, const struct question *q,
		     uint8_t room[2048])
{
	struct put to = put_to(room, 2048), head;
	unsigned   answers = 0, code = ns_r_nxdomain;
	bool       soa;

	put_bytes(&to, bytes, q->size);
	for (const struct zone_record *r = z->records; r->name != NULL; r++) {
		uint8_t    raw[512];
		struct put data = put_to(raw, sizeof(raw));

		if (strcasecmp(r->name, q->name) != 0)
			continue;
		if (fails(r, q->type)) {
			code = ns_r_servfail;
			break;
		}
		code = ns_r_noerror;
		if (type_number(r->type) != q->type)
			continue;
		put_data(&data, q->type, r->data);
		put_record(&to, q->type, r->ttl, raw, put_size(&data));
		answers++;
	}
	soa = code != ns_r_servfail && answers == 0 && z->negative_ttl > 0;
	if (soa)
		put_soa(&to, z->negative_ttl);
	head = put_to(room + 2, 10);
	put_be16(&head, (uint16_t)(0x8180 | code));
	put_be16(&head, 1);
	put_be16(&head, (uint16_t)answers);
	put_be16(&head, soa);
	put_be16(&head, 0);
	assert_false(to.failed);
	return put_size(&to);
}

static void on_question(void *user)
{
	struct zone       *z = user;
	struct sockaddr_in from;
	socklen_t          from_size = sizeof(from);
	uint8_t            bytes[2048], room[2048];
	ssize_t n = recvfrom(z->fd, bytes, sizeof(bytes), MSG_DONTWAIT, (struct sockaddr *)&from,
			     &from_size);
	struct question q;
	size_t          at = strlen(z->asked);

	if (n <= 0 || !question_read(cur_of(bytes, (size_t)n), &q))
		return;
	snprintf(z->asked + at, sizeof(z->asked) - at, "%s %s\n", type_word(q.type), q.name);
	if (!z->silent)
		sendto(z->fd, room, answer(z, bytes, &q, room), 0, (struct sockaddr *)&from,
		       from_size);
}

void zone_open(struct zone *z)
{
	struct sockaddr_in here = {.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t          size = sizeof(here);

	z->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(z->fd, (struct sockaddr *)&here, sizeof(here)), 0);
	assert_int_equal(getsockname(z->fd, (struct sockaddr *)&here, &size), 0);
	z->port = ntohs(here.sin_port);
}

void zone_serve(struct zone *z, struct event_loop *loop)
{
	if (z->loop != NULL)
		event_unwatch(z->loop, z->fd);
	z->loop = loop;
	if (loop != NULL)
		assert_int_equal(event_watch(loop, z->fd, on_question, z), 0);
}

void zone_close(struct zone *z)
{
	zone_serve(z, NULL);
	close(z->fd);
}
