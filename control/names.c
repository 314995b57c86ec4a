#include "names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

static const struct hash_key names_key = {0x6e616d6573,
					  1}; /* operators choose the names, and few of them */

static struct name *place(struct name *places, size_t room, const char *text)
{
	size_t i = hash_sip(&names_key, text, strlen(text)) & (room - 1);

	while (places[i].text[0] != '\0' && strcmp(places[i].text, text) != 0)
		i = (i + 1) & (room - 1);
	return &places[i];
}

static bool grow(struct names *names)
{
	size_t       room = names->room > 0 ? names->room * 2 : 64;
	struct name *places = calloc(room, sizeof(*places));

	if (places == NULL)
		return false;
	for (size_t i = 0; i < names->room; i++)
		if (names->places[i].text[0] != '\0')
			*place(places, room, names->places[i].text) = names->places[i];
	free(names->places);
	names->places = places;
	names->room = room;
	return true;
}

struct name *names_at(struct names *names, const char *text)
{
	struct name *at;

	if (names->n * 4 >= names->room * 3 && !grow(names))
		return NULL;
	at = place(names->places, names->room, text);
	if (at->text[0] == '\0') {
		snprintf(at->text, sizeof(at->text), "%s", text);
		names->n++;
	}
	return at;
}

void names_free(struct names *names)
{
	free(names->places);
	*names = (struct names){NULL, 0, 0};
}
