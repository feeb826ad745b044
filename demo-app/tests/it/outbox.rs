//! A mailer that keeps what it should send.

use std::sync::{Arc, Mutex, PoisonError};

use db_test::{BoxError, FromTest, Overrides, TestContext};
use demo_app::mailer::{Mail, Mailer, Sending};

/// The mail that the application has sent in this test.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outbox(Arc<Mutex<Vec<Mail>>>);

impl Outbox {
    /// Puts a new outbox in the place of the application's mailer.
    pub(crate) fn collect(overrides: &Overrides) {
        let outbox = Self::default();
        overrides.set::<Arc<dyn Mailer>>(Arc::new(outbox.clone()));
        overrides.set(outbox);
    }

    /// The text of the only mail there is.
    pub(crate) fn only_text(&self) -> String {
        let mails = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        assert_eq!(mails.len(), 1, "{mails:?}");
        mails[0].text.clone()
    }
}

impl Mailer for Outbox {
    fn send(&self, mail: Mail) -> Sending<'_> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(mail);
        Box::pin(async { Ok(()) })
    }
}

/// A test takes its outbox as an argument.
impl FromTest for Outbox {
    async fn from_test(cx: &TestContext) -> Result<Self, BoxError> {
        cx.overridden()
            .ok_or_else(|| "the session sets an outbox".into())
    }
}
