/* limits.h: every ceiling of the service, with the reason for its number. */
#ifndef WEB_LIMITS_H
#define WEB_LIMITS_H

enum {
	/* Connections served at once: civetweb gives each a thread.  An idle one costs 14 kB, and
	 * a thousand of them some 80 ms when the service starts, so that a thousand clients of a byte
	 * a second keep nobody waiting. */
	LIMIT_THREADS		= 1100,
	LIMIT_THREADS_MAX	= 4096,
	/* Descriptors beside the three that each of them may need. */
	LIMIT_FILES_SPARE	= 256,
	/* And for each store after the first; it needs 16. */
	LIMIT_FILES_STORE	= 32,
	/* Accepted connections that wait for a thread, and those the kernel
	 * holds: a burst of 1,000 clients is queued, not refused. */
	LIMIT_QUEUE		= 256,
	LIMIT_BACKLOG		= 1024,
	/* An idle connection holds a thread, so it may not do so for long. */
	LIMIT_KEEP_ALIVE_MS	= 5000,
	/* With three of four threads taken, a connection that has had that long is closed
	 * after its reply, so that those who wait get their turn. */
	LIMIT_SHARE_MS		= 100,
	/* No byte in or out for that long ends a request. */
	LIMIT_IDLE_MS		= 30000,
	/* Beyond the idle time a transfer must go at this many bytes a second,
	 * or one byte a second would keep a thread for days. */
	LIMIT_SLOWEST		= 2048,
	/* Requests under way get that long to end when the service stops. */
	LIMIT_STOP_MS		= 5000,

	/* Request line and headers together; also the size of civetweb's buffer. */
	LIMIT_HEAD		= 16384,
	/* Decoded path: five UIDs and the words between them are 400 bytes;
	 * bulkdata paths of nested sequences are longer. */
	LIMIT_PATH		= 4096,
	LIMIT_SEGMENTS		= 32,
	/* As much as the head lets through: a list of 100 UIDs is 6,500 bytes. */
	LIMIT_QUERY		= 12288,
	LIMIT_QUERY_PARAMS	= 128,
	LIMIT_INCLUDEFIELDS	= 512,
	LIMIT_ACCEPT		= 4096,
	LIMIT_ACCEPT_ENTRIES	= 32,
	LIMIT_MEDIA_TEXT	= 512,
	LIMIT_MEDIA_PARAMS	= 8,
	LIMIT_HOST		= 255,
	LIMIT_REQUEST_ID	= 64,
	/* A browser may remember that long what a path takes. */
	LIMIT_PREFLIGHT_S	= 600,

	/* RFC 2046 5.1.1 allows 70; Orthanc sends 73. */
	LIMIT_BOUNDARY		= 128,
	/* Headers of one part; Content-Type, Content-Location and the like. */
	LIMIT_PART_HEAD		= 8192,
	/* Parts of one request: each needs some 100 bytes until the response is sent. */
	LIMIT_PARTS		= 200000,
	/* Attributes of a request that are named as stored with a wrong value: a dozen in
	 * each of thousands of instances, 16 bytes each. */
	LIMIT_WARNINGS		= 100000,
	/* Parts received whole but not yet accepted, so that a part of a wrong type
	 * soon after them fails the request before anything is stored.  Each holds a
	 * file descriptor. */
	LIMIT_PARTS_HELD	= 8,
	/* Parts accepted but not yet waited for. */
	LIMIT_TICKETS		= 1000,

