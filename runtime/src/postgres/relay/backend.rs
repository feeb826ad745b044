//! What a server answers.

use super::framing::Body;
use crate::observe::recording::ServerError;

/// The kinds of messages whose bodies are read: `CommandComplete`, `ErrorResponse`,
/// `ReadyForQuery`.
pub(super) fn is_read(kind: u8) -> bool {
    matches!(kind, b'C' | b'E' | b'Z')
}

/// The number of rows in the tag of a completed command, such as `INSERT 0 1`.
pub(super) fn rows(tag: &[u8]) -> Option<u64> {
    Body(tag).text()?.rsplit(' ').next()?.parse().ok()
}

/// The parts of an `ErrorResponse` that are shown.
pub(super) fn error(body: &[u8]) -> ServerError {
    let mut body = Body(body);
    let mut error = ServerError::default();
    while let Some([kind]) = body.bytes(1) {
        let text = body.text().unwrap_or_default().to_owned();
        match *kind {
            b'C' => error.code = text,
            b'M' => error.message = text,
            b'D' => error.detail = Some(text),
            _ => {}
        }
    }
    error
}
