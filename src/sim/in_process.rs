//! A tenant asked without sockets.

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response};

use crate::clock;
use crate::transport::{Error, Exchange, Transport};

use super::Tenant;

impl Transport for Tenant {
    /// Answers as over a network: after the answer's delay, within the timeout and the bound on
    /// the body, and cut short where a fault says so.
    fn exchange(&self, exchange: Exchange) -> BoxFuture<'_, Result<Response<Vec<u8>>, Error>> {
        Box::pin(async move {
            let _in_flight = self.enter();
            let answer = self.answer(&exchange.request, clock::unix_now());
            if answer.delay > exchange.timeout {
                clock::sleep(exchange.timeout).await;
                let (host, timeout) = (host(&exchange.request), exchange.timeout);
                return Err(Error::TimedOut { host, timeout });
            }
            if !answer.delay.is_zero() {
                clock::sleep(answer.delay).await;
            }
            if let Some(bytes) = answer.cut {
                return Err(Error::Cut { host: host(&exchange.request), bytes });
            }
            if answer.response.body().len() > exchange.body_bytes_max {
                let body_bytes_max = exchange.body_bytes_max;
                return Err(Error::TooLong { host: host(&exchange.request), body_bytes_max });
            }
            Ok(answer.response)
        })
    }
}

fn host(request: &Request<Bytes>) -> String {
    request.uri().authority().map_or_else(String::new, ToString::to_string)
}
