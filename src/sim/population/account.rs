//! Who a user is: name, addresses, guest or member, manager. What other kinds show of users.

use super::chance::{Dice, below, pick};
use super::churn::{self, Life};
use super::directory::{DEFAULT_DOMAIN, INITIAL_DOMAIN};
use super::json::{number, put};
use super::names::{Person, SPELLING_BYTES_MAX, person};
use super::words::{GUEST_HOSTS, PLACES, Place};
use super::{Kind, Object, Population};

/// Questions asked of a user's dice here; apart from the numbers of properties.
const NAME: u64 = 1_100;
const GUEST: u64 = 1_101;
const DOMAIN: u64 = 1_102;
const PLACE: u64 = 1_103;
const DECORATION: u64 = 1_104;

/// Of 1,000 users so many are guests.
const GUESTS: u64 = 80;

/// How many report to one manager.
const REPORTS: u64 = 8;

/// Given name, dot, family name and a number of up to 10 digits.
const LOCAL_BYTES_MAX: usize = 2 * SPELLING_BYTES_MAX + 1 + 10;

/// The part of an address before the sign, such as `olivia.smith42`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Local {
    bytes: [u8; LOCAL_BYTES_MAX],
    length: usize,
}

impl AsRef<[u8]> for Local {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

/// A user's identity.
pub(super) struct Account {
    pub(super) index: u64,
    pub(super) dice: Dice,
    pub(super) person: Person,
    pub(super) guest: bool,
    pub(super) local: Local,
    /// A verified domain for members, the home domain for guests.
    pub(super) domain: &'static str,
    pub(super) place: &'static Place,
    /// How often it was moved to another department.
    pub(super) moves: u64,
}

impl Account {
    pub(super) fn new(population: &Population, index: u64) -> Self {
        let dice = population.dice(Kind::User, index);
        let life = match population.round() {
            0 => Life::default(),
            round => churn::life(population, index, round),
        };
        let person = person(dice.roll(NAME)).renamed(life.names);
        let guest = is_guest(dice, index);
        let roll = dice.roll(DOMAIN);
        let domain = match roll & 31 {
            _ if guest => pick(roll, GUEST_HOSTS),
            0 => "fabrikam.example",
            1 | 2 => "eu.contoso.example",
            _ => DEFAULT_DOMAIN,
        };
        let local = local(&person, index);
        let place = pick(dice.roll(PLACE), PLACES);
        Self { index, dice, person, guest, local, domain, place, moves: life.moves }
    }

    /// Appends the user principal name, without quotes.
    pub(super) fn write_upn(&self, out: &mut Vec<u8>) {
        if self.guest {
            put!(out, self.local, "_", self.domain, "#EXT#@", INITIAL_DOMAIN);
        } else {
            put!(out, self.local, "@", self.domain);
        }
    }

    /// Appends the display name, with quotes. One in eight is decorated: with quotes, slashes,
    /// control characters, emoji, marks that combine, or escapes where none is needed.
    pub(super) fn write_display_name(&self, out: &mut Vec<u8>) {
        let Person { given, family, family_first, .. } = self.person;
        let (first, second) = if family_first { (family.0, given.0) } else { (given.0, family.0) };
        match below(self.dice.roll(DECORATION), 512) {
            0..12 => put!(out, "\"", first, " \\\"", given.1, "\\\" ", second, "\""),
            12..18 => put!(out, "\"CONTOSO\\\\", given.1, "\""),
            18..21 => put!(out, "\"", first, "\\t", second, "\""),
            21..23 => put!(out, "\"", first, " \\u0001", second, "\""),
            23..28 => put!(out, "\"", first, " \\ud83e\\udd8a ", second, "\""),
            28..33 => put!(out, "\"", first, " O\\u0027", second, "\""),
            33..40 => put!(out, "\"", first, " ", second, " \u{1f680}\""),
            40..44 => put!(out, "\"", first, " 👩\u{200d}💻 ", second, "\""),
            44..50 => put!(out, "\"", first, " e\u{301}\u{328} ", second, "\""),
            50..54 => put!(out, "\"", first, " ", second, " (A\\/V)\""),
            _ if self.guest => put!(out, "\"", first, " ", second, " (Guest)\""),
            54..62 => put!(out, "\"", second, ", ", first, "\""),
            _ => put!(out, "\"", first, " ", second, "\""),
        }
    }
}

/// Builds `given.family42` on the stack.
fn local(person: &Person, index: u64) -> Local {
    let (given, family) = (person.given.1.as_bytes(), person.family.1.as_bytes());
    let mut bytes = [0; LOCAL_BYTES_MAX];
    bytes[..given.len()].copy_from_slice(given);
    bytes[given.len()] = b'.';
    let named = given.len() + 1 + family.len();
    bytes[given.len() + 1..named].copy_from_slice(family);
    let length = named + index.checked_ilog10().unwrap_or(0) as usize + 1;
    let mut rest = index;
    for digit in bytes[named..length].iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    Local { bytes, length }
}

#[inline]
pub(super) fn is_guest(dice: Dice, index: u64) -> bool {
    index > 0 && dice.per_mille(GUEST, GUESTS)
}

/// The manager: a member with a lower number who is there. Guests and the first user have none.
pub(super) fn manager(population: &Population, index: u64) -> Option<u64> {
    let guest = |index| is_guest(population.dice(Kind::User, index), index);
    if index == 0 || guest(index) {
        return None;
    }
    let gone = |index| !population.has(Object { kind: Kind::User, index });
    let mut manager = (index - 1) / REPORTS;
    while guest(manager) || gone(manager) {
        manager = (manager - 1) / REPORTS;
    }
    Some(manager)
}

/// Appends the display name of a user, with quotes.
pub(super) fn write_display_name(population: &Population, index: u64, out: &mut Vec<u8>) {
    Account::new(population, index).write_display_name(out);
}

/// The user with this user principal name, in any case: the name holds the user's number.
pub(super) fn find(population: &Population, upn: &str) -> Option<Object> {
    let digits = upn.find(|character: char| character.is_ascii_digit())?;
    let number = upn.get(digits..)?;
    let end = number.find(|character: char| !character.is_ascii_digit())?;
    let index = number.get(..end)?.parse().ok()?;
    if !population.has(Object { kind: Kind::User, index }) {
        return None;
    }
    let mut written = Vec::with_capacity(upn.len());
    Account::new(population, index).write_upn(&mut written);
    written.eq_ignore_ascii_case(upn.as_bytes()).then_some(Object { kind: Kind::User, index })
}

/// Appends a telephone number of a place, with quotes.
pub(super) fn write_phone(place: &Place, roll: u64, out: &mut Vec<u8>) {
    put!(out, "\"", place.dial, "0");
    number(out, 100 + below(roll, 900));
    put!(out, "\"");
}
