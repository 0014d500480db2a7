//! Bounds of signing in.

use std::time::Duration;

/// Time for one answer of the token endpoint, which is usually there within 300 ms.
pub const TOKEN_TIMEOUT: Duration = Duration::from_secs(30);

/// Longest answer of the token endpoint. A token with many roles has 10 KiB.
pub const TOKEN_BYTES_MAX: usize = 1 << 20;

/// Tries for a token that somebody waits for. With the waits below they span about two minutes, which
/// outlasts a failover at Entra.
pub const TRIES_MAX: u32 = 8;

/// The bound of the first wait between those tries when Entra names none; it doubles each time.
pub const BACKOFF_FIRST: Duration = Duration::from_millis(500);

/// The bound of every such wait.
pub const BACKOFF_LONGEST: Duration = Duration::from_secs(30);

/// The longest wait that Entra may name. A longer one is an error: whoever waits for rows should
/// hear of it.
pub const RETRY_WAIT_MAX: Duration = Duration::from_secs(5 * 60);

/// A token is renewed while this part of its life is left, so that a renewal that fails at first
/// can be tried again while the old one is still good.
pub const EARLY_PART: u32 = 5;

/// The longest time before its end that a token is renewed.
pub const EARLY_MAX: Duration = Duration::from_secs(10 * 60);

/// A token is not used while less than this part of its life is left, because a request takes
/// time to arrive and clocks differ.
pub const UNUSED_PART: u32 = 20;

/// The longest time before its end that a token is not used any more.
pub const UNUSED_MAX: Duration = Duration::from_secs(60);

/// Time between two early renewals that fail.
pub const EARLY_RETRY_INTERVAL: Duration = Duration::from_secs(30);

/// The life of a token when the answer names none. Entra's live 60 to 90 minutes.
pub const LIFE_UNTOLD: Duration = Duration::from_secs(10 * 60);

/// Tokens that are taken out of what others say: requests with an older one have been answered, or
/// given up, when so many came after it.
pub const TOKENS_KNOWN_MAX: usize = 8;

/// Characters of a secret's beginning that are taken out of a text as the whole would be.
pub const SECRET_PART_CHARS: usize = 16;

/// Characters of base64 that tell a secret: fewer stand in any text.
pub const BASE64_CHARS_MIN: usize = 8;

/// Characters of Entra's own description that an error repeats.
pub const DESCRIPTION_CHARS_MAX: usize = 300;
