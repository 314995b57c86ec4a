#include "conf/near.h"

#define WORD_MAX 40u /* longer words are near to nothing */

/* Optimal string alignment: insertions, deletions, changes and swaps of neighbours. */
static unsigned distance(struct str a, struct str b)
{
	unsigned rows[3][WORD_MAX + 1];

	if (a.n > WORD_MAX || b.n > WORD_MAX)
		return WORD_MAX;
	for (unsigned j = 0; j <= b.n; j++)
		rows[0][j] = j;
	for (unsigned i = 1; i <= a.n; i++) {
		unsigned *row = rows[i % 3], *above = rows[(i + 2) % 3],
			 *two_above = rows[(i + 1) % 3];

		row[0] = i;
		for (unsigned j = 1; j <= b.n; j++) {
			unsigned best = above[j - 1] + (a.p[i - 1] != b.p[j - 1]);

			if (above[j] + 1 < best)
				best = above[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] &&
			    a.p[i - 2] == b.p[j - 1] && two_above[j - 2] + 1 < best)
				best = two_above[j - 2] + 1;
			row[j] = best;
		}
	}
	return rows[a.n % 3][b.n];
}

const char *conf_nearest(struct str word, const char *const words[], unsigned n)
{
	const char *nearest = NULL;
	unsigned    nearest_distance =
		(unsigned)(word.n < 4 ? 2
				      : word.n / 2 + 1); /* as far as this is no longer a slip */

	for (unsigned i = 0; i < n; i++) {
		unsigned d = distance(word, str_of(words[i]));

		if (d < nearest_distance) {
			nearest = words[i];
			nearest_distance = d;
		}
	}
	return nearest;
}
