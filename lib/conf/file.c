/* cpm.yaml: read whole into one tree, then section by section, then what the sections must be to
 * each other. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "conf/protocol.h"
#include "conf/yaml.h"

#define FILE_SIZE_MAX (1u << 20)

struct file_reading {
	struct conf_reading    *r;
	struct conf_file       *file;
	const struct conf_node *ports[CONF_PORTS_MAX], *listeners[CONF_LISTENERS_MAX];
};

/* Room for one more item of a list; NULL: it is full. */
static void *item_next(struct file_reading *f, enum conf_section section,
		       const struct conf_node *item)
{
	struct conf_file *file = f->file;

	if (section == CONF_SECTION_port && file->port_count < CONF_PORTS_MAX) {
		f->ports[file->port_count] = item;
		return &file->ports[file->port_count++];
	}
	if (section == CONF_SECTION_listener && file->listener_count < CONF_LISTENERS_MAX) {
		f->listeners[file->listener_count] = item;
		return &file->listeners[file->listener_count++];
	}
	if (section == CONF_SECTION_certificate && file->certificate_count < CONF_CERTIFICATES_MAX)
		return &file->certificates[file->certificate_count++];
	return NULL;
}

static void list_read(struct file_reading *f, const struct conf_node *parent, const char *word,
		      enum conf_section section)
{
	const struct conf_node *list = conf_node_member(parent, word);
	unsigned                index = 0;

	if (list == NULL)
		return;
	snprintf(f->r->path, sizeof(f->r->path), "%s", word);
	if (list->kind != CONF_NODE_SEQUENCE) {
		conf_reading_fault(f->r, list->line, "", "is no list; write [{name: ..., ...}]");
		return;
	}
	for (const struct conf_node *item = list->first; item != NULL; item = item->next, index++) {
		void *object;

		snprintf(f->r->path, sizeof(f->r->path), "%s[%u]", word, index);
		if (item->kind != CONF_NODE_MAP) {
			conf_reading_fault(f->r, item->line, "",
					   "is no map; write {name: ..., ...}");
			continue;
		}
		object = item_next(f, section, item);
		if (object == NULL) {
			conf_reading_fault(f->r, item->line, "", "is one too many; at most %u",
					   index);
			break;
		}
		if (conf_section_defaults(section, object) &&
		    conf_read_map(section, object, item, f->r))
			conf_check_required(section, object, item->line, f->r);
	}
	f->r->path[0] = '\0';
}

static void map_read(struct file_reading *f, const struct conf_node *root, const char *word,
		     enum conf_section section, void *object)
{
	const struct conf_node *map = conf_node_member(root, word);

	if (map == NULL)
		return;
	snprintf(f->r->path, sizeof(f->r->path), "%s", word);
	if (map->kind == CONF_NODE_MAP)
		conf_read_map(section, object, map, f->r);
	else
		conf_reading_fault(f->r, map->line, "",
				   "is no map; write its keys below it, indented");
	f->r->path[0] = '\0';
}

static void hosts_read(struct file_reading *f, const struct conf_node *root)
{
	static const struct conf_key key = {
		.name = "", .type = &conf_type_ADDRESS, .size = sizeof(struct conf_address)};
	const struct conf_node *hosts = conf_node_member(root, "hosts");

	if (hosts == NULL)
		return;
	if (hosts->kind != CONF_NODE_MAP) {
		conf_reading_fault(f->r, hosts->line, "hosts",
				   "is no map; write {name: address, ...}");
		return;
	}
	for (const struct conf_node *n = hosts->first; n != NULL; n = n->next) {
		struct conf_host *host = &f->file->hosts[f->file->host_count];

		ASSERT(f->file->host_count <
		       CONF_HOSTS_MAX); /* a map has no more members: CONF_MEMBERS_MAX */
		snprintf(f->r->path, sizeof(f->r->path), "hosts.%.64s", n->key.p);
		if (n->key.n == 0 || !str_copy(host->name, sizeof(host->name), n->key))
			conf_reading_fault(f->r, n->key_line, "",
					   "is no host name; 1 to 253 characters");
		else if (key.type->read(&key, &host->address, n, f->r))
			f->file->host_count++;
	}
	f->r->path[0] = '\0';
}
_Static_assert(CONF_HOSTS_MAX >= CONF_MEMBERS_MAX, "hosts: a whole map fits");

