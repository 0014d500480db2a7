//! `DoGet` without the last copy.
//!
//! tonic writes each message into a buffer of its own before it goes to HTTP/2, which copies every
//! batch once more. Here a frame's body goes out as the bytes that the IPC encoder made: a message
//! of gRPC may be divided among any number of pieces, so the few bytes in front of the body are one
//! piece and the body is the next. Every other method stays tonic's.
//!
//! <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use arrow_flight::flight_service_server::{FlightService, FlightServiceServer};
use arrow_flight::{FlightData, Ticket};
use bytes::{BufMut as _, Bytes, BytesMut};
use futures::Stream;
use futures::future::BoxFuture;
use http_body::Frame;
use http_body_util::{BodyExt as _, Limited};
use prost::Message as _;
use prost::encoding::{WireType, encode_key, encode_varint};
use tonic::body::Body;
use tonic::metadata::MetadataMap;
use tonic::server::NamedService;
use tonic::{Request, Status};
use tower_service::Service;

use crate::limits::flight as limits;

/// The field of `FlightData` that holds a batch.
const DATA_BODY: u32 = 1000;

/// In front of a message of gRPC: whether it is compressed, and its length.
const PREFIX_BYTES: usize = 5;

/// A Flight service whose `DoGet` sends batches as they were encoded.
#[derive(Debug)]
pub struct Uncopied<T: FlightService> {
    service: Arc<T>,
    others: FlightServiceServer<T>,
}

impl<T: FlightService> Uncopied<T> {
    /// Serves `service`.
    pub fn new(service: T) -> Self {
        let service = Arc::new(service);
        let others = FlightServiceServer::from_arc(service.clone())
            .max_decoding_message_size(limits::MESSAGE_BYTES_MAX);
        Uncopied { service, others }
    }
}

impl<T: FlightService> Clone for Uncopied<T> {
    fn clone(&self) -> Self {
        Uncopied { service: self.service.clone(), others: self.others.clone() }
    }
}

impl<T: FlightService> NamedService for Uncopied<T> {
    const NAME: &'static str = FlightServiceServer::<T>::NAME;
}

impl<T: FlightService> Service<http::Request<Body>> for Uncopied<T> {
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
            return self.others.call(request);
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

async fn do_get<T: FlightService>(
    service: &T,
    request: http::Request<Body>,
) -> Result<http::Response<Body>, Status> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, limits::MESSAGE_BYTES_MAX).collect().await;
    let body = body.map_err(|error| Status::invalid_argument(error.to_string()))?.to_bytes();
    let ticket = ticket(&body)?;
    let metadata = MetadataMap::from_headers(head.headers);
    let request = Request::from_parts(metadata, head.extensions, ticket);
    let (metadata, frames, _) = service.do_get(request).await?.into_parts();
    let mut answer = http::Response::new(Body::new(Pieces::new(frames)));
    *answer.headers_mut() = metadata.into_headers();
    let grpc = http::HeaderValue::from_static("application/grpc");
    answer.headers_mut().insert(http::header::CONTENT_TYPE, grpc);
    Ok(answer)
}

/// The one message of the request.
fn ticket(body: &[u8]) -> Result<Ticket, Status> {
    let Some((prefix, message)) = body.split_first_chunk::<PREFIX_BYTES>() else {
        return Err(Status::invalid_argument("the request holds no ticket"));
    };
    let [compressed, length @ ..] = *prefix;
    if compressed != 0 {
        return Err(Status::unimplemented("compressed requests are not read"));
    }
    if u32::from_be_bytes(length) as usize != message.len() {
        return Err(Status::invalid_argument("the request is not one whole message"));
    }
    Ticket::decode(message).map_err(|error| Status::invalid_argument(error.to_string()))
}

/// The frames as the body of an answer, and its status in the trailers.
struct Pieces<S> {
    /// `None` once the trailers are out.
    frames: Option<Pin<Box<S>>>,
    ready: VecDeque<Bytes>,
}

impl<S> Pieces<S> {
    fn new(frames: S) -> Self {
        Pieces { frames: Some(Box::pin(frames)), ready: VecDeque::new() }
    }
}

impl<S> http_body::Body for Pieces<S>
where
    S: Stream<Item = Result<FlightData, Status>>,
{
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if let Some(piece) = self.ready.pop_front() {
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        let Some(frames) = &mut self.frames else { return Poll::Ready(None) };
        let status = match ready!(frames.as_mut().poll_next(context)) {
            Some(Ok(frame)) => match pieces(frame) {
                Ok([head, body]) => {
                    if !body.is_empty() {
                        self.ready.push_back(body);
                    }
                    return Poll::Ready(Some(Ok(Frame::data(head))));
                }
                Err(status) => status,
            },
            Some(Err(status)) => status,
            None => Status::ok(""),
        };
        self.frames = None;
        let mut trailers = http::HeaderMap::new();
        let told = status.add_header(&mut trailers);
        Poll::Ready(Some(told.map(|()| Frame::trailers(trailers))))
    }
}

/// A message of gRPC: all that stands in front of the batch, and the batch.
fn pieces(mut frame: FlightData) -> Result<[Bytes; 2], Status> {
    let body = std::mem::take(&mut frame.data_body);
    let mut head = BytesMut::with_capacity(PREFIX_BYTES + frame.encoded_len() + 16);
    head.put_bytes(0, PREFIX_BYTES);
    frame.encode_raw(&mut head);
    if !body.is_empty() {
        encode_key(DATA_BODY, WireType::LengthDelimited, &mut head);
        encode_varint(body.len() as u64, &mut head);
    }
    let length = u32::try_from(head.len() - PREFIX_BYTES + body.len())
        .map_err(|_| Status::internal("a batch is larger than a message of gRPC can be"))?;
    head[1..PREFIX_BYTES].copy_from_slice(&length.to_be_bytes());
    Ok([head.freeze(), body])
}

#[cfg(test)]
mod tests {
    use super::{PREFIX_BYTES, pieces, ticket};
    use arrow_flight::{FlightData, FlightDescriptor, Ticket};
    use prost::Message as _;

    #[test]
    fn the_pieces_are_the_message() {
        for body in [0, 1, 127, 128, 100_000] {
            let frame = FlightData {
                flight_descriptor: Some(FlightDescriptor::new_path(vec!["users".into()])),
                data_header: vec![7; 300].into(),
                app_metadata: vec![8; 3].into(),
                data_body: vec![9; body].into(),
            };
            let whole = pieces(frame.clone()).expect("a message").concat();
            let (prefix, message) = whole.split_at(PREFIX_BYTES);
            assert_eq!(prefix[0], 0);
            assert_eq!(prefix[1..], (message.len() as u32).to_be_bytes());
            assert_eq!(FlightData::decode(message), Ok(frame));
        }
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
