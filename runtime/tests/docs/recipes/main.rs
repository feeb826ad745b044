//! The examples of docs/recipes.md, one file a recipe, each with a session of its own.

mod endless_events;
mod events;
mod signed_in;
mod two_databases;
mod webhook;
mod worker;
