//! The same test, many times.

/// Puts items into ten modules, `d0` to `d9`. Nested, it makes 100 or 1000 of one test, and the
/// filters `d0::`, `d0::d0::` and so on choose a tenth and a hundredth of them.
#[cfg(not(clippy))]
#[macro_export]
macro_rules! ten_times {
    ($($items:tt)*) => {
        $crate::in_modules! { [d0 d1 d2 d3 d4 d5 d6 d7 d8 d9] { $($items)* } }
    };
}

/// Once, for clippy: it would say the same of each.
#[cfg(clippy)]
#[macro_export]
macro_rules! ten_times {
    ($($items:tt)*) => {
        $crate::in_modules! { [d0] { $($items)* } }
    };
}

/// Puts the same items into each of the named modules.
#[macro_export]
macro_rules! in_modules {
    ([$($module:ident)*] $items:tt) => {
        $($crate::in_module! { $module $items })*
    };
}

/// Puts items into a module that sees what is around it.
#[macro_export]
macro_rules! in_module {
    ($module:ident { $($items:tt)* }) => {
        mod $module {
            #[allow(unused_imports, reason = "the outer levels use nothing")]
            use super::*;
            $($items)*
        }
    };
}
