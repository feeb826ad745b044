//! Overrides end with their test, whatever it leaves behind and however it ends.

use std::{
    cell::{Cell, RefCell},
    panic::catch_unwind,
    sync::{Arc, Weak},
};

use axum::Router;
use db_test::{Overrides, db_test};

/// What a test left behind on its thread, which its body runs on.
struct Left {
    _router: Router,
    _overrides: Overrides,
    value: Weak<()>,
}

thread_local! {
    static LEFT: RefCell<Option<Left>> = const { RefCell::new(None) };
    static PANICS: Cell<bool> = const { Cell::new(false) };
}

#[db_test]
async fn leaving_its_router_behind(router: Router, overrides: Overrides) {
    let value = Arc::new(());
    let left = Left {
        _router: router,
        _overrides: overrides.clone(),
        value: Arc::downgrade(&value),
    };
    overrides.extension(value);
    LEFT.set(Some(left));
    assert!(!PANICS.get(), "panicking on request");
}

#[test]
fn the_values_of_a_passing_test_are_dropped() {
    leaving_its_router_behind();
    let left = LEFT.take().expect("the test ran");
    assert_eq!(left.value.strong_count(), 0);
}

#[test]
fn the_values_of_a_panicking_test_are_dropped() {
    PANICS.set(true);
    assert!(catch_unwind(leaving_its_router_behind).is_err());
    let left = LEFT.take().expect("the test ran");
    assert_eq!(left.value.strong_count(), 0);
}
