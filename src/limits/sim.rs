//! Bounds of the simulated tenant.

use std::time::Duration;

/// The longest request body, in bytes: what Graph itself takes.
pub const REQUEST_BYTES_MAX: usize = 4 << 20;

/// Requests in one `$batch`, as Graph documents.
pub const BATCH_PARTS_MAX: usize = 20;

/// Objects of a relation under `$expand`, as Graph documents.
pub const EXPAND_ROWS_MAX: u64 = 20;

/// What some objects give under `$expand` although they have more; Graph was seen to give 13 of
/// 26.
pub const EXPAND_ROWS_FEWER: u64 = 13;

/// How deep a filter may nest. The parser and the evaluation recurse, so there has to be an end;
/// Graph's own bound is not published, and 32 is beyond what people write.
pub const FILTER_DEPTH_MAX: usize = 32;

/// Comparisons in one filter. Graph answers "too many child clauses" at figures of this size.
pub const FILTER_CLAUSES_MAX: usize = 200;

/// Clauses joined by `or`, or values of `in`, without an advanced query; Graph says so itself in
/// the message of its refusal.
pub const FILTER_ALTERNATIVES_MAX: usize = 15;

/// Objects that are looked at for one page under a filter. A page that has found fewer rows by
/// then is sent as it is, perhaps empty, with a link to go on; it takes some 50 ms.
pub const FILTER_SCAN_MAX: u64 = 50_000;

/// Objects beyond the last that are tried under a filter for one that is new between two pages: a
/// filter that lets one in a hundred through mostly finds one.
pub const NEWCOMERS_TRIED_MAX: u64 = 256;

/// Requests of a family that counts them, refused ones included, that are remembered for each one
/// that it allows. Refused requests count with Graph too; the bound keeps a client that does not
/// wait from shutting itself out for longer than about two spans.
pub const REFUSED_PER_ALLOWED: usize = 2;

/// How long a page token is good for, unless the settings say otherwise. Microsoft publishes no
/// figure; practitioners speak of minutes.
pub const PAGE_TOKEN_LIFE: Duration = Duration::from_secs(600);

/// The span over which Graph counts resource units and log requests.
pub const QUOTA_SPAN: Duration = Duration::from_secs(10);

/// Requests that the tenant remembers for a test to look at; the oldest are forgotten first.
pub const SERVED_MAX: usize = 4_096;

/// Bodies up to this many bytes are not compressed: the saving is less than a packet.
pub const COMPRESS_BYTES_MIN: usize = 1_024;

/// How long a TLS handshake may take before its connection is dropped.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Finished TLS handshakes that wait for the server to take them.
pub const HANDSHAKES_WAITING_MAX: usize = 64;

/// Connections whose TLS handshake runs; a further one waits for its turn.
pub const HANDSHAKES_MAX: usize = 256;

/// How long requests in flight may go on once a stop was asked for.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// A pause after the listener could not accept, as when file descriptors have run out; without
/// it the loop would spin.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The longest wait that a fault may name: a day is beyond any test.
pub const FAULT_WAIT_MAX: Duration = Duration::from_secs(86_400);
