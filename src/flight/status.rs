//! Failures as gRPC statuses: the one list of which is which.

use http::{HeaderMap, HeaderValue};
use tonic::metadata::MetadataValue;
use tonic::{Code, Status};
use uuid::Uuid;

use super::Error;
use crate::error::{Kind, Report};
use crate::limits::flight as limits;

/// The header of a status's message, percent-encoded.
const MESSAGE: &str = "grpc-message";

/// Builds the status of a failure.
///
/// The message is the whole chain and the hint, because most clients show nothing else. A fault
/// of our own is told with a fixed sentence and an id that stands in the log beside the chain. A
/// wait that Graph asked for goes along as `retry-after`, in seconds.
pub fn status(error: &Error) -> Status {
    let report = Report::new(error, error.hint());
    let kind = error.kind();
    if kind == Kind::Internal {
        let call = Uuid::new_v4();
        tracing::error!(%call, error = %report, "a call failed through a fault of the server");
        return Status::internal(format!("the server failed; its log has more under {call}"));
    }
    let mut status = Status::new(code(kind), report.to_string());
    if let Some(wait) = error.retry_after() {
        let seconds = wait.as_millis().div_ceil(1000);
        if let Ok(value) = MetadataValue::try_from(seconds.to_string()) {
            status.metadata_mut().insert("retry-after", value);
        }
    }
    status
}

fn code(kind: Kind) -> Code {
    match kind {
        Kind::Invalid => Code::InvalidArgument,
        Kind::NotFound => Code::NotFound,
        Kind::Unauthenticated => Code::Unauthenticated,
        Kind::Forbidden => Code::PermissionDenied,
        Kind::Unsupported => Code::Unimplemented,
        Kind::Refused => Code::FailedPrecondition,
        Kind::Throttled => Code::ResourceExhausted,
        Kind::Unavailable => Code::Unavailable,
        Kind::TimedOut => Code::DeadlineExceeded,
        Kind::Corrupt => Code::DataLoss,
        Kind::Cancelled => Code::Cancelled,
        Kind::Internal => Code::Internal,
    }
}

/// Cuts a message that is too long for clients in its middle, and writes the whole to the log without
/// the literals that a statement may have in it.
///
/// Clients take 8 to 16 KiB of headers together and show nothing of a status that has more, only that
/// it was too long. What counts is the length on the way, percent-encoded.
pub fn shorten(headers: &mut HeaderMap) {
    let Some(whole) = headers.get(MESSAGE).filter(|it| it.len() > limits::STATUS_BYTES_MAX) else {
        return;
    };
    let (call, whole) = (Uuid::new_v4(), whole.as_bytes().to_vec());
    let text = decoded(&whole);
    let message = without_literals(&String::from_utf8_lossy(&text));
    tracing::warn!(%call, message, "a status was too long for clients and was cut");
    let each = limits::STATUS_BYTES_MAX / 2 - MARK_BYTES_MAX / 2;
    let (head, tail) = (start(&whole, each), end(&whole, each));
    let missing = decoded(&whole[head..tail]).len();
    let mark = format!(
        "%20[...%20{missing}%20of%20{}%20bytes%20left%20out;%20the%20server's%20log%20has%20them%20\
         under%20{call}%20...]%20",
        text.len()
    );
    let cut = [&whole[..head], mark.as_bytes(), &whole[tail..]].concat();
    if let Ok(cut) = HeaderValue::from_bytes(&cut) {
        headers.insert(MESSAGE, cut);
    }
}

/// More than the mark takes that stands where something was left out.
const MARK_BYTES_MAX: usize = 256;

/// The characters of a percent-encoded text: where each byte of theirs begins, and what it is.
fn bytes(encoded: &[u8]) -> impl Iterator<Item = (usize, u8)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let begin = at;
        let byte = *encoded.get(at)?;
        let hex = encoded.get(at + 1..at + 3).and_then(|hex| std::str::from_utf8(hex).ok());
        let code = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        let (byte, length) = match code {
            Some(code) if byte == b'%' => (code, 3),
            _ => (byte, 1),
        };
        at += length;
        Some((begin, byte))
    })
}

fn decoded(encoded: &[u8]) -> Vec<u8> {
    bytes(encoded).map(|(_, byte)| byte).collect()
}

/// Where a character begins.
fn borders(encoded: &[u8]) -> impl Iterator<Item = usize> {
    const CONTINUES: u8 = 0b1000_0000;
    bytes(encoded).filter(|(_, byte)| byte & 0b1100_0000 != CONTINUES).map(|(at, _)| at)
}

/// The last border within so many bytes of the beginning.
fn start(encoded: &[u8], most: usize) -> usize {
    borders(encoded).take_while(|at| *at <= most).last().unwrap_or(0)
}

/// The first border within so many bytes of the end.
fn end(encoded: &[u8], most: usize) -> usize {
    let from = encoded.len().saturating_sub(most);
    borders(encoded).find(|at| *at >= from).unwrap_or(encoded.len())
}

/// The text with nothing between single quotes: that may be the value of a cell.
///
/// A quote behind a longer word is an apostrophe.
fn without_literals(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let (mut inside, mut word) = (false, 0);
    for letter in text.chars() {
        match letter {
            '\'' if inside => {
                inside = false;
                kept.push(letter);
            }
            '\'' if word < 2 => {
                inside = true;
                kept.push_str("'…");
            }
            _ if inside => {}
            _ => kept.push(letter),
        }
        word = if letter.is_alphanumeric() && !inside { word + 1 } else { 0 };
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shortened(message: &str) -> (usize, String) {
        let mut headers = HeaderMap::new();
        Status::invalid_argument(message).add_header(&mut headers).expect("a header");
        shorten(&mut headers);
        let cut = headers[MESSAGE].as_bytes();
        (cut.len(), String::from_utf8(decoded(cut)).expect("text"))
    }

    #[test]
    fn a_long_message_is_cut_in_its_middle_by_its_length_on_the_way() {
        for letter in ["a", " ", "ü", "€", "🦀", "%", "aü€🦀"] {
            let message = format!("begin{}end", letter.repeat(100_000));
            let (bytes, cut) = shortened(&message);
            assert!(
                (limits::STATUS_BYTES_MAX * 9 / 10..=limits::STATUS_BYTES_MAX).contains(&bytes)
            );
            let (head, rest) = cut.split_once(" [... ").expect("a mark");
            let (mark, tail) = rest.split_once(" ...] ").expect("a mark");
            assert!(message.starts_with(head) && message.ends_with(tail), "{letter}");
            let missing = message.len() - head.len() - tail.len();
            let said = format!("{missing} of {} bytes left out; the server's log", message.len());
            assert!(mark.starts_with(&said), "{mark}");
        }
    }

    #[test]
    fn a_message_that_fits_goes_as_it_is() {
        for message in ["x", "short", "ü 100 %", &"a".repeat(limits::STATUS_BYTES_MAX)] {
            assert_eq!(shortened(message).1, message);
        }
    }

    #[test]
    fn literals_do_not_get_into_the_log() {
        let cases = [
            ("no column `a` in `users`", "no column `a` in `users`"),
            ("a client's own, b's too", "a client's own, b'…"),
            ("where a = 'it''s' and b='x' or N'y'", "where a = '…''…' and b='…' or N'…'"),
            ("a = 'no end", "a = '…"),
        ];
        for (text, expected) in cases {
            assert_eq!(without_literals(text), expected);
        }
    }
}
