//! Bounds of the catalogue.

/// How deep lists and structs may nest in the notation of a type. Graph's deepest listed property
/// nests six levels (the rules of an application's request signature); the parser recurses, so
/// there has to be an end.
pub const TYPE_DEPTH_MAX: usize = 16;

/// The longest name, in bytes, for which near names are looked for; the search costs the product
/// of two lengths, and the longest name of ours has under 50.
pub const NAME_BYTES_MAX: usize = 128;

/// How many near names an error lists: more than three is a list to read, not a hint.
pub const NEAR_NAMES_MAX: usize = 3;

/// How many characters of a name that nobody knows an error repeats.
pub const NAME_SHOWN_MAX: usize = 80;