static unsigned member_line(const struct conf_node *item, const char *key)
{
	const struct conf_node *member = conf_node_member(item, key);

	return member != NULL ? member->line : item->line;
}

static bool same_address(const struct conf_address *a, const struct conf_address *b)
{
	return a->ip6 == b->ip6 && memcmp(a->w, b->w, a->ip6 ? 16 : 4) == 0;
}

static bool same_network(const struct conf_address *network, const struct conf_address *a)
{
	const uint8_t *x = (const uint8_t *)network->w, *y = (const uint8_t *)a->w;
	unsigned       whole = network->prefix / 8, rest = network->prefix % 8;

	if (network->ip6 != a->ip6 || memcmp(x, y, whole) != 0)
		return false;
	return rest == 0 || ((x[whole] ^ y[whole]) >> (8 - rest)) == 0;
}

static bool is_link_local(const struct conf_address *a)
{
	const uint8_t *bytes = (const uint8_t *)a->w;

	return a->ip6 && bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;
}

static void check_gateway(struct file_reading *f, const struct conf_port *port,
			  const struct conf_node *node, const struct conf_address *gateway,
			  const char *key)
{
	bool ip6 = gateway == &port->gateway6;
	bool on_link = is_link_local(gateway);

	if (!gateway->set)
		return;
	if (gateway->ip6 != ip6) {
		conf_reading_fault(f->r, member_line(node, key), key,
				   "is no IPv%u address; write IPv4 as 'gateway', IPv6 as "
				   "'gateway6'",
				   ip6 ? 6 : 4);
		return;
	}
	for (uint32_t i = 0; i < port->addresses.n; i++)
		on_link = on_link || same_network(&port->addresses.items[i], gateway);
	if (!on_link && port->addresses.n > 0)
		conf_reading_fault(
			f->r, member_line(node, key), key,
			"is in the network of none of the port's addresses; write one that is");
}

/* RFC 8200, 5: every link of IPv6 carries 1,280 bytes. */
static void check_mtu(struct file_reading *f, const struct conf_port *port,
		      const struct conf_node *node)
{
	for (uint32_t i = 0; i < port->addresses.n; i++) {
		if (port->addresses.items[i].ip6 && port->mtu < 1280) {
			conf_reading_fault(f->r, member_line(node, "mtu"), "mtu",
					   "%u is too small for IPv6; write 1280 or more, or leave "
					   "out the IPv6 addresses",
					   port->mtu);
			return;
		}
	}
}

static void check_ports(struct file_reading *f)
{
	struct conf_file *file = f->file;

	for (unsigned i = 0; i < file->port_count; i++) {
		const struct conf_port *port = &file->ports[i];

		snprintf(f->r->path, sizeof(f->r->path), "ports[%u]", i);
		check_gateway(f, port, f->ports[i], &port->gateway, "gateway");
		check_gateway(f, port, f->ports[i], &port->gateway6, "gateway6");
		check_mtu(f, port, f->ports[i]);
		for (unsigned j = 0; j < i; j++) {
			if (port->name[0] != '\0' && strcmp(file->ports[j].name, port->name) == 0)
				conf_reading_fault(
					f->r, member_line(f->ports[i], "name"), "name",
					"'%s' is the name of ports[%u] as well; give another",
					port->name, j);
			if (port->device[0] != '\0' &&
			    strcmp(file->ports[j].device, port->device) == 0)
				conf_reading_fault(
					f->r, member_line(f->ports[i], "device"), "device",
					"is the device of ports[%u] as well; a device is one port",
					j);
			for (uint32_t a = 0; a < port->addresses.n; a++)
				for (uint32_t b = 0; b < file->ports[j].addresses.n; b++)
					if (same_address(&port->addresses.items[a],
							 &file->ports[j].addresses.items[b]))
						conf_reading_fault(
							f->r, member_line(f->ports[i], "addresses"),
							"addresses",
							"holds an address of ports[%u] as well; an "
							"address is on one port",
							j);
		}
	}
	f->r->path[0] = '\0';
}

