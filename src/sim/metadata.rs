//! `$metadata`: what the simulated tenant serves, as a schema in CSDL.
//!
//! Names and types are those of Graph's own schema; what the tenant does not serve is left out.
//! Directory extensions are not declared there either: they are what makes a type open.
//!
//! <https://docs.oasis-open.org/odata/odata-csdl-xml/v4.01/odata-csdl-xml-v4.01.html>

use std::fmt::Write as _;

use super::complex::{COMPLEX, ENUMERATIONS, full_name};
use super::population::{Kind, Population};
use super::reply::Reply;
use super::surface::{COLLECTIONS, Collection, DIRECTORY_OBJECTS};
use super::tenant::State;

/// Kinds that have no list of their own.
const UNLISTED: [Kind; 1] = [Kind::AppRoleAssignment];

/// Lists that lie below an object of which there is one: its name, its type, and that one's base.
const SINGLETONS: [(&str, &str, Option<&str>); 2] =
    [("auditLogs", "auditLogRoot", None), ("directory", "directory", Some("entity"))];

/// The types of single objects that lists of their base show.
const DERIVED: [(&str, Kind); 2] =
    [("agentUser", Kind::User), ("agentIdentity", Kind::ServicePrincipal)];

impl State {
    /// Answers a request for the schema.
    pub(super) fn metadata(&self) -> Reply {
        let mut text = String::from(HEAD);
        let listed = COLLECTIONS.iter().map(|of| (of.kind, Some(of)));
        for (kind, of) in listed.chain(UNLISTED.map(|kind| (kind, None))) {
            entity(kind, of, &mut text);
        }
        for (name, kind) in DERIVED {
            let base = type_name(kind);
            open_type("EntityType", name, Some(base), true, &mut text);
            text.push_str("</EntityType>");
        }
        for (name, of, base) in SINGLETONS {
            open_type("EntityType", of, base, false, &mut text);
            for below in COLLECTIONS.iter().filter(|below| below.path.first() == Some(&name)) {
                let leaf = below.path.last().copied().unwrap_or_default();
                let of = type_name(below.kind);
                let _ = write!(
                    text,
                    "<NavigationProperty Name=\"{leaf}\" Type=\"Collection(microsoft.graph.{of})\" \
                     ContainsTarget=\"true\"/>"
                );
            }
            text.push_str("</EntityType>");
        }
        types(&mut text);
        container(&mut text);
        text.push_str("</Schema></edmx:DataServices></edmx:Edmx>");
        Reply::text("application/xml", text)
    }
}

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\
    <edmx:Edmx Version=\"4.0\" xmlns:edmx=\"http://docs.oasis-open.org/odata/ns/edmx\">\
    <edmx:DataServices><Schema Namespace=\"microsoft.graph\" \
    xmlns=\"http://docs.oasis-open.org/odata/ns/edm\">\
    <EntityType Name=\"entity\" Abstract=\"true\"><Key><PropertyRef Name=\"id\"/></Key>\
    <Property Name=\"id\" Type=\"Edm.String\" Nullable=\"false\"/></EntityType>\
    <EntityType Name=\"directoryObject\" BaseType=\"microsoft.graph.entity\" OpenType=\"true\">\
    <Property Name=\"deletedDateTime\" Type=\"Edm.DateTimeOffset\"/></EntityType>";

fn open_type(element: &str, name: &str, base: Option<&str>, open: bool, text: &mut String) {
    let _ = write!(text, "<{element} Name=\"{name}\"");
    if let Some(base) = base {
        let _ = write!(text, " BaseType=\"microsoft.graph.{base}\"");
    }
    text.push_str(if open { " OpenType=\"true\">" } else { ">" });
}

fn entity(kind: Kind, of: Option<&Collection>, text: &mut String) {
    let open = DIRECTORY_OBJECTS.contains(&kind);
    let directory = open || kind == Kind::AppRoleAssignment;
    let (base, inherited): (&str, &[&str]) = if directory {
        ("directoryObject", &["id", "deletedDateTime"])
    } else {
        ("entity", &["id"])
    };
    open_type("EntityType", type_name(kind), Some(base), open, text);
    for property in Population::properties(kind) {
        if !property.extension && !inherited.contains(&property.name) {
            member(property.name, property.of, text);
        }
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

fn member(name: &str, of: &'static str, text: &mut String) {
    let _ = write!(text, "<Property Name=\"{name}\" Type=\"{}\"/>", full_name(of));
}

fn types(text: &mut String) {
    for complex in COMPLEX {
        open_type("ComplexType", complex.name, complex.base, complex.open, text);
        if complex.is_abstract {
            text.truncate(text.len() - 1);
            text.push_str(" Abstract=\"true\">");
        }
        for (name, of) in complex.members {
            member(name, of, text);
        }
        text.push_str("</ComplexType>");
    }
    for known in ENUMERATIONS {
        let flags = if known.flags { " IsFlags=\"true\"" } else { "" };
        let _ = write!(text, "<EnumType Name=\"{}\"{flags}>", known.name);
        for (name, value) in known.members {
            let _ = write!(text, "<Member Name=\"{name}\" Value=\"{value}\"/>");
        }
        text.push_str("</EnumType>");
    }
}

fn container(text: &mut String) {
    text.push_str("<EntityContainer Name=\"GraphService\">");
    for of in COLLECTIONS {
        if let [name] = of.path {
            let of = type_name(of.kind);
            let _ =
                write!(text, "<EntitySet Name=\"{name}\" EntityType=\"microsoft.graph.{of}\"/>");
        }
    }
    for (name, of, _) in SINGLETONS {
        let _ = write!(text, "<Singleton Name=\"{name}\" Type=\"microsoft.graph.{of}\"/>");
    }
    text.push_str("</EntityContainer>");
}

/// `user` and so on.
fn type_name(kind: Kind) -> &'static str {
    let name = Population::odata_type(kind);
    name.rsplit('.').next().unwrap_or(name)
}
