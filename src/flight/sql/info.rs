//! What Flight SQL's GetSqlInfo and GetXdbcTypeInfo tell of this server.
//!
//! The JDBC driver asks for everything at once and casts each answer to the Java type that it
//! expects: an entry that is missing, that has another variant of the union, or whose number is
//! not in the protocol ends its session. So every number of [`SqlInfo`](Info) is here and no other, in
//! tables by variant.
//!
//! <https://github.com/apache/arrow/blob/main/format/FlightSql.proto>

use std::collections::BTreeMap;

use arrow::datatypes::DataType;
use arrow_flight::error::FlightError;
use arrow_flight::sql::metadata::{
    SqlInfoData, SqlInfoDataBuilder, XdbcTypeInfo, XdbcTypeInfoData, XdbcTypeInfoDataBuilder,
};
use arrow_flight::sql::{
    Nullable, Searchable, SqlInfo as Info, SqlNullOrdering, SqlSupportedCaseSensitivity as Case,
    SqlSupportedTransaction, XdbcDataType as Code, XdbcDatetimeSubcode as Subcode,
};

const TEXTS: [(Info, &str); 11] = [
    (Info::FlightSqlServerName, "entra-flight"),
    (Info::FlightSqlServerVersion, env!("CARGO_PKG_VERSION")),
    (Info::FlightSqlServerArrowVersion, "59"),
    // The union has no null, which is what the protocol wants where there is no Substrait.
    (Info::FlightSqlServerSubstraitMinVersion, ""),
    (Info::FlightSqlServerSubstraitMaxVersion, ""),
    (Info::SqlIdentifierQuoteChar, "\""),
    (Info::SqlSearchStringEscape, "\\"),
    (Info::SqlExtraNameCharacters, ""),
    (Info::SqlSchemaTerm, "schema"),
    (Info::SqlProcedureTerm, "procedure"),
    (Info::SqlCatalogTerm, "catalog"),
];

const FLAGS: [(Info, bool); 32] = [
    (Info::FlightSqlServerReadOnly, true),
    (Info::FlightSqlServerSql, true),
    (Info::FlightSqlServerSubstrait, false),
    (Info::FlightSqlServerCancel, true),
    (Info::FlightSqlServerBulkIngestion, false),
    (Info::FlightSqlServerIngestTransactionsSupported, false),
    (Info::SqlDdlCatalog, false),
    (Info::SqlDdlSchema, false),
    (Info::SqlDdlTable, false),
    (Info::SqlAllTablesAreSelectable, true),
    (Info::SqlSupportsColumnAliasing, true),
    (Info::SqlNullPlusNullIsNull, true),
    (Info::SqlSupportsTableCorrelationNames, true),
    // True would say that an alias must not be the name of a table.
    (Info::SqlSupportsDifferentTableCorrelationNames, false),
    (Info::SqlSupportsExpressionsInOrderBy, true),
    (Info::SqlSupportsOrderByUnrelated, true),
    (Info::SqlSupportsLikeEscapeClause, true),
    // Every column may be null: a tenant promises nothing.
    (Info::SqlSupportsNonNullableColumns, false),
    (Info::SqlSupportsIntegrityEnhancementFacility, false),
    (Info::SqlCatalogAtStart, true),
    (Info::SqlSelectForUpdateSupported, false),
    (Info::SqlStoredProceduresSupported, false),
    (Info::SqlCorrelatedSubqueriesSupported, true),
    // The size of a row has no limit, so that long values count as much as others.
    (Info::SqlMaxRowSizeIncludesBlobs, true),
    (Info::SqlTransactionsSupported, false),
    (Info::SqlDataDefinitionCausesTransactionCommit, false),
    // They are refused, which is not the same as ignored.
    (Info::SqlDataDefinitionsInTransactionsIgnored, false),
    (Info::SqlBatchUpdatesSupported, false),
    (Info::SqlSavepointsSupported, false),
    (Info::SqlNamedParametersSupported, false),
    (Info::SqlLocatorsUpdateCopy, false),
    (Info::SqlStoredFunctionsUsingCallSyntaxSupported, false),
];

