//! What a round of changes did to the tenant.

use std::collections::HashSet;

use super::population::{Happened, Object, Population, happenings, memberships};

/// What happened in one round, by Graph's ids. Each list is in no order, and a user is in one of
/// them at most.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Churn {
    /// Which round it was, counted from 1.
    pub round: u64,
    /// Users who are new.
    pub joined: Vec<String>,
    /// Users whose `department` is another.
    pub moved: Vec<String>,
    /// Users whose `surname` is another, and what is made of it: their names and addresses.
    pub renamed: Vec<String>,
    /// Users who were deleted and can be restored: neither lists nor memberships show them.
    pub deleted: Vec<String>,
    /// Users who had been deleted and are back as they were, in their groups too.
    pub restored: Vec<String>,
    /// Users who had been deleted and never come back.
    pub purged: Vec<String>,
    /// Groups and members that they gained, those of restored users included.
    pub members_added: Vec<(String, String)>,
    /// Groups and members that they lost, those of deleted users included.
    pub members_removed: Vec<(String, String)>,
}

impl Churn {
    /// Lets the next round happen and looks at what it did, in time that grows with all users and
    /// memberships.
    pub(super) fn next(population: &Population) -> Self {
        let before = memberships(population);
        population.go_on(1);
        let after = memberships(population);
        let mut churn = Churn { round: population.round(), ..Churn::default() };
        for (user, happened) in happenings(population) {
            let list = match happened {
                Happened::Joined => &mut churn.joined,
                Happened::Moved => &mut churn.moved,
                Happened::Renamed => &mut churn.renamed,
                Happened::Deleted => &mut churn.deleted,
                Happened::Restored => &mut churn.restored,
                Happened::Purged => &mut churn.purged,
            };
            list.push(id(population, user));
        }
        churn.members_added = beyond(population, &after, &before);
        churn.members_removed = beyond(population, &before, &after);
        churn
    }
}

/// The memberships that are in the first list and not in the second.
fn beyond(
    population: &Population,
    these: &[(Object, Object)],
    those: &[(Object, Object)],
) -> Vec<(String, String)> {
    let those: HashSet<_> = those.iter().collect();
    let beyond = these.iter().filter(|membership| !those.contains(membership));
    beyond.map(|(group, member)| (id(population, *group), id(population, *member))).collect()
}

fn id(population: &Population, object: Object) -> String {
    let mut written = Vec::new();
    population.write_id(object, &mut written);
    String::from_utf8_lossy(&written).into_owned()
}
