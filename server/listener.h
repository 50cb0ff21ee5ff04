// Takes connections from one listening socket: a few per turn, with a descriptor in reserve for the
// day when there are no more. Owned by the worker. The descriptor is this process's own copy; the
// socket lives on with the master's, and without a master nobody shall wait at it.
#pragma once

struct listener; // opaque
struct worker;

// Takes the descriptor over. NULL: no memory.
struct listener *listener_new(struct worker *worker, int listen_fd);
void listener_stop(struct listener *listener); // takes no more, and lets go of the socket
void listener_free(struct listener **listener);
