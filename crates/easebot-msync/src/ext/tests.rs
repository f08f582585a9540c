use proptest::prelude::*;
use serde_json::json;

use super::*;

/// Decodes one pair from the bytes of a `KeyValue`.
fn decode(hex: &str) -> Option<ExtValue> {
    decode_raw_ext(vec![crate::testing::hex(hex)]).get("a").cloned()
}

#[test]
fn every_kind_of_value_is_read() {
    // `0a 01 61` is the key "a", `10 NN` the kind.
    let cases: &[(&str, ExtValue)] = &[
        ("0a0161 1001 1800", ExtValue::Bool(false)),
        ("0a0161 1001 1802", ExtValue::Bool(true)),
        ("0a0161 1002 1803", ExtValue::Int(3)),
        ("0a0161 1002 18ffffffffffffffffff01", ExtValue::Int(-1)),
        ("0a0161 1003 18ffffffffffffffff7f", ExtValue::Int(i64::MAX)),
        ("0a0161 1003 18ffffffffffffffffff01", ExtValue::Uint(u64::MAX)),
        ("0a0161 1004 18fbd095ffbc31", ExtValue::Int(1_700_000_000_123)),
        ("0a0161 1005 250000c03f", ExtValue::Double(1.5)),
        ("0a0161 1006 29000000000000f83f", ExtValue::Double(1.5)),
        ("0a0161 1006 29000000000000f07f", ExtValue::String("Infinity".to_owned())),
        ("0a0161 1006 29000000000000f0ff", ExtValue::String("-Infinity".to_owned())),
        ("0a0161 1006 29000000000000f87f", ExtValue::String("NaN".to_owned())),
        ("0a0161 1007 320173", ExtValue::String("s".to_owned())),
        ("0a0161 1008 32035b315d", ExtValue::Json(json!([1]))),
        ("0a0161 1008 32046e756c6c", ExtValue::Json(Value::Null)),
        ("0a0161 1008 32025b31", ExtValue::String("[1".to_owned())),
    ];
    for (hex, expected) in cases {
        assert_eq!(decode(hex).as_ref(), Some(expected), "{hex}");
    }
}

#[test]
fn a_missing_value_is_zero_or_empty() {
    assert_eq!(decode("0a0161 1001"), Some(ExtValue::Bool(false)));
    assert_eq!(decode("0a0161 1002"), Some(ExtValue::Int(0)));
    assert_eq!(decode("0a0161 1006"), Some(ExtValue::Double(0.0)));
    assert_eq!(decode("0a0161 1007"), Some(ExtValue::String(String::new())));
    assert_eq!(decode("0a0161 1008"), Some(ExtValue::String(String::new())));
}

#[test]
fn pairs_that_cannot_be_read_are_dropped_and_the_others_stay() {
    assert_eq!(decode("0a0161 1803"), None, "no kind");
    assert_eq!(decode("0a0161 1009 1803"), None, "kind 9");
    let list = ["0a0162 1007 3202c328", "0a", "0a0161 1002 1801"].map(crate::testing::hex);
    assert_eq!(decode_raw_ext(list.to_vec()), [("a", 1)].into_iter().collect());
}

#[test]
fn the_last_pair_of_a_key_wins() {
    let list =
        ["0a0161 1002 1801", "0a0162 1002 1802", "0a0161 1002 1803"].map(crate::testing::hex);
    assert_eq!(find_raw(&list, "a"), Some(ExtValue::Int(3)));
    assert_eq!(find_raw(&list, "c"), None);
    assert_eq!(decode_raw_ext(list.to_vec()).get("a"), Some(&ExtValue::Int(3)));
}

#[test]
fn a_list_without_end_is_cut() {
    let pairs = (0..100_000).map(|n| encode_pair(&n.to_string(), &ExtValue::Int(n)));
    assert_eq!(decode_ext(pairs.collect()).len(), MAX_PAIRS);
}

#[test]
fn pairs_are_written_as_the_official_sdk_writes_them() {
    let ext: Ext = [
        ("b", ExtValue::Bool(false)),
        ("i", ExtValue::Int(-1)),
        ("d", ExtValue::Double(1.5)),
        ("n", ExtValue::Double(f64::NAN)),
        ("s", ExtValue::String("s".to_owned())),
        ("j", ExtValue::Json(json!({"z": 1, "a": null}))),
        ("0", ExtValue::Json(Value::Null)),
    ]
    .into_iter()
    .collect();
    let written: Vec<String> =
        encode_ext(&ext).iter().map(|pair| crate::testing::to_hex(&pair.encode_to_vec())).collect();
    assert_eq!(
        written,
        [
            "0a016210011800",
            "0a0169100218ffffffffffffffffff01",
            "0a0164100629000000000000f83f",
            "0a016e100732034e614e",
            "0a01731007320173",
            "0a016a100832107b227a223a312c2261223a6e756c6c7d",
            "0a0130100832046e756c6c",
        ]
    );
}

fn any_value() -> impl Strategy<Value = ExtValue> {
    let json = any::<bool>().prop_map(Value::from).boxed();
    let json = prop_oneof![json, any::<i64>().prop_map(Value::from), ".*".prop_map(Value::from)];
    let json = json.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(".*", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    });
    prop_oneof![
        any::<bool>().prop_map(ExtValue::Bool),
        any::<i64>().prop_map(ExtValue::Int),
        (i64::MAX.cast_unsigned() + 1..=u64::MAX).prop_map(ExtValue::Uint),
        (prop::num::f64::NORMAL | prop::num::f64::ZERO | prop::num::f64::SUBNORMAL)
            .prop_map(ExtValue::Double),
        ".*".prop_map(ExtValue::String),
        json.prop_filter("a scalar is not Json", |value| value.is_array() || value.is_object())
            .prop_map(ExtValue::Json),
        Just(ExtValue::Json(Value::Null)),
    ]
}

proptest! {
    #[test]
    fn every_ext_survives_the_wire(pairs in prop::collection::vec((".*", any_value()), 0..8)) {
        let ext: Ext = pairs.into_iter().collect();
        prop_assert_eq!(decode_ext(encode_ext(&ext)), ext);
    }

    #[test]
    fn no_bytes_of_a_pair_panic(raw in prop::collection::vec(any::<u8>(), 0..40)) {
        let ext = decode_raw_ext(vec![raw.into()]);
        prop_assert!(ext.len() <= 1);
    }
}
