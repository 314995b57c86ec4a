#include "ipc/hello.h"

#include <string.h>

#include "base/hash.h"
#include "ipc/channel.h"

static const struct hash_key version_key = {0x63706d2d6b657973, 1};

uint64_t ipc_objects_version(void)
{
	static const char lines[] =
#define KEY(section, name, type, min, max, default, when, help)                                    \
#section "." #name " " #type " " #min " " #max "\n"
#include "conf/keys.def"
#undef KEY
		;

	return hash_sip(&version_key, lines, sizeof(lines) - 1);
}

bool ipc_hello_pack(const struct ipc_hello *hello, struct put *to)
{
	put_be64(to, hello->channel);
	put_be64(to, hello->objects);
	put_be64(to, hello->boot_id);
	put_be64(to, hello->world_version);
	put_be64(to, hello->world_checksum);
	put_be32(to, hello->workers);
	put_be32(to, hello->platform.tune);
	put_be64(to, hello->platform.features);
	put_be64(to, hello->platform.reserved[0]);
	put_be64(to, hello->platform.reserved[1]);
	put_cstr(to, str_of(hello->hyperscan));
	return !to->failed;
}

bool ipc_hello_unpack(struct cur from, struct ipc_hello *hello)
{
	memset(hello, 0, sizeof(*hello));
	hello->channel = cur_be64(&from);
	if (from.failed || hello->channel != ipc_version())
		return !from.failed;
	hello->objects = cur_be64(&from);
	hello->boot_id = cur_be64(&from);
	hello->world_version = cur_be64(&from);
	hello->world_checksum = cur_be64(&from);
	hello->workers = cur_be32(&from);
	hello->platform.tune = cur_be32(&from);
	hello->platform.features = cur_be64(&from);
	hello->platform.reserved[0] = cur_be64(&from);
	hello->platform.reserved[1] = cur_be64(&from);
	str_copy(hello->hyperscan, sizeof(hello->hyperscan),
		 cur_cstr(&from, sizeof(hello->hyperscan)));
	return !from.failed && cur_left(&from) == 0;
}
