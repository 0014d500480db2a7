//! Bounds of reading Graph.

use std::time::Duration;

/// Time for one answer. Graph itself gives up on a request after about 100 s.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(110);

/// Longest body of a page, as sent and again as inflated. The largest pages seen (999 service
/// principals with all properties) have 16 MiB.
pub const BODY_BYTES_MAX: usize = 256 << 20;

/// Longest body of a single answer such as `subscribedSkus`.
pub const SINGLE_BYTES_MAX: usize = 16 << 20;

/// Resource units that a single small answer is counted with: those of `subscribedSkus`.
pub const SINGLE_UNITS: u32 = 3;

/// Bytes of an error body that are looked at; Graph's have under 1 KiB.
pub const ERROR_BYTES_MAX: usize = 64 << 10;

/// Characters of Graph's own message that an error repeats.
pub const MESSAGE_CHARS_MAX: usize = 300;

/// How much deflate can shrink at the very best; a gzip trailer that claims more lies.
pub const DEFLATE_RATIO_MAX: usize = 1032;

/// Longest URL of a first page. Front ends on the way to Graph refuse request lines from 8 KiB on.
pub const URL_BYTES_MAX: usize = 7_500;

/// Alternatives in the `$filter` of a basic query; Graph refuses more, and an `in` counts each of
/// its values.
pub const FILTER_ALTERNATIVES_MAX: usize = 15;

/// Characters of a text in the `$filter` of a basic query.
pub const FILTER_TEXT_CHARS_MAX: usize = 120;

/// Characters of the whole URL of an advanced query.
pub const ADVANCED_URL_BYTES_MAX: usize = 2_048;

/// Rows that are read by their ids rather than by going through their table: forty requests, each
/// as dear as a page of hundreds.
pub const FILTER_IDS_MAX: usize = 40 * FILTER_ALTERNATIVES_MAX;

/// Parents that are read by their ids rather than by going through the listing of all of them.
pub const FILTER_PARENTS_MAX: usize = 10_000;

/// Years that a literal in a `$filter` may have.
pub const FILTER_YEARS: std::ops::RangeInclusive<i32> = 1..=9999;

/// How long a condition that Graph refused is not said again.
pub const FILTER_REFUSED_FOR: Duration = Duration::from_secs(60 * 60);

/// Conditions that are remembered so.
pub const FILTERS_REFUSED_KEPT: usize = 64;

/// Rows of a page when whoever asked probably wants few: what it filters again may leave fewer.
pub const FEW_ROWS_MIN: u64 = 100;

/// Longest next link that is followed. Skiptokens of large directories have about 1 KiB.
pub const LINK_BYTES_MAX: usize = 32 << 10;

/// Pages of one listing. At Graph's smallest default of 20 rows a page this is 40 million rows.
pub const PAGES_MAX: u64 = 2_000_000;

/// Times one listing is begun again because its page token expired or a later page was gone. One
/// that expires this often cannot be read faster than its tokens age.
pub const RESTARTS_MAX: u32 = 5;

/// The share of the time that a read has for which failures in a row of one request (5xx, network,
/// sign-in) are outlasted, unless the connection says otherwise: 36 minutes of six hours. Outages of
/// Graph of a quarter of an hour are reported.
pub const OUTAGE_SHARE_MAX: f64 = 0.1;

/// The least time for which such failures are outlasted, however short the time of the read: a
/// failover of a Graph front end takes minutes.
pub const PATIENCE_MIN: Duration = Duration::from_secs(6 * 60);

/// The least number of such failures: a few that each took their time are no outage.
pub const FAILURES_MIN: u32 = 12;

/// Failures in a row that last for longer than this are told in the log.
pub const OUTAGE_TOLD: Duration = Duration::from_secs(60);

/// The bound of the first wait between those tries when Graph names none; it doubles each time.
pub const BACKOFF_FIRST: Duration = Duration::from_millis(500);

/// The bound of every such wait.
pub const BACKOFF_LONGEST: Duration = Duration::from_secs(60);

/// Answers that were cut or cannot be read before the page is called corrupt.
pub const UNREADABLE_MAX: u32 = 4;

/// The longest wait that Graph may name where no deadline says less. Graph's waits are seconds to
/// five minutes; whoever waits longer than this without a row should hear of it.
pub const RETRY_WAIT_MAX: Duration = Duration::from_secs(15 * 60);

/// The longest wait that is kept at all, whatever the deadline. Whoever meets a longer one hears of it
/// at once, and after this time Graph is asked again: one answer that names centuries must not shut
/// a connection until the program is started anew.
pub const NAMED_WAIT_MAX: Duration = Duration::from_secs(60 * 60);

/// Times one request may be asked to come back later, by 429 or by a 5xx with `Retry-After`. Each is
/// a wait that was kept, so this bounds a loop and does not give up early.
pub const THROTTLES_MAX: u32 = 1_000;

/// Fresh tokens for one request. One is what an expired token needs; a fresh one has been refused
/// too, where the part of Graph that answered did not know it yet. A third refusal is a fact.
pub const FRESH_TOKENS_MAX: u32 = 2;

