/* socket.h: what civetweb does not do with the sockets it hides.
 *
 * Threads: any; the connection must be served by the calling one, so that it
 * stays open meanwhile.
 */
#ifndef WEB_SOCKET_H
#define WEB_SOCKET_H

#include <stdint.h>

/* The descriptor that the next socket will get, if none below it is closed. */
int  socket_next(void);
/* The socket that is connected to a peer (IPv4), looked for from the descriptor `first` on, and
 * then below it.  -1: not found. */
int  socket_find(const char *address, int port, int local_port, int first);
/* Let those who listen at local_port of the loopback, and what they accept, send as fast as it is
 * read.  Where the machine's congestion control is BBR, each packet would wait for a timer that
 * only a network needs: half the speed of a proxy before us. */
void socket_unpace(int local_port);
/* Wake whoever waits for a connection to local_port, or for another request on one: they
 * find the end. */
void socket_hang_up(int local_port);
/* Take the connection of fd away from who is going to close fd: the result is the caller's, and fd
 * stands for a socket that is connected to nothing.  -errno. */
int  socket_take(int fd);
/* Send bytes of a file from where they lie.  The socket may block or not.  0; -ESTALE the file is
 * shorter; -errno of sendfile(2), -ETIMEDOUT when nothing was taken for idle_ms. */
int  socket_send_file(int fd, int file, uint64_t off, uint64_t len, int idle_ms);
/* Before a close with bytes unread, which would reset the connection and take the reply
 * with it: say that nothing more will be sent, and read over what still comes, a
 * bounded while. */
void socket_linger(int fd);

#endif
