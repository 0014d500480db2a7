//! How objects are written: which properties, whether with their type, and what they lead to.

use super::filter::unknown_property;
use super::limits;
use super::options::Expand;
use super::population::{Kind, Object, Population, Relation};
use super::reply::Refusal;
use super::rules;
use super::scramble::mix;
use super::surface::{Collection, DIRECTORY_OBJECTS, Link, collection_of, noun};

use http::StatusCode;

/// Of so many objects one gives fewer related ones under `$expand` than it should.
const FEWER_EVERY: u64 = 4;

/// How the objects of an answer are written.
#[derive(Debug)]
pub(super) struct Shape {
    /// Whether each names its type, because they may be of several. One of a derived type does so
    /// in any case.
    typed: bool,
    kinds: Vec<KindShape>,
    expansion: Option<Expansion>,
}

#[derive(Debug)]
struct KindShape {
    kind: Kind,
    selection: Vec<u16>,
    /// Whether what lists keep back is given.
    alone: bool,
    /// Properties written as null because the permission to read the kind is missing.
    hidden: Vec<&'static str>,
}

#[derive(Debug)]
struct Expansion {
    link: &'static Link,
    shape: Box<Shape>,
    /// Whether members of what hides them are shown.
    shows_hidden: bool,
    key: u64,
}

/// What is asked to be written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    pub(super) kinds: &'a [Kind],
    pub(super) typed: bool,
    pub(super) select: Option<&'a [String]>,
    /// Lists refuse some properties that a single object has.
    pub(super) listed: bool,
    pub(super) roles: &'a [String],
}

impl Shape {
    /// # Errors
    ///
    /// Graph's 400 for a property that no kind has, 501 for one that lists do not give.
    pub(super) fn new(wanted: &Wanted<'_>) -> Result<Shape, Refusal> {
        // What is declared as `directoryObject` may be any of them, as far as Graph can tell.
        let declared = if wanted.typed { DIRECTORY_OBJECTS } else { wanted.kinds };
        let of = match declared {
            [kind] => noun(*kind),
            _ => "DirectoryObject",
        };
        for name in wanted.select.unwrap_or_default() {
            let known = |kind: &Kind| rules::named(Population::properties(*kind), name);
            if !declared.iter().any(known) {
                return Err(unknown_property(name, of));
            }
        }
        let kinds = wanted.kinds.iter().map(|kind| KindShape::new(*kind, wanted));
        let kinds = kinds.collect::<Result<_, _>>()?;
        Ok(Shape { typed: wanted.typed, kinds, expansion: None })
    }

    /// The same with what each object leads to.
    ///
    /// # Errors
    ///
    /// Graph's 400 for a relation that cannot be followed so.
    pub(super) fn expanding(
        mut self,
        of: &Collection,
        expand: &Expand,
        roles: &[String],
        key: u64,
    ) -> Result<Shape, Refusal> {
        let link = of.links.iter().find(|link| link.expands && link.name == expand.name);
        let link = link.ok_or_else(|| unknown_property(&expand.name, noun(of.kind)))?;
        let wanted = Wanted {
            kinds: link.kinds,
            typed: true,
            select: expand.select.as_deref(),
            listed: true,
            roles,
        };
        let shape = Box::new(Shape::new(&wanted)?);
        let shows_hidden = rules::shows_hidden(roles);
        self.expansion = Some(Expansion { link, shape, shows_hidden, key });
        Ok(self)
    }

    /// Appends the members of an object, without braces. Nothing before them needs a comma.
    pub(super) fn write(&self, population: &Population, object: Object, out: &mut Vec<u8>) {
        let start = out.len();
        let of = Population::odata_type_of(object);
        if self.typed || of != Population::odata_type(object.kind) {
            out.extend_from_slice(b"\"@odata.type\":\"");
            out.extend_from_slice(of.as_bytes());
            out.push(b'"');
        }
        if let Some(shape) = self.kinds.iter().find(|shape| shape.kind == object.kind) {
            shape.write(population, object, start, out);
        }
        if let Some(expansion) = &self.expansion {
            expansion.write(population, object, start, out);
        }
    }
}