static bool is_ours(const struct conf_file *file, const struct conf_address *address)
{
	for (unsigned i = 0; i < file->port_count; i++)
		for (uint32_t j = 0; j < file->ports[i].addresses.n; j++)
			if (same_address(&file->ports[i].addresses.items[j], address))
				return true;
	return false;
}

static uint32_t port_of(const struct conf_listener *l)
{
	return l->port != 0 ? l->port : link_port(l->link, conf_protocol_port(l->protocol));
}

static bool share_address(const struct conf_listener *a, const struct conf_listener *b)
{
	return a->address.set && b->address.set && same_address(&a->address, &b->address);
}

/* The ports of its large messages, one for each worker: nobody else's. */
static void check_msrp_ports(struct file_reading *f, unsigned i)
{
	const struct conf_listener *l = &f->file->listeners[i];
	uint32_t                    workers = f->file->dataplane.worker_lcores.n;
	uint32_t                    first = l->msrp_port, last = first + workers - 1;
	unsigned                    line = member_line(f->listeners[i], "msrp_port");

	if (first == 0 || workers == 0)
		return;
	if (last > UINT16_MAX) {
		conf_reading_fault(f->r, line, "msrp_port",
				   "%u leaves no port for each of %u workers; write %u or less",
				   first, workers, UINT16_MAX - workers + 1);
		return;
	}
	for (unsigned j = 0; j < f->file->listener_count; j++) {
		const struct conf_listener *other = &f->file->listeners[j];

		if (!share_address(l, other))
			continue;
		if ((other->transport & TCP_ONLY) != 0 && port_of(other) >= first &&
		    port_of(other) <= last)
			conf_reading_fault(f->r, line, "msrp_port",
					   "%u to %u, one port for each worker, hold port %u of "
					   "listeners[%u]; write another",
					   first, last, port_of(other), j);
		if (j < i && other->msrp_port != 0 && other->msrp_port <= last &&
		    first < other->msrp_port + workers)
			conf_reading_fault(f->r, line, "msrp_port",
					   "%u to %u, one port for each worker, overlap those of "
					   "listeners[%u]; write another",
					   first, last, j);
	}
}

static bool is_tcp_port(const struct conf_listener *l, uint32_t port, uint32_t workers)
{
	return ((l->transport & TCP_ONLY) != 0 && port_of(l) == port) ||
	       (l->msrp_port != 0 && port >= l->msrp_port && port < l->msrp_port + workers);
}

/* The port of its WebSockets: nobody else's. */
static void check_ws_port(struct file_reading *f, unsigned i)
{
	const struct conf_listener *l = &f->file->listeners[i];
	unsigned                    line = member_line(f->listeners[i], "ws_port");

	if (l->ws_port != 0 && l->link != LINK_CLIENT)
		conf_reading_fault(f->r, line, "ws_port", "is for clients; leave it out");
	for (unsigned j = 0; l->ws_port != 0 && j < f->file->listener_count; j++) {
		const struct conf_listener *other = &f->file->listeners[j];

		if (share_address(l, other) &&
		    (is_tcp_port(other, l->ws_port, f->file->dataplane.worker_lcores.n) ||
		     (j < i && other->ws_port == l->ws_port)))
			conf_reading_fault(f->r, line, "ws_port",
					   "%u is a TCP port of listeners[%u]; write another",
					   l->ws_port, j);
	}
}

/* "<sip:host;lr>" at the start; what follows it, and a comma. NULL: it is not that. */
static const char *after_route(const char *text)
{
	const char *end = strchr(text, '>'), *lr = strstr(text, ";lr");

	if ((strncmp(text, "<sip:", 5) != 0 && strncmp(text, "<sips:", 6) != 0) || end == NULL ||
	    lr == NULL || lr > end || (lr[3] != ';' && lr[3] != '>' && lr[3] != '='))
		return NULL;
	for (const char *at = text + 1; at < end; at++) {
		if ((unsigned char)*at <= ' ' || (unsigned char)*at >= 0x7f ||
		    strchr("<\"\\^`{|},", *at) != NULL)
			return NULL;
	}
	end += 1 + strspn(end + 1, " ");
	if (*end == ',')
		return end + 1 + strspn(end + 1, " ");
	return *end == '\0' ? end : NULL;
}

