//! Bounds of the network.

use std::time::Duration;

/// Time to a connection, TLS included. Three tries of a lost SYN (1, 2, 4 s) fit.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long an idle connection is kept. Shorter than the 120 s and more that load balancers
/// keep theirs, so that ours is never used in the moment the other side closes it; longer than
/// the pauses between the requests of one scan.
pub const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// Zero bytes that the decoder wants behind a body. Room for them is kept, so that a body that
/// came uncompressed is decoded where it was received.
pub const BODY_SPARE_BYTES: usize = 64;

/// Time between two replacements of the connection pool. Requests that failed together ask for a
/// new connection together; one new pool serves them all.
pub const NEW_POOL_INTERVAL: Duration = Duration::from_secs(1);

/// First allocation for a body whose length is not told.
pub const BODY_FIRST_BYTES: usize = 64 * 1024;