impl KindShape {
    fn new(kind: Kind, wanted: &Wanted<'_>) -> Result<KindShape, Refusal> {
        let properties = Population::properties(kind);
        let chosen = |place: usize| match wanted.select {
            Some(names) => {
                properties.get(place).is_some_and(|p| names.iter().any(|name| name == p.name))
            }
            None => properties.get(place).is_some_and(|property| property.default),
        };
        let places: Vec<usize> = (0..properties.len()).filter(|place| chosen(*place)).collect();
        let refused = places.iter().filter_map(|place| properties.get(*place));
        if wanted.listed
            && let Some(property) = refused.clone().find(|property| property.single_only)
        {
            let message = format!(
                "The property '{}' is only supported on requests for a single {}.",
                property.name,
                noun(kind)
            );
            return Err(Refusal::new(StatusCode::NOT_IMPLEMENTED, "NotImplemented", message));
        }
        let opening = collection_of(kind).map_or(&[][..], |collection| collection.permissions);
        let readable = !wanted.typed || opening.is_empty() || rules::any(opening, wanted.roles);
        let alone = !wanted.listed && wanted.select.is_some();
        let mut shape = KindShape { kind, selection: Vec::new(), alone, hidden: Vec::new() };
        for place in places {
            match properties.get(place) {
                Some(property) if !readable && property.name != "id" => {
                    shape.hidden.push(property.name);
                }
                _ => shape.selection.push(place as u16),
            }
        }
        Ok(shape)
    }

    fn write(&self, population: &Population, object: Object, start: usize, out: &mut Vec<u8>) {
        let comma = out.len() > start;
        if comma {
            out.push(b',');
        }
        let before = out.len();
        if self.alone {
            population.write_alone(object, &self.selection, out);
        } else {
            population.write(object, &self.selection, out);
        }
        if comma && out.len() == before {
            out.pop();
        }
        for name in &self.hidden {
            separate(start, out);
            out.push(b'"');
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b"\":null");
        }
    }
}

fn separate(start: usize, out: &mut Vec<u8>) {
    if out.len() > start {
        out.push(b',');
    }
}

impl Expansion {
    fn write(&self, population: &Population, object: Object, start: usize, out: &mut Vec<u8>) {
        let hidden = self.link.relation == Relation::Members
            && !self.shows_hidden
            && population.hides_members(object);
        let there = if hidden { 0 } else { population.related_count(object, self.link.relation) };
        if self.link.single {
            if let Some(other) = self.first(population, object, there) {
                self.open(start, out);
                self.write_one(population, other, out);
            }
            return;
        }
        self.open(start, out);
        out.push(b'[');
        let items = out.len();
        for place in 0..there.min(self.rows_max(object, there)) {
            if let Some(other) = population.related(object, self.link.relation, place) {
                separate(items, out);
                self.write_one(population, other, out);
            }
        }
        out.push(b']');
    }

    fn first(&self, population: &Population, object: Object, there: u64) -> Option<Object> {
        (there > 0).then(|| population.related(object, self.link.relation, 0)).flatten()
    }

    /// Twenty at most, and of some objects that have more than twenty not even those.
    fn rows_max(&self, object: Object, there: u64) -> u64 {
        let fewer = there > limits::EXPAND_ROWS_MAX
            && self.link.relation == Relation::Members
            && mix(self.key ^ object.index).is_multiple_of(FEWER_EVERY);
        if fewer { limits::EXPAND_ROWS_FEWER } else { limits::EXPAND_ROWS_MAX }
    }

    fn open(&self, start: usize, out: &mut Vec<u8>) {
        separate(start, out);
        out.push(b'"');
        out.extend_from_slice(self.link.name.as_bytes());
        out.extend_from_slice(b"\":");
    }

    fn write_one(&self, population: &Population, object: Object, out: &mut Vec<u8>) {
        out.push(b'{');
        self.shape.write(population, object, out);
        out.push(b'}');
    }
}
