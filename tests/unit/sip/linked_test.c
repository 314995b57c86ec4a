/* Files and places that bodies stand for, as producers write them, and the text that is made of
 * them. */
#include "bodies.h"

#include <stdio.h>

#include "sip/linked.h"
#include "xml/xml.h"

#define FTHTTP "urn:gsma:params:xml:ns:rcs:rcs:fthttp"
#define THUMBNAIL                                                                                  \
	"<file-info type=\"thumbnail\"><file-size>6208</file-size><content-type>image/jpeg"        \
	"</content-type><data url=\"https://ft.example/thumb?id=1\" "                              \
	"until=\"2026-12-01T10:00:00Z\"/></file-info>"
#define FILE_INFO(name, url)                                                                       \
	"<file-info type=\"file\" file-disposition=\"file\"><file-size>183524</file-size>" name    \
	"<content-type>image/jpeg</content-type><data url=\"" url                                  \
	"\" until=\"2026-12-01T10:00:00Z\"/></file-info>"
#define NAME(text) "<file-name>" text "</file-name>"

static const struct {
	const char   *body;
	enum sip_body what;
	const char   *url, *name;
} files[] = {
	/* RCC.07, with a thumbnail before the file */
	{"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<file xmlns=\"" FTHTTP
	 "\">" THUMBNAIL FILE_INFO(NAME("DSC379395051.JPG"),
				   "https://ft.example/get?id=1&amp;sig=a%20b") "</file>",
	 SIP_BODY_OK, "https://ft.example/get?id=1&sig=a%20b", "DSC379395051.JPG"},
	/* with the extensions of Universal Profile, and an element that nobody here knows */
	{"<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n"
	 "<file xmlns=\"" FTHTTP "\" xmlns:x=\"urn:gsma:params:xml:ns:rcs:rcs:up:fthttpext\">\n  "
	 "<file-info type=\"file\">\n    <file-size>11999</file-size>\n    "
	 "<x:playing-length>4</x:playing-length>\n    <content-type>audio/amr</content-type>\n    "
	 "<data url = \"http://ft.example/voice\" until = \"2026-12-01T10:00:00Z\"/>\n    "
	 "<x:branded-url>https://b.example/1</x:branded-url>\n  </file-info>\n</file>\n",
	 SIP_BODY_OK, "http://ft.example/voice", ""},
	{"<f:file xmlns:f=\"urn:gsma:params:xml:ns:rcs:rcs:up:fthttpext\"><f:file-info "
	 "type=\"file\"><f:file-name>a.pdf</f:file-name><f:data url=\"HTTPS://ft.example/a\"/>"
	 "</f:file-info></f:file>",
	 SIP_BODY_OK, "HTTPS://ft.example/a", "a.pdf"},
	/* without a namespace, as most write it */
	{"<?xml version=\"1.0\" encoding=\"UTF-8\"?><file>" FILE_INFO(
		 NAME("sm\u00f6rg\u00e5s &amp; br\u00f6d.jpg"), "https://ft.example/2") THUMBNAIL
	 "</file>",
	 SIP_BODY_OK, "https://ft.example/2", "sm\u00f6rg\u00e5s & br\u00f6d.jpg"},
	{"<file><file-info><data url=\"https://ft.example/3\"/></file-info></file>", SIP_BODY_OK,
	 "https://ft.example/3", ""},
	/* a name that is more than one line is none */
	{"<file>" FILE_INFO(NAME("a&#10;b"), "https://ft.example/4") "</file>", SIP_BODY_OK,
	 "https://ft.example/4", ""},
	{"<file>" THUMBNAIL "</file>", SIP_BODY_MISSING, NULL, NULL},
	{"<file/>", SIP_BODY_MISSING, NULL, NULL},
	{"<file><file-info type=\"file\"><file-size>1</file-size></file-info></file>",
	 SIP_BODY_MISSING, NULL, NULL},
	{"<file><file-info type=\"file\"><data until=\"x\"/></file-info></file>", SIP_BODY_MISSING,
	 NULL, NULL},
	{"<file>" FILE_INFO("", "https://a/1") FILE_INFO("", "https://a/2") "</file>",
	 SIP_BODY_REPEATED, NULL, NULL},
	{"<file><file-info type=\"file\"><data url=\"https://a/1\"/><data url=\"https://a/2\"/>"
	 "</file-info></file>",
	 SIP_BODY_REPEATED, NULL, NULL},
	{"<file>" FILE_INFO("", "ftp://ft.example/1") "</file>", SIP_BODY_SYNTAX, NULL, NULL},
	{"<file>" FILE_INFO("", "javascript:alert(1)") "</file>", SIP_BODY_SYNTAX, NULL, NULL},
	{"<file>" FILE_INFO("", "https://") "</file>", SIP_BODY_SYNTAX, NULL, NULL},
	{"<file>" FILE_INFO("", "https://a/1 2") "</file>", SIP_BODY_SYNTAX, NULL, NULL},
	{"<file>" FILE_INFO("", "https://a/\u00e5") "</file>", SIP_BODY_SYNTAX, NULL, NULL},
	{"<file xmlns=\"urn:example:other\">" FILE_INFO("", "https://a/1") "</file>",
	 SIP_BODY_SYNTAX, NULL, NULL},
	{"<files/>", SIP_BODY_SYNTAX, NULL, NULL},
	{"<file>" FILE_INFO("", "https://a/1"), SIP_BODY_SYNTAX, NULL, NULL},
	{"<file>" FILE_INFO("", "https://a/1") "</file>x", SIP_BODY_SYNTAX, NULL, NULL},
	{"<!DOCTYPE file><file/>", SIP_BODY_SYNTAX, NULL, NULL},
	{"", SIP_BODY_SYNTAX, NULL, NULL},
};