/// Values of enumerations and times in milliseconds; where the comment names several values of an
/// enumeration, each is the bit at its place.
const NUMBERS: [(Info, i32); 21] = [
    (Info::FlightSqlServerTransaction, SqlSupportedTransaction::None as i32),
    (Info::FlightSqlServerStatementTimeout, 0),
    (Info::FlightSqlServerTransactionTimeout, 0),
    // Without quotes a name means the table or column that differs from it at most in case.
    (Info::SqlIdentifierCase, Case::SqlCaseSensitivityCaseInsensitive as i32),
    // With quotes it is exact, for which the protocol has no value.
    (Info::SqlQuotedIdentifierCase, Case::SqlCaseSensitivityUnknown as i32),
    // DataFusion's `default_null_ordering` is `nulls_max`.
    (Info::SqlNullOrdering, SqlNullOrdering::SqlNullsSortedHigh as i32),
    (Info::SqlSupportedGroupBy, 0b11),  // unrelated, beyond select
    (Info::SqlSupportedGrammar, 0b011), // minimum, core
    (Info::SqlAnsi92SupportedLevel, 0b001), // entry
    (Info::SqlOuterJoinsSupportLevel, 0b110), // limited, full
    (Info::SqlSchemasSupportedActions, 0),
    (Info::SqlCatalogsSupportedActions, 0),
    (Info::SqlSupportedPositionedCommands, 0),
    (Info::SqlSupportedSubqueries, 0b1111), // comparisons, exists, in, quantified
    (Info::SqlSupportedUnions, 0b11),       // union, union all
    (Info::SqlSupportedTransactionsIsolationLevels, 0b1), // none
    (Info::SqlSupportedResultSetTypes, 0b010), // forward only
    (Info::SqlSupportedConcurrenciesForResultSetUnspecified, 0b010), // read only, as the next
    (Info::SqlSupportedConcurrenciesForResultSetForwardOnly, 0b010),
    (Info::SqlSupportedConcurrenciesForResultSetScrollSensitive, 0b010),
    (Info::SqlSupportedConcurrenciesForResultSetScrollInsensitive, 0b010),
];

/// Words, which tools take as they find them here: names among the keywords they put in quotes,
/// and functions they call.
const LISTS: [(Info, &str); 5] = [
    // What the parser reserves somewhere (`RESERVED_FOR_*` of `sqlparser::keywords`) and SQL:92
    // does not.
    (
        Info::SqlKeywords,
        "\
        ANALYZE ANTI ARRAY ASOF CLUSTER DISTRIBUTE EXCLUDE EXPLAIN FORMAT LATERAL LIMIT \
        MATCH_CONDITION MATCH_RECOGNIZE MINUS OFFSET PARTITION PIVOT PREWHERE QUALIFY RETURNING \
        SAMPLE SEMI SETTINGS SORT START STRUCT TABLESAMPLE TOP UNPIVOT WINDOW",
    ),
    (
        Info::SqlNumericFunctions,
        "\
        abs acos acosh asin asinh atan atan2 atanh cbrt ceil cos cosh cot degrees exp factorial \
        floor gcd isnan iszero lcm ln log log10 log2 nanvl pi pow power radians rand random round \
        signum sin sinh sqrt tan tanh trunc",
    ),
    (
        Info::SqlStringFunctions,
        "\
        ascii bit_length btrim char_length character_length chr concat concat_ws contains decode \
        digest encode ends_with find_in_set initcap instr left length levenshtein lower lpad ltrim \
        md5 octet_length overlay position regexp_count regexp_instr regexp_like regexp_match \
        regexp_replace repeat replace reverse right rpad rtrim sha224 sha256 sha384 sha512 \
        split_part starts_with strpos substr substr_index substring substring_index to_hex \
        translate trim upper uuid",
    ),
    // Without those that tell of the file a row is from: here rows are from none.
    (
        Info::SqlSystemFunctions,
        "\
        arrow_cast arrow_metadata arrow_try_cast arrow_typeof coalesce get_field greatest ifnull \
        least named_struct nullif nvl nvl2 struct union_extract union_tag version",
    ),
    (
        Info::SqlDatetimeFunctions,
        "\
        current_date current_time current_timestamp date_bin date_format date_part date_trunc \
        datepart datetrunc from_unixtime make_date make_time now to_char to_date to_local_time \
        to_time to_timestamp to_timestamp_micros to_timestamp_millis to_timestamp_nanos \
        to_timestamp_seconds to_unixtime today",
    ),
];