static void check_service_route(struct file_reading *f, unsigned i)
{
	const char *at = f->file->listeners[i].service_route;

	while (at != NULL && *at != '\0')
		at = after_route(at);
	if (at == NULL)
		conf_reading_fault(
			f->r, member_line(f->listeners[i], "service_route"), "service_route",
			"is no list of routes, each as <sip:HOST;lr>, with commas between; "
			"write such as \"<sip:198.18.0.1;lr>\"");
}

/* It is written as it is in XML, and in the hash of what we can. */
static bool is_contact(const char *uri)
{
	static const char *const schemes[] = {"mailto:", "xmpp:", "https:"};
	size_t                   n = strlen(uri);

	for (size_t i = 0; i < n; i++) {
		if (uri[i] <= ' ' || uri[i] > '~' || strchr("<>\"'&", uri[i]) != NULL)
			return false;
	}
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		size_t scheme = strlen(schemes[i]);

		if (n > scheme && n <= 100 && strncmp(uri, schemes[i], scheme) == 0)
			return true;
	}
	return false;
}

static void check_contacts(struct file_reading *f, unsigned i)
{
	const struct conf_list *contacts = &f->file->listeners[i].contacts;
	unsigned                line = member_line(f->listeners[i], "contacts");
	unsigned                all = 0;

	for (unsigned c = 0; c < contacts->n; c++) {
		if (!is_contact(contacts->items[c]))
			conf_reading_fault(f->r, line, "contacts",
					   "'%s' is no URI of mailto:, xmpp: or https: of at most "
					   "100 characters without < > \" ' &; write such as "
					   "\"mailto:abuse@example.org\"",
					   contacts->items[c]);
	}
	for (unsigned j = 0; j <= i; j++)
		all += f->file->listeners[j].contacts.n;
	if (contacts->n > 0 && all > CONF_CONTACTS_MAX)
		conf_reading_fault(f->r, line, "contacts",
				   "the listeners have more than %u together; write each contact "
				   "at one of them",
				   CONF_CONTACTS_MAX);
}

static bool is_https(const char *url)
{
	size_t n = strlen(url);

	for (size_t i = 0; i < n; i++) {
		if (url[i] <= ' ' || url[i] > '~' || strchr("<>\"\\", url[i]) != NULL)
			return false;
	}
	return n > 8 && strncmp(url, "https://", 8) == 0;
}

static bool is_uuid(const char *text)
{
	for (unsigned i = 0; i < 36; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? text[i] != '-' : str_hex(text[i]) < 0)
			return false;
	}
	return text[36] == '\0';
}

#define URL_REMEDY "write as in \"https://cert.example.org/cpm.pem\""

static void check_signing(struct file_reading *f, const struct conf_node *stir)
{
	const struct conf_stir *s = &f->file->stir;

	if (s->url[0] != '\0' && !is_https(s->url))
		conf_reading_fault(f->r, member_line(stir, "url"), "url",
				   "is no URL of https:; " URL_REMEDY);
	if (s->key[0] != '\0' && s->url[0] == '\0')
		conf_reading_fault(
			f->r, stir->line, "url",
			"is missing, by which others find the certificate of the key; " URL_REMEDY);
	if (s->key[0] == '\0' && (s->url[0] != '\0' || s->certificate[0] != '\0'))
		conf_reading_fault(f->r, stir->line, "key",
				   "is missing; write the file of the private key");
	if (s->origid[0] != '\0' ? !is_uuid(s->origid) : s->attest != CONF_ATTEST_NONE)
		conf_reading_fault(f->r,
				   member_line(stir, s->origid[0] != '\0' ? "origid" : "attest"),
				   "origid",
				   "is no UUID; write as in 123e4567-e89b-12d3-a456-426655440000, "
				   "another one for each appliance");
}