static enum sip_body file_parse(const char *body, size_t n, char *room, struct sip_file *f,
				uint8_t **exact)
{
	struct put w = put_to(room, n);

	*exact = test_copy(body, n);
	return sip_file_parse(cur_of(*exact, n), &w, f);
}

static void a_file_is_found_as_any_producer_writes_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		size_t          n = strlen(files[i].body);
		char           *room = malloc(n + 1);
		struct sip_file f;
		uint8_t        *exact;

		assert_case(i, file_parse(files[i].body, n, room, &f, &exact), files[i].what);
		if (files[i].what == SIP_BODY_OK) {
			assert_str(f.url, files[i].url);
			assert_str(f.name, files[i].name);
		}
		free(exact);
		free(room);
	}
}

static void a_file_cut_at_any_byte_is_none(void **state)
{
	(void)state;
	for (size_t n = 0; n < strlen(files[0].body); n++) {
		char           *room = malloc(n + 1);
		struct sip_file f;
		uint8_t        *exact;

		assert_int_equal(file_parse(files[0].body, n, room, &f, &exact), SIP_BODY_SYNTAX);
		free(exact);
		free(room);
	}
}

static void a_url_has_a_limit_and_a_name_too(void **state)
{
	static char body[4096], url[SIP_LINK_MAX + 2], name[SIP_LINK_NAME_MAX + 2], room[4096];

	(void)state;
	for (unsigned over = 0; over < 2; over++) {
		struct sip_file f;
		uint8_t        *exact;

		memset(url, 'u', sizeof(url));
		memcpy(url, "https://", 8);
		url[SIP_LINK_MAX + over] = '\0';
		memset(name, 'n', sizeof(name));
		name[SIP_LINK_NAME_MAX + over] = '\0';
		snprintf(
			body, sizeof(body),
			"<file><file-info type=\"file\"><file-name>%s</file-name><data url=\"%s\"/>"
			"</file-info></file>",
			name, url);
		assert_int_equal(file_parse(body, strlen(body), room, &f, &exact),
				 over ? SIP_BODY_LIMIT : SIP_BODY_OK);
		free(exact);
		snprintf(body, sizeof(body),
			 "<file><file-info type=\"file\"><file-name>%s</file-name><data "
			 "url=\"https://a/\"/></file-info></file>",
			 name);
		assert_int_equal(file_parse(body, strlen(body), room, &f, &exact), SIP_BODY_OK);
		assert_int_equal(f.name.n, over ? 0 : SIP_LINK_NAME_MAX);
		free(exact);
	}
}

#define ENVELOPE(label, shape)                                                                     \
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<rcsenvelope "                              \
	"xmlns=\"urn:gsma:params:xml:ns:rcs:rcs:geolocation\" "                                    \
	"xmlns:rpid=\"urn:ietf:params:xml:ns:pidf:rpid\" "                                         \
	"xmlns:gp=\"urn:ietf:params:xml:ns:pidf:geopriv10\" "                                      \
	"xmlns:gml=\"http://www.opengis.net/gml\" xmlns:gs=\"http://www.opengis.net/pidflo/1.0\" " \
	"entity=\"tel:+46701234567\"><rcspushlocation id=\"a1\"" label                             \
	"><rpid:place-type rpid:until=\"2026-12-01T21:00:00-05:00\"></rpid:place-type>"            \
	"<rpid:time-offset rpid:until=\"2026-12-01T21:00:00-05:00\">-300</rpid:time-offset>"       \
	"<gp:geopriv><gp:location-info>" shape                                                     \
	"</gp:location-info><gp:usage-rules/></gp:geopriv><timestamp>2026-11-28T16:09:44-05:00"    \
	"</timestamp></rcspushlocation></rcsenvelope>"
#define CIRCLE(pos, radius)                                                                        \
	"<gs:Circle srsName=\"urn:ogc:def:crs:EPSG::4326\"><gml:pos>" pos                          \
	"</gml:pos><gs:radius uom=\"urn:ogc:def:uom:EPSG::9001\">" radius                          \
	"</gs:radius></gs:Circle>"
#define POINT(pos)                                                                                 \
	"<gml:Point srsName=\"urn:ogc:def:crs:EPSG::4326\"><gml:pos>" pos "</gml:pos></gml:Point>"