/// The answer to GetSqlInfo: what the server is, and which SQL it takes.
///
/// # Errors
///
/// [`FlightError::Arrow`] if the answer cannot be written, which would be a fault of ours.
pub fn sql_info() -> Result<SqlInfoData, FlightError> {
    let mut answer = SqlInfoDataBuilder::new();
    // Limits, of which none is worth telling, and the default isolation, which is none: there the
    // protocol says int32, and JDBC wants a `Long`. The one flag among them is set right below.
    for info in Info::SqlMaxBinaryLiteralLength as u32..=Info::SqlDefaultTransactionIsolation as u32
    {
        answer.append(info, 0_i64);
    }
    for (info, text) in TEXTS {
        answer.append(info, text);
    }
    for (info, flag) in FLAGS {
        answer.append(info, flag);
    }
    for (info, number) in NUMBERS {
        answer.append(info, number);
    }
    for (info, names) in LISTS {
        answer.append(info, names.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
    }
    // It is about the function `CONVERT`, which DataFusion has not: types change with `CAST`.
    answer.append(Info::SqlSupportsConvert, BTreeMap::new());
    answer.build()
}

/// The name in SQL of an Arrow type, for `ARROW:FLIGHT:SQL:TYPE_NAME`.
///
/// [`xdbc_type_info`] has a row for each. A type that SQL has no name for takes the name of one
/// that holds its values; only a `UInt64` may be too large for its `BIGINT`.
pub fn type_name(ty: &DataType) -> &'static str {
    match ty {
        DataType::Boolean => "BOOLEAN",
        DataType::Int8 => "TINYINT",
        DataType::Int16 | DataType::UInt8 => "SMALLINT",
        DataType::Int32 | DataType::UInt16 => "INTEGER",
        DataType::Int64 | DataType::UInt32 | DataType::UInt64 => "BIGINT",
        DataType::Float16 | DataType::Float32 => "REAL",
        DataType::Float64 => "DOUBLE",
        DataType::Decimal32(..)
        | DataType::Decimal64(..)
        | DataType::Decimal128(..)
        | DataType::Decimal256(..) => "DECIMAL",
        DataType::Date32 | DataType::Date64 => "DATE",
        DataType::Time32(_) | DataType::Time64(_) => "TIME",
        DataType::Timestamp(..) => "TIMESTAMP",
        DataType::Duration(_) | DataType::Interval(_) => "INTERVAL",
        // A value that is nothing at all is announced as text.
        DataType::Null | DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "VARCHAR",
        DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::FixedSizeBinary(_) => "VARBINARY",
        DataType::List(_)
        | DataType::LargeList(_)
        | DataType::ListView(_)
        | DataType::LargeListView(_)
        | DataType::FixedSizeList(..) => "ARRAY",
        DataType::Struct(_) | DataType::Map(..) | DataType::Union(..) => "STRUCT",
        DataType::Dictionary(_, values) => type_name(values),
        DataType::RunEndEncoded(_, values) => type_name(values.data_type()),
    }
}

/// The answer to GetXdbcTypeInfo: the types of columns, as ODBC and JDBC number them.
///
/// # Errors
///
/// [`FlightError::Arrow`] if the answer cannot be written, which would be a fault of ours.
pub fn xdbc_type_info() -> Result<XdbcTypeInfoData, FlightError> {
    let mut answer = XdbcTypeInfoDataBuilder::new();
    for row in [
        XdbcTypeInfo { column_size: Some(1), ..plain("BOOLEAN", Code::XdbcBit) },
        exact("TINYINT", Code::XdbcTinyint, 3, 0),
        exact("SMALLINT", Code::XdbcSmallint, 5, 0),
        exact("INTEGER", Code::XdbcInteger, 10, 0),
        exact("BIGINT", Code::XdbcBigint, 19, 0),
        exact("DECIMAL", Code::XdbcDecimal, 76, 76),
        approximate("REAL", Code::XdbcReal, 24),
        approximate("DOUBLE", Code::XdbcDouble, 53),
        // The protocol gives the subtype of a date the name `YEAR` too, and prost keeps that one.
        moment("DATE", Code::XdbcDate, Subcode::XdbcSubcodeYear, 10, None),
        moment("TIME", Code::XdbcTime, Subcode::XdbcSubcodeTime, 18, Some(9)),
        moment("TIMESTAMP", Code::XdbcTimestamp, Subcode::XdbcSubcodeTimestamp, 29, Some(9)),
        XdbcTypeInfo {
            datetime_subcode: Some(Subcode::XdbcSubcodeUnknown),
            ..quoted("INTERVAL", Code::XdbcInterval, "INTERVAL '", None)
        },
        XdbcTypeInfo {
            case_sensitive: true,
            searchable: Searchable::Full,
            ..quoted("VARCHAR", Code::XdbcVarchar, "'", Some(i32::MAX))
        },
        quoted("VARBINARY", Code::XdbcVarbinary, "X'", Some(i32::MAX)),
        nested("ARRAY"),
        nested("STRUCT"),
    ] {
        answer.append(row);
    }
    answer.build()
}

