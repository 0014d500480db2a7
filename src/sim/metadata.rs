//! `$metadata`: what the simulated tenant serves, as a schema in CSDL.
//!
//! Types are read off the values themselves: the first objects of each kind show what a property
//! holds. A property that none of them has set is called a string.
//!
//! <https://docs.oasis-open.org/odata/odata-csdl-xml/v4.01/odata-csdl-xml-v4.01.html>

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::population::{Kind, Object, Population, Value};
use super::reply::Reply;
use super::surface::{COLLECTIONS, Collection};
use super::tenant::State;

/// How many objects of a kind are looked at.
const SAMPLES: u64 = 40;

/// Kinds that have no list of their own.
const UNLISTED: [Kind; 1] = [Kind::AppRoleAssignment];

impl State {
    /// Answers a request for the schema.
    pub(super) fn metadata(&self) -> Reply {
        let mut complex = BTreeMap::new();
        let mut entities = String::new();
        let listed = COLLECTIONS.iter().map(|of| (of.kind, Some(of)));
        for (kind, of) in listed.chain(UNLISTED.map(|kind| (kind, None))) {
            entity(&self.population, kind, of, &mut entities, &mut complex);
        }
        let mut text = String::from(HEAD);
        text.push_str(&entities);
        for (name, members) in &complex {
            let _ = write!(text, "<ComplexType Name=\"{name}\">");
            for (member, of) in members {
                let _ = write!(text, "<Property Name=\"{member}\" Type=\"{of}\"/>");
            }
            text.push_str("</ComplexType>");
        }
        text.push_str("<EntityContainer Name=\"GraphService\">");
        for of in COLLECTIONS {
            let (name, of) = (of.path.join("_"), type_name(of.kind));
            let _ =
                write!(text, "<EntitySet Name=\"{name}\" EntityType=\"microsoft.graph.{of}\"/>");
        }
        text.push_str("</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>");
        Reply::text("application/xml", text)
    }
}

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\
    <edmx:Edmx Version=\"4.0\" xmlns:edmx=\"http://docs.oasis-open.org/odata/ns/edmx\">\
    <edmx:DataServices><Schema Namespace=\"microsoft.graph\" \
    xmlns=\"http://docs.oasis-open.org/odata/ns/edm\">\
    <EntityType Name=\"entity\" Abstract=\"true\"><Key><PropertyRef Name=\"id\"/></Key>\
    <Property Name=\"id\" Type=\"Edm.String\" Nullable=\"false\"/></EntityType>\
    <EntityType Name=\"directoryObject\" BaseType=\"microsoft.graph.entity\"/>";

/// The members of the complex types, by type.
type Complex = BTreeMap<String, Vec<(String, String)>>;

fn entity(
    population: &Population,
    kind: Kind,
    of: Option<&Collection>,
    text: &mut String,
    complex: &mut Complex,
) {
    let name = type_name(kind);
    let base = match kind {
        Kind::Domain | Kind::SubscribedSku | Kind::OAuth2PermissionGrant => "entity",
        Kind::SignIn | Kind::DirectoryAudit => "entity",
        _ => "directoryObject",
    };
    let _ = write!(text, "<EntityType Name=\"{name}\" BaseType=\"microsoft.graph.{base}\">");
    for (place, property) in Population::properties(kind).iter().enumerate() {
        if property.name == "id" {
            continue;
        }
        let samples: Vec<Value> = (0..population.count(kind).min(SAMPLES))
            .map(|index| population.value(Object { kind, index }, place as u16))
            .collect();
        let of = type_of(&samples, name, property.name, complex);
        let _ = write!(text, "<Property Name=\"{}\" Type=\"{of}\"/>", property.name);
    }
    for link in of.map_or(&[][..], |of| of.links) {
        let target = match link.kinds {
            [kind] if !link.single => type_name(*kind),
            _ => "directoryObject",
        };
        let many = if link.single { ("", "") } else { ("Collection(", ")") };
        let _ = write!(
            text,
            "<NavigationProperty Name=\"{}\" Type=\"{}microsoft.graph.{target}{}\"/>",
            link.name, many.0, many.1
        );
    }
    text.push_str("</EntityType>");
}

/// The type that fits all values, and the complex types it brings along.
fn type_of(values: &[Value], owner: &str, property: &str, complex: &mut Complex) -> String {
    let Some(value) = values.iter().find(|value| !matches!(value, Value::Null)) else {
        return "Edm.String".to_owned();
    };
    match value {
        Value::Null | Value::Text(_) => "Edm.String".to_owned(),
        Value::Boolean(_) => "Edm.Boolean".to_owned(),
        Value::Integer(_) => "Edm.Int64".to_owned(),
        Value::Double(_) => "Edm.Double".to_owned(),
        Value::Timestamp(_) => "Edm.DateTimeOffset".to_owned(),
        Value::List(_) => {
            let items = values.iter().filter_map(|value| match value {
                Value::List(items) => Some(items),
                _ => None,
            });
            let items: Vec<Value> = items.flatten().cloned().collect();
            format!("Collection({})", type_of(&items, owner, property, complex))
        }
        Value::Struct(_) => {
            let name = format!("{owner}_{property}");
            let mut members: Vec<(String, Vec<Value>)> = Vec::new();
            for value in values {
                let Value::Struct(there) = value else { continue };
                for (member, value) in there {
                    match members.iter_mut().find(|(name, _)| name == member) {
                        Some((_, values)) => values.push(value.clone()),
                        None => members.push(((*member).to_owned(), vec![value.clone()])),
                    }
                }
            }
            let members = members
                .into_iter()
                .map(|(member, values)| {
                    let of = type_of(&values, &name, &member, complex);
                    (member, of)
                })
                .collect();
            complex.insert(name.clone(), members);
            format!("microsoft.graph.{name}")
        }
    }
}

/// `user` and so on.
fn type_name(kind: Kind) -> &'static str {
    let name = Population::odata_type(kind);
    name.rsplit('.').next().unwrap_or(name)
}
