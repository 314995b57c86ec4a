/* What systemd is told (sd_notify(3)): a datagram to the socket that the environment names. Called
 * by a program's main thread. */
#pragma once

#define NOTIFY_READY "READY=1" /* the program answers requests */
#define NOTIFY_ALIVE "WATCHDOG=1"
#define NOTIFY_ALIVE_MS 1000u /* how often; WatchdogSec of the units is longer */

/* Without NOTIFY_SOCKET nothing happens; what fails is logged and changes nothing. */
void notify(const char *state);
