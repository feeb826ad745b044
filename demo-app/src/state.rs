//! What the handlers share.

use std::sync::Arc;

use axum::extract::FromRef;
use sqlx::PgPool;

use crate::mailer::Mailer;

/// The state of the application. A handler takes only the part it needs, such as `State<PgPool>`.
#[derive(Clone)]
pub struct AppState {
    /// The database.
    pub db: PgPool,
    /// The way out for mail.
    pub mailer: Arc<dyn Mailer>,
}

impl FromRef<AppState> for PgPool {
    fn from_ref(state: &AppState) -> Self {
        state.db.clone()
    }
}

impl FromRef<AppState> for Arc<dyn Mailer> {
    fn from_ref(state: &AppState) -> Self {
        Arc::clone(&state.mailer)
    }
}
