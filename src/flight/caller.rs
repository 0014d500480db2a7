//! Who calls.
//!
//! The server listens on loopback, or where somebody has said that the network is trusted: whoever
//! reaches it may read. What clients send of themselves is taken as it comes, because all of them
//! send something.

use tonic::metadata::{Ascii, MetadataMap, MetadataValue};

use super::Error;
use super::sessions::SessionCookie;

/// What callers without a token of their own are given: clients insist on one.
const ANYBODY: &str = "Bearer anybody";

/// A caller that was let in.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Names its session.
    pub cookie: Option<SessionCookie>,
}

/// Lets a call in, or refuses it.
///
/// # Errors
///
/// [`Error::Credentials`] for an `authorization` that is none.
pub fn admit(metadata: &MetadataMap) -> Result<Caller, Error> {
    scheme(metadata)?;
    Ok(Caller { cookie: SessionCookie::of(metadata) })
}

/// What a caller is to show from now on: its own token, or one that anybody has.
///
/// # Errors
///
/// As [`admit`].
pub fn greet(metadata: &MetadataMap) -> Result<MetadataValue<Ascii>, Error> {
    match (scheme(metadata)?, metadata.get("authorization")) {
        (Some(Scheme::Bearer), Some(own)) => Ok(own.clone()),
        _ => Ok(MetadataValue::from_static(ANYBODY)),
    }
}

/// How a caller says who it is.
enum Scheme {
    Basic,
    Bearer,
}

fn scheme(metadata: &MetadataMap) -> Result<Option<Scheme>, Error> {
    let Some(header) = metadata.get("authorization") else { return Ok(None) };
    let header = header.to_str().map_err(|_| Error::Credentials)?;
    let (scheme, value) = header.split_once(' ').unwrap_or((header, ""));
    let value = value.trim();
    if scheme.eq_ignore_ascii_case("bearer") && !value.is_empty() {
        return Ok(Some(Scheme::Bearer));
    }
    // Go leaves the padding out, others do not.
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/-_=".contains(&byte);
    match scheme.eq_ignore_ascii_case("basic") && value.bytes().all(is_base64) {
        true => Ok(Some(Scheme::Basic)),
        false => Err(Error::Credentials),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_say_who_one_is_is_taken() {
        let greeted = |header: Option<&str>| {
            let mut metadata = MetadataMap::new();
            if let Some(header) = header {
                metadata.insert("authorization", header.parse().expect("a header"));
            }
            greet(&metadata).ok().map(|token| token.to_str().expect("text").to_owned())
        };
        let anybody = Some(ANYBODY.to_owned());
        assert_eq!(greeted(None), anybody);
        assert_eq!(greeted(Some("Basic dXNlcjpwYXNz")), anybody);
        assert_eq!(greeted(Some("basic dXNlcjpwYQ==")), anybody);
        assert_eq!(greeted(Some("Basic dXNlcjpwYQ")), anybody);
        assert_eq!(greeted(Some("Bearer ey.J0")), Some("Bearer ey.J0".to_owned()));
        for wrong in ["Basic a b", "Bearer", "Negotiate abc", "x"] {
            assert_eq!(greeted(Some(wrong)), None, "{wrong}");
        }
    }
}
