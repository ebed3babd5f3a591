//! The bytes of packages: the same ones every time; and readers against input that means harm, or was damaged on its
//! way: an answer or an error, never a panic.

use proptest::prelude::*;

use super::sample_bytes;
use crate::archive;
use crate::formats::{inspect, rpm};
use crate::platform::Format;

/// The samples; of pacman also the bare tar, since damage to compressed bytes never gets past their checksum.
fn samples() -> &'static [Vec<u8>] {
    static SAMPLES: std::sync::OnceLock<Vec<Vec<u8>>> = std::sync::OnceLock::new();
    SAMPLES.get_or_init(|| {
        let mut samples: Vec<_> = Format::ALL.into_iter().map(sample_bytes).collect();
        let mut tar = Vec::new();
        std::io::Read::read_to_end(&mut archive::decompressor(&samples[2]).unwrap(), &mut tar).unwrap();
        samples.push(tar);
        samples
    })
}

/// Guards against a dependency that comes to make other bytes of the same input. New bytes are no fault as such, but
/// must be meant: who rebuilds an old release with a new postpack gets another digest.
#[test]
fn the_bytes_of_the_samples_are_the_known_ones() {
    use sha2::Digest as _;
    let mut text = String::new();
    for format in Format::ALL {
        assert!(sample_bytes(format) == sample_bytes(format), "{format}");
        let digest = sha2::Sha256::digest(sample_bytes(format));
        text += &[&format!("{digest:x}  "), format.name(), "\n"].concat();
    }
    insta::assert_snapshot!(text);
}

#[test]
fn every_beginning_of_a_package_is_refused() {
    for sample in samples() {
        for length in (0..sample.len()).step_by(1 + sample.len() / 400) {
            let cut = &sample[..length];
            // A bare tar may lose members at its end, and is then still one.
            assert!(
                inspect(cut).is_err() || sample.starts_with(b".BUILDINFO"),
                "{length} of {}",
                sample.len()
            );
        }
    }
}

#[test]
fn a_changed_payload_of_an_rpm_is_found() {
    let mut bytes = sample_bytes(Format::Rpm);
    let last = bytes.len() - 9;
    bytes[last] ^= 1;
    assert!(inspect(&bytes).is_err());
}

#[test]
fn both_compressions_of_others_are_read() {
    let tar = &samples()[3];
    for packed in [archive::xz(tar).unwrap(), archive::gzip(tar)] {
        assert_eq!(inspect(&packed), inspect(&samples()[2]));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn damage_never_panics(
        which in 0usize..4,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        near_the_head: bool,
    ) {
        let mut bytes = samples()[which].clone();
        for (index, value) in damage {
            // Heads are where the numbers are that lead astray.
            let at = index.index(if near_the_head { 2048.min(bytes.len()) } else { bytes.len() });
            bytes[at] = value;
        }
        let _ = inspect(&bytes);
    }

    #[test]
    fn noise_never_panics(head in 0usize..4, noise in prop::collection::vec(any::<u8>(), 0..4096)) {
        let heads: [&[u8]; 4] = [b"!<arch>\ndebian-binary", b"\xed\xab\xee\xdb", b"\x28\xb5\x2f\xfd", b""];
        let _ = inspect(&[heads[head], &noise].concat());
    }

    #[test]
    fn an_rpm_header_may_claim_anything(
        entry in 0usize..80,
        field in 0usize..4,
        value in prop_oneof![any::<u32>(), 0u32..70_000, Just(u32::MAX), Just(i32::MIN.cast_unsigned())],
    ) {
        let mut bytes = samples()[1].clone();
        // The main header begins after the lead and the signature header, at the second magic.
        let magic = [0x8e, 0xad, 0xe8, 1];
        let start = bytes.windows(4).enumerate().filter(|(_, window)| *window == magic).nth(1).unwrap().0;
        let at = start + 16 * entry + 4 * field;
        bytes[at..at + 4].copy_from_slice(&value.to_be_bytes());
        let _ = inspect(&bytes);
        // Without the digests that would find it out.
        bytes.truncate(bytes.len() - 1);
        let _ = rpm::read_unverified(&bytes);
    }
}
