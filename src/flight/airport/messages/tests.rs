//! Round trips, and bodies packed as the client packs them.

use super::*;

/// As the client packs: text for bytes, here of eight bits a length.
fn str8(bytes: &[u8]) -> Vec<u8> {
    [&[0xd9, u8::try_from(bytes.len()).unwrap()], bytes].concat()
}

fn bin8(bytes: &[u8]) -> Vec<u8> {
    [&[0xc4, u8::try_from(bytes.len()).unwrap()], bytes].concat()
}

/// A map of up to fifteen values that are written already.
fn map(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut out = vec![0x80 | u8::try_from(entries.len()).unwrap()];
    for (key, value) in entries {
        out.extend(str8(key.as_bytes()));
        out.extend(value);
    }
    out
}

const NIL: [u8; 1] = [0xc0];

/// Protobuf of a path: not UTF-8 when a part is long.
const DESCRIPTOR: [u8; 6] = [0x08, 0x01, 0x1a, 0xff, 0x00, 0xfe];

fn round<T: Serialize + DeserializeOwned + PartialEq + fmt::Debug>(message: &T) {
    assert_eq!(&decode::<T>(&encode(message).unwrap()).unwrap(), message);
}

#[test]
fn every_message_comes_back_as_it_went() {
    let contents = |serialized| Contents { serialized, ..Contents::default() };
    let version = CatalogVersion { catalog_version: u64::MAX, is_fixed: true };
    round(&CatalogRequest { catalog_name: "contoso".to_owned() });
    round(&EndpointsRequest {
        descriptor: Blob(DESCRIPTOR.to_vec()),
        parameters: Parameters {
            json_filters: Some("{}".to_owned()),
            column_ids: Some(vec![0, u64::MAX]),
            at_unit: Some("VERSION".to_owned()),
            at_value: Some("3".to_owned()),
            table_function_parameters: Some(Blob(vec![0xff])),
            table_function_input_schema: Some(Blob(vec![0])),
        },
    });
    round(&FlightInfoRequest { descriptor: Blob(vec![]), at_unit: None, at_value: None });
    round(&version);
    round(&Transaction::default());
    round(&Transaction { identifier: Some("t1".to_owned()) });
    round(&CatalogRoot {
        contents: contents(None),
        schemas: vec![Schema {
            name: "directory".to_owned(),
            description: "Löschung".to_owned(),
            tags: BTreeMap::from([("a".to_owned(), "b".to_owned())]),
            contents: contents(Some(Blob(vec![0xff, 0]))),
            is_default: Some(true),
        }],
        version_info: version,
    });
    round(&Metadata {
        kind: "table".to_owned(),
        input_schema: Some(Blob(vec![0xff])),
        ..Metadata::default()
    });
}

#[test]
fn bytes_are_read_from_text_and_from_binary() {
    for bytes in [&DESCRIPTOR[..], b"plain", b""] {
        for packed in [str8(bytes), bin8(bytes)] {
            let body = map(&[("descriptor", packed)]);
            let read: EndpointsRequest = decode(&body).unwrap();
            assert_eq!(read.descriptor, Blob(bytes.to_vec()));
            assert_eq!(read.parameters, Parameters::default());
        }
    }
}

#[test]
fn what_is_empty_nil_or_missing_is_unset() {
    let unset = Parameters::default();
    let names = ["json_filters", "at_unit", "at_value", "table_function_parameters"];
    for value in [str8(b""), bin8(b""), NIL.to_vec()] {
        let parameters = map(&names.map(|name| (name, value.clone())));
        let body = map(&[("parameters", parameters), ("descriptor", str8(b"d"))]);
        assert_eq!(decode::<EndpointsRequest>(&body).unwrap().parameters, unset);
    }
    let nil =
        map(&[("parameters", map(&[("column_ids", NIL.to_vec())])), ("descriptor", str8(b""))]);
    assert_eq!(decode::<EndpointsRequest>(&nil).unwrap().parameters, unset);
    let none =
        map(&[("parameters", map(&[("column_ids", vec![0x90])])), ("descriptor", str8(b""))]);
    let none: EndpointsRequest = decode(&none).unwrap();
    assert_eq!(none.parameters.column_ids, Some(vec![]));
    let info: FlightInfoRequest = decode(&map(&[("descriptor", str8(b"d"))])).unwrap();
    assert_eq!((info.at_unit, info.at_value), (None, None));
}

