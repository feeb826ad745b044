# What a contributor does daily. `just` lists the recipes.

_list:
    @just --list

# One test, or those whose names contain a word.
test name="":
    cargo test -p db-test --lib --test it -- {{ name }}

# The suite under nextest.
nextest:
    cargo nextest run --workspace

# Formatting and lints, as CI has them.
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
    cargo clippy -p db-test --no-default-features -- -D warnings

# What the macros generate, and the compiler's messages, written anew: look at the diff.
expect:
    UPDATE_EXPECT=1 cargo test -p db-test-macros

# The documentation as docs.rs shows it.
docs:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --open

# Licenses and advisories of the dependencies (needs cargo-deny).
deny:
    cargo deny check

# The figures of docs/benchmarks.md in their short form.
bench:
    cargo run --release --manifest-path benchmarks/Cargo.toml -- per-test --short

# All that CI runs.
ci:
    .ci/run
