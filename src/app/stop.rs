//! When the system asks the program to end.

use std::process;
use std::sync::mpsc;
use std::time::Duration;

use tokio::runtime;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::error::Kind;
use crate::limits::cli as limits;

/// Returns once SIGINT or SIGTERM has come.
///
/// They are heard from the first poll on; [`stop_token`] hears them from its call on.
pub async fn stop_asked() {
    asked().await;
}

/// A token that is cancelled when SIGINT or SIGTERM comes, also one that comes right after this
/// call. A program that has not ended by itself within `drain` and a few seconds is then ended.
///
/// A thread of its own listens, which hears them however busy all others are. Needs a tokio runtime
/// where the system gives no thread.
pub fn stop_token(drain: Duration) -> CancellationToken {
    let stop = CancellationToken::new();
    let (ready, listens) = mpsc::channel();
    let told = stop.clone();
    let listen = move || {
        let Ok(runtime) = runtime::Builder::new_current_thread().enable_all().build() else {
            return;
        };
        runtime.block_on(async {
            let asked = asked();
            // Nobody waits for it who has left.
            let _ = ready.send(());
            tell(asked, &told).await;
            clock::sleep(drain + limits::ENDING_MAX).await;
            let note = || tracing::error!("the program did not end in time and is ended");
            let _ = timeout(limits::NOTE_MAX, spawn_blocking(note)).await;
        });
        process::exit(Kind::TimedOut.exit_code().into());
    };
    let listening = std::thread::Builder::new().name("stop".to_owned()).spawn(listen);
    if listening.is_err() || listens.recv().is_err() {
        tracing::warn!("signals are heard by a thread that does other work as well");
        let (asked, told) = (asked(), stop.clone());
        tokio::spawn(async move { tell(asked, &told).await });
    }
    stop
}

async fn tell(asked: impl Future<Output = ()>, told: &CancellationToken) {
    asked.await;
    told.cancel();
    // Nothing that happens to a log may keep the program from stopping, and nobody waits for it.
    spawn_blocking(|| tracing::info!("told to stop"));
}

/// Begins to listen at once and returns the wait for what is heard.
#[cfg(unix)]
fn asked() -> impl Future<Output = ()> + Send + 'static {
    use tokio::signal::unix::{Signal, SignalKind, signal};

    fn listen(kind: SignalKind, name: &str) -> Option<Signal> {
        let heard = signal(kind);
        heard.inspect_err(|error| tracing::warn!(%error, "{name} cannot be heard")).ok()
    }

    async fn heard(signal: Option<Signal>) {
        match signal {
            Some(mut signal) => {
                signal.recv().await;
            }
            None => std::future::pending().await,
        }
    }

    let interrupt = listen(SignalKind::interrupt(), "SIGINT");
    let terminate = listen(SignalKind::terminate(), "SIGTERM");
    async move {
        tokio::select! {
            () = heard(interrupt) => {}
            () = heard(terminate) => {}
        }
    }
}

#[cfg(not(unix))]
async fn asked() {
    if let Err(error) = tokio::signal::ctrl_c().await {
        tracing::warn!(%error, "Ctrl-C cannot be heard");
        std::future::pending::<()>().await;
    }
}
