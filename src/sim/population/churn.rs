//! What becomes of the directory from one round to the next: who joins, moves, is renamed, deleted,
//! restored or purged, and which groups change their members.
//!
//! A round is a number. What happens in it to a user is rolled from the user's dice, so that a
//! tenant in its thirtieth round is as computed, and as much the same each time, as one in its
//! first.

use super::chance::{below, one_in};
use super::user;
use super::{Kind, Object, Population, Relation};

/// Questions asked of the dice here, one for each round beyond these; apart from all others.
const OF_USER: u64 = 1 << 32;
const OF_GROUP: u64 = 2 << 32;

/// Of 1,000 users so many have something happen to them in a round.
const HAPPENS: u64 = 13;

/// In each round one joins for so many users that there were at first, and one more.
const JOINS_ONE_IN: u64 = 500;

/// Of 1,000 deleted users so many are restored in a round, and the next up to here purged.
const RESTORED: u64 = 250;
const PURGED: u64 = 500;

/// In each round one group in so many loses a member and gains another.
const GROUP_ONE_IN: u64 = 12;

/// What happened to a user in a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::sim) enum Happened {
    Joined,
    Moved,
    Renamed,
    Deleted,
    Restored,
    Purged,
}

/// What has become of a user.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Life {
    /// Whether it is in the directory and not among the deleted.
    pub(super) present: bool,
    /// How often it was moved to another department.
    pub(super) moves: u64,
    /// How often it was given another name.
    pub(super) names: u64,
    /// What happened in the last round.
    pub(super) last: Option<Happened>,
}

/// How many users join in a round.
fn joiners(population: &Population) -> u64 {
    population.count(Kind::User) / JOINS_ONE_IN + 1
}

/// How many users there were ever, up to a round.
pub(super) fn ever(population: &Population, round: u64) -> u64 {
    population.count(Kind::User) + round * joiners(population)
}

/// What has become of a user up to a round.
pub(super) fn life(population: &Population, index: u64, round: u64) -> Life {
    let later = index.checked_sub(population.count(Kind::User));
    let joined = later.map_or(0, |place| 1 + place / joiners(population));
    if joined > round {
        return Life::default();
    }
    let dice = population.dice(Kind::User, index);
    // The first user is above all others and stays.
    let stays = index == 0;
    let guest = user::is_guest(dice, index);
    let mut life = Life { present: true, ..Life::default() };
    let mut purged = false;
    for at in joined.max(1)..=round {
        let roll = dice.roll(OF_USER + at);
        let happened = match (life.present, below(roll, 1_000)) {
            _ if at == joined => Some(Happened::Joined),
            (false, _) if purged => None,
            (false, 0..RESTORED) => Some(Happened::Restored),
            (false, RESTORED..PURGED) => Some(Happened::Purged),
            (true, 0..HAPPENS) => Some(match below(roll << 20, 16) {
                0..4 if !stays => Happened::Deleted,
                4..7 => Happened::Renamed,
                // A guest has no department.
                _ if guest => Happened::Renamed,
                _ => Happened::Moved,
            }),
            _ => None,
        };
        match happened {
            Some(Happened::Joined | Happened::Restored) => life.present = true,
            Some(Happened::Moved) => life.moves += 1,
            Some(Happened::Renamed) => life.names += 1,
            Some(Happened::Deleted) => life.present = false,
            Some(Happened::Purged) => purged = true,
            None => {}
        }
        life.last = happened;
    }
    life
}

/// By how many places the walk over a group's users has moved on up to a round.
pub(super) fn shifts(population: &Population, group: u64, round: u64) -> u64 {
    let dice = population.dice(Kind::Group, group);
    (1..=round).filter(|at| one_in(dice.roll(OF_GROUP + at), GROUP_ONE_IN)).count() as u64
}

/// What happened to each user to whom something happened in a round.
pub(in crate::sim) fn happenings(population: &Population) -> Vec<(Object, Happened)> {
    let round = population.round();
    (0..ever(population, round))
        .filter_map(|index| {
            let happened = life(population, index, round).last?;
            Some((Object { kind: Kind::User, index }, happened))
        })
        .collect()
}

/// All memberships in groups, as they are now.
pub(in crate::sim) fn memberships(population: &Population) -> Vec<(Object, Object)> {
    let mut memberships = Vec::new();
    for index in 0..population.count(Kind::Group) {
        let group = Object { kind: Kind::Group, index };
        let members = 0..population.related_count(group, Relation::Members);
        let members = members.filter_map(|n| population.related(group, Relation::Members, n));
        memberships.extend(members.map(|member| (group, member)));
    }
    memberships
}
