//! Bodies of requests on their way in.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::future::BoxFuture;
use http_body::{Frame, SizeHint};
use tonic::Status;
use tonic::body::Body;

use super::encode::GRPC_PREFIX_BYTES;
use crate::clock;
use crate::limits::flight as limits;

/// Counts the bytes of all requests that are on their way in.
///
/// The library reads a message only when it is whole and keeps what has come of it until then. What a
/// request has in its first [`limits::PROMPT_BYTES_MAX`] bytes does not count, so that tables and
/// statements are asked for whatever others send.
#[derive(Clone, Debug)]
pub struct UploadMemory {
    used: Arc<AtomicUsize>,
    bytes_max: usize,
}

impl UploadMemory {
    /// Takes at most so many bytes at once.
    pub fn new(bytes_max: usize) -> Self {
        UploadMemory { used: Arc::default(), bytes_max }
    }

    fn take(&self, bytes: usize) -> bool {
        let fits = |used: usize| used.checked_add(bytes).filter(|used| *used <= self.bytes_max);
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_ok()
    }
}

/// The body of a request: it counts until it is dropped, and fails where there is no room for it, or
/// where it takes too long.
pub struct Upload {
    body: Body,
    memory: UploadMemory,
    /// Bytes that have come, and how many of them count.
    came: usize,
    counted: usize,
    message: Message,
    /// When the message that comes must be whole, from its first byte.
    message_late: Option<BoxFuture<'static, ()>>,
    /// When the upload must be whole, from when it counts.
    upload_late: Option<BoxFuture<'static, ()>>,
}

impl Upload {
    /// The body of a request.
    pub fn new(body: Body, memory: UploadMemory) -> Self {
        let (message, message_late, upload_late) = (Message::default(), None, None);
        Upload { body, memory, came: 0, counted: 0, message, message_late, upload_late }
    }

    /// Whether it takes too long.
    fn is_late(&mut self, context: &mut Context<'_>) -> bool {
        let mut waits = [&mut self.message_late, &mut self.upload_late].into_iter().flatten();
        waits.any(|late| late.as_mut().poll(context).is_ready())
    }

    fn come(&mut self, bytes: &[u8]) -> Result<(), Status> {
        self.came += bytes.len();
        let counts = self.came.saturating_sub(limits::PROMPT_BYTES_MAX);
        if !self.memory.take(counts - self.counted) {
            return Err(Status::resource_exhausted(
                "the server takes no long messages for now: too many are on their way\n  hint: send \
                 this one again in a minute, or shorter values",
            ));
        }
        self.counted = counts;
        let was_whole = self.message.is_whole();
        let began = self.message.take(bytes);
        if self.message.is_whole() {
            self.message_late = None;
        } else if was_whole || began {
            self.message_late = Some(Box::pin(clock::sleep(limits::MESSAGE_TIME)));
        }
        if counts > 0 && self.upload_late.is_none() {
            self.upload_late = Some(Box::pin(clock::sleep(limits::UPLOAD_TIME)));
        }
        Ok(())
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        self.memory.used.fetch_sub(self.counted, Ordering::Relaxed);
    }
}

