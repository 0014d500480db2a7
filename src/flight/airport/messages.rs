//! Airport's messages: maps in MessagePack, in the bodies of actions, in their results and in the
//! `app_metadata` of a FlightInfo.
//!
//! The structs are the wire: their fields have the names that stand in the maps. What a client
//! sends may lack any parameter, and says an empty text where it means none; what an answer
//! leaves unset is nil. The client packs bytes as text whether or not they are UTF-8, and reads
//! either form.

use std::collections::BTreeMap;
use std::{fmt, io};

use serde::de::{self, DeserializeOwned, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// How deep what a client sends may nest; a request has three levels.
const DEPTH_MAX: usize = 16;

/// Where zstd gives most for its time.
const LEVEL: i32 = 3;

/// Why a message cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not MessagePack, or not the map expected.
    #[error("the body is not the MessagePack map expected")]
    Decode(#[source] rmp_serde::decode::Error),
    /// A fault of ours.
    #[error("could not write a MessagePack map")]
    Encode(#[source] rmp_serde::encode::Error),
}

/// Reads a message.
///
/// Keys that are not known are passed over, as is what follows the message.
///
/// # Errors
///
/// [`Error::Decode`].
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    let mut reader = rmp_serde::Deserializer::from_read_ref(bytes);
    reader.set_max_depth(DEPTH_MAX);
    T::deserialize(&mut reader).map_err(Error::Decode)
}

/// Writes a message.
///
/// # Errors
///
/// [`Error::Encode`], which would be a fault of ours.
pub fn encode<T: Serialize>(message: &T) -> Result<Vec<u8>, Error> {
    rmp_serde::to_vec_named(message).map_err(Error::Encode)
}

/// Bytes: read from text or binary, written as binary.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Blob(pub Vec<u8>);

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl Visitor<'_> for Either {
            type Value = Blob;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text or binary")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Blob, E> {
                self.visit_bytes(text.as_bytes())
            }

            // Text that is not UTF-8 comes here too.
            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Blob, E> {
                Ok(Blob(bytes.to_vec()))
            }

            fn visit_byte_buf<E: de::Error>(self, bytes: Vec<u8>) -> Result<Blob, E> {
                Ok(Blob(bytes))
            }
        }

        deserializer.deserialize_byte_buf(Either)
    }
}

/// Text of which the empty one means none.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let bytes = blob(deserializer)?;
    let text = bytes.map(|Blob(bytes)| String::from_utf8(bytes)).transpose();
    text.map_err(|_| de::Error::custom("a text is not UTF-8"))
}

/// Bytes of which none at all mean that they are unset.
fn blob<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Blob>, D::Error> {
    let bytes = Option::<Blob>::deserialize(deserializer)?;
    Ok(bytes.filter(|Blob(bytes)| !bytes.is_empty()))
}

/// The body of `list_schemas`, `catalog_version` and `create_transaction`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogRequest {
    /// The database that was named in `ATTACH`.
    pub catalog_name: String,
}

/// The body of `endpoints`, which comes before every scan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointsRequest {
    /// A serialized `FlightDescriptor`, as the table's FlightInfo has it.
    pub descriptor: Blob,
    /// What is wanted of the table.
    #[serde(default)]
    pub parameters: Parameters,
}

/// What a scan wants of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Parameters {
    /// What rows are left out, as DuckDB serializes expressions.
    #[serde(deserialize_with = "text")]
    pub json_filters: Option<String>,
    /// Places of columns in the table's schema; from 2^63 on, columns that are in no table. A
    /// scan that does not say wants all of them.
    pub column_ids: Option<Vec<u64>>,
    /// `VERSION` or `TIMESTAMP`.
    #[serde(deserialize_with = "text")]
    pub at_unit: Option<String>,
    /// The version or the time.
    #[serde(deserialize_with = "text")]
    pub at_value: Option<String>,
    /// One row in Arrow IPC.
    #[serde(deserialize_with = "blob")]
    pub table_function_parameters: Option<Blob>,
    /// A schema in Arrow IPC.
    #[serde(deserialize_with = "blob")]
    pub table_function_input_schema: Option<Blob>,
}

