/* The readiness protocol of systemd (sd_notify(3)): a datagram to the socket that the environment
 * names. Called once by a program's main thread when it answers requests. */
#pragma once

/* Without NOTIFY_SOCKET nothing happens; what fails is logged and changes nothing. */
void notify_ready(void);
