//! Signatures of ours, judged by rPGP and by gpg; keys are made here, because none may be in a file of the repository.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use pgp::composed::{
    CleartextSignedMessage, Deserializable as _, DetachedSignature, SignedPublicKey, SignedSecretKey,
};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{SignatureConfig, SignatureType, Subpacket, SubpacketData};
use pgp::ser::Serialize as _;
use pgp::types::{KeyDetails as _, Password, Timestamp};

use super::*;

const NOW: u64 = 1_790_000_000;
const USER: &str = "ACME packages <packages@acme.example>";
const TEXT: &str = "Origin: ACME\n-dashed\n\nDate: now\n";

fn rsa() -> &'static Created {
    static KEY: OnceLock<Created> = OnceLock::new();
    KEY.get_or_init(|| create(Algorithm::Rsa3072, USER, NOW, Some(NOW + 86_400)).unwrap())
}

fn ed25519() -> &'static Created {
    static KEY: OnceLock<Created> = OnceLock::new();
    KEY.get_or_init(|| create(Algorithm::Ed25519, USER, NOW, None).unwrap())
}

fn signer(created: &Created) -> FileSigner {
    FileSigner::new(SecretKey::parse(created.key.to_armor().as_bytes()).unwrap())
}

fn both() -> [FileSigner; 2] {
    [signer(rsa()), signer(ed25519())]
}

/// gpg with a home of its own.
struct Gpg(tempfile::TempDir);