/// A type whose values can be compared, and of which nothing else is known.
fn plain(name: &str, code: Code) -> XdbcTypeInfo {
    XdbcTypeInfo {
        type_name: name.to_owned(),
        local_type_name: Some(name.to_owned()),
        data_type: code,
        sql_data_type: code,
        nullable: Nullable::NullabilityNullable,
        searchable: Searchable::Basic,
        ..XdbcTypeInfo::default()
    }
}

/// A number of at most so many decimal digits, and of so many of them behind the point.
fn exact(name: &str, code: Code, digits: i32, scale: i32) -> XdbcTypeInfo {
    XdbcTypeInfo {
        minimum_scale: Some(0),
        maximum_scale: Some(scale),
        num_prec_radix: Some(10),
        ..approximate(name, code, digits)
    }
}

/// A number of so many bits.
fn approximate(name: &str, code: Code, bits: i32) -> XdbcTypeInfo {
    XdbcTypeInfo {
        column_size: Some(bits),
        unsigned_attribute: Some(false),
        auto_increment: Some(false),
        num_prec_radix: Some(2),
        ..plain(name, code)
    }
}

/// A type whose literals stand between `prefix` and a quote, with at most so many characters.
fn quoted(name: &str, code: Code, prefix: &str, chars: Option<i32>) -> XdbcTypeInfo {
    XdbcTypeInfo {
        column_size: chars,
        literal_prefix: Some(prefix.to_owned()),
        literal_suffix: Some("'".to_owned()),
        ..plain(name, code)
    }
}

/// A date or a time of at most so many characters, and so many digits of a second.
fn moment(name: &str, code: Code, sub: Subcode, chars: i32, digits: Option<i32>) -> XdbcTypeInfo {
    XdbcTypeInfo {
        minimum_scale: digits.map(|_| 0),
        maximum_scale: digits,
        sql_data_type: Code::XdbcDatetime,
        datetime_subcode: Some(sub),
        ..quoted(name, code, "'", Some(chars))
    }
}

/// A type of several values, for which the protocol has no number.
fn nested(name: &str) -> XdbcTypeInfo {
    XdbcTypeInfo { searchable: Searchable::None, ..plain(name, Code::XdbcUnknownType) }
}

#[cfg(test)]
mod tests {
    use arrow::array::AsArray as _;
    use arrow::datatypes::UInt32Type;
    use arrow::util::display::array_value_to_string as shown;
    use expect_test::expect;

    use super::*;

