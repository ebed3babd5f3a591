//! What fuzzing has found, and a little of fuzzing itself, without libFuzzer: every input in `fuzz/corpus` and many
//! that are made of them by chance, always the same ones. The real runs are those of `ci/fuzz`.

#[expect(unreachable_pub, reason = "it is a crate of its own for libFuzzer")]
#[path = "../fuzz/src/lib.rs"]
mod targets;

use std::path::Path;

use proptest::prelude::*;

/// Enough to see that nothing obvious broke; in an unoptimised build this is some seconds.
const CHANGED: usize = 3000;
const LONGEST: usize = 8192;

/// xorshift64*: the same numbers on every machine.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(number).unwrap_or_default() % end.max(1)
    }
}

fn inputs(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut paths: Vec<_> = fs_err::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{target}");
    paths.iter().map(|path| fs_err::read(path).unwrap()).collect()
}

/// The words of a dictionary, one `"..."` a line with `\xHH` in it.
fn words(target: &str) -> Vec<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("fuzz/dictionaries/{target}.dict"));
    let text = fs_err::read_to_string(path).unwrap();
    text.lines().filter_map(|line| line.strip_prefix('"')?.strip_suffix('"')).map(unescaped).collect()
}

fn unescaped(word: &str) -> Vec<u8> {
    let mut pieces = word.split("\\x");
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        bytes.push(u8::from_str_radix(&piece[..2], 16).unwrap());
        bytes.extend_from_slice(&piece.as_bytes()[2..]);
    }
    bytes
}

/// One change: a byte, a word of the format, a piece less, or a piece of another input.
fn change(bytes: &mut Vec<u8>, chance: &mut Chance, words: &[Vec<u8>], others: &[Vec<u8>]) {
    let at = chance.below(bytes.len() + 1);
    let end = (at + chance.below(12)).min(bytes.len());
    match chance.below(5) {
        0 if at < bytes.len() => bytes[at] = u8::try_from(chance.below(256)).unwrap_or_default(),
        1 => drop(bytes.splice(at..at, words[chance.below(words.len())].iter().copied())),
        2 => drop(bytes.splice(at..end, words[chance.below(words.len())].iter().copied())),
        3 => drop(bytes.drain(at..end)),
        _ => {
            let other = &others[chance.below(others.len())];
            let from = chance.below(other.len());
            let piece = &other[from..(from + chance.below(40)).min(other.len())];
            drop(bytes.splice(at..at, piece.iter().copied()));
        }
    }
}

fn run(name: &str) {
    let (_, target) = targets::TARGETS.iter().find(|(known, _)| *known == name).unwrap();
    let (inputs, words) = (inputs(name), words(name));
    for input in &inputs {
        target(input);
    }
    let mut chance = Chance(0x5eed);
    for _ in 0..CHANGED {
        let mut input = inputs[chance.below(inputs.len())].clone();
        input.truncate(LONGEST);
        for _ in 0..=chance.below(5) {
            change(&mut input, &mut chance, &words, &inputs);
        }
        target(&input);
    }
}

#[test]
fn every_target_is_run() {
    let names: Vec<&str> = targets::TARGETS.iter().map(|(name, _)| *name).collect();
    for (kind, ending) in [("corpus", ""), ("dictionaries", ".dict"), ("fuzz_targets", ".rs")] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(kind);
        let mut known: Vec<String> = fs_err::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap().replace(ending, ""))
            .collect();
        known.sort();
        let mut names = names.clone();
        names.sort_unstable();
        assert_eq!(known, names, "{kind}");
    }
}

macro_rules! fuzzed {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                run(stringify!($name));
            }
        )*
    };
}

fuzzed!(spec parameters main_cf master_cf tables versions packages import);

/// An edit of a text: from where, how much goes, what comes.
fn edited(text: &str, at: usize, gone: usize, new: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let at = at % (chars.len() + 1);
    let end = (at + gone).min(chars.len());
    chars[..at].iter().copied().chain(new.chars()).chain(chars[end..].iter().copied()).collect()
}

fn all_specs() -> Vec<String> {
    ["tests/specs/valid", "tests/specs/invalid", "examples"]
        .iter()
        .flat_map(|path| fs_err::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .map(|path| fs_err::read_to_string(path).unwrap())
        .collect()
}

proptest! {
    #[test]
    fn any_text_is_judged(text in any::<String>()) {
        targets::judge(&text);
    }

    #[test]
    fn any_toml_is_judged(text in r#"(\[{1,2}(package|relay|smarthost|tls|main-cf|aliases|x)\]{1,2}\n|[a-zü"'.-]{1,6} ?= ?(["'][^"]{0,9}["']|-?[0-9_e.]{1,8}|true|\[.{0,5}\]|\{.{0,5}\}|2026-11-21)\n){0,12}"#) {
        targets::judge(&text);
    }

    #[test]
    fn any_edit_of_a_spec_is_judged(
        which in any::<prop::sample::Index>(),
        edits in prop::collection::vec((any::<usize>(), 0..20usize, prop_oneof![
            Just(String::new()),
            any::<char>().prop_map(String::from),
            prop::sample::select(vec![
                "\"", "\"\"\"", "'", "[", "]", "[[", "{", "}", "=", "\n", ",", ".", "#", "\\u0000", "\\n", "$", "-1",
                "99999999999999999999", "1e9", "nan", "2026-11-21", "true", "ü", "\u{202e}", "password", "level",
            ]).prop_map(str::to_owned),
        ]), 1..6),
    ) {
        let specs = all_specs();
        let text = edits
            .iter()
            .fold(which.get(&specs).clone(), |text, (at, gone, new)| edited(&text, *at, *gone, new));
        targets::judge(&text);
    }
}
