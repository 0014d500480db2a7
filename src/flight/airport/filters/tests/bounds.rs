//! What is too deep, too long or no JSON at all.

use super::*;

#[test]
fn text_that_is_not_the_json_expected_says_nothing() {
    for text in
        ["", "null", "{}", "[]", "{\"filters\":[]}", "\u{0}", &filters(&[]), &"[".repeat(1 << 20)]
    {
        assert_eq!(sql(text), None);
    }
    let padded = |bytes: usize| format!("{}{}", filters(&[column(1)]), " ".repeat(bytes));
    assert_eq!(sql(&padded(9)).unwrap(), "\"on\"");
    assert_eq!(sql(&padded(1 << 20)), None);
}

#[test]
fn depth_and_size_are_bounded() {
    let nested = |levels: usize| (0..levels).fold(column(1), |inner, _| or(&[inner, column(1)]));
    assert!(sql(&filters(&[nested(31)])).unwrap().starts_with("((("));
    assert_eq!(sql(&filters(&[nested(32), column(1)])).unwrap(), "\"on\"");
    let raw = |levels: usize| {
        let (open, close) = ("[{\"a\":".repeat(levels), "}]".repeat(levels));
        filters(&[column(1)]).replace("\"filters\":[", &format!("\"filters\":[{open}1{close},"))
    };
    assert_eq!(sql(&raw(100_000)).unwrap(), "\"on\"");
    let ones = vec![column(1); 300];
    assert_eq!(sql(&filters(&ones)).unwrap().matches("\"on\"").count(), 200);
    assert_eq!(sql(&filters(&[or(&ones), column(1)])).unwrap(), "\"on\"");
    let long = equal(0, "'".repeat(40_000));
    assert_eq!(sql(&filters(&[long, column(1)])).unwrap(), "\"on\"");
    let list = |count: i32| {
        let values = (0..count).map(|n| constant("INTEGER", n));
        operator("COMPARE_IN", &std::iter::once(column(2)).chain(values).collect::<Vec<_>>())
    };
    assert!(sql(&filters(&[list(3_000)])).unwrap().ends_with(", 2999)"));
    assert!(sql(&filters(&[list(9_000)])).is_none(), "longer than what is read");
}
