//! Values of parameters that break Arrow's rules.

use std::panic;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::{
    ArrayRef, BooleanArray, Decimal128Array, FixedSizeBinaryArray, Float64Array, Int32Array,
    ListArray, RecordBatch, StringArray, StringViewArray, StructArray, TimestampMicrosecondArray,
};
use arrow::array::{DictionaryArray, new_null_array};
use arrow::datatypes::{DataType, Field, Int32Type};
use entra_flight::error::Kind;
use entra_flight::flight::proto;
use entra_flight::flight::ticket::{self, Asked};
use entra_flight::query::{Command, Statement};
use futures::TryStreamExt as _;
use prost::Message as _;

use crate::house::House;

/// How many broken batches are sent.
const MUTATIONS: u64 = 4_000;

/// A statement that gives back what is bound to it, as a ticket.
fn ticket(values: ArrayRef) -> proto::Read {
    let batch = RecordBatch::try_from_iter_with_nullable([("$1", values, true)]).expect("a batch");
    let statement = Statement { parameters: Some(batch), ..Statement::new("select $1") };
    let bytes = ticket::write(&Asked::from(Command::Sql(statement))).expect("a ticket");
    proto::Read::decode(bytes).expect("a ticket")
}

/// Values of every kind that there is.
fn values() -> Vec<ArrayRef> {
    let texts = [Some("x"), None, Some("Lucas")];
    let decimals = Decimal128Array::from(vec![Some(123), None, Some(-5)]);
    let numbers = Int32Array::from(vec![Some(1), None, Some(3)]);
    let lists = vec![Some(vec![Some(1), None]), None, Some(vec![])];
    let bytes = [Some([1_u8, 2]), None, Some([3, 4])].into_iter();
    let part = |name, values: ArrayRef| {
        (Arc::new(Field::new(name, values.data_type().clone(), true)), values)
    };
    let number: ArrayRef = Arc::new(numbers.clone());
    let text: ArrayRef = Arc::new(StringArray::from(texts.to_vec()));
    vec![
        Arc::new(numbers),
        text.clone(),
        Arc::new(StringViewArray::from(texts.to_vec())),
        Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)])),
        Arc::new(Float64Array::from(vec![0.5, f64::NAN])),
        Arc::new(decimals.with_precision_and_scale(5, 2).expect("five digits")),
        Arc::new(TimestampMicrosecondArray::from(vec![1, 2]).with_timezone("Europe/Zurich")),
        Arc::new(FixedSizeBinaryArray::try_from_sparse_iter_with_size(bytes, 2).expect("bytes")),
        Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(lists)),
        Arc::new(StructArray::from(vec![part("a", number), part("b", text)])),
        Arc::new(texts.into_iter().collect::<DictionaryArray<Int32Type>>()),
        new_null_array(&DataType::Null, 2),
    ]
}

/// Numbers that are the same each time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound as u64).expect("a small number")
    }
}

fn broken(bytes: &[u8], seed: u64) -> Vec<u8> {
    let mut numbers = Numbers(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let mut bytes = bytes.to_vec();
    for _ in 0..=numbers.below(4) {
        let at = numbers.below(bytes.len());
        bytes[at] = match numbers.below(4) {
            0 => 0,
            1 => 0xFF,
            2 => bytes[at] ^ (1 << numbers.below(8)),
            _ => numbers.below(256) as u8,
        };
    }
    if numbers.below(20) == 0 {
        bytes.truncate(numbers.below(bytes.len()));
    }
    bytes
}

/// How the server takes a ticket.
async fn kind(house: &House, ticket: &[u8]) -> Option<Kind> {
    let asked = match ticket::read(ticket) {
        Ok(asked) => asked,
        Err(error) => return Some(error.kind()),
    };
    let plan = match house.engine.plan(asked.command).await {
        Ok(plan) => plan,
        Err(error) => return Some(error.kind()),
    };
    let rows: Result<Vec<RecordBatch>, _> =
        house.engine.run(plan, None).batches.try_collect().await;
    rows.err().map(|error| error.kind())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broken_values_are_answered_or_invalid_and_nothing_panics() {
    static PANICS: AtomicUsize = AtomicUsize::new(0);
    let before = panic::take_hook();
    let here = std::thread::current().id();
    panic::set_hook(Box::new(move |about| {
        let current = std::thread::current();
        if current.id() == here || current.name() == Some("statement") {
            PANICS.fetch_add(1, Ordering::Relaxed);
        }
        before(about);
    }));
    let house = super::sql::house();
    let tickets: Vec<proto::Read> = values().into_iter().map(ticket).collect();
    let (mut answered, mut refused) = (0, 0);
    for seed in 0..MUTATIONS {
        let mut ticket = tickets[Numbers(seed * 2 + 1).below(tickets.len())].clone();
        let query = ticket.query.as_mut().expect("a statement");
        query.parameters = broken(&query.parameters, seed);
        match kind(&house, &ticket.encode_to_vec()).await {
            None => answered += 1,
            Some(kind) => {
                assert_eq!(kind, Kind::Invalid, "seed {seed}");
                refused += 1;
            }
        }
        assert_eq!(PANICS.load(Ordering::Relaxed), 0, "seed {seed}");
    }
    assert!(answered > 200 && refused > 200, "{answered} answered, {refused} refused");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decimal_with_fewer_digits_than_its_scale_is_refused() {
    let house = super::sql::house();
    let decimals = Decimal128Array::from(vec![1]).with_precision_and_scale(37, 2);
    let ticket = ticket(Arc::new(decimals.expect("37 digits")));
    let bytes = ticket.query.as_ref().expect("a statement").parameters.clone();
    let digits = 37_i32.to_le_bytes();
    let at = bytes.windows(4).position(|four| four == digits).expect("the digits");
    for digits in [0_u8, 1] {
        let mut ticket = ticket.clone();
        ticket.query.as_mut().expect("a statement").parameters[at] = digits;
        assert_eq!(kind(&house, &ticket.encode_to_vec()).await, Some(Kind::Invalid), "{digits}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_values_travel_in_a_ticket() {
    let house = super::sql::house();
    let served = house.serve().await;
    let endpoint = tonic::transport::Endpoint::new(format!("http://{}", served.address));
    let channel = endpoint.expect("an address").connect().await.expect("a server");
    let mut client = arrow_flight::FlightClient::new(channel);
    let texts = (0..900).map(|row| Some(format!("{row:0100}"))).collect::<StringArray>();
    let ticket = ticket(Arc::new(texts)).encode_to_vec();
    assert!(ticket.len() > 64 << 10);
    let asked = arrow_flight::FlightDescriptor::new_cmd(ticket);
    let info = client.get_flight_info(asked).await.expect("an info");
    let ticket = info.endpoint[0].ticket.clone().expect("a ticket");
    let rows: Vec<RecordBatch> =
        client.do_get(ticket).await.expect("a stream").try_collect().await.expect("rows");
    assert_eq!(crate::house::rows(&rows), 900);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_of_every_kind_are_given_back() {
    let house = super::sql::house();
    for values in values() {
        let what = values.data_type().to_string();
        let ticket = ticket(values).encode_to_vec();
        assert_eq!(kind(&house, &ticket).await, None, "{what}");
    }
}
