/* `cpm-load phone`: one SIP device over kernel sockets, for trying things out. */
#pragma once

#include "options.h"

/* The exit status. */
int phone_run(const struct options *options);
