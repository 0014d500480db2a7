//! Who belongs to whom, as arithmetic: sizes from a roll, members from a walk with equal steps.

use super::chance::{Dice, Stride, below, one_in};
use super::{Kind, Object, Population, Relation, assignment, churn, user};

/// Questions asked of an object's dice here; apart from the numbers of properties.
const SIZE_CLASS: u64 = 1_000;
const SIZE: u64 = 1_001;
const MIXTURE: u64 = 1_002;
const ORDER: u64 = 1_003;
const OWNERS: u64 = 1_004;
const WHICH_OWNER: u64 = 1_005;
/// And one for each kind of member: who they are.
const WHICH_MEMBER: u64 = 1_010;

/// About so many groups are huge, however many there are.
const HUGE_GROUPS: u64 = 20;

/// No group has more than one twentieth of the tenant, 5 %, as members.
const LARGEST_PART: u64 = 20;

/// How many members of each kind, in the order in which they are numbered.
#[derive(Clone, Copy, Debug, Default)]
struct Roster {
    groups: u64,
    devices: u64,
    principals: u64,
    users: u64,
}

impl Roster {
    const fn size(self) -> u64 {
        self.groups + self.devices + self.principals + self.users
    }
}

pub(super) fn count(population: &Population, of: Object, relation: Relation) -> u64 {
    match relation {
        Relation::Members => roster(population, of).size(),
        Relation::Owners => owner_count(population, of),
        Relation::Manager => u64::from(nth(population, of, relation, 0).is_some()),
        Relation::AppRoleAssignments => assignment::of_principal(population, of).1,
        Relation::AppRoleAssignedTo => assignment::of_resource(population, of).count,
    }
}

pub(super) fn nth(
    population: &Population,
    of: Object,
    relation: Relation,
    n: u64,
) -> Option<Object> {
    match relation {
        Relation::Members => member(population, of, n),
        Relation::Owners => owner(population, of, n),
        Relation::Manager => {
            let manager =
                (of.kind == Kind::User && n == 0).then(|| user::manager(population, of.index));
            manager.flatten().map(|index| Object { kind: Kind::User, index })
        }
        Relation::AppRoleAssignments => {
            let (first, count) = assignment::of_principal(population, of);
            (n < count).then_some(Object { kind: Kind::AppRoleAssignment, index: first + n })
        }
        Relation::AppRoleAssignedTo => {
            let assigned = assignment::of_resource(population, of);
            let index = assigned.first + n * assigned.step;
            (n < assigned.count).then_some(Object { kind: Kind::AppRoleAssignment, index })
        }
    }
}

fn roster(population: &Population, of: Object) -> Roster {
    let dice = population.dice(of.kind, of.index);
    match of.kind {
        Kind::Group => group_roster(population, of.index, dice),
        Kind::DirectoryRole => role_roster(population, of.index, dice),
        Kind::AdministrativeUnit => unit_roster(population, dice),
        _ => Roster::default(),
    }
}

/// Many small groups, a few huge ones; some of devices, some with groups and services inside.
fn group_roster(population: &Population, index: u64, dice: Dice) -> Roster {
    let size = group_size(population, index, dice);
    let mixture = dice.roll(MIXTURE);
    let part = |shift: u32, most: u64| below(mixture << shift, most + 1);
    let devices_known = population.count(Kind::Device);
    match below(mixture, 100) {
        0..4 => {
            let devices = size.min(devices_known);
            Roster { devices, ..Roster::default() }
        }
        4..18 => {
            let below_it = population.count(Kind::Group).saturating_sub(index + 1);
            let groups = (1 + part(16, 5)).min(below_it).min(size);
            Roster { groups, users: size - groups, ..Roster::default() }
        }
        18..28 => {
            let services = population.count(Kind::ServicePrincipal);
            let principals = (1 + part(24, 3)).min(services).min(size);
            let devices = part(32, 4).min(devices_known).min(size - principals);
            Roster { principals, devices, users: size - principals - devices, groups: 0 }
        }
        _ => Roster { users: size, ..Roster::default() },
    }
}

