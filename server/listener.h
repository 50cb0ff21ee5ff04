// Takes connections from one listening socket: a few per turn, with a descriptor in reserve for the
// day when there are no more. Owned by the worker; the socket stays the master's.
#pragma once

struct listener; // opaque
struct worker;

struct listener *listener_new(struct worker *worker, int listen_fd); // NULL: no memory
void listener_stop(struct listener *listener);                       // takes no more
void listener_free(struct listener **listener);
