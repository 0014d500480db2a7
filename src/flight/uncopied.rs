//! `DoGet` without the copies.
//!
//! tonic writes each message into a buffer of its own before it goes to HTTP/2, which copies every
//! batch once more. Here the messages that `encode` wrote are the body of the answer. Every other
//! method stays tonic's.
//!
//! <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use arrow_flight::flight_service_server::{FlightService, FlightServiceServer};
use arrow_flight::{FlightData, Ticket};
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{BoxStream, StreamExt as _};
use http_body::Frame;
use http_body_util::{BodyExt as _, Limited};
use prost::Message as _;
use tonic::body::Body;
use tonic::metadata::MetadataMap;
use tonic::server::NamedService;
use tonic::{Request, Response, Status};
use tower_service::Service;

use super::encode::GRPC_PREFIX_BYTES;
use super::told::Told;
use crate::limits::flight as limits;

/// What is said of a message that cannot be decoded.
const UNREADABLE: &str = "the message of the call cannot be read";

/// Messages of gRPC as they go out: each item is one or more whole ones, each a `FlightData`.
pub type Messages = BoxStream<'static, Result<Bytes, Status>>;

/// A Flight service that writes the messages of `DoGet` itself.
#[tonic::async_trait]
pub trait DoGet: FlightService {
    /// As [`FlightService::do_get`], in the form that goes out.
    ///
    /// # Errors
    ///
    /// A status, as of every method.
    async fn messages(&self, request: Request<Ticket>) -> Result<Response<Messages>, Status>;
}

/// A Flight service whose `DoGet` sends batches as they were encoded.
#[derive(Debug)]
pub struct Uncopied<T: DoGet> {
    service: Arc<T>,
    others: FlightServiceServer<T>,
}

impl<T: DoGet> Uncopied<T> {
    /// Serves `service`.
    pub fn new(service: T) -> Self {
        let service = Arc::new(service);
        let others = FlightServiceServer::from_arc(service.clone())
            .max_decoding_message_size(limits::MESSAGE_BYTES_MAX);
        Uncopied { service, others }
    }
}

impl<T: DoGet> Clone for Uncopied<T> {
    fn clone(&self) -> Self {
        Uncopied { service: self.service.clone(), others: self.others.clone() }
    }
}

impl<T: DoGet> NamedService for Uncopied<T> {
    const NAME: &'static str = FlightServiceServer::<T>::NAME;
}

impl<T: DoGet> Service<http::Request<Body>> for Uncopied<T> {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        if request.uri().path().strip_prefix('/').and_then(|it| it.strip_prefix(Self::NAME))
            != Some("/DoGet")
        {
            let answer = self.others.call(request);
            return Box::pin(async move { Ok(blamed(answer.await?)) });
        }
        let service = self.service.clone();
        Box::pin(async move {
            Ok(match do_get(&*service, request).await {
                Ok(answer) => answer,
                Err(status) => status.into_http(),
            })
        })
    }
}

/// The answer, where what cannot be decoded is the client's fault: tonic takes it for the server's.
fn blamed(mut answer: http::Response<Body>) -> http::Response<Body> {
    let headers = answer.headers_mut();
    let message = headers.get("grpc-message").map(http::HeaderValue::as_bytes);
    let undecoded = message.is_some_and(|message| {
        [&b"failed%20to%20decode%20"[..], b"failed to decode "]
            .iter()
            .any(|start| message.starts_with(start))
    });
    let is_internal = headers.get("grpc-status").is_some_and(|code| code == "13");
    if undecoded && is_internal {
        let invalid = http::HeaderValue::from(i32::from(tonic::Code::InvalidArgument));
        headers.insert("grpc-status", invalid);
        let message = http::HeaderValue::from_static(UNREADABLE);
        headers.insert("grpc-message", message);
    }
    answer
}

async fn do_get<T: DoGet>(
    service: &T,
    request: http::Request<Body>,
) -> Result<http::Response<Body>, Status> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, limits::MESSAGE_BYTES_MAX).collect().await;
    let body = body.map_err(|error| match error.downcast::<Status>() {
        Ok(status) => *status,
        Err(error) => Status::invalid_argument(error.to_string()),
    })?;
    let body = body.to_bytes();
    let ticket = ticket(&body)?;
    let metadata = MetadataMap::from_headers(head.headers);
    let request = Request::from_parts(metadata, head.extensions, ticket);
    let (metadata, messages, mut extensions) = service.messages(request).await?.into_parts();
    let told = extensions.remove::<Told>();
    let mut answer = http::Response::new(Body::new(Answer { messages: Some(messages), told }));
    *answer.headers_mut() = metadata.into_headers();
    let grpc = http::HeaderValue::from_static("application/grpc");
    answer.headers_mut().insert(http::header::CONTENT_TYPE, grpc);
    Ok(answer)
}

