# The usual recipes; `just` lists them. Each is one command, so just itself is a convenience.

_default:
    @just --list

# Build the embedded example into dist/
example:
    cargo run --release -- build

# The standard tier of the tests; `just test --full` before a release
test *ARGS:
    ci/test {{ARGS}}

# The quick tier: formatting, lints, unit and host tests
quick:
    ci/test --quick

# The lab alone: just lab -k null_client --root debian-12
lab *ARGS:
    ci/lab/run {{ARGS}}

# Format everything
fmt:
    cargo fmt

# Accept changed snapshots after looking at them (cargo install cargo-insta)
review:
    cargo insta review

# Regenerate what is generated: the JSON Schema, the references of the spec, the command line and the providers
generate:
    POSTPACK_GENERATE=1 cargo test --test integration generated

# Build the site, and check its links (ci/site --install once)
site:
    ci/site

# Check the words of every text by the style guide
words:
    ci/words/run

# Side-by-side benchmark against nFPM and the native tools
bench:
    ci/bench/run
