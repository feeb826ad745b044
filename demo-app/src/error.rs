//! Everything that can go wrong with a request, and how it is answered.

use axum::{
    extract::rejection::JsonRejection,
    http::{HeaderValue, StatusCode, header::WWW_AUTHENTICATE},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use crate::{json::Json, mailer::MailError};

/// Why a request was not carried out. Its text is the answer's `error` field.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The body is not JSON or not valid: 400, 415 or 422.
    #[error("{}", .0.body_text())]
    Body(#[from] JsonRejection),
    /// The bearer token is missing, unknown, or expired: 401.
    #[error("a valid bearer token is needed")]
    Unauthorized,
    /// There is no such thing: 404.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// Another user has that e-mail address: 409.
    #[error("this e-mail address is taken")]
    EmailTaken,
    /// The event has too few seats left: 409.
    #[error("only {left} seats are left")]
    SoldOut {
        /// The seats that are left.
        left: i32,
    },
    /// The user has a booking for that event: 409.
    #[error("you have a booking for this event")]
    AlreadyBooked,
    /// The database failed: 500. The cause is logged and hidden from the caller.
    #[error("something went wrong here")]
    Database(#[from] sqlx::Error),
    /// The mail could not be sent: 502. The cause is logged and hidden from the caller.
    #[error("the mail could not be sent")]
    Mail(#[from] MailError),
}

impl Error {
    fn status(&self) -> StatusCode {
        match self {
            Self::Body(rejection) => rejection.status(),
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::EmailTaken | Self::SoldOut { .. } | Self::AlreadyBooked => StatusCode::CONFLICT,
            Self::Database(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Mail(_) => StatusCode::BAD_GATEWAY,
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        #[derive(Serialize)]
        struct Body {
            error: String,
        }

        let status = self.status();
        if status.is_server_error() {
            tracing::error!(cause = ?self, "a request failed");
        }
        let mut response = (
            status,
            Json(Body {
                error: self.to_string(),
            }),
        )
            .into_response();
        if status == StatusCode::UNAUTHORIZED {
            response
                .headers_mut()
                .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// Gives the violation of a unique constraint its meaning.
pub(crate) trait OnConflict<T> {
    /// Replaces the violation of the named constraint by `meaning`; other errors stay.
    fn on_conflict(self, constraint: &str, meaning: Error) -> Result<T, Error>;
}

impl<T> OnConflict<T> for Result<T, sqlx::Error> {
    fn on_conflict(self, constraint: &str, meaning: Error) -> Result<T, Error> {
        self.map_err(|error| {
            match error
                .as_database_error()
                .and_then(|cause| cause.constraint())
            {
                Some(violated) if violated == constraint => meaning,
                _ => Error::Database(error),
            }
        })
    }
}
