//! A small booking service: users sign in by e-mail and book seats for events.
//!
//! It is laid out the way `FastAPI` projects are. The application factory is [`app`], the routes
//! stand in one file a domain ([`users`], [`auth`], [`events`], [`bookings`]), the dependencies
//! of a handler are its arguments, and what they are made from is the [`AppState`].

pub mod auth;
pub mod bookings;
pub mod database;
pub mod error;
pub mod events;
pub mod fields;
pub mod json;
pub mod mailer;
pub mod state;
pub mod users;

use axum::Router;

pub use self::{auth::CurrentUser, error::Error, state::AppState};

/// Makes the application around its state; production and tests differ only in that argument.
pub fn app(state: AppState) -> Router {
    Router::new()
        .merge(users::routes())
        .merge(auth::routes())
        .merge(events::routes())
        .merge(bookings::routes())
        .with_state(state)
}