/// The body of `flight_info`: a table as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlightInfoRequest {
    /// A serialized `FlightDescriptor`, as the table's FlightInfo has it.
    pub descriptor: Blob,
    /// `VERSION` or `TIMESTAMP`.
    #[serde(default, deserialize_with = "text")]
    pub at_unit: Option<String>,
    /// The version or the time.
    #[serde(default, deserialize_with = "text")]
    pub at_value: Option<String>,
}

/// The result of `catalog_version`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogVersion {
    /// Grows whenever the tables change.
    pub catalog_version: u64,
    /// Whether they never do, so that nobody need ask again.
    pub is_fixed: bool,
}

/// The result of `create_transaction`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transaction {
    /// What the client sends along from now on.
    pub identifier: Option<String>,
}

/// The body of `column_statistics`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatisticsRequest {
    /// A serialized `FlightDescriptor`, as the table's FlightInfo has it.
    pub flight_descriptor: Blob,
    /// The column, by its name.
    pub column_name: String,
}

/// The `app_metadata` of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// The part of the rows that have come, this batch included: 0 to 1.
    pub progress: f64,
}

/// The result of `list_schemas`, once it is [`packed`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogRoot {
    /// All schemas in one bundle; empty where each has its own contents.
    pub contents: Contents,
    /// No name twice, and none of them `main`: the client finds no such schema.
    pub schemas: Vec<Schema>,
    /// As `catalog_version` says it.
    pub version_info: CatalogVersion,
}

/// Where something is to be had.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// Of what is had, in hexadecimal; empty if it is not to be kept by the client. Never nil.
    pub sha256: String,
    /// An address.
    pub url: Option<String>,
    /// The thing itself, [`packed`].
    pub serialized: Option<Blob>,
}

/// A schema.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schema {
    /// Its name.
    pub name: String,
    /// What is in it.
    pub description: String,
    /// More about it.
    pub tags: BTreeMap<String, String>,
    /// Its tables: [`infos`], [`packed`].
    pub contents: Contents,
    /// Whether names without a schema mean this one; the client does not heed it.
    pub is_default: Option<bool>,
}

/// The `app_metadata` of a FlightInfo: what the flight is to DuckDB.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// `table`, `table_function` or `scalar_function`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The schema it is in.
    pub schema: String,
    /// The database that was named in `ATTACH`; the client refuses any other.
    pub catalog: String,
    /// Its name.
    pub name: String,
    /// Shown as the comment of a table.
    pub comment: Option<String>,
    /// What a function takes: a schema in Arrow IPC.
    pub input_schema: Option<Blob>,
    /// The action behind a function.
    pub action_name: Option<String>,
    /// What a function does.
    pub description: Option<String>,
    /// More about it.
    pub extra_data: Option<Blob>,
}

/// Bytes as the client unpacks them: an array of their length and of themselves, compressed.
///
/// # Errors
///
/// Of bytes whose length does not fit into 32 bits, and what zstd meets.
pub fn packed(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
    let compressed = Blob(zstd::bulk::compress(bytes, LEVEL)?);
    rmp_serde::to_vec(&(length, compressed)).map_err(io::Error::other)
}

/// The contents of a schema: serialized FlightInfos.
pub fn infos(infos: &[Vec<u8>]) -> Vec<u8> {
    array(infos)
}

/// The result of `endpoints`: serialized FlightEndpoints.
pub fn endpoints(endpoints: &[Vec<u8>]) -> Vec<u8> {
    array(endpoints)
}

/// An array of binary values, written by hand because that cannot fail.
fn array(items: &[Vec<u8>]) -> Vec<u8> {
    const ARRAY_32: u8 = 0xdd;
    const BIN_32: u8 = 0xc6;
    const HEAD_BYTES: usize = 5;
    // What is longer than 32 bits can say does not fit into a gRPC message either.
    let length = |of: usize| u32::try_from(of).unwrap_or(u32::MAX).to_be_bytes();
    let bytes: usize = items.iter().map(|item| HEAD_BYTES + item.len()).sum();
    let mut out = Vec::with_capacity(HEAD_BYTES + bytes);
    out.push(ARRAY_32);
    out.extend(length(items.len()));
    for item in items {
        out.push(BIN_32);
        out.extend(length(item.len()));
        out.extend(item);
    }
    out
}

#[cfg(test)]
mod tests;