static void check_stir(struct file_reading *f, const struct conf_node *root)
{
	const struct conf_node *stir = conf_node_member(root, "stir");
	const struct conf_file *file = f->file;

	for (unsigned i = 0; i < file->listener_count; i++) {
		snprintf(f->r->path, sizeof(f->r->path), "listeners[%u]", i);
		if ((file->listeners[i].identity & CONF_IDENTITY_SIGN) != 0)
			conf_reading_fault(f->r, member_line(f->listeners[i], "identity"),
					   "identity",
					   "'sign' is for peers, to which things go; write verify "
					   "or require");
		else if (file->listeners[i].identity != 0 && file->certificate_count == 0)
			conf_reading_fault(f->r, member_line(f->listeners[i], "identity"),
					   "identity",
					   "needs certificates to verify by; write them to `stir: "
					   "certificates:`");
	}
	snprintf(f->r->path, sizeof(f->r->path), "stir");
	if (stir != NULL && stir->kind == CONF_NODE_MAP) {
		check_signing(f, stir);
		if (file->certificate_count > 0 && file->stir.anchors[0] == '\0')
			conf_reading_fault(f->r, member_line(stir, "certificates"), "anchors",
					   "is missing; write the file of the certificates that "
					   "vouch for these");
		for (unsigned i = 0; i < file->certificate_count; i++) {
			for (unsigned j = 0; j < i; j++)
				if (strcmp(file->certificates[i].url, file->certificates[j].url) ==
				    0)
					conf_reading_fault(f->r, member_line(stir, "certificates"),
							   "certificates",
							   "has '%s' twice; give each URL once",
							   file->certificates[i].url);
		}
	}
	f->r->path[0] = '\0';
}

static void check_listeners(struct file_reading *f)
{
	struct conf_file *file = f->file;

	for (unsigned i = 0; i < file->listener_count; i++) {
		const struct conf_listener *l = &file->listeners[i];

		snprintf(f->r->path, sizeof(f->r->path), "listeners[%u]", i);
		if (l->address.set && file->port_count > 0 && !is_ours(file, &l->address))
			conf_reading_fault(f->r, member_line(f->listeners[i], "address"), "address",
					   "is not an address of any port; write one of "
					   "`dataplane: ports: addresses:`, or add it there");
		for (unsigned j = 0; j < i; j++) {
			const struct conf_listener *other = &file->listeners[j];

			if (l->name[0] != '\0' && strcmp(other->name, l->name) == 0)
				conf_reading_fault(
					f->r, member_line(f->listeners[i], "name"), "name",
					"'%s' is the name of listeners[%u] as well; give another",
					l->name, j);
			if (share_address(l, other) && port_of(l) == port_of(other) &&
			    (l->transport & other->transport) != 0)
				conf_reading_fault(
					f->r, member_line(f->listeners[i], "port"), "port",
					"listeners[%u] has the same address and port; change one",
					j);
		}
		check_msrp_ports(f, i);
		check_ws_port(f, i);
		check_service_route(f, i);
		check_contacts(f, i);
	}
	f->r->path[0] = '\0';
}

static void check_lcores(struct file_reading *f, const struct conf_node *root)
{
	const struct conf_node *dataplane = conf_node_member(root, "dataplane");
	const struct conf_node *list =
		dataplane != NULL ? conf_node_member(dataplane, "worker_lcores") : NULL;
	unsigned line = list != NULL ? list->line : root->line;
	bool     used[128] = {false};

	for (uint32_t i = 0; i < f->file->dataplane.worker_lcores.n; i++) {
		const char   *text = f->file->dataplane.worker_lcores.items[i];
		char         *end;
		unsigned long core = strtoul(text, &end, 10);

		if (text[0] < '0' || text[0] > '9' || *end != '\0' || core > 127)
			conf_reading_fault(f->r, line, "dataplane.worker_lcores",
					   "'%s' is not a number of 0 to 127", text);
		else if (used[core])
			conf_reading_fault(f->r, line, "dataplane.worker_lcores",
					   "core %lu is named twice; a core runs one worker", core);
		else
			used[core] = true;
	}
}

static void check_folders(struct file_reading *f, const struct conf_node *root)
{
	const struct {
		const char *key, *value;
	} folders[] = {{"run_dir", f->file->cpm.run_dir}, {"state_dir", f->file->cpm.state_dir}};

	for (unsigned i = 0; i < 2; i++)
		if (folders[i].value[0] != '/')
			conf_reading_fault(f->r, member_line(root, folders[i].key), folders[i].key,
					   "'%s' is no absolute path; begin it with /",
					   folders[i].value);
}