/// The pause before the second of them.
pub const FRESH_TOKEN_PAUSE: Duration = Duration::from_secs(2);

/// Age from which a token may lack a permission that was granted meanwhile, so that a 403 is
/// asked again with a new one.
pub const TOKEN_STALE_AGE: Duration = Duration::from_secs(60);

/// The smallest `$top` to which a first page that times out is brought down.
pub const PAGE_ROWS_MIN: u32 = 50;

/// Resource units of the directory in [`DIRECTORY_SPAN`]. The documented budget of a large tenant is
/// 8,000 in 10 s; a little is left for requests that other parts of the application send.
///
/// <https://learn.microsoft.com/graph/throttling-limits#identity-and-access-service-limits>
pub const DIRECTORY_UNITS: f64 = 7_800.0;

/// The documented 10 s and a little for the jitter of arrival.
pub const DIRECTORY_SPAN: Duration = Duration::from_millis(10_250);

/// Requests for reports in [`REPORTS_SPAN`], as documented.
pub const REPORTS_REQUESTS: f64 = 5.0;

/// The documented 10 s and a little for the jitter of arrival.
pub const REPORTS_SPAN: Duration = Duration::from_millis(10_250);

/// Requests for identity protection and conditional access in [`PROTECTION_SPAN`].
pub const PROTECTION_REQUESTS: f64 = 1.0;

/// The documented second and a little for the jitter of arrival.
pub const PROTECTION_SPAN: Duration = Duration::from_millis(1_100);

/// The least part of a documented budget to which throttling brings us down.
pub const BUDGET_PART_MIN: f64 = 0.05;

/// What is left of the budget after a 429.
pub const BUDGET_AFTER_THROTTLE: f64 = 0.7;

/// The part of the limit, as `x-ms-throttle-limit-percentage` lets it be worked out, that is used.
pub const LOAD_AIM: f64 = 0.95;

/// Where that header begins to be sent; while it is seen the budget does not grow.
pub const LOAD_TOLD: f64 = 0.8;

/// What a calm second adds to a lowered budget: from nothing to the whole in 50 s.
pub const BUDGET_GROWTH: f64 = 0.02;

/// The time between two cuts of the budget by 429s: the span over which Graph counts.
pub const BUDGET_SETTLES: Duration = Duration::from_secs(10);

/// Requests in flight at first.
pub const IN_FLIGHT_FIRST: u32 = 16;

/// Requests in flight at most, a family. 380 requests a second of 2 units each at 150 ms.
pub const IN_FLIGHT_MAX: u32 = 64;

/// The bound of the wait after a 429 that names none; it doubles each time.
pub const UNNAMED_WAIT_FIRST: Duration = Duration::from_secs(2);

/// The bound of every such wait.
pub const UNNAMED_WAIT_LONGEST: Duration = Duration::from_secs(60);

/// Parents of a fan-out that are read at once.
pub const FAN_OUT_MAX: usize = 64;

/// The same where only so many rows are wanted that one page would do.
pub const FAN_OUT_FEW: usize = 4;

/// Parents of a fan-out that are read at once before it is known how large their pages are.
pub const FAN_OUT_FIRST: usize = 8;

/// Parents of a fan-out that are told apart: as many as fit into 142 MiB of hashes before the
/// table of them doubles. A directory of seven million groups is not known.
pub const FAN_OUT_PARENTS_MAX: usize = 7 << 20;

/// Parents that a fan-out leaves out, where that is wanted, because what belongs to them cannot be
/// read. More are no fault of single ones; and each is named in the load's record.
pub const PARENTS_SKIPPED_MAX: usize = 100;

/// Bytes of pages that a fan-out holds or has asked for. A page that is on its way is counted as
/// the largest seen of late, and as what it is when it came; this keeps a few hundred small pages
/// or a dozen large ones.
pub const FAN_OUT_BYTES_MAX: usize = 32 << 20;

/// What the largest page seen loses of its size with each page after it: half in about 180, so
/// that one large page is remembered for longer than all that are read at once.
pub const FAN_OUT_PAGE_FADES: usize = 256;

/// What a page of a fan-out is taken for before one was seen, and at least.
pub const FAN_OUT_PAGE_BYTES_MIN: usize = 16 << 10;

/// Parts of one `$batch`, as documented.
pub const BATCH_PARTS_MAX: usize = 20;

/// A `$batch` is used while its answer is expected below this.
pub const BATCH_BYTES_MAX: usize = 4 << 20;

/// `$batch`es at once.
pub const BATCHES_MAX: usize = 16;

/// Bytes of a body in which its next link is looked for before the rest is there: Graph writes a
/// context and the link, each of a few hundred bytes, before the rows.
pub const HEAD_BYTES_MAX: usize = 16 * 1024;

/// Exchanges with Graph that a connection remembers.
pub const EXCHANGES_KEPT: usize = 1_000;

/// Pages whose memory waits for the next; of the three that a listing holds, hardly ever two wait.
pub const PAGES_SPARE_MAX: usize = 2;

/// The largest page whose memory is kept so.
pub const PAGE_SPARE_BYTES_MAX: usize = 4 << 20;
