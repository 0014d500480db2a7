//! Memberships that are hidden: what is missing without the permission to see them, and who says so.

use entra_flight::ops;
use entra_flight::query::Request;
use entra_flight::sim::{Builder, Tenant};
use expect_test::expect;

use crate::cli::{Running, run, settings};
use crate::house::{House, rows, texts};

const PERMISSION: &str = "Member.Read.Hidden";

fn tenant() -> Builder {
    Tenant::seed(7).users(600)
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_without_the_permission_is_what_is_said_to_be() {
    let (all, some) =
        (House::of(tenant().start()), House::of(tenant().without(PERMISSION).start()));
    let connection = |house: &House| house.engine.namespace().connection(None).cloned();
    let (with, without) = (connection(&all).expect("one"), connection(&some).expect("one"));
    let granted = ops::check(&with, "*", None).await.expect("a token");
    let missing = ops::check(&without, "*", None).await.expect("a token");
    let mut less = Vec::new();
    for (granted, missing) in granted.iter().zip(&missing) {
        assert_eq!(granted.table, missing.table);
        let words = [granted, missing].map(|access| access.hidden.as_ref().map(|it| it.word()));
        let table = with.catalog.table(&granted.table).expect("a table");
        let told = table.schema.metadata().get("entra.hidden_without").map(String::as_str);
        match told {
            Some(permission) => {
                assert_eq!(words, [Some("granted"), Some("missing")]);
                assert_eq!(permission, PERMISSION);
                less.push(granted.table.to_string());
            }
            None => assert_eq!(words, [None, None]),
        }
    }
    assert_eq!(less, ["administrative_unit_members", "group_members"]);
    for table in ["group_members", "group_owners", "groups"] {
        let request = Request { columns: Some(vec!["id".into()]), ..Request::table(table) };
        let whole = rows(&all.read(&request).await.expect(table));
        let shown = rows(&some.read(&request).await.expect(table));
        assert_eq!(shown < whole, less.iter().any(|it| it == table), "{table}: {shown} of {whole}");
    }
}

#[tokio::test(start_paused = true)]
async fn administrative_units_hide_members_as_well() {
    let mut hiding = 0;
    for seed in 1..30 {
        let tenant = || Tenant::seed(seed).users(60);
        let all = House::of(tenant().start());
        let units = all.table("administrative_units").await.expect("units");
        let units = texts(&units, "visibility");
        let hides = units.iter().flatten().any(|it| it == "HiddenMembership");
        let some = House::of(tenant().without(PERMISSION).start());
        let members = "administrative_unit_members";
        let whole = rows(&all.table(members).await.expect("members"));
        let shown = rows(&some.table(members).await.expect("members"));
        assert!(if hides { shown <= whole } else { shown == whole }, "{shown} of {whole}");
        hiding += usize::from(shown < whole);
    }
    assert!(hiding > 0, "no unit hides its members");
}

#[test]
fn check_and_describe_say_what_is_missing() {
    let folder = tempfile::tempdir().expect("a folder");
    let permissions = ["--permission", "Group.Read.All", "--permission", "User.Read.All"];
    let sim = Running::start(&[&["sim", "--users", "5"][..], &permissions].concat(), "login");
    let settings = settings(&sim, folder.path());
    let checked = run(&["check", "group*", "--settings", &settings]);
    let (shown, noted) = (checked.stdout, checked.stderr);
    let said = String::from_utf8([shown, noted].concat()).expect("text");
    expect![[r#"
         connection  table                       may be read  lacks                                                                                        hidden rows
         contoso     group_app_role_assignments  no           permission Directory.Read.All or AppRoleAssignment.ReadWrite.All or Directory.ReadWrite.All
         contoso     group_members               yes                                                                                                       missing
         contoso     group_owners                yes
         contoso     groups                      yes
        rows of `group_members` that are hidden will be missing: grant `Member.Read.Hidden` to read them
        3 of 4 tables may be read
    "#]].assert_eq(&said);
    let described = run(&["describe", "group_members", "--settings", &settings]);
    let said = String::from_utf8(described.stdout).expect("text");
    let head: Vec<&str> = said.lines().take_while(|line| !line.is_empty()).collect();
    expect![[r#"
        description: Who is directly in which group
        path: /groups/{id}/members
        key: group_id,id
        permission: GroupMember.Read.All,Group.Read.All,GroupMember.ReadWrite.All,Group.ReadWrite.All,Directory.Read.All
        hidden: rows that Graph leaves out silently without Member.Read.Hidden"#]].assert_eq(&head.join("\n"));
}
