//! Chance without a generator: every roll is a function of what it is rolled for.

/// Odd constant that spreads small numbers over 64 bits.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// Primes above 2^40: none divides a count, so each is coprime to every count.
const PRIMES: [u64; 8] = [
    894_620_416_783_616_987,
    512_861_733_934_685_771,
    6_126_735_935_693_227,
    441_827_709_099_458_867,
    650_303_715_849_165_841,
    195_179_075_825_646_397,
    129_774_348_738_326_777,
    518_566_820_902_787_549,
];

/// Scrambles 64 bits; one to one.
#[inline]
pub(super) const fn mix(bits: u64) -> u64 {
    let mut x = bits;
    x ^= x >> 32;
    x = x.wrapping_mul(0xd6e8_feb8_6659_fd93);
    x ^= x >> 32;
    x = x.wrapping_mul(0xd6e8_feb8_6659_fd93);
    x ^ (x >> 32)
}

/// A number below `count`, from the high bits of a roll; 0 when there is nothing to choose from.
#[inline]
pub(super) const fn below(roll: u64, count: u64) -> u64 {
    ((roll as u128 * count as u128) >> 64) as u64
}

/// One of a fixed list, which is never empty.
#[inline]
pub(super) fn pick<T>(roll: u64, of: &[T]) -> &T {
    &of[below(roll, of.len() as u64) as usize]
}

/// The one that comes so many places after it, around the end.
#[inline]
pub(super) fn turned<T>(roll: u64, of: &[T], places: u64) -> &T {
    let length = of.len() as u64;
    &of[((below(roll, length) + places) % length) as usize]
}

/// Whether a roll is one of those that come up once in `many`.
#[inline]
pub(super) const fn one_in(roll: u64, many: u64) -> bool {
    roll.is_multiple_of(many)
}

/// The rolls of one object: the same object and the same question give the same answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dice(u64);

impl Dice {
    #[inline]
    pub(super) const fn new(key: u64, index: u64) -> Self {
        Self(mix(key ^ index.wrapping_mul(SPREAD)))
    }

    /// The roll for one question, 64 even bits.
    #[inline]
    pub(super) const fn roll(self, question: u64) -> u64 {
        mix(self.0 ^ question.wrapping_add(1).wrapping_mul(SPREAD))
    }

    /// Whether something happens that happens to `parts` in 1,000.
    #[inline]
    pub(super) const fn per_mille(self, question: u64, parts: u64) -> bool {
        below(self.roll(question), 1_000) < parts
    }
}

/// An order of the numbers below a count in which each comes once: start, then equal steps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stride {
    start: u64,
    step: u64,
    count: u64,
}

impl Stride {
    /// `count` is at most 2^32, so that the products stay in 64 bits.
    #[inline]
    pub(super) fn new(roll: u64, count: u64) -> Self {
        let prime = PRIMES[(roll % 8) as usize];
        Self { start: below(roll, count), step: prime.checked_rem(count).unwrap_or(0), count }
    }

    /// The n-th number; 0 when there are none.
    #[inline]
    pub(super) fn at(self, n: u64) -> u64 {
        (self.start + n.wrapping_mul(self.step)).checked_rem(self.count).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stride_visits_each_number_once() {
        for count in [1, 2, 3, 7, 64, 1_000, 4_097] {
            for roll in 0..16 {
                let stride = Stride::new(mix(roll), count);
                let mut seen: Vec<u64> = (0..count).map(|n| stride.at(n)).collect();
                seen.sort_unstable();
                assert_eq!(seen, (0..count).collect::<Vec<_>>(), "count {count}, roll {roll}");
            }
        }
    }

    #[test]
    fn nothing_to_choose_from_is_no_fault() {
        assert_eq!(below(u64::MAX, 0), 0);
        assert_eq!(Stride::new(7, 0).at(5), 0);
    }
}