static const struct {
	const char   *body;
	enum sip_body what;
	const char   *text;
} places[] = {
	{ENVELOPE(" label=\"meeting location\"", CIRCLE("26.1181289 -80.1283921", "10")),
	 SIP_BODY_OK, "meeting location geo:26.1181289,-80.1283921;u=10"},
	{ENVELOPE("", POINT("\n  +59.32 18.06\n")), SIP_BODY_OK, "geo:59.32,18.06"},
	{ENVELOPE("", POINT("-90 180.000")), SIP_BODY_OK, "geo:-90,180.000"},
	{"<rcsenvelope><rcspushlocation label=\"caf\u00e9 &lt;3\"><pos>1 2</pos></rcspushlocation>"
	 "</rcsenvelope>",
	 SIP_BODY_OK, "caf\u00e9 <3 geo:1,2"},
	/* in an alphabet in which it would take another short message */
	{ENVELOPE(" label=\"\u0416\u0416\u0416\u0416\u0416\u0416\u0416\u0416\u0416\u0416\u0416"
		  "\u0416\u0416\u0416\u0416\u0416\u0416\u0416\u0416\u0416\u0416\u0416\u0416\u0416"
		  "\u0416\u0416\u0416\u0416\u0416\u0416\u0416\u0416\u0416\u0416\u0416\u0416\"",
		  POINT("26.11812891234 -80.12839211234")),
	 SIP_BODY_OK, "geo:26.11812891234,-80.12839211234"},
	{ENVELOPE("", POINT("90.0001 0")), SIP_BODY_SYNTAX, NULL},
	{ENVELOPE("", POINT("0 -180.5")), SIP_BODY_SYNTAX, NULL},
	{ENVELOPE("", POINT("1e1 2")), SIP_BODY_SYNTAX, NULL},
	{ENVELOPE("", POINT("1,5 2")), SIP_BODY_SYNTAX, NULL},
	{ENVELOPE("", POINT("1. 2")), SIP_BODY_SYNTAX, NULL},
	{ENVELOPE("", POINT(".5 2")), SIP_BODY_SYNTAX, NULL},
	{ENVELOPE("", POINT("1")), SIP_BODY_SYNTAX, NULL},
	{ENVELOPE("", POINT("--1 2")), SIP_BODY_SYNTAX, NULL},
	{ENVELOPE("", POINT("")), SIP_BODY_SYNTAX, NULL},
	{ENVELOPE("", POINT("99999999999999999999999999 2")), SIP_BODY_SYNTAX, NULL},
	{ENVELOPE("", CIRCLE("1 2", "-5")), SIP_BODY_SYNTAX, NULL},
	{ENVELOPE("", CIRCLE("1 2", "near")), SIP_BODY_SYNTAX, NULL},
	{ENVELOPE("", POINT("1 2") POINT("1 2")), SIP_BODY_REPEATED, NULL},
	{ENVELOPE("", ""), SIP_BODY_MISSING, NULL},
	{"<rcsenvelope/>", SIP_BODY_MISSING, NULL},
	{"<place/>", SIP_BODY_SYNTAX, NULL},
	{"<rcsenvelope>", SIP_BODY_SYNTAX, NULL},
};

static void a_place_is_a_uri_with_its_label(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		size_t              n = strlen(places[i].body);
		char               *room = malloc(n + 1), text[512];
		struct put          w = put_to(room, n), out = put_to(text, sizeof(text));
		uint8_t            *exact = test_copy(places[i].body, n);
		struct sip_location l;

		assert_case(i, sip_location_parse(cur_of(exact, n), &w, &l), places[i].what);
		if (places[i].what == SIP_BODY_OK) {
			sip_location_text(&l, &out);
			assert_str((struct str){text, put_size(&out)}, places[i].text);
		}
		free(exact);
		free(room);
	}
}

/* As long as the two fit into one short message, and into as many as the URL takes. */
static void a_name_goes_along_where_it_costs_nothing(void **state)
{
	static char name[200], url[400];

	(void)state;
	for (unsigned size = 20; size < 330; size++) {
		for (unsigned n = 1; n < 200; n += 13) {
			char            text[1024];
			struct put      out = put_to(text, sizeof(text));
			unsigned        both = n + 1 + size;
			bool            fits = size <= 160   ? both <= 160
					       : size <= 306 ? both <= 306
							     : both <= 459;
			struct sip_file f = {{url, size}, {name, n}};

			memset(name, 'n', sizeof(name));
			memset(url, 'u', sizeof(url));
			sip_file_text(&f, &out);
			assert_int_equal(put_size(&out), fits ? both : size);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_is_found_as_any_producer_writes_it),
		cmocka_unit_test(a_file_cut_at_any_byte_is_none),
		cmocka_unit_test(a_url_has_a_limit_and_a_name_too),
		cmocka_unit_test(a_place_is_a_uri_with_its_label),
		cmocka_unit_test(a_name_goes_along_where_it_costs_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
