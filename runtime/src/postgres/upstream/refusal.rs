//! What a server says when it refuses, as sqlx's own errors.

use std::{borrow::Cow, error::Error as StdError, fmt};

use postgres_protocol::message::backend::ErrorResponseBody;
use sqlx::error::{DatabaseError, ErrorKind};

use crate::observe::recording::ServerError;

/// An error of the server on a connection that no driver has made.
#[derive(Debug)]
pub(crate) struct Refusal(ServerError);

impl Refusal {
    pub(crate) fn error(error: ServerError) -> sqlx::Error {
        sqlx::Error::Database(Box::new(Self(error)))
    }

    pub(super) fn of(body: &ErrorResponseBody) -> sqlx::Error {
        let mut error = ServerError::default();
        let mut fields = body.fields();
        while let Ok(Some(field)) = fallible_iterator::FallibleIterator::next(&mut fields) {
            let value = String::from_utf8_lossy(field.value_bytes()).into_owned();
            match field.type_() {
                b'C' => error.code = value,
                b'M' => error.message = value,
                b'D' => error.detail = Some(value),
                _ => {}
            }
        }
        Self::error(error)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        match &self.0.detail {
            Some(detail) => write!(f, "\ndetail: {detail}"),
            None => Ok(()),
        }
    }
}

impl StdError for Refusal {}

impl DatabaseError for Refusal {
    fn message(&self) -> &str {
        &self.0.message
    }

    fn code(&self) -> Option<Cow<'_, str>> {
        Some(Cow::Borrowed(&self.0.code))
    }

    fn as_error(&self) -> &(dyn StdError + Send + Sync + 'static) {
        self
    }

    fn as_error_mut(&mut self) -> &mut (dyn StdError + Send + Sync + 'static) {
        self
    }

    fn into_error(self: Box<Self>) -> Box<dyn StdError + Send + Sync + 'static> {
        self
    }

    fn kind(&self) -> ErrorKind {
        ErrorKind::Other
    }
}