    #[test]
    fn each_number_of_the_protocol_and_no_other_has_a_value_of_its_variant() {
        let answer = sql_info().and_then(|it| it.record_batch(None::<u32>)).expect("an answer");
        let ids = answer.column(0).as_primitive::<UInt32Type>().values();
        let known = (0..1_000).filter(|id| Info::try_from(*id).is_ok()).map(|id| id as u32);
        assert_eq!(ids.to_vec(), known.collect::<Vec<_>>());
        let mut told = BTreeMap::<String, Vec<u32>>::new();
        for (at, id) in ids.iter().enumerate() {
            let value = shown(answer.column(1), at).expect("a value");
            let value = value.replace(env!("CARGO_PKG_VERSION"), "VERSION");
            // Lists are too long to be read twice.
            let value = value.split_once("=[").map_or(&*value, |(variant, _)| variant);
            told.entry(value.to_owned()).or_default().push(*id);
        }
        let told = told.iter().map(|(value, ids)| format!("{value} {ids:?}\n"));
        expect![[r#"
            {bigint_value=0} [541, 542, 543, 544, 545, 546, 547, 548, 549, 550, 551, 552, 553, 554, 555, 557, 558, 559, 560, 561, 562]
            {bool_value=false} [5, 10, 11, 500, 501, 502, 519, 524, 527, 536, 537, 563, 565, 566, 572, 573, 574, 575, 576]
            {bool_value=true} [3, 4, 9, 506, 515, 516, 518, 520, 521, 523, 532, 539, 556]
            {int32_bitmask=0} [8, 100, 101, 505, 507, 533, 534, 535]
            {int32_bitmask=15} [538]
            {int32_bitmask=1} [503, 526, 564]
            {int32_bitmask=2} [567, 568, 569, 570, 571]
            {int32_bitmask=3} [522, 525, 540]
            {int32_bitmask=6} [528]
            {int32_to_int32_list_map={}} [517]
            {string_list [508, 509, 510, 511, 512]
            {string_value="} [504]
            {string_value=59} [2]
            {string_value=VERSION} [1]
            {string_value=\} [513]
            {string_value=catalog} [531]
            {string_value=entra-flight} [0]
            {string_value=procedure} [530]
            {string_value=schema} [529]
            {string_value=} [6, 7, 514]
        "#]].assert_eq(&told.collect::<String>());
    }

    #[test]
    fn each_type_has_a_row() {
        let answer = xdbc_type_info().and_then(|it| it.record_batch(None)).expect("an answer");
        let rows = (0..answer.num_rows()).map(|at| {
            let cells = answer.columns().iter().map(|cells| shown(cells, at).expect("a cell"));
            cells.collect::<Vec<_>>().join("|") + "\n"
        });
        expect![[r#"
            BOOLEAN|-7|1||||1|false|2||false||BOOLEAN|||-7|||
            TINYINT|-6|3||||1|false|2|false|false|false|TINYINT|0|0|-6||10|
            BIGINT|-5|19||||1|false|2|false|false|false|BIGINT|0|0|-5||10|
            VARBINARY|-3|2147483647|X'|'||1|false|2||false||VARBINARY|||-3|||
            ARRAY|0|||||1|false|0||false||ARRAY|||0|||
            STRUCT|0|||||1|false|0||false||STRUCT|||0|||
            DECIMAL|3|76||||1|false|2|false|false|false|DECIMAL|0|76|3||10|
            INTEGER|4|10||||1|false|2|false|false|false|INTEGER|0|0|4||10|
            SMALLINT|5|5||||1|false|2|false|false|false|SMALLINT|0|0|5||10|
            REAL|7|24||||1|false|2|false|false|false|REAL|||7||2|
            DOUBLE|8|53||||1|false|2|false|false|false|DOUBLE|||8||2|
            INTERVAL|10||INTERVAL '|'||1|false|2||false||INTERVAL|||10|0||
            VARCHAR|12|2147483647|'|'||1|true|3||false||VARCHAR|||12|||
            DATE|91|10|'|'||1|false|2||false||DATE|||9|1||
            TIME|92|18|'|'||1|false|2||false||TIME|0|9|9|2||
            TIMESTAMP|93|29|'|'||1|false|2||false||TIMESTAMP|0|9|9|3||
        "#]]
        .assert_eq(&rows.collect::<String>());
        let types = "Boolean; Int8; UInt32; Binary; List(Utf8); Struct(\"a\": Utf8); \
            Decimal128(38, 10); UInt16; UInt8; Float32; Float64; Interval(MonthDayNano); \
            Dictionary(Int32, Utf8); Date32; Time64(µs); Timestamp(µs, \"UTC\")";
        let types = types.split("; ").map(|ty| ty.parse().expect("a type"));
        let names: Vec<_> = types.map(|ty| type_name(&ty)).collect();
        let rows: Vec<_> = answer.column(0).as_string::<i32>().iter().flatten().collect();
        assert_eq!(names, rows);
    }
}
