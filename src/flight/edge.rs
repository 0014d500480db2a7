//! The edge of the server: what every request and every answer passes, of whatever service.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::future::BoxFuture;
use http_body::{Frame, SizeHint};
use tonic::Status;
use tonic::body::Body;
use tonic::server::NamedService;
use tower_service::Service;

use super::status;
use super::upload::{Upload, UploadMemory};

/// A service whose requests are bounded together, and whose answers carry no status that is too long
/// for clients.
#[derive(Clone, Debug)]
pub struct Edge<S> {
    service: S,
    uploads: UploadMemory,
}

impl<S> Edge<S> {
    /// Stands around `service`.
    pub fn new(service: S, uploads: &UploadMemory) -> Self {
        Edge { service, uploads: uploads.clone() }
    }
}

impl<S: NamedService> NamedService for Edge<S> {
    const NAME: &'static str = S::NAME;
}

impl<S> Service<http::Request<Body>> for Edge<S>
where
    S: Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let uploads = self.uploads.clone();
        let request = request.map(|body| Body::new(Upload::new(body, uploads)));
        let answer = self.service.call(request);
        Box::pin(async move {
            let (mut head, body) = answer.await?.into_parts();
            status::shorten(&mut head.headers);
            // The head holds the status of an answer without a body.
            let body = match http_body::Body::is_end_stream(&body) {
                true => body,
                false => Body::new(Outgoing { body }),
            };
            Ok(http::Response::from_parts(head, body))
        })
    }
}

/// The body of an answer.
struct Outgoing {
    body: Body,
}

impl http_body::Body for Outgoing {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        Poll::Ready(frame.map(|frame| {
            frame.map(|mut frame| {
                if let Some(trailers) = frame.trailers_mut() {
                    status::shorten(trailers);
                }
                frame
            })
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