#[test]
fn keys_that_are_not_known_are_passed_over() {
    let body = map(&[("more", map(&[("a", NIL.to_vec())])), ("catalog_name", bin8(b"contoso"))]);
    let read: CatalogRequest = decode(&body).unwrap();
    assert_eq!(read.catalog_name, "contoso");
}

#[test]
fn what_is_not_the_map_expected_is_refused() {
    let not_utf8 = map(&[("catalog_name", str8(&DESCRIPTOR))]);
    let deep = map(&[("more", vec![0x91; 100_000]), ("catalog_name", str8(b""))]);
    // A text that says it goes on for 4 GiB.
    let short = map(&[("catalog_name", vec![0xdb, 0xff, 0xff, 0xff, 0xff, b'a'])]);
    let many = map(&[("catalog_name", vec![0xdd, 0xff, 0xff, 0xff, 0xff])]);
    for body in [vec![], vec![0xc1], b"{\"catalog_name\":1}".to_vec(), map(&[]), not_utf8, deep] {
        decode::<CatalogRequest>(&body).unwrap_err();
    }
    for body in [short, many] {
        decode::<CatalogRequest>(&body).unwrap_err();
    }
    let ids = map(&[("column_ids", vec![0xdd, 0xff, 0xff, 0xff, 0xff, 1])]);
    let ids = map(&[("descriptor", str8(b"")), ("parameters", ids)]);
    let error = decode::<EndpointsRequest>(&ids).unwrap_err();
    assert_eq!(error.to_string(), "the body is not the MessagePack map expected");
}

#[test]
fn answers_are_maps_with_nil_for_what_is_unset() {
    assert_eq!(encode(&Transaction::default()).unwrap(), b"\x81\xaaidentifier\xc0");
    assert_eq!(
        encode(&CatalogVersion { catalog_version: 1, is_fixed: false }).unwrap(),
        b"\x82\xafcatalog_version\x01\xa8is_fixed\xc2"
    );
    assert_eq!(
        encode(&Contents { serialized: Some(Blob(vec![0xff])), ..Contents::default() }).unwrap(),
        b"\x83\xa6sha256\xa0\xa3url\xc0\xaaserialized\xc4\x01\xff"
    );
    let metadata = Metadata { kind: "table".to_owned(), ..Metadata::default() };
    let metadata = encode(&metadata).unwrap();
    assert!(metadata.starts_with(b"\x89\xa4type\xa5table"), "{metadata:?}");
    assert!(metadata.ends_with(b"\xaaextra_data\xc0"), "{metadata:?}");
}

#[test]
fn packed_bytes_unpack_to_the_length_they_name() {
    for bytes in [vec![], b"a".to_vec(), vec![7; 1 << 20]] {
        let (length, Blob(data)): (u32, Blob) = decode(&packed(&bytes).unwrap()).unwrap();
        assert_eq!(length as usize, bytes.len());
        assert_eq!(zstd::bulk::decompress(&data, bytes.len()).unwrap(), bytes);
    }
}

#[test]
fn an_array_holds_each_item_as_binary() {
    for items in [vec![], vec![vec![]], vec![vec![0xff, 1], b"two".to_vec(), vec![3; 70_000]]] {
        let blobs: Vec<Blob> = decode(&infos(&items)).unwrap();
        assert_eq!(blobs.into_iter().map(|Blob(bytes)| bytes).collect::<Vec<_>>(), items);
        assert_eq!(endpoints(&items), infos(&items));
    }
    assert_eq!(infos(&[vec![9]]), [0xdd, 0, 0, 0, 1, 0xc6, 0, 0, 0, 1, 9]);
}