fn group_size(population: &Population, index: u64, dice: Dice) -> u64 {
    let users = population.count(Kind::User);
    let largest = users / LARGEST_PART;
    let roll = dice.roll(SIZE);
    if index == 0 {
        return largest;
    }
    if index.is_multiple_of(population.count(Kind::Group) / HUGE_GROUPS + 1) {
        return largest / 10 + below(roll, largest - largest / 10 + 1);
    }
    let between = |least: u64, most: u64| least + below(roll, most - least + 1);
    let size = match below(dice.roll(SIZE_CLASS), 1_000) {
        0..60 => 0,
        60..640 => between(1, 10),
        640..900 => between(10, 50),
        900..985 => between(50, 200),
        _ => between(200, 1_000),
    };
    size.min(largest)
}

fn role_roster(population: &Population, index: u64, dice: Dice) -> Roster {
    let roll = dice.roll(SIZE);
    let most = if index == 0 { 4 } else { 12 };
    Roster {
        groups: below(roll << 8, 2).min(population.count(Kind::Group)),
        devices: 0,
        principals: below(roll << 16, 3).min(population.count(Kind::ServicePrincipal)),
        users: (u64::from(index == 0) + below(roll, most)).min(population.count(Kind::User)),
    }
}

fn unit_roster(population: &Population, dice: Dice) -> Roster {
    let roll = dice.roll(SIZE);
    let part = |shift: u32, kind: Kind, one_in: u64| {
        let all = population.count(kind);
        below(roll << shift, all / one_in + 1).min(all)
    };
    Roster {
        groups: part(8, Kind::Group, 200),
        devices: part(16, Kind::Device, 100),
        principals: 0,
        users: part(24, Kind::User, 50),
    }
}

fn member(population: &Population, of: Object, n: u64) -> Option<Object> {
    let roster = roster(population, of);
    if n >= roster.size() {
        return None;
    }
    let dice = population.dice(of.kind, of.index);
    let mut place = n;
    if roster.size() != roster.users {
        place = Stride::new(dice.roll(ORDER), roster.size()).at(n);
    }
    for (kind, count) in [
        (Kind::Group, roster.groups),
        (Kind::Device, roster.devices),
        (Kind::ServicePrincipal, roster.principals),
        (Kind::User, roster.users),
    ] {
        if place < count {
            let nested = of.kind == Kind::Group && kind == Kind::Group;
            // Groups hold only groups of a higher number, so none can hold itself.
            let first = if nested { of.index + 1 } else { 0 };
            let walk = Stride::new(
                dice.roll(WHICH_MEMBER + kind as u64),
                population.count(kind).saturating_sub(first),
            );
            let moved = match (of.kind, kind) {
                (Kind::Group, Kind::User) => {
                    churn::shifts(population, of.index, population.round())
                }
                _ => 0,
            };
            return Some(Object { kind, index: first + walk.at(place + moved) });
        }
        place -= count;
    }
    None
}

fn owner_count(population: &Population, of: Object) -> u64 {
    let roll = population.dice(of.kind, of.index).roll(OWNERS);
    let wanted = match (of.kind, below(roll, 100)) {
        (Kind::Group, 0..15) | (Kind::Application, 0..30) | (Kind::ServicePrincipal, 0..55) => 0,
        (Kind::Device, 0..10) => 0,
        (Kind::Group, 80..95) | (Kind::Application | Kind::ServicePrincipal, 85..) => 2,
        (Kind::Group, 95..) => 3,
        (Kind::Group | Kind::Application | Kind::ServicePrincipal | Kind::Device, _) => 1,
        _ => 0,
    };
    wanted.min(population.count(Kind::User))
}

