//! A body as it was sent → the bytes of a page.

use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use http::{HeaderMap, Uri};
use libdeflater::{DecompressionError, Decompressor};

use crate::decode::Padded;
use crate::limits::graph as limits;
use crate::limits::transport::BODY_SPARE_BYTES;
use crate::spare::Spare;
use crate::transport;

/// The header, the trailer, and an empty stream of deflate.
const GZIP_BYTES_MIN: usize = 20;

/// Why a body cannot be inflated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It is encoded in a way that was not asked for.
    #[error("its content-encoding was not asked for")]
    Encoding,
    /// It is not gzip, or damaged.
    #[error("its gzip stream is damaged")]
    Damaged,
    /// It holds more than its end says.
    #[error("its gzip stream holds more than the {bytes} bytes that its end tells")]
    Swollen {
        /// What the end tells.
        bytes: usize,
    },
    /// Something stands behind the one gzip member that was expected.
    #[error("its gzip stream has more than one member")]
    Members,
    /// It is too long.
    #[error("it is longer than {bytes_max} bytes when inflated")]
    TooLong {
        /// The bound.
        bytes_max: usize,
    },
}

/// Undoes the `content-encoding` of a body, in one piece.
///
/// The size is known beforehand, because gzip ends in it, so the whole is written once into a
/// buffer of the right size; one that claims a wrong size is refused. A body that came as it is stays where it is. The memory of the page is `spare`'s, and
/// so is that of a body that was inflated.
///
/// # Errors
///
/// See [`Error`]. A stream of several gzip members is refused: no server of Graph sends one, and
/// reading only the first would lose rows.
pub fn inflate(
    body: Vec<u8>,
    headers: &HeaderMap,
    bytes_max: usize,
    spare: &Spare,
) -> Result<Padded, Error> {
    let encoding = headers.get(CONTENT_ENCODING).map(|value| value.as_bytes().trim_ascii());
    match encoding {
        None | Some(b"" | b"identity") if body.len() > bytes_max => {
            Err(Error::TooLong { bytes_max })
        }
        None | Some(b"" | b"identity") => Ok(Padded::from_vec(body).owned_by(spare)),
        Some(name) if is_gzip(name) => {
            let page = gunzip(&body, bytes_max, spare);
            spare.give(body);
            page
        }
        Some(_) => Err(Error::Encoding),
    }
}

/// Whether a `content-encoding` names gzip; `x-gzip` is its older name.
///
/// <https://www.rfc-editor.org/rfc/rfc9110#section-8.4.1.3>
pub(super) fn is_gzip(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"gzip") || name.eq_ignore_ascii_case(b"x-gzip")
}

fn gunzip(body: &[u8], bytes_max: usize, spare: &Spare) -> Result<Padded, Error> {
    let (crc, told) = trailer(body)?;
    if told > body.len().saturating_mul(limits::DEFLATE_RATIO_MAX) {
        return Err(Error::Damaged);
    }
    if told > bytes_max {
        return Err(Error::TooLong { bytes_max });
    }
    let mut bytes = spare.take();
    bytes.reserve(told + BODY_SPARE_BYTES);
    bytes.resize(told, 0);
    let mut page = Padded::from_vec(bytes).owned_by(spare);
    match Decompressor::new().gzip_decompress(body, page.as_mut()) {
        Ok(written) => {
            page.truncate(written);
            // The trailer is that of the last member: it fits the first only if they are one.
            let whole = written == told && libdeflater::crc32(page.as_slice()) == crc;
            if whole { Ok(page) } else { Err(Error::Members) }
        }
        Err(DecompressionError::BadData) => Err(Error::Damaged),
        Err(DecompressionError::InsufficientSpace) => Err(Error::Swollen { bytes: told }),
    }
}