impl Gpg {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        fs_err::set_permissions(home.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
        Self(home)
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    fn file(&self, name: &str, content: &[u8]) -> std::path::PathBuf {
        fs_err::write(self.path(name), content).unwrap();
        self.path(name)
    }

    /// What it reports on its status channel.
    fn status(&self, time: u64, arguments: &[&str], files: &[&Path]) -> String {
        let output = Command::new("gpg")
            .args(["--batch", "--status-fd", "1", "--faked-system-time", &format!("{time}!")])
            .args(arguments)
            .args(files)
            .env("GNUPGHOME", self.0.path())
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
    }

    fn import(&self, time: u64, key: &[u8]) {
        let said = self.status(time, &["--import"], &[&self.file("key", key)]);
        // A revocation certificate changes a key that is there.
        assert!(said.contains("IMPORT_OK") || said.contains("new key revocations: 1"), "{said}");
    }
}

impl Drop for Gpg {
    fn drop(&mut self) {
        let _ = Command::new("gpgconf").args(["--kill", "all"]).env("GNUPGHOME", self.0.path()).status();
    }
}

#[test]
fn rpgp_accepts_keys_and_signatures() {
    for signer in both() {
        let public = SignedPublicKey::from_bytes(&signer.certificate().to_bytes()[..]).unwrap();
        public.verify_bindings().unwrap();
        assert_eq!(format!("{:X}", public.fingerprint()), signer.certificate().fingerprint());
        let detached = signer.sign(Kind::Binary, b"data", NOW + 1).unwrap();
        let detached = DetachedSignature::from_bytes(&detached[..]).unwrap();
        detached.verify(&public, b"data").unwrap();
        detached.verify(&public, b"other").unwrap_err();
        let signed = cleartext(TEXT, &[&signer], NOW + 1).unwrap();
        let (message, _) = CleartextSignedMessage::from_string(&signed).unwrap();
        message.verify(&public).unwrap();
    }
}

#[test]
fn the_bytes_are_those_of_rpgp() {
    for signer in both() {
        let (secret, _) = SignedSecretKey::from_string(&signer.key().to_armor()).unwrap();
        let key = &secret.primary_key;
        for (kind, ours) in [(SignatureType::Binary, Kind::Binary), (SignatureType::Text, Kind::Text)] {
            let mut config = SignatureConfig::v4(kind, key.algorithm(), HashAlgorithm::Sha512);
            let time = Timestamp::from_secs(u32::try_from(NOW + 7).unwrap());
            config.hashed_subpackets = [
                SubpacketData::SignatureCreationTime(time),
                SubpacketData::IssuerFingerprint(key.fingerprint()),
            ]
            .map(|data| Subpacket::regular(data).unwrap())
            .to_vec();
            config.unhashed_subpackets =
                vec![Subpacket::regular(SubpacketData::IssuerKeyId(key.legacy_key_id())).unwrap()];
            let signature = config.sign(key, &Password::empty(), &b"a\r\nb"[..]).unwrap();
            let theirs = DetachedSignature::new(signature).to_bytes().unwrap();
            assert_eq!(signer.sign(ours, b"a\r\nb", NOW + 7).unwrap(), theirs);
        }
    }
}

#[test]
fn gpg_accepts_keys_and_signatures() {
    for signer in both() {
        let gpg = Gpg::new();
        gpg.import(NOW + 2, signer.certificate().to_armor().as_bytes());
        let data = gpg.file("data", b"data");
        let detached = signer.sign(Kind::Binary, b"data", NOW + 1).unwrap();
        for signature in [detached.clone(), armored("SIGNATURE", &detached).into_bytes()] {
            let said = gpg.status(NOW + 2, &["--verify"], &[&gpg.file("data.sig", &signature), &data]);
            assert!(said.contains("GOODSIG"), "{said}");
        }
        let signed = cleartext(TEXT, &[&signer], NOW + 1).unwrap();
        let said = gpg.status(NOW + 2, &["--verify"], &[&gpg.file("InRelease", signed.as_bytes())]);
        assert!(said.contains("GOODSIG"), "{said}");
        let said = gpg.status(
            NOW + 2,
            &["--verify"],
            &[&gpg.file("InRelease", signed.replace("Origin: ACME", "Origin: ACNE").as_bytes())],
        );
        assert!(said.contains("BADSIG"), "{said}");
    }
}

#[test]
fn either_of_two_signatures_is_enough() {
    let [first, second] = both();
    let signed = cleartext(TEXT, &[&first, &second], NOW + 1).unwrap();
    let message = Cleartext::parse(&signed).unwrap();
    assert_eq!(message.text, TEXT);
    for signer in [&first, &second] {
        let (by, time) =
            verify(&[signer.certificate()], Kind::Text, &message.signed(), &message.signatures).unwrap();
        assert_eq!((by.fingerprint(), time), (signer.certificate().fingerprint(), NOW + 1));
    }
}

#[test]
fn gpg_signs_for_us_with_the_same_bytes_each_time() {
    for created in [rsa(), ed25519()] {
        let gpg = Gpg::new();
        gpg.import(NOW + 1, created.key.to_armor().as_bytes());
        // The environment of a test process is shared, so the program itself is called here, as GpgSigner does.
        let data = gpg.file("data", &cleartext::canonical(TEXT));
        let fingerprint = created.key.certificate().fingerprint();
        let sign = |name: &str| {
            let out = gpg.path(name);
            let arguments =
                ["--digest-algo", "SHA512", "--local-user", &fingerprint, "--textmode", "--output"];
            gpg.status(NOW + 5, &arguments, &[&out, Path::new("--detach-sign"), &data]);
            fs_err::read(out).unwrap()
        };
        let packet = sign("one");
        assert_eq!(packet, sign("two"));
        let message = cleartext::canonical(TEXT);
        verify(&[created.key.certificate()], Kind::Text, &message, &packet).unwrap();
    }
}

#[test]
fn a_command_signs_digests_and_another_key_is_found_out() {
    let folder = tempfile::tempdir().unwrap();
    let pem = folder.path().join("key.pem");
    let openssl = |arguments: &[&str]| {
        let output = Command::new("openssl").args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    let path = pem.to_str().unwrap();
    openssl(&["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", path]);
    let modulus = String::from_utf8(openssl(&["rsa", "-in", path, "-noout", "-modulus"])).unwrap();
    let modulus =
        data_encoding::HEXUPPER.decode(modulus.trim().split_once('=').unwrap().1.as_bytes()).unwrap();
    let command: Vec<String> = ["openssl", "pkeyutl", "-sign", "-inkey", path, "-pkeyopt", "digest:sha512"]
        .map(str::to_owned)
        .to_vec();
    let raw = |digest: &[u8; 64]| CommandSigner::raw(&command, digest);
    let certificate = create_for(&modulus, &[1, 0, 1], USER, NOW, None, &raw).unwrap();
    let other = create_for(&vec![0xff; 256], &[1, 0, 1], USER, NOW, None, &raw).unwrap_err();
    assert!(other.to_string().contains("does not hold"), "{other}");
    let signer = CommandSigner::new(command, certificate).unwrap();
    let packet = signer.sign(Kind::Binary, b"data", NOW).unwrap();
    let public = SignedPublicKey::from_bytes(&signer.certificate().to_bytes()[..]).unwrap();
    DetachedSignature::from_bytes(&packet[..]).unwrap().verify(&public, b"data").unwrap();
    let wrong = CommandSigner::new(signer_command_of_rsa(), rsa().key.certificate().clone()).unwrap();
    wrong.sign(Kind::Binary, b"data", NOW).unwrap_err();
}

/// A command that signs nothing.
fn signer_command_of_rsa() -> Vec<String> {
    vec!["head".to_owned(), "-c".to_owned(), "32".to_owned()]
}

#[test]
fn an_extension_keeps_what_was_signed_before() {
    let signer = signer(rsa());
    let before = signer.certificate();
    assert_eq!(before.expires(), Some(NOW + 86_400));
    let raw = |digest: &[u8; 64]| signer.raw(digest);
    let after = extend(before, NOW + 1000, Some(NOW + 2 * 86_400), &raw).unwrap();
    assert_eq!(after.expires(), Some(NOW + 2 * 86_400));
    assert_eq!(u64::from(after.newest_self_signature()), NOW + 1000);
    assert!(after.to_bytes().starts_with(&before.to_bytes()));
    assert_eq!(Certificate::parse(after.to_armor().as_bytes()).unwrap(), after);
    SignedPublicKey::from_bytes(&after.to_bytes()[..]).unwrap().verify_bindings().unwrap();
    // A signature from before the extension, and one after the first expiry.
    let early = signer.sign(Kind::Binary, b"data", NOW + 1).unwrap();
    verify(&[&after], Kind::Binary, b"data", &early).unwrap();
    before.usable_at(NOW + 86_401).unwrap_err();
    after.usable_at(NOW + 86_401).unwrap();
    after.usable_at(NOW - 1).unwrap_err();
    let gpg = Gpg::new();
    gpg.import(NOW + 2000, &after.to_bytes());
    let said =
        gpg.status(NOW + 86_500, &["--verify"], &[&gpg.file("data.sig", &early), &gpg.file("data", b"data")]);
    assert!(said.contains("GOODSIG"), "{said}");
}

#[test]
fn the_revocation_certificate_of_a_new_key_revokes_it_in_gpg() {
    let created = ed25519();
    let gpg = Gpg::new();
    gpg.import(NOW + 1, &created.key.certificate().to_bytes());
    gpg.import(NOW + 1, created.revocation.as_bytes());
    let said = gpg.status(NOW + 2, &["--with-colons", "--list-keys"], &[]);
    assert!(said.contains("pub:r:"), "{said}");
    let signer = signer(created);
    let revoked = revoke(signer.certificate(), NOW + 5, &|digest| signer.raw(digest)).unwrap();
    assert!(revoked.is_revoked() && Certificate::parse(&revoked.to_bytes()).unwrap().is_revoked());
    revoked.usable_at(NOW + 6).unwrap_err();
    extend(&revoked, NOW + 9, None, &|digest| signer.raw(digest)).unwrap_err();
}

#[test]
fn keys_that_fail_somewhere_are_named() {
    let messages = |created: &Created, now| {
        let concerns = created.key.certificate().concerns(now, 60 * 86_400);
        concerns.into_iter().map(|concern| concern.message).collect::<Vec<_>>().join("; ")
    };
    assert!(messages(ed25519(), NOW).contains("RHEL 8 and 9"));
    assert!(messages(rsa(), NOW).contains("expires in 1 days"));
    assert!(messages(rsa(), NOW + 90_000).contains("had expired"));
}

#[test]
fn no_secret_is_shown() {
    for signer in both() {
        let shown = format!("{signer:?}");
        assert!(shown.contains(&signer.certificate().fingerprint()) && shown.len() < 120, "{shown}");
    }
}

#[test]
fn what_is_no_key_or_signature_is_refused() {
    let public = rsa().key.certificate().to_armor();
    assert!(SecretKey::parse(public.as_bytes()).unwrap_err().to_string().contains("public key"));
    let armor = rsa().key.to_armor();
    for bad in ["", "hello", &armor[..armor.len() / 2], &armor.replace('a', "b")] {
        assert!(SecretKey::parse(bad.as_bytes()).is_err(), "{bad}");
    }
    let [signer, other] = both();
    let bytes = signer.certificate().to_bytes();
    for length in 0..bytes.len() {
        let _ = Certificate::parse(&bytes[..length]);
    }
    let signature = signer.sign(Kind::Binary, b"data", NOW).unwrap();
    let stranger = verify(&[other.certificate()], Kind::Binary, b"data", &signature).unwrap_err();
    assert!(matches!(stranger, SignError::Stranger(_)), "{stranger}");
    let tampered = verify(&[signer.certificate()], Kind::Binary, b"date", &signature).unwrap_err();
    assert!(matches!(tampered, SignError::Mismatch(_)), "{tampered}");
    for at in 0..signature.len() {
        let mut bytes = signature.clone();
        bytes[at] ^= 1;
        // The unhashed issuer, and the two bytes of the digest, are hints only.
        let found = verify(&[signer.certificate()], Kind::Binary, b"data", &bytes);
        assert!(found.is_err() || found.unwrap().1 == NOW, "{at}");
    }
    signer.sign(Kind::Binary, b"data", NOW + 90_000).unwrap_err();
    cleartext("a \n", &[&signer], NOW).unwrap_err();
}
