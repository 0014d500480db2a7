//! What holds for every kind: rows are JSON, filters see what rows show, ids lead back.

use std::collections::HashSet;

use serde_json::Value as Json;

use super::*;

/// The row as JSON, of all properties or of those the predicate takes.
fn row(population: &Population, object: Object, take: impl Fn(&Property) -> bool) -> Json {
    let properties = Population::properties(object.kind).iter().enumerate();
    let selection: Vec<u16> =
        properties.filter(|(_, property)| take(property)).map(|(place, _)| place as u16).collect();
    let mut out = vec![b'{'];
    population.write(object, &selection, &mut out);
    out.push(b'}');
    let parsed = serde_json::from_slice(&out);
    assert!(parsed.is_ok(), "{object:?}: {parsed:?}: {}", String::from_utf8_lossy(&out));
    parsed.unwrap_or_default()
}

fn objects(population: &Population, most: u64) -> impl Iterator<Item = Object> {
    let counts = KINDS.map(|kind| (kind, population.count(kind)));
    counts.into_iter().flat_map(move |(kind, count)| {
        let step = count / most + 1;
        (0..count).step_by(step as usize).map(move |index| Object { kind, index })
    })
}

/// What a filter should see of a value in a row.
fn expected(name: &str, json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(yes) => Value::Boolean(*yes),
        Json::Number(number) => match number.as_i64() {
            Some(integer) => Value::Integer(integer),
            None => Value::Double(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text)
            if name.ends_with("DateTime")
                || ["birthday", "employeeHireDate", "hireDate"].contains(&name) =>
        {
            Value::Timestamp(slow_moment(text))
        }
        Json::String(text) => Value::Text(text.clone()),
        Json::Array(items) => Value::List(items.iter().map(|item| expected(name, item)).collect()),
        Json::Object(members) => Value::Struct(
            members
                .iter()
                .map(|(name, value)| (&*name.clone().leak(), expected(name, value)))
                .collect(),
        ),
    }
}

