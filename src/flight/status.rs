//! Failures as gRPC statuses: the one list of which is which.

use tonic::metadata::MetadataValue;
use tonic::{Code, Status};
use uuid::Uuid;

use super::Error;
use crate::error::{Kind, Report};

/// Builds the status of a failure.
///
/// The message is the whole chain and the hint, because most clients show nothing else. A fault
/// of our own is told with a fixed sentence and an id that stands in the log beside the chain. A
/// wait that Graph asked for goes along as `retry-after`, in seconds.
pub fn status(error: &Error) -> Status {
    let report = Report::new(error, error.hint());
    let kind = error.kind();
    if kind == Kind::Internal {
        let call = Uuid::new_v4();
        tracing::error!(%call, error = %report, "a call failed through a fault of the server");
        return Status::internal(format!("the server failed; its log has more under {call}"));
    }
    let mut status = Status::new(code(kind), report.to_string());
    if let Some(wait) = error.retry_after() {
        let seconds = wait.as_millis().div_ceil(1000);
        if let Ok(value) = MetadataValue::try_from(seconds.to_string()) {
            status.metadata_mut().insert("retry-after", value);
        }
    }
    status
}

fn code(kind: Kind) -> Code {
    match kind {
        Kind::Invalid => Code::InvalidArgument,
        Kind::NotFound => Code::NotFound,
        Kind::Unauthenticated => Code::Unauthenticated,
        Kind::Forbidden => Code::PermissionDenied,
        Kind::Unsupported => Code::Unimplemented,
        Kind::Refused => Code::FailedPrecondition,
        Kind::Throttled => Code::ResourceExhausted,
        Kind::Unavailable => Code::Unavailable,
        Kind::TimedOut => Code::DeadlineExceeded,
        Kind::Corrupt => Code::DataLoss,
        Kind::Cancelled => Code::Cancelled,
        Kind::Internal => Code::Internal,
    }
}