	/* Bodies go through buffers of this size: large enough that the system
	 * calls do not count, small enough to stay in the second level cache. */
	LIMIT_CHUNK		= 256 * 1024,
	/* Of a file, from so many bytes on, the kernel sends what it has in its cache, and nothing is
	 * copied; watched in pieces, for which a slow reader gets time. */
	LIMIT_SEND_FILE		= 128 * 1024,
	LIMIT_SEND_FILE_PIECE	= 8 * 1024 * 1024,
	/* An encoded body is read in pieces of this size: a tenth of a chunk when decoded. */
	LIMIT_ENCODED_PIECE	= 32 * 1024,
	/* Text is compressed for who takes that, unless it would fit a packet or so anyway ... */
	LIMIT_COMPRESS_MIN	= 2048,
	/* ... and sent when that much has come of a longer one. */
	LIMIT_COMPRESS_PIECE	= 32 * 1024,
	/* With more requests under way than this, those that begin use less of theirs. */
	LIMIT_CROWD		= 128,
	LIMIT_CHUNK_IN_CROWD	= 32 * 1024,
	/* Idle buffers kept for the next request. */
	LIMIT_CHUNKS_KEPT	= 16,
	/* Headers of a reply. */
	LIMIT_REPLY_HEAD	= 8192,
	/* What is left of a body when its request is refused: up to this much is
	 * read to keep the connection ... */
	LIMIT_DRAIN_KEEP	= 1024 * 1024,
	/* ... and up to this much, for so long, to close it gently: a client that sends
	 * all before it reads then sees the reply. */
	LIMIT_DRAIN		= 64 * 1024 * 1024,
	LIMIT_LINGER_MS		= 3000,
	/* Clients that follow the change feed: each holds a socket. */
	LIMIT_FOLLOWERS		= 500,
	/* A sign of life for those, or a proxy between might give the connection up. */
	LIMIT_HEARTBEAT_MS	= 15000,
	/* Ten times what all routes and the mount can write. */
	LIMIT_METRICS		= 1024 * 1024,
	/* Blobs that come in blocks, at once: each holds an open file ... */
	LIMIT_UPLOADS		= 256,
	/* ... and how long one waits for its next block. */
	LIMIT_UPLOAD_IDLE_MS	= 3600000,
	/* A block list: 50,000 IDs of 88 characters and their tags. */
	LIMIT_BLOCK_LIST	= 8 * 1024 * 1024,
	/* A page of what the error-container holds. */
	LIMIT_ERRORS		= 5000,
	LIMIT_ERRORS_DEFAULT	= 1000,
	/* JSON that a client sends: 128 tags, 50 studies and a data set. */
	LIMIT_JSON		= 1024 * 1024,
	/* JSON of a list: partitions, tags and their errors. */
	LIMIT_LIST		= 64 * 1024 * 1024,
	/* All that a tag is made of: the program's version, a hash, and a dozen numbers and names. */
	LIMIT_ASKED		= 65536,
	/* Frames named in one request; as many as a long path has. */
	LIMIT_FRAMES		= 2048,
	/* A thumbnail's larger side, and the instances looked at for one to show. */
	LIMIT_THUMBNAIL		= 200,
	LIMIT_THUMBNAIL_TRIES	= 64,
	/* Of what is encoded lossily without a wish. */
	LIMIT_QUALITY_DEFAULT	= 90,
	/* Metadata is rendered that many bytes at a time. */
	LIMIT_METADATA_PIECE	= 128 * 1024,
	/* Coded metadata kept for the next who asks: of a thousand series of a thousand instances ... */
	LIMIT_CODED		= 64 * 1024 * 1024,
	/* ... each no larger than that, some 50,000 instances ... */
	LIMIT_CODED_BODY	= 4 * 1024 * 1024,
	/* ... nor of so little text that it is coded in no time ... */
	LIMIT_CODED_MIN		= 16 * 1024,
	/* ... and copied from so many replies at a time, which a slow reader may hold up. */
	LIMIT_CODED_COPIES	= 8,
};

/* One instance's JSON with its bulk inline is the largest single piece. */
#define LIMIT_METADATA_MAX ((size_t)256 * 1024 * 1024)

/* A frame in another syntax, or a picture: twice the largest that is decoded. */
#define LIMIT_FRAME ((size_t)512 * 1024 * 1024)

/* Contract 18: a STOW request, and one instance. */
#define LIMIT_REQUEST ((unsigned long long)4 * 1024 * 1024 * 1024)

#endif
