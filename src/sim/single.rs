//! Single objects, by their key or at the end of a link that leads to one.

use super::listing::context;
use super::options::Options;
use super::population::{Kind, Object};
use super::reply::{Asked, Refusal, Reply};
use super::route::{Node, Route};
use super::shape::{Shape, Wanted};
use super::surface::Collection;
use super::tenant::State;

impl State {
    /// Answers a request for one object.
    pub(super) fn one(
        &self,
        asked: &Asked<'_>,
        route: &Route,
        options: &Options,
        roles: &[String],
    ) -> Result<Reply, Refusal> {
        match &route.node {
            Node::One { of, key } => {
                let object = self.find(of.kind, key)?;
                let shape = single(&[of.kind], false, options, roles)?;
                let shape = self.expand(shape, Some(of), options, roles)?;
                Ok(self.entity(asked, route, &of.path.join("/"), options, object, &shape))
            }
            Node::Related { of, key, link, .. } => {
                let from = self.find(of.kind, key)?;
                let there = self.population.related_count(from, link.relation) > 0;
                let object = there.then(|| self.population.related(from, link.relation, 0));
                let object = object.flatten().ok_or_else(|| Refusal::not_found(link.name))?;
                let shape = single(link.kinds, true, options, roles)?;
                let shape = self.expand(shape, None, options, roles)?;
                Ok(self.entity(asked, route, "directoryObjects", options, object, &shape))
            }
            _ => Err(Refusal::bad("This is not a single object.")),
        }
    }

    fn expand(
        &self,
        shape: Shape,
        of: Option<&Collection>,
        options: &Options,
        roles: &[String],
    ) -> Result<Shape, Refusal> {
        match (&options.expand, of) {
            (None, _) => Ok(shape),
            (Some(expand), Some(of)) => shape.expanding(of, expand, roles, self.key),
            (Some(_), None) => Err(Refusal::unsupported("$expand is not supported.")),
        }
    }

    fn entity(
        &self,
        asked: &Asked<'_>,
        route: &Route,
        set: &str,
        options: &Options,
        object: Object,
        shape: &Shape,
    ) -> Reply {
        let context = format!("{}/$entity", context(asked, route.version, set, options));
        let mut out = Vec::with_capacity(4_096);
        out.extend_from_slice(b"{\"@odata.context\":");
        out.extend_from_slice(serde_json::Value::from(context).to_string().as_bytes());
        let before = out.len();
        out.push(b',');
        let members = out.len();
        shape.write(&self.population, object, &mut out);
        if out.len() == members {
            out.truncate(before);
        }
        out.push(b'}');
        Reply::json(out)
    }
}

fn single(
    kinds: &[Kind],
    typed: bool,
    options: &Options,
    roles: &[String],
) -> Result<Shape, Refusal> {
    let select = options.select.as_deref();
    Shape::new(&Wanted { kinds, typed, select, listed: false, roles })
}