fn owner(population: &Population, of: Object, n: u64) -> Option<Object> {
    if n >= owner_count(population, of) {
        return None;
    }
    let roll = population.dice(of.kind, of.index).roll(WHICH_OWNER);
    // A group may be owned by a service, which then takes the place of its second owner.
    if of.kind == Kind::Group && n == 1 && one_in(roll, 8) {
        let index = below(roll, population.count(Kind::ServicePrincipal));
        return Some(Object { kind: Kind::ServicePrincipal, index });
    }
    let index = Stride::new(roll, population.count(Kind::User)).at(n);
    Some(Object { kind: Kind::User, index })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn all(population: &Population, of: Object, relation: Relation) -> Vec<Object> {
        let count = count(population, of, relation);
        assert_eq!(nth(population, of, relation, count), None);
        (0..count).filter_map(|n| nth(population, of, relation, n)).collect()
    }

    #[test]
    fn related_objects_exist_and_differ() {
        for users in [0, 1, 2, 5, 10, 99, 1_000, 5_003] {
            let population = Population::new(users ^ 3, users);
            for kind in super::super::KINDS {
                for index in 0..population.count(kind).min(700) {
                    let of = Object { kind, index };
                    for relation in [
                        Relation::Members,
                        Relation::Owners,
                        Relation::Manager,
                        Relation::AppRoleAssignments,
                        Relation::AppRoleAssignedTo,
                    ] {
                        let related = all(&population, of, relation);
                        assert_eq!(related.len() as u64, count(&population, of, relation));
                        assert!(related.iter().all(|one| one.index < population.count(one.kind)));
                        let different: HashSet<_> = related.iter().collect();
                        assert_eq!(different.len(), related.len(), "{of:?} {relation:?}");
                        assert!(!different.contains(&of), "{of:?} is related to itself");
                    }
                }
            }
        }
    }

    #[test]
    fn groups_are_many_small_and_a_few_huge() {
        let population = Population::new(7, 100_000);
        let groups = population.count(Kind::Group);
        assert_eq!(groups, 20_005);
        let sizes: Vec<u64> = (0..groups)
            .map(|index| count(&population, Object { kind: Kind::Group, index }, Relation::Members))
            .collect();
        let total: u64 = sizes.iter().sum();
        assert!((500_000..1_000_000).contains(&total), "{total} memberships");
        assert_eq!(sizes.iter().max(), Some(&5_000));
        let part =
            |small: u64| sizes.iter().filter(|&&size| size < small).count() as u64 * 100 / groups;
        assert!(part(100) > 85 && part(1_000) > 95, "{} and {}", part(100), part(1_000));
        assert!(part(1) > 3);
    }

    #[test]
    fn managers_are_a_tree_and_assignments_agree_from_both_sides() {
        let population = Population::new(7, 3_000);
        let mut without = 0;
        for index in 0..3_000 {
            let mut at = Object { kind: Kind::User, index };
            for _ in 0..20 {
                match nth(&population, at, Relation::Manager, 0) {
                    Some(manager) => at = manager,
                    None => break,
                }
            }
            assert_eq!(nth(&population, at, Relation::Manager, 0), None);
            without += u64::from(at.index == index);
        }
        assert!((150..400).contains(&without), "{without} have no manager");
        let mut seen = HashSet::new();
        for index in 0..population.count(Kind::ServicePrincipal) {
            let resource = Object { kind: Kind::ServicePrincipal, index };
            seen.extend(all(&population, resource, Relation::AppRoleAssignedTo));
        }
        assert_eq!(seen.len() as u64, population.count(Kind::AppRoleAssignment));
        for kind in [Kind::User, Kind::Group, Kind::ServicePrincipal] {
            for index in 0..population.count(kind) {
                for one in all(&population, Object { kind, index }, Relation::AppRoleAssignments) {
                    assert!(seen.remove(&one), "{one:?} is assigned to two principals");
                }
            }
        }
        assert!(seen.is_empty());
    }
}