/// Microseconds since 1970 by counting every day: slow and plain.
fn slow_moment(text: &str) -> i64 {
    let (date, time) = text.trim_end_matches('Z').split_once('T').unwrap_or_default();
    let parts: Vec<i64> =
        date.split('-').chain(time.split([':', '.'])).filter_map(|n| n.parse().ok()).collect();
    let leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days_of = |year: i64| if leap(year) { 366 } else { 365 };
    let mut days: i64 = (1970..parts[0]).map(days_of).sum();
    days -= (parts[0]..1970).map(days_of).sum::<i64>();
    let months = [31, if leap(parts[0]) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    days += months.iter().take(parts[1] as usize - 1).sum::<i64>() + parts[2] - 1;
    let seconds = ((days * 24 + parts[3]) * 60 + parts[4]) * 60 + parts[5];
    seconds * 1_000_000 + parts.get(6).map_or(0, |ticks| ticks / 10)
}

/// The members of structures in one order: JSON objects have none.
fn sorted(value: Value) -> Value {
    match value {
        Value::List(items) => Value::List(items.into_iter().map(sorted).collect()),
        Value::Struct(mut members) => {
            members.sort_by_key(|(name, _)| *name);
            Value::Struct(members.into_iter().map(|(name, value)| (name, sorted(value))).collect())
        }
        other => other,
    }
}

#[test]
fn a_filter_sees_what_a_row_shows() {
    let population = Population::new(7, 40_000);
    for object in objects(&population, 600) {
        let shown = row(&population, object, |_| true);
        for (place, property) in Population::properties(object.kind).iter().enumerate() {
            let json = shown.get(property.name).unwrap_or(&Json::Null);
            let seen = population.value(object, place as u16);
            assert_eq!(
                sorted(seen),
                sorted(expected(property.name, json)),
                "{object:?} {}",
                property.name
            );
        }
    }
}

#[test]
fn an_id_leads_back_to_its_object() {
    let (population, other) = (Population::new(7, 3_000), Population::new(8, 3_000));
    let mut all = HashSet::new();
    for object in objects(&population, 900) {
        let shown = row(&population, object, |property| property.name == "id");
        let id = shown["id"].as_str().unwrap_or_default();
        let mut written = Vec::new();
        population.write_id(object, &mut written);
        assert_eq!(written, id.as_bytes());
        assert_eq!(population.find(id), Some(object), "{id}");
        assert!(all.insert(id.to_owned()), "{id} is the id of two objects");
        if !matches!(object.kind, Kind::Domain | Kind::Organization | Kind::SubscribedSku) {
            assert_eq!(other.find(id), None, "{id} is not of this tenant");
        }
    }
    let beyond = Object { kind: Kind::User, index: 3_000 };
    let mut id = Vec::new();
    population.write_id(beyond, &mut id);
    assert_eq!(population.find(&String::from_utf8_lossy(&id)), None);
    for id in
        ["", "me", "Directory_", "Directory_é", "00000000-0000-4000-8000-000000000001", "é\u{301}"]
    {
        assert_eq!(population.find(id), None);
    }
}

#[test]
fn a_user_is_found_by_name_in_any_case() {
    let population = Population::new(7, 3_000);
    for index in 0..3_000 {
        let user = Object { kind: Kind::User, index };
        let shown = row(&population, user, |property| property.name == "userPrincipalName");
        let upn = shown["userPrincipalName"].as_str().unwrap_or_default();
        assert_eq!(population.find_user(upn), Some(user));
        assert_eq!(population.find_user(&upn.to_uppercase()), Some(user));
        assert_eq!(population.find_user(&upn.replace('.', "-")), None);
    }
    assert_eq!(population.find_user("nobody@contoso.example"), None);
}

#[test]
fn the_smallest_tenants_have_every_kind() {
    for users in 0..=11 {
        let population = Population::new(users, users);
        for object in objects(&population, 100) {
            assert!(row(&population, object, |_| true)["id"].is_string());
        }
        assert!(KINDS.iter().skip(1).all(|&kind| {
            population.count(kind) > 0 || matches!(kind, Kind::Device | Kind::SignIn)
        }));
    }
}

#[test]
fn a_seed_is_a_tenant_for_ever() {
    let population = Population::new(7, 1_000);
    let shown =
        row(&population, Object { kind: Kind::User, index: 41 }, |property| property.default);
    expect_test::expect![[r#"
        {
          "businessPhones": [
            "+1 425 555 0896"
          ],
          "displayName": "Björn Öztürk",
          "givenName": "Björn",
          "id": "84050fec-5d8b-4d32-b278-4140561dfa01",
          "jobTitle": "Program Manager",
          "mail": "bjorn.ozturk41@fabrikam.example",
          "mobilePhone": "+1 425 555 0161",
          "officeLocation": "87/2034",
          "preferredLanguage": "en-US",
          "surname": "Öztürk",
          "userPrincipalName": "bjorn.ozturk41@fabrikam.example"
        }"#]]
    .assert_eq(&format!("{shown:#}"));
}

#[test]
fn users_are_as_various_as_people() {
    let population = Population::new(7, 20_000);
    let (mut guests, mut disabled, mut plain, mut escaped) = (0, 0, 0, 0);
    let mut bytes = 0;
    let listed: Vec<u16> = Population::properties(Kind::User)
        .iter()
        .enumerate()
        .filter(|(_, property)| !property.single_only && !property.name.starts_with("extension_"))
        .filter(|(_, property)| property.name != "signInActivity")
        .map(|(place, _)| place as u16)
        .collect();
    for index in 0..20_000 {
        let user = Object { kind: Kind::User, index };
        let mut out = Vec::new();
        population.write(user, &listed, &mut out);
        bytes += out.len();
        escaped += u64::from(out.contains(&b'\\'));
        let shown = row(&population, user, |property| {
            ["userType", "accountEnabled", "displayName"].contains(&property.name)
        });
        guests += u64::from(shown["userType"] == "Guest");
        disabled += u64::from(shown["accountEnabled"] == false);
        plain += u64::from(shown["displayName"].as_str().is_some_and(str::is_ascii));
    }
    assert!((1_400..1_800).contains(&guests), "{guests} guests");
    assert!((800..1_200).contains(&disabled), "{disabled} disabled");
    assert!((8_000..14_000).contains(&plain), "{plain} have plain names");
    assert!(escaped > 15_000, "{escaped} rows have escapes");
    assert!((3_100..3_600).contains(&(bytes / 20_000)), "a row has {} bytes", bytes / 20_000);
}

#[test]
fn two_million_users_take_no_memory() {
    let population = Population::new(7, 2_000_000);
    assert_eq!(population.count(Kind::Group), 400_005);
    let plans = format!("{:?}", population.plans).len();
    assert!(plans < 8 << 20, "the only tables have {plans} bytes, written out as numbers");
    assert_eq!(Population::new(7, u64::MAX).count(Kind::User), USERS_MAX);
}