impl http_body::Body for Upload {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        // First, since a client that sends a byte at a time always has something ready.
        if this.is_late(context) {
            (this.message_late, this.upload_late) = (None, None);
            return Poll::Ready(Some(Err(Status::deadline_exceeded(
                "the message did not arrive in time\n  hint: send it at once, or shorter values",
            ))));
        }
        // A wait that begins here is looked at, and can wake the task, when more is asked for.
        let frame = ready!(Pin::new(&mut this.body).poll_frame(context));
        Poll::Ready(frame.map(|frame| {
            let frame = frame?;
            if let Some(bytes) = frame.data_ref() {
                this.come(bytes)?;
            }
            Ok(frame)
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Where the messages of a body begin and end.
#[derive(Debug, Default)]
struct Message {
    prefix: Vec<u8>,
    left: usize,
}

impl Message {
    fn is_whole(&self) -> bool {
        self.prefix.is_empty() && self.left == 0
    }

    /// Takes what has come; whether another message began in it that is not whole.
    fn take(&mut self, mut bytes: &[u8]) -> bool {
        let mut began = false;
        while !bytes.is_empty() {
            if self.left == 0 {
                began = true;
                let more = bytes.len().min(GRPC_PREFIX_BYTES - self.prefix.len());
                self.prefix.extend_from_slice(&bytes[..more]);
                bytes = &bytes[more..];
                if let [_, length @ ..] = &self.prefix[..]
                    && let Ok(length) = <[u8; 4]>::try_from(length)
                {
                    self.left = u32::from_be_bytes(length) as usize;
                    self.prefix.clear();
                }
            }
            let more = self.left.min(bytes.len());
            self.left -= more;
            bytes = &bytes[more..];
        }
        began && !self.is_whole()
    }
}

#[cfg(test)]
mod tests {
    use futures::stream::{self, StreamExt as _};
    use http_body_util::{BodyExt as _, StreamBody};
    use tonic::Code;

    use super::*;

    /// A message of so many bytes of which so many come, and then nothing more for ever.
    fn unfinished(length: u32, comes: usize, memory: &UploadMemory) -> Upload {
        let mut bytes = vec![0];
        bytes.extend(length.to_be_bytes());
        bytes.resize(GRPC_PREFIX_BYTES + comes, 7);
        let pieces: Vec<_> = bytes
            .chunks(16 << 10)
            .map(|piece| Ok::<_, Status>(Frame::data(Bytes::copy_from_slice(piece))))
            .collect();
        let body = StreamBody::new(stream::iter(pieces).chain(stream::pending()));
        Upload::new(Body::new(body), memory.clone())
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_has_a_time_to_arrive() {
        let memory = UploadMemory::new(1 << 30);
        for comes in [0, 100, 1 << 20] {
            let before = clock::now();
            let late = unfinished(2 << 20, comes, &memory).collect().await.map(drop);
            assert_eq!(late.expect_err("it does not come").code(), Code::DeadlineExceeded);
            assert_eq!(
                clock::now().duration_since(before).as_secs(),
                limits::MESSAGE_TIME.as_secs()
            );
        }
        assert_eq!(memory.used.load(Ordering::Relaxed), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn all_together_stay_below_the_bound() {
        const BOUND: usize = 32 << 20;
        let memory = UploadMemory::new(BOUND);
        let mut uploads: Vec<_> = (0..400).map(|_| unfinished(8 << 20, 7 << 20, &memory)).collect();
        let mut refused = 0;
        for upload in &mut uploads {
            // As far as it has come.
            while let Poll::Ready(Some(frame)) = futures::poll!(upload.frame()) {
                if let Err(status) = frame {
                    assert_eq!(status.code(), Code::ResourceExhausted);
                    refused += 1;
                    break;
                }
            }
        }
        let used = memory.used.load(Ordering::Relaxed);
        assert!((BOUND - (64 << 10)..=BOUND).contains(&used), "{used}");
        assert!(refused >= 395, "{refused}");
        // A short one is read all the same.
        let mut short = unfinished(1_000, 1_000, &memory);
        assert!(short.frame().await.expect("a frame").is_ok());
        drop(uploads);
        assert_eq!(memory.used.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn messages_are_told_apart_wherever_they_are_cut() {
        let bytes = [&[0, 0, 0, 0, 2, 9, 9][..], &[0, 0, 0, 0, 0], &[0, 0, 0, 0, 1, 9]].concat();
        for cut in 0..=bytes.len() {
            let mut message = Message::default();
            message.take(&bytes[..cut]);
            assert_eq!(message.is_whole(), [0, 7, 12, 18].contains(&cut), "{cut}");
            message.take(&bytes[cut..]);
            assert!(message.is_whole(), "{cut}");
        }
    }
}
