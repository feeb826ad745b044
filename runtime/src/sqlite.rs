//! SQLite: a template file made once, and a copy of it for each test.
//!
//! A copy in a file, with SQLite's own write-ahead log and several connections that really commit,
//! is what production has. Set aside: a shared cache (it answers differently, and its unlock-notify
//! may hang), the VFS `memdb` (BUSY where a write-ahead log would let a reader pass), a transaction
//! around the test (`insert or rollback` ends it, and `begin immediate` is refused inside of it).

mod cause;
mod content;
mod fill;
mod fixtures;
mod home;
mod hooks;
mod keep;
mod memory;
mod parameters;
mod script;
mod settings;
mod template;
mod test_database;
mod test_file;
mod traced;

pub(crate) use self::{
    content::Content, home::remove_own_files, hooks::install as install_hooks, settings::Settings,
    template::Template, test_database::TestDatabase,
};
