//! Rules that single tables may have of their own.

use entra_flight::decode::OnMismatch;
use entra_flight::graph::OnParentError;
use expect_test::expect;

use crate::settings::{WHOLE, check_fault, load};

#[test]
fn parents_that_fail_have_a_rule_by_connection_and_table() {
    let text = format!("{WHOLE}on_parent_error_of = {{ group_members = \"skip\" }}\n");
    let rules = |environment: &[(&str, &str)]| {
        let environment = [&[("CONTOSO_SECRET", "s3cret")], environment].concat();
        let settings = load(&text, &environment).expect("settings");
        let rules = settings.connections["contoso"].on_parent_error.clone();
        ["group_members", "user_managers"].map(|table| rules.of(table))
    };
    let (error, skip) = (OnParentError::Error, OnParentError::Skip);
    assert_eq!(rules(&[]), [skip, error]);
    let all = [("ENTRA_FLIGHT__CONNECTIONS__CONTOSO__ON_PARENT_ERROR", "skip")];
    assert_eq!(rules(&all), [skip, skip]);
    check_fault(
        &text.replace("\"skip\"", "\"omit\""),
        &[("CONTOSO_SECRET", "s3cret")],
        expect![[r#"
            the settings have 1 fault:
              - `connections.contoso.on_parent_error_of.group_members` must be `error` or `skip` (entra-flight.toml line 12)"#]],
    );
}

#[test]
fn values_of_another_type_have_a_rule_by_connection_and_table() {
    let text = format!("{WHOLE}mismatch_of = {{ users = \"extra\" }}\n");
    let rules = |environment: &[(&str, &str)]| {
        let environment = [&[("CONTOSO_SECRET", "s3cret")], environment].concat();
        let settings = load(&text, &environment).expect("settings");
        let rules = settings.connections["contoso"].mismatch.clone();
        ["users", "groups", "devices"].map(|table| rules.of(table))
    };
    let (error, extra) = (OnMismatch::Error, OnMismatch::Extra);
    assert_eq!(rules(&[]), [extra, error, error]);
    let environment = [
        ("ENTRA_FLIGHT__CONNECTIONS__CONTOSO__MISMATCH", "extra"),
        ("ENTRA_FLIGHT__CONNECTIONS__CONTOSO__MISMATCH_OF__GROUPS", "error"),
    ];
    assert_eq!(rules(&environment), [extra, error, extra]);
    let wrong = WHOLE.replace("deadline", "mismatch = \"null\"\ndeadline");
    check_fault(
        &wrong,
        &[("CONTOSO_SECRET", "s3cret")],
        expect![
            "the settings have 1 fault:\n  - `connections.contoso.mismatch` must be `error` or `extra` (entra-flight.toml line 11)"
        ],
    );
}
