//! The connections that calls come on.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tonic::transport::server::Connected;

use super::accept::Place;
use crate::clock::{self, Instant};
use crate::limits::flight as limits;

/// A connection with its place.
///
/// It is closed when the other end has closed it too, or after [`limits::LINGER`]: the system resets a
/// connection that is closed with something in it that nobody has read, such as the other end's word
/// that it can take more, and what is still on its way there is lost.
///
/// One on which the other end does not begin to speak is closed after [`limits::SILENT`], and sooner
/// while others wait for its place.
pub struct Connection {
    stream: TcpStream,
    place: Place,
    /// Until the other end has begun to speak.
    silence: Option<Silence>,
    /// When the other end is not waited for any more; set once nothing more is written.
    lingers: Option<BoxFuture<'static, ()>>,
}

impl Connection {
    /// A connection on which nothing was said yet.
    pub fn new(stream: TcpStream, place: Place) -> Self {
        Connection { stream, place, silence: Some(Silence::begin()), lingers: None }
    }
}

/// A connection on which HTTP/2 has not begun.
struct Silence {
    began: Instant,
    heard: usize,
    /// When to look again whether it has lasted too long.
    look: BoxFuture<'static, ()>,
}

impl Silence {
    fn begin() -> Self {
        Silence { began: clock::now(), heard: 0, look: Silence::look() }
    }

    fn look() -> BoxFuture<'static, ()> {
        Box::pin(clock::sleep(limits::SILENT_CROWDED))
    }

    /// Ready when it has lasted too long.
    fn poll_too_long(&mut self, place: &Place, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            ready!(self.look.as_mut().poll(cx));
            let lasted = clock::now().duration_since(self.began);
            let is_wanted = place.is_wanted() && lasted >= limits::SILENT_CROWDED;
            if is_wanted || lasted >= limits::SILENT {
                return Poll::Ready(());
            }
            self.look = Silence::look();
        }
    }
}

impl Connected for Connection {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Connection { stream, place, silence, .. } = &mut *self;
        let before = bytes.filled().len();
        let read = Pin::new(stream).poll_read(cx, bytes);
        let Some(quiet) = silence else { return read };
        quiet.heard += bytes.filled().len() - before;
        if quiet.heard >= limits::PREFACE_BYTES {
            *silence = None;
        } else if read.is_pending() {
            ready!(quiet.poll_too_long(place, cx));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        read
    }
}

impl AsyncWrite for Connection {
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
        let Connection { stream, lingers, .. } = &mut *self;
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

    use futures::StreamExt as _;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::task::JoinHandle;

    use super::{Connection, limits};
    use crate::clock;
    use crate::flight::accept::{Door, incoming};

    /// Sends so many bytes to a client that has said something to which nobody listens, and closes.
    async fn closing(bytes: usize) -> (TcpStream, JoinHandle<Duration>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let mut client = TcpStream::connect(address).await.expect("a connection");
        client.write_all(b"more").await.expect("sent");
        let mut incoming = Box::pin(incoming(listener, Door::new(1)));
        let (server, place) = incoming.next().await.expect("one").expect("a connection");
        server.readable().await.expect("it has come");
        let mut server = Connection::new(server, place);
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

    /// How long a connection is read on which so much is said, while nobody or somebody waits.
    async fn heard(said: &[u8], clients: usize) -> Duration {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let mut incoming = Box::pin(incoming(listener, Door::new(1)));
        let mut client = TcpStream::connect(address).await.expect("a connection");
        client.write_all(said).await.expect("sent");
        let (server, place) = incoming.next().await.expect("one").expect("a connection");
        if clients > 1 {
            assert!(futures::poll!(incoming.next()).is_pending());
        }
        server.readable().await.expect("it has come");
        let mut server = Connection::new(server, place);
        let (before, mut read) = (clock::now(), Vec::new());
        let longest = limits::SILENT * 3;
        let ended = tokio::time::timeout(longest, server.read_to_end(&mut read)).await;
        assert_eq!(read, said);
        if let Ok(ended) = ended {
            assert_eq!(ended.expect_err("closed").kind(), std::io::ErrorKind::TimedOut);
        }
        clock::now().duration_since(before)
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_does_not_begin_to_speak_is_closed() {
        const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
        assert_eq!(PREFACE.len(), limits::PREFACE_BYTES);
        let alone = heard(&PREFACE[..23], 1).await;
        assert!((limits::SILENT..limits::SILENT * 2).contains(&alone), "{alone:?}");
        let crowded = heard(&PREFACE[..1], 2).await;
        assert!((limits::SILENT_CROWDED..limits::SILENT).contains(&crowded), "{crowded:?}");
        assert!(heard(PREFACE, 2).await >= limits::SILENT * 3);
    }
}
