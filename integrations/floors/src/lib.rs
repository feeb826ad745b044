//! Nothing: what is checked is that db-test compiles with the versions in `Cargo.lock`.
