//! The committed protobuf code is what `proto/` says.

use std::path::Path;

use expect_test::expect_file;
use prost::Message as _;

/// Compiles `proto/` as a build would, without `protoc`.
fn descriptors(files: &[&str]) -> protox::prost_reflect::prost_types::FileDescriptorSet {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("proto");
    protox::compile(files, [root]).expect("proto/ compiles")
}

#[test]
fn the_messages_are_the_published_contract() {
    let out = tempfile::tempdir().expect("a temporary folder");
    let mut build = prost_build::Config::new();
    build.out_dir(out.path());
    build.compile_fds(descriptors(&["ticket.proto"])).expect("code comes out");
    let code = std::fs::read_to_string(out.path().join("entra_flight.v1.rs")).expect("one file");
    expect_file!["../../src/flight/proto/entra_flight.v1.rs"].assert_eq(&code);
}

#[test]
fn reflection_shows_the_same() {
    let mut set = descriptors(&["flight.proto", "ticket.proto"]);
    for file in &mut set.file {
        file.source_code_info = None;
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/flight/proto/descriptors.bin");
    let bytes = set.encode_to_vec();
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, &bytes).expect("the file is written");
    }
    assert_eq!(
        std::fs::read(&path).expect("the file is there"),
        bytes,
        "run with UPDATE_EXPECT=1 and commit src/flight/proto/descriptors.bin"
    );
}
