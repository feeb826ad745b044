//! Mail: a trait, and the SMTP client that production uses.

mod smtp;

use std::pin::Pin;

pub use self::smtp::SmtpMailer;
use crate::fields::Email;

/// A mail to one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// The address.
    pub to: Email,
    /// The subject line.
    pub subject: &'static str,
    /// The body.
    pub text: String,
}

/// A way to send mail.
pub trait Mailer: Send + Sync + 'static {
    /// Sends a mail.
    fn send(&self, mail: Mail) -> Sending<'_>;
}

/// A mail on its way. Boxed, because the mailer is chosen when the application is built.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Result<(), MailError>> + Send + 'a>>;

/// Why a mail was not sent.
#[derive(Debug, thiserror::Error)]
#[error("the mail server at {address}: {cause}")]
pub struct MailError {
    /// Where the server is.
    pub address: String,
    /// What went wrong there.
    pub cause: std::io::Error,
}