static void root_read(struct file_reading *f, const struct conf_node *root)
{
	struct conf_file *file = f->file;

	if (root->kind != CONF_NODE_MAP) {
		conf_reading_fault(f->r, root->line, "", "is no map; begin with 'node: NAME'");
		return;
	}
	conf_read_map(CONF_SECTION_cpm, &file->cpm, root, f->r);
	map_read(f, root, "dataplane", CONF_SECTION_dataplane, &file->dataplane);
	map_read(f, root, "control", CONF_SECTION_control, &file->control);
	if (conf_node_member(root, "dataplane") != NULL)
		list_read(f, conf_node_member(root, "dataplane"), "ports", CONF_SECTION_port);
	list_read(f, root, "listeners", CONF_SECTION_listener);
	map_read(f, root, "stir", CONF_SECTION_stir, &file->stir);
	if (conf_node_member(root, "stir") != NULL)
		list_read(f, conf_node_member(root, "stir"), "certificates",
			  CONF_SECTION_certificate);
	hosts_read(f, root);
	if (file->port_count == 0)
		conf_reading_fault(
			f->r, root->line, "dataplane.ports",
			"is missing; write [{name: core0, device: ..., addresses: [...]}]");
	check_ports(f);
	check_listeners(f);
	check_stir(f, root);
	check_lcores(f, root);
	check_folders(f, root);
}

/* The whole file, NUL-terminated; the caller frees. 0 or -errno. */
static int text_read(const char *path, char **text, size_t *n)
{
	struct stat about;
	int         fd = open(path, O_RDONLY | O_CLOEXEC), err = 0;
	ssize_t     got = 0;

	*n = 0;
	*text = NULL;
	if (fd < 0)
		return -errno;
	if (fstat(fd, &about) < 0)
		err = -errno;
	else if (!S_ISREG(about.st_mode))
		err = -EISDIR;
	else if (about.st_size > FILE_SIZE_MAX)
		err = -EFBIG;
	else if ((*text = malloc((size_t)about.st_size + 1)) == NULL)
		err = -ENOMEM;
	while (err == 0 && *n < (size_t)about.st_size &&
	       (got = read(fd, *text + *n, (size_t)about.st_size - *n)) > 0)
		*n += (size_t)got;
	if (got < 0)
		err = -errno;
	close(fd);
	if (err < 0) {
		free(*text);
		return err;
	}
	(*text)[*n] = '\0';
	return 0;
}

static bool defaults(struct conf_file *file)
{
	return conf_section_defaults(CONF_SECTION_cpm, &file->cpm) &&
	       conf_section_defaults(CONF_SECTION_dataplane, &file->dataplane) &&
	       conf_section_defaults(CONF_SECTION_stir, &file->stir) &&
	       conf_section_defaults(CONF_SECTION_control, &file->control);
}

int conf_file_parse(const char *name, const char *text, size_t n, struct conf_file **file,
		    struct conf_faults *faults)
{
	unsigned            before = faults->n;
	struct conf_arena   arena = {NULL, 0};
	struct conf_yaml    y;
	struct file_reading f = {.r = &y.reading, .file = calloc(1, sizeof(struct conf_file))};

	*file = NULL;
	if (f.file == NULL || !defaults(f.file)) {
		conf_file_free(f.file);
		return -ENOMEM;
	}
	if (conf_yaml_open(&y, name, text, n, faults)) {
		const struct conf_node *root = conf_yaml_node(&y, &arena);

		if (root != NULL && conf_yaml_end(&y))
			root_read(&f, root);
	}
	conf_yaml_close(&y);
	conf_arena_free(&arena);
	if (faults->n > before) {
		conf_file_free(f.file);
		return -EINVAL;
	}
	*file = f.file;
	return 0;
}

int conf_file_read(const char *path, struct conf_file **file, struct conf_faults *faults)
{
	char  *text;
	size_t n;
	int    err = text_read(path, &text, &n);

	*file = NULL;
	if (err < 0)
		return err;
	err = conf_file_parse(path, text, n, file, faults);
	free(text);
	return err;
}

void conf_file_free(struct conf_file *file)
{
	if (file == NULL)
		return;
	conf_section_clear(CONF_SECTION_dataplane, &file->dataplane);
	conf_section_clear(CONF_SECTION_control, &file->control);
	for (unsigned i = 0; i < file->listener_count; i++)
		conf_section_clear(CONF_SECTION_listener, &file->listeners[i]);
	free(file);
}
