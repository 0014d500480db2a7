//! Functions whose answer may be any number of times as large as what they are given, or take any
//! time.
//!
//! Nobody counts what a function takes, and constants are worked out while planning: one call of
//! `repeat` could take all memory there is. Such calls are measured before they run.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::common::{Result, exec_err};
use datafusion::execution::FunctionRegistry;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature,
};

use self::Measure::{Bytes, Steps};
use super::reckon::{Each, Given};
use crate::limits::query as limits;

/// What is reckoned of a call.
#[derive(Clone, Copy, Debug)]
enum Measure {
    /// What it makes.
    Bytes,
    /// What it takes: it lets nobody else have a turn meanwhile.
    Steps,
}

/// How that is reckoned, from what the call is given.
type Reckon = fn(&Given) -> u64;

const BOUNDED: [(&str, Measure, Reckon); 18] = [
    ("array_repeat", Bytes, |it| it.product(&it.sizes(0), &it.numbers(1))),
    ("array_replace_all", Bytes, |it| it.product(&it.elements(0), &it.sizes(2))),
    ("array_replace_n", Bytes, |it| it.product(&it.elements(0), &it.sizes(2))),
    ("array_resize", Bytes, |it| {
        it.product(&it.sizes(2).at_least(limits::ELEMENT_BYTES), &it.numbers(1))
    }),
    ("array_to_string", Bytes, Given::joined),
    ("arrays_zip", Bytes, Given::zipped),
    ("concat", Bytes, |it| it.sum(0)),
    ("concat_ws", Bytes, Given::separated),
    ("generate_series", Bytes, Given::series),
    ("levenshtein", Steps, |it| it.product(&it.sizes(0), &it.sizes(1))),
    ("lpad", Bytes, |it| it.product(&Each::same(limits::LETTER_BYTES), &it.numbers(1))),
    ("range", Bytes, Given::series),
    ("regexp_match", Bytes, |it| it.product(&it.sizes(0), &it.captures(1))),
    ("regexp_replace", Bytes, |it| it.product(&it.sizes(0), &it.sizes(2))),
    ("repeat", Bytes, |it| it.product(&it.sizes(0), &it.numbers(1))),
    ("replace", Bytes, |it| it.product(&it.sizes(0), &it.sizes(2))),
    ("rpad", Bytes, |it| it.product(&Each::same(limits::LETTER_BYTES), &it.numbers(1))),
    ("to_char", Bytes, |it| it.product(&it.sizes(1), &Each::same(limits::FORMAT_BYTES))),
];

/// Puts a bound on those functions.
///
/// # Errors
///
/// If one of them is not there.
pub fn bound(state: &mut SessionState) -> Result<()> {
    for (name, measure, reckon) in BOUNDED {
        let inner = state.udf(name)?;
        let bounded = Bounded { inner, measure, reckon };
        state.register_udf(Arc::new(ScalarUDF::new_from_impl(bounded)))?;
    }
    Ok(())
}

/// A function that refuses to make or take too much.
#[derive(Debug)]
struct Bounded {
    inner: Arc<ScalarUDF>,
    measure: Measure,
    reckon: Reckon,
}

impl PartialEq for Bounded {
    fn eq(&self, other: &Self) -> bool {
        self.inner == other.inner
    }
}

impl Eq for Bounded {}

impl Hash for Bounded {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inner.hash(state);
    }
}

impl ScalarUDFImpl for Bounded {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.inner.inner().return_type(types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        self.inner.inner().return_field_from_args(args)
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.inner().coerce_types(types)
    }

    fn is_strict(&self) -> bool {
        self.inner.inner().is_strict()
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.inner().documentation()
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let much = (self.reckon)(&Given::new(&args)?);
        match self.measure {
            Bytes if much > limits::FUNCTION_BYTES_MAX => exec_err!(
                "{} would make more than {} MiB at once",
                self.name(),
                limits::FUNCTION_BYTES_MAX >> 20
            ),
            Steps if much > limits::FUNCTION_STEPS_MAX => exec_err!(
                "{} would take more than {} million steps at once",
                self.name(),
                limits::FUNCTION_STEPS_MAX / 1_000_000
            ),
            Bytes | Steps => self.inner.invoke_with_args(args),
        }
    }
}
