//! The connections that calls come on.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use futures::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tonic::transport::server::Connected;

use super::sessions::{Known, Sessions};
use crate::clock;
use crate::limits::flight as limits;

/// Names a connection: an address of the other end soon belongs to somebody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Connection(u64);

impl Connection {
    /// The next one.
    pub fn next() -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        Connection(LAST.fetch_add(1, Ordering::Relaxed))
    }
}

/// A connection that has a name; what is known by it is forgotten when it ends.
///
/// It is closed when the other end has closed it too, or after [`limits::LINGER`]: the system resets a
/// connection that is closed with something in it that nobody has read, such as the other end's word
/// that it can take more, and what is still on its way there is lost.
pub struct Named {
    stream: TcpStream,
    name: Connection,
    sessions: Sessions,
    /// When the other end is not waited for any more; set once nothing more is written.
    lingers: Option<BoxFuture<'static, ()>>,
}

impl Named {
    /// Names a connection by which `sessions` may know somebody.
    pub fn new(stream: TcpStream, sessions: Sessions) -> Self {
        Named { stream, name: Connection::next(), sessions, lingers: None }
    }
}

impl Drop for Named {
    fn drop(&mut self) {
        self.sessions.close(&[Known::Connection(self.name)]);
    }
}

impl Connected for Named {
    type ConnectInfo = Connection;

    fn connect_info(&self) -> Connection {
        self.name
    }
}

impl AsyncRead for Named {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, bytes)
    }
}

impl AsyncWrite for Named {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Named { stream, lingers, .. } = &mut *self;
        if lingers.is_none() {
            ready!(Pin::new(&mut *stream).poll_shutdown(cx))?;
        }
        let lingers = lingers.get_or_insert_with(|| Box::pin(clock::sleep(limits::LINGER)));
        // First, since one that sends without end lets nothing after it have its turn.
        if lingers.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Ok(()));
        }
        let mut read = [0; 1 << 10];
        loop {
            let mut read = ReadBuf::new(&mut read);
            match Pin::new(&mut *stream).poll_read(cx, &mut read) {
                Poll::Ready(Ok(())) if !read.filled().is_empty() => {}
                Poll::Ready(_) => return Poll::Ready(Ok(())),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::task::JoinHandle;

    use super::{Named, Sessions, limits};
    use crate::clock;

    /// Sends so many bytes to a client that has said something to which nobody listens, and closes.
    async fn closing(bytes: usize) -> (TcpStream, JoinHandle<Duration>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let mut client = TcpStream::connect(address).await.expect("a connection");
        client.write_all(b"more").await.expect("sent");
        let (server, _) = listener.accept().await.expect("a connection");
        server.readable().await.expect("it has come");
        let mut server = Named::new(server, Sessions::default());
        let closing = tokio::spawn(async move {
            server.write_all(&vec![7; bytes]).await.expect("sent");
            let before = clock::now();
            server.shutdown().await.expect("closed");
            clock::now().duration_since(before)
        });
        (client, closing)
    }

    #[tokio::test]
    async fn what_was_sent_arrives_whatever_was_not_read() {
        let (mut client, closing) = closing(1_000_000).await;
        // Long enough for the server to have closed, if it did.
        clock::sleep(Duration::from_millis(50)).await;
        let mut came = Vec::new();
        client.read_to_end(&mut came).await.expect("it is not reset");
        assert_eq!(came.len(), 1_000_000);
        drop(client);
        closing.await.expect("closed");
    }

    #[tokio::test]
    async fn nor_is_one_that_sends_without_end() {
        let (client, closing) = closing(10).await;
        let (_kept, mut client) = client.into_split();
        let sending = tokio::spawn(async move {
            let more = [0; 64 << 10];
            while client.write_all(&more).await.is_ok() {}
        });
        let most = limits::LINGER * 10;
        tokio::time::timeout(most, closing).await.expect("it does not take long").expect("closed");
        sending.await.expect("the connection is closed");
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_waited_for_for_ever() {
        let (client, closing) = closing(10).await;
        let waited = closing.await.expect("closed");
        assert!((limits::LINGER..limits::LINGER * 2).contains(&waited), "{waited:?}");
        drop(client);
    }
}
