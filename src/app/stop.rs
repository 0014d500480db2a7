//! When the system asks the program to end.

use tokio_util::sync::CancellationToken;

/// Returns once SIGINT or SIGTERM has come.
///
/// They are heard from the first poll on; [`stop_token`] hears them from its call on.
pub async fn stop_asked() {
    asked().await;
}

/// A token that is cancelled when SIGINT or SIGTERM comes, also one that comes right after this
/// call. Needs a tokio runtime.
pub fn stop_token() -> CancellationToken {
    let stop = CancellationToken::new();
    let told = stop.clone();
    let asked = asked();
    tokio::spawn(async move {
        asked.await;
        // First what matters: nothing that happens to a log may keep the program from stopping.
        told.cancel();
        tracing::info!("told to stop");
    });
    stop
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
