//! The wire.

use std::time::Duration;

/// A frame's body, in bytes: well under the 4 MiB that tonic and Go clients take by default, with
/// room for the decoder's overshoot of a few rows.
pub const FRAME_BYTES_MAX: usize = 3 << 20;

/// What a part of a batch that is cut should have, in bytes: less than it may, because rows differ
/// and a part that is still too large is copied again.
pub const PART_BYTES: usize = FRAME_BYTES_MAX / 4 * 3;

/// Sent frames of one stream whose memory waits to be written to again: one is on its way and one
/// is being kept while the next is written.
pub const SPARE_MAX: usize = 3;

/// The largest that is kept so. A single huge row is not worth its memory.
pub const SPARE_BYTES_MAX: usize = 2 * FRAME_BYTES_MAX;

/// A message from a client: a ticket or a command, or values of parameters, never more. The
/// length is that of the longest values, and of a long statement.
pub const MESSAGE_BYTES_MAX: usize = 8 << 20;

/// A ticket or a command that is read at once, in bytes: tables with all that can be asked of them, and
/// statements that people write, are shorter.
pub const PROMPT_BYTES_MAX: usize = 64 << 10;

/// Bytes of requests that are on their way in, beyond the [`PROMPT_BYTES_MAX`] of each.
pub const UPLOADS_BYTES_MAX: usize = 16 * MESSAGE_BYTES_MAX;

/// For a message to arrive, from its first byte: the longest at 2.2 megabits a second.
pub const MESSAGE_TIME: Duration = Duration::from_secs(30);

/// For all messages of a call that sends long ones.
pub const UPLOAD_TIME: Duration = Duration::from_secs(120);

/// Headers of a call: bearer tokens of Entra reach 6 KB, and JDBC forwards unknown parameters.
pub const HEADER_BYTES_MAX: u32 = 64 << 10;

/// A status's message as it travels, percent-encoded: clients take 8 KiB of headers and more.
pub const STATUS_BYTES_MAX: usize = 4 << 10;

/// Batches that wait for a slow client while one is being sent.
pub const BATCHES_AHEAD: usize = 1;

/// Calls at once on one connection; each holds a few pages at most.
pub const STREAMS_MAX: u32 = 256;

/// Between two pings of an idle connection, so that one whose client is gone is noticed.
pub const KEEPALIVE: Duration = Duration::from_secs(30);

/// How long before its caller stops waiting a call is over, so that its error still arrives: a share
/// of the time that the caller gave,
pub const LEAD_SHARE: u32 = 20;

/// and at most this.
pub const LEAD_MAX: Duration = Duration::from_millis(250);

/// For running streams to end after the server was told to stop; orchestrators kill after 30 s.
pub const DRAIN: Duration = Duration::from_secs(25);

/// For the other end of a connection to close it when nothing more is sent on it.
pub const LINGER: Duration = Duration::from_secs(2);

/// What HTTP/2 begins with (<https://www.rfc-editor.org/rfc/rfc9113#section-3.4>), in bytes.
pub const PREFACE_BYTES: usize = 24;

/// For a client to begin to speak on its connection: slow networks take seconds.
pub const SILENT: Duration = Duration::from_secs(10);

/// The same while others wait to be connected.
pub const SILENT_CROWDED: Duration = Duration::from_secs(1);

/// The share of the file descriptors that is kept for files, Graph and what the libraries open: of the
/// usual 1,024 it is enough for [`CACHE_ANSWERS`] and some loads.
pub const DESCRIPTORS_OWN_SHARE: usize = 4;

/// Between two tries to accept a connection when there is no file descriptor for it, at first
pub const ACCEPT_PAUSE_MIN: Duration = Duration::from_millis(5);

/// and at most.
pub const ACCEPT_PAUSE_MAX: Duration = Duration::from_secs(1);

/// Between two lines in the log that say so.
pub const ACCEPT_NOTES: Duration = Duration::from_secs(60);

/// For our own client to reach a server.
pub const CONNECT: Duration = Duration::from_secs(10);

/// A frame that our own client takes: more than the server's own bound, for a single huge row.
pub const ANSWER_BYTES_MAX: usize = 256 << 20;

/// Stored tables that are looked up at once for `list_flights`.
pub const LOOKUPS: usize = 8;

/// Between two lines of progress of an action that takes long; they keep its stream alive too.
pub const PROGRESS: Duration = Duration::from_secs(1);

/// Sessions that are remembered; the oldest are forgotten first.
pub const SESSIONS_MAX: usize = 8_192;

/// Reads that were cancelled before they began and are remembered for when they do.
pub const CANCELLED_KEPT: usize = 1_024;

/// Bytes of the values of a statement's parameters: they travel in every ticket.
pub const PARAMETER_BYTES_MAX: usize = 4 << 20;

/// Without a row for so long a stream gets a batch without rows, because proxies cut streams on
/// which nothing is said; the shortest usual limit is 60 s.
pub const SILENCE: Duration = Duration::from_secs(20);

/// Bytes of answers that are kept on the disk to be sent again, unless the settings say otherwise: a
/// version of a million users with all columns takes about two thirds of it.
pub const CACHE_BYTES: u64 = 2 << 30;

/// Without being asked for so long an answer is not kept any more: longer than people look at a
/// table between two thoughts, and soon after its version may have expired.
pub const CACHE_IDLE: Duration = Duration::from_secs(60 * 60);

/// Answers that are kept at most: each has an open file, of which a process often may have 1,024.
pub const CACHE_ANSWERS: usize = 128;

/// How long an answer waits in all for the disk that keeps it before it goes on without being kept,
pub const CACHE_PATIENCE: Duration = Duration::from_secs(1);

/// and this share of the time that it takes.
pub const CACHE_PATIENCE_SHARE: u32 = 20;

/// Without a frame for so long an answer is not kept: its client may have left it standing, and
/// nobody else keeps what is being kept.
pub const CACHE_STALLED: Duration = Duration::from_secs(30);