/// The one message of the request.
fn ticket(body: &[u8]) -> Result<Ticket, Status> {
    let Some((prefix, message)) = body.split_first_chunk::<GRPC_PREFIX_BYTES>() else {
        return Err(Status::invalid_argument("the request holds no ticket"));
    };
    let [compressed, length @ ..] = *prefix;
    if compressed != 0 {
        return Err(Status::unimplemented("compressed requests are not read"));
    }
    if u32::from_be_bytes(length) as usize != message.len() {
        return Err(Status::invalid_argument("the request is not one whole message"));
    }
    Ticket::decode(message).map_err(|_| Status::invalid_argument(UNREADABLE))
}

/// The messages as [`FlightService::do_get`] has to give them; their bytes are not copied.
pub fn frames(messages: Messages) -> BoxStream<'static, Result<FlightData, Status>> {
    let each =
        messages.map(|bytes| {
            let frames = bytes.and_then(split);
            futures::stream::iter(frames.map_or_else(
                |status| vec![Err(status)],
                |frames| frames.into_iter().map(Ok).collect(),
            ))
        });
    each.flatten().boxed()
}

fn split(mut bytes: Bytes) -> Result<Vec<FlightData>, Status> {
    let mut frames = Vec::with_capacity(1);
    while let Some([_, length @ ..]) = bytes.first_chunk::<GRPC_PREFIX_BYTES>() {
        let end = GRPC_PREFIX_BYTES + u32::from_be_bytes(*length) as usize;
        let message = bytes.split_to(end.min(bytes.len())).split_off(GRPC_PREFIX_BYTES);
        frames.push(FlightData::decode(message).map_err(|_| Status::internal("not a message"))?);
    }
    Ok(frames)
}

/// The messages as the body of an answer, and its status in the trailers.
struct Answer {
    /// `None` once the trailers are out.
    messages: Option<Messages>,
    /// What else the trailers tell.
    told: Option<Told>,
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Some(messages) = &mut self.messages else { return Poll::Ready(None) };
        let status = match ready!(messages.as_mut().poll_next(context)) {
            Some(Ok(message)) => return Poll::Ready(Some(Ok(Frame::data(message)))),
            Some(Err(status)) => status,
            None => Status::ok(""),
        };
        self.messages = None;
        let mut trailers = http::HeaderMap::new();
        if let Some(told) = &self.told {
            told.add_to(&mut trailers);
        }
        let ended = status.add_header(&mut trailers);
        Poll::Ready(Some(ended.map(|()| Frame::trailers(trailers))))
    }
}

#[cfg(test)]
mod tests {
    use super::{frames, ticket};
    use arrow_flight::{FlightData, Ticket};
    use bytes::{BufMut as _, Bytes};
    use futures::stream::{self, StreamExt as _, TryStreamExt as _};
    use prost::Message as _;
    use tonic::Status;

    fn message(frame: &FlightData) -> Vec<u8> {
        let mut bytes = vec![0];
        bytes.put_u32(frame.encoded_len() as u32);
        bytes.extend(frame.encode_to_vec());
        bytes
    }

    #[tokio::test]
    async fn messages_are_the_frames_they_hold() {
        let frame = |size: usize| FlightData::new().with_data_body(vec![9; size]);
        let sizes = [0, 1, 127, 128, 100_000].map(frame);
        let together: Vec<u8> = sizes.iter().flat_map(message).collect();
        let alone = Bytes::from(message(&sizes[2]));
        let sent = stream::iter([Ok(together.into()), Ok(alone)]).boxed();
        let read: Vec<_> = frames(sent).try_collect().await.expect("frames");
        assert_eq!(read[..5], sizes);
        assert_eq!(read[5..], sizes[2..3]);
    }

    #[tokio::test]
    async fn a_status_ends_the_frames() {
        let sent = stream::iter([Ok(Bytes::new()), Err(Status::data_loss("cut"))]).boxed();
        let read: Result<Vec<_>, _> = frames(sent).try_collect().await;
        assert_eq!(read.expect_err("a status").code(), tonic::Code::DataLoss);
    }

    #[test]
    fn a_request_is_one_whole_message() {
        let asked = Ticket { ticket: "users".into() };
        let message = asked.encode_to_vec();
        let mut whole = vec![0, 0, 0, 0, message.len() as u8];
        whole.extend_from_slice(&message);
        assert_eq!(ticket(&whole).expect("a ticket"), asked);
        for cut in 0..whole.len() {
            assert!(ticket(&whole[..cut]).is_err(), "{cut}");
        }
        whole[0] = 1;
        assert!(ticket(&whole).is_err());
    }
}