/// Checksum and size (modulo 2³²) at the end of a gzip stream.
fn trailer(body: &[u8]) -> Result<(u32, usize), Error> {
    if body.len() < GZIP_BYTES_MIN || !body.starts_with(&[0x1f, 0x8b]) {
        return Err(Error::Damaged);
    }
    let (rest, size) = body.split_last_chunk::<4>().ok_or(Error::Damaged)?;
    let (_, crc) = rest.split_last_chunk::<4>().ok_or(Error::Damaged)?;
    Ok((u32::from_le_bytes(*crc), u32::from_le_bytes(*size) as usize))
}

/// An answer whose body is as long as its head says.
pub(super) fn whole(
    answer: http::Response<Vec<u8>>,
    uri: &Uri,
) -> Result<http::Response<Vec<u8>>, transport::Error> {
    let told = answer.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    let told: Option<usize> = told.and_then(|length| length.trim().parse().ok());
    let bytes = answer.body().len();
    if told.is_some_and(|told| told > bytes) {
        let host = uri.authority().map(|host| host.as_str().to_owned()).unwrap_or_default();
        return Err(transport::Error::Cut { host, bytes });
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use libdeflater::{CompressionLvl, Compressor};

    const MAX: usize = 1 << 20;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut deflater = Compressor::new(CompressionLvl::fastest());
        let mut out = vec![0; deflater.gzip_compress_bound(text.len())];
        let length = deflater.gzip_compress(text, &mut out).unwrap();
        out.truncate(length);
        out
    }

    fn check(encoding: &'static str, body: Vec<u8>) -> Result<Vec<u8>, Error> {
        let mut headers = HeaderMap::new();
        if !encoding.is_empty() {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
        inflate(body, &headers, MAX, &Spare::new(1, MAX)).map(|page| page.as_slice().to_vec())
    }

    #[test]
    fn a_body_comes_out_as_it_went_in() {
        let texts = [b"".to_vec(), b"{}".to_vec(), vec![b'x'; 900_000], (0..=255).collect()];
        for text in texts {
            assert_eq!(check("gzip", gzip(&text)), Ok(text.clone()));
            assert_eq!(check("GZip", gzip(&text)), Ok(text.clone()));
            assert_eq!(check("x-gzip", gzip(&text)), Ok(text.clone()));
            assert_eq!(check("", text.clone()), Ok(text.clone()));
            assert_eq!(check("identity", text.clone()), Ok(text));
        }
    }

    #[test]
    fn what_was_not_asked_for_or_is_damaged_is_an_error() {
        let good = gzip(&[b'a'; 5_000]);
        let with = |change: &dyn Fn(&mut Vec<u8>)| {
            let mut body = good.clone();
            change(&mut body);
            body
        };
        let size_at = good.len() - 4;
        let cases = [
            ("br", good.clone(), Error::Encoding),
            ("gzip", b"".to_vec(), Error::Damaged),
            ("gzip", b"{\"value\":[]}            ".to_vec(), Error::Damaged),
            ("gzip", with(&|body| body.truncate(good.len() - 9)), Error::Damaged),
            ("gzip", with(&|body| body[15] ^= 0xff), Error::Damaged),
            ("gzip", with(&|body| body.extend(gzip(&[b'b'; 6_000]))), Error::Members),
            ("gzip", with(&|body| body.extend(gzip(b"more"))), Error::Swollen { bytes: 4 }),
            ("gzip", with(&|body| body[size_at] ^= 1), Error::Damaged),
            ("gzip", with(&|body| body[size_at + 3] = 0xff), Error::Damaged),
            ("gzip", gzip(&vec![0; MAX + 1]), Error::TooLong { bytes_max: MAX }),
            ("", vec![b' '; MAX + 1], Error::TooLong { bytes_max: MAX }),
        ];
        for (number, (encoding, body, error)) in cases.into_iter().enumerate() {
            assert_eq!(check(encoding, body).map(|page| page.len()), Err(error), "case {number}");
        }
    }
}
