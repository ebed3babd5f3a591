//! Bills of materials and provenance.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::cli::fleet::{fleet, steady};
use crate::cli::world::World;

const ALL: &str = "--quiet --sbom=build,packages --provenance --builder-id https://ci.acme.example/packages";

/// Refuses what is not as SPDX's own schema wants it.
fn judge(document: &Value) {
    let schema: Value = serde_json::from_str(include_str!("../schemas/spdx-2.3.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> =
        validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

fn document(world: &World, path: &str) -> Value {
    serde_json::from_str(&world.read(path)).unwrap()
}

/// The list of checksums: digests by file.
fn sums(world: &World, folder: &str) -> BTreeMap<String, String> {
    let text = world.read(&format!("{folder}/SHA256SUMS"));
    let line = |line: &str| line.split_once("  ").map(|(digest, name)| (name.to_owned(), digest.to_owned()));
    text.lines().map(|text| line(text).unwrap()).collect()
}

#[test]
fn every_document_is_as_the_published_schema_wants_it() {
    let world = fleet();
    world.result(&format!("build fleet.toml {ALL}"));
    let names: Vec<String> =
        world.tree("dist").into_keys().filter(|name| name.ends_with(".spdx.json")).collect();
    assert_eq!(names.len(), 7, "six packages and the whole: {names:?}");
    for name in &names {
        judge(&document(&world, &format!("dist/{name}")));
    }
    // The schema is no dummy.
    let mut wrong = document(&world, "dist/sbom.spdx.json");
    wrong["packages"][0]["version"] = "1".into();
    let judged = std::panic::catch_unwind(|| judge(&wrong));
    assert!(judged.is_err());
}

#[test]
fn a_package_is_described_with_the_files_that_are_in_it() {
    let world = World::with_example();
    world.result("build relay.toml --quiet --sbom=packages");
    assert!(!world.path("dist/sbom.spdx.json").exists());
    let sums = sums(&world, "dist");
    let packages: Vec<&String> =
        sums.keys().filter(|name| sums.contains_key(&format!("{name}.spdx.json"))).collect();
    assert_eq!(packages.len(), 3);
    for name in packages {
        let sbom = document(&world, &format!("dist/{name}.spdx.json"));
        let package = &sbom["packages"][0];
        assert_eq!(package["checksums"][0]["checksumValue"], sums[name].as_str());
        let inside = world.json(&format!("inspect dist/{name} --format json"));
        let digest = |file: &Value| file["sha256"].as_str().map(|digest| (path(file), digest.to_owned()));
        let inside: BTreeMap<String, String> =
            inside["files"].as_array().unwrap().iter().filter_map(digest).collect();
        let listed = sbom["files"].as_array().unwrap().iter().map(|file| {
            let path = file["fileName"].as_str().unwrap().trim_start_matches('.').to_owned();
            (path, file["checksums"][1]["checksumValue"].as_str().unwrap().to_owned())
        });
        assert_eq!(listed.collect::<BTreeMap<_, _>>(), inside, "{name}");
    }
}

fn path(file: &Value) -> String {
    file["path"].as_str().unwrap().to_owned()
}

#[test]
fn the_whole_names_every_package_and_what_it_depends_on() {
    let world = fleet();
    world.result("build fleet.toml --quiet --sbom");
    let sums = sums(&world, "dist");
    let sbom = document(&world, "dist/sbom.spdx.json");
    let packages = sbom["packages"].as_array().unwrap();
    let named: BTreeMap<&str, &str> = packages
        .iter()
        .filter_map(|package| Some((package["packageFileName"].as_str()?, &package["checksums"][0])))
        .map(|(name, checksum)| (name, checksum["checksumValue"].as_str().unwrap()))
        .collect();
    assert_eq!(named.len(), 6);
    assert!(named.iter().all(|(name, digest)| sums[*name] == *digest));
    let url = "pkg:deb/acme.example/acme-relay-web1@1.0.7-1?arch=all";
    assert!(packages.iter().any(|package| package["externalRefs"][0]["referenceLocator"] == url));
    let related = sbom["relationships"].as_array().unwrap();
    let postfix = packages.iter().filter(|package| package["name"] == "postfix");
    let postfix: Vec<&Value> = postfix.map(|package| &package["SPDXID"]).collect();
    let dependent = related.iter().filter(|relation| postfix.contains(&&relation["relatedSpdxElement"]));
    assert_eq!(dependent.count(), 6);
}

#[test]
fn provenance_names_all_files_and_all_that_they_are_made_of() {
    let world = fleet();
    fs_err::create_dir_all(world.path("own/deb")).unwrap();
    world.write("own/deb/postinst.hbs", include_str!("../../templates/deb/postinst.hbs"));
    world.result(&format!("build fleet.toml --templates own --only site=berlin* {ALL}"));
    let statement = document(&world, "dist/provenance.intoto.json");
    let mut sums = sums(&world, "dist");
    assert!(sums.remove("provenance.intoto.json").is_some());
    let digest = |file: &Value| {
        (file["name"].as_str().unwrap().to_owned(), file["digest"]["sha256"].as_str().unwrap().to_owned())
    };
    let subjects = statement["subject"].as_array().unwrap().iter().map(digest);
    assert_eq!(subjects.collect::<BTreeMap<_, _>>(), sums);
    let mut built = statement["predicate"].clone();
    for material in built["buildDefinition"]["resolvedDependencies"].as_array_mut().unwrap() {
        assert_eq!(material["digest"]["sha256"].as_str().map(str::len), Some(64));
        material["digest"] = Value::Null;
    }
    insta::assert_snapshot!(serde_json::to_string_pretty(&built).unwrap());
}

#[test]
fn shards_put_together_say_what_the_whole_says() {
    let world = fleet();
    world.result(&format!("build fleet.toml {ALL} -o whole"));
    for shard in ["1/2", "2/2"] {
        let folder = shard.replace('/', "-");
        world.result(&format!("build fleet.toml {ALL} --shard {shard} -o {folder}"));
        world.result(&format!("verify {folder} fleet.toml --shard {shard} --quiet"));
    }
    assert!(world.read("1-2/provenance.intoto.json").contains(r#""shard": "1/2""#));
    world.result("merge 2-2 1-2 -o merged --quiet");
    assert_eq!(world.tree("whole"), world.tree("merged"));
    world.result("verify merged fleet.toml --quiet");
    world.result("build fleet.toml --shard 2/2 --quiet -o other");
    insta::assert_snapshot!(world.run("merge 1-2 other -o never"));
}

#[test]
fn the_same_build_elsewhere_says_the_same() {
    let (here, there) = (fleet(), fleet());
    here.result(&format!("build fleet.toml {ALL} --jobs 1"));
    let spec = there.path("fleet.toml");
    there.result(&format!("build {} {ALL} --jobs 7 -o deep/dist", spec.display()));
    assert_eq!(here.tree("dist"), there.tree("deep/dist"));
}

#[test]
fn nothing_is_built_twice_for_the_sake_of_another_builder() {
    let world = fleet();
    let build = |options: &str| {
        let report = world.json(&format!("build fleet.toml --format json {options}"));
        report["built"].as_u64().unwrap()
    };
    assert_eq!(build(""), 3);
    assert_eq!(build("--provenance"), 0);
    assert!(world.read("dist/provenance.intoto.json").contains("docs/supply-chain.md#builder"));
    assert_eq!(build("--provenance --builder-id urn:acme:ci"), 0);
    assert!(world.read("dist/provenance.intoto.json").contains("urn:acme:ci"));
    assert_eq!(build("--sbom"), 0);
    let before = world.tree("dist");
    assert_eq!(build("--sbom"), 0);
    assert_eq!(before, world.tree("dist"));
    fs_err::remove_file(world.path("dist/sbom.spdx.json")).unwrap();
    assert_eq!(build("--sbom"), 0);
    // The provenance is of the build before; only it is left where it was.
    assert_eq!(before, world.tree("dist"));
}

#[test]
fn verify_makes_the_documents_again() {
    let world = fleet();
    world.result(&format!("build fleet.toml {ALL}"));
    insta::assert_snapshot!("verified", world.run("verify dist fleet.toml"));
    // Some of the rows can be compared, what is said of all cannot.
    world.result("verify dist fleet.toml --only host=web2 --quiet");
    let (sbom, statement) = (world.read("dist/sbom.spdx.json"), world.read("dist/provenance.intoto.json"));
    world.write("dist/sbom.spdx.json", &sbom.replace("postfix >= 3.4", "postfix >= 2.4"));
    world.write("dist/provenance.intoto.json", &statement.replace("ci.acme", "ci.evil"));
    let own = "dist/acme-relay-web2_1.0.8-1_all.deb.spdx.json";
    world.write(own, &world.read(own).replacen("./usr/", "./opt/", 1));
    insta::assert_snapshot!("changed", steady(&world.run("verify dist fleet.toml")));
    // What a build leaves that was asked for nothing is not of that build.
    world.result("build fleet.toml --package-format deb --quiet");
    insta::assert_snapshot!("stray", world.run("verify dist fleet.toml --package-format deb"));
}

#[test]
fn what_was_read_is_part_of_what_is_verified() {
    let world = fleet();
    world.result("build fleet.toml --quiet --provenance");
    world.write("fleet.toml", &(world.read("fleet.toml") + "\n# A remark changes no package.\n"));
    let run = world.run("verify dist fleet.toml");
    assert_eq!(run.code, 1);
    assert!(run.stdout.contains("/predicate/buildDefinition/resolvedDependencies/"), "{}", run.stdout);
}
