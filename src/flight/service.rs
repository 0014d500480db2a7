//! The Flight service: plain Flight and Flight SQL, on one port.

use std::pin::Pin;

use arrow::array::RecordBatch;
use arrow_flight::flight_service_server::FlightService;
use arrow_flight::{
    Action, ActionType, Criteria, Empty, FlightData, FlightDescriptor, FlightEndpoint, FlightInfo,
    HandshakeRequest, HandshakeResponse, PollInfo, PutResult, Result as ActionResult, SchemaAsIpc,
    SchemaResult, Ticket,
};
use futures::stream::{self, Stream, StreamExt as _, TryStreamExt as _};
use tonic::{Request, Response, Status, Streaming};

use super::cache::{Cache, Key};
use super::caller::{self, Caller};
use super::running::{self, Running};
use super::sessions::Sessions;
use super::ticket::Asked;
use super::uncopied::{self, DoGet, Messages};
use super::wanted::{self, Wanted};
use super::{Error, actions, airport, call, encode, info, put, sql, status};
use crate::clock;
use crate::limits;
use crate::query::{self, Command, Engine, Plan};

/// Flight over an [`Engine`]: discovery, schemas, reads, statements and actions; nothing is
/// written.
#[derive(Clone, Debug)]
pub struct Service {
    engine: Engine,
    cache: Cache,
    running: Running,
    sessions: Sessions,
    written: sql::Written,
}

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send + 'static>>;

impl Service {
    /// Serves what `engine` can answer, again from `cache`.
    pub fn new(engine: Engine, cache: Cache) -> Self {
        let (running, written) = (Running::default(), sql::Written::default());
        let sessions = Sessions::default();
        Service { engine, cache, running, sessions, written }
    }

    /// Who calls: the one place that every call passes before anything is done for it.
    fn admit<T>(&self, request: &Request<T>) -> Result<Caller, Status> {
        caller::admit(request.metadata()).map_err(|error| status::status(&error))
    }

    /// What is wanted, with what the caller has chosen for names without a catalog or schema.
    ///
    /// # Errors
    ///
    /// [`Error::SessionUnknown`] where something is left out and the session is over.
    fn chosen(&self, caller: &Caller, wanted: Wanted) -> Result<Wanted, Error> {
        let Wanted::Rows(mut asked) = wanted else { return Ok(wanted) };
        let is_whole = match &asked.command {
            Command::Sql(statement) => statement.catalog.is_some() && statement.schema.is_some(),
            Command::Table(request) => request.connection.is_some(),
        };
        if is_whole {
            return Ok(Wanted::Rows(asked));
        }
        let chosen = self.sessions.get(caller.cookie.as_ref())?;
        match &mut asked.command {
            Command::Sql(statement) => {
                statement.catalog = statement.catalog.take().or(chosen.catalog);
                statement.schema = statement.schema.take().or(chosen.schema);
            }
            Command::Table(request) => {
                request.connection = request.connection.take().or(chosen.catalog);
            }
        }
        Ok(Wanted::Rows(asked))
    }

    /// What is wanted by a message of so many bytes. Long ones carry values of parameters, and are
    /// read where statements are planned.
    async fn understood(
        &self,
        bytes: usize,
        deadline: Option<clock::Instant>,
        read: impl FnOnce() -> Result<Wanted, Error> + Send + 'static,
    ) -> Result<Wanted, Error> {
        match bytes > limits::flight::PROMPT_BYTES_MAX {
            true => self.engine.apart(deadline, read).await?,
            false => read(),
        }
    }

    /// The same of a descriptor.
    async fn described(
        &self,
        descriptor: &FlightDescriptor,
        deadline: Option<clock::Instant>,
    ) -> Result<Wanted, Error> {
        let described = descriptor.clone();
        let read = move || wanted::described(&described);
        self.understood(descriptor.cmd.len(), deadline, read).await
    }

    async fn flight_info(
        &self,
        caller: &Caller,
        descriptor: FlightDescriptor,
        deadline: Option<clock::Instant>,
    ) -> Result<FlightInfo, Error> {
        match self.chosen(caller, self.described(&descriptor, deadline).await?)? {
            Wanted::Rows(asked) => {
                let command = self.engine.settled(asked.command);
                let asked = Asked { call: Some(running::name()), command, ..asked };
                self.info(asked, descriptor, deadline).await
            }
            Wanted::Told(command, bytes) => {
                let ticket = FlightEndpoint::new().with_ticket(Ticket { ticket: bytes });
                let info = FlightInfo::new()
                    .try_with_schema(&*sql::schema(&command)?)
                    .map_err(Error::Encode)?;
                Ok(info.with_descriptor(descriptor).with_endpoint(ticket))
            }
        }
    }

    async fn info(
        &self,
        asked: Asked,
        descriptor: FlightDescriptor,
        deadline: Option<clock::Instant>,
    ) -> Result<FlightInfo, Error> {
        let plan = self.engine.plan_until(asked.command.clone(), deadline).await?;
        info::flight_info(&asked, descriptor, &plan)
    }

    /// The flights whose name fits, one after another; stored versions are looked up a few at once.
    fn flights(&self, pattern: &str) -> Answers<FlightInfo> {
        let connections: Vec<_> = self.engine.namespace().connections().cloned().collect();
        let alone = connections.len() == 1;
        let mut asked = Vec::new();
        for connection in connections {
            for table in connection.catalog.matching(pattern) {
                let mut request = query::Request::table(&*table.name);
                let mut path = vec![table.name.to_string()];
                if !alone {
                    request.connection = Some(connection.name.to_string());
                    path.insert(0, connection.name.to_string());
                }
                asked.push((Command::Table(request).into(), FlightDescriptor::new_path(path)));
            }
        }
        let this = self.clone();
        let infos = stream::iter(asked).map(move |(asked, descriptor): (Asked, _)| {
            let this = this.clone();
            async move { this.info(asked, descriptor, None).await }
        });
        let infos = infos.buffered(limits::flight::LOOKUPS);
        infos.map(|info| info.map_err(|error| status::status(&error))).boxed()
    }

    async fn schema(
        &self,
        caller: &Caller,
        descriptor: FlightDescriptor,
        deadline: Option<clock::Instant>,
    ) -> Result<SchemaResult, Error> {
        let schema = match self.chosen(caller, self.described(&descriptor, deadline).await?)? {
            Wanted::Rows(asked) => self.engine.plan_until(asked.command, deadline).await?.schema(),
            Wanted::Told(command, _) => sql::schema(&command)?,
        };
        let options = arrow::ipc::writer::IpcWriteOptions::default();
        SchemaAsIpc::new(&schema, &options).try_into().map_err(Error::Encode)
    }

    /// The answer to a ticket, as messages, and what its trailers will tell.
    async fn answer(
        &self,
        caller: &Caller,
        ticket: Ticket,
        deadline: Option<clock::Instant>,
    ) -> Result<Response<Messages>, Error> {
        let began = clock::now();
        let Ticket { ticket } = ticket;
        let read = {
            let ticket = ticket.clone();
            move || wanted::read(&ticket)
        };
        match self.chosen(caller, self.understood(ticket.len(), deadline, read).await?)? {
            Wanted::Rows(asked) => {
                let plan = self.engine.plan_until(asked.command.clone(), deadline).await?;
                Ok(self.rows(asked, plan, began, deadline))
            }
            Wanted::Told(command, _) => {
                let batch = sql::told(&self.engine, &self.written, &command).await?;
                let schema = batch.schema();
                let batches = stream::iter([Ok(batch)]);
                Ok(Response::new(encode::messages(schema, batches).boxed()))
            }
        }
    }

    fn rows(
        &self,
        asked: Asked,
        plan: Plan,
        began: clock::Instant,
        deadline: Option<clock::Instant>,
    ) -> Response<Messages> {
        let mut watch = call::Watch::new(&plan, began);
        let told = watch.told();
        let (whole, expected) = match asked.padded {
            true => (plan.whole(), airport::expected(&asked.command, &plan)),
            false => (None, None),
        };
        let key = plan.fixed().map(|of| Key { of, padded: asked.padded });
        let kept = key.as_ref().and_then(|key| self.cache.find(key));
        let query::Answer { schema, batches, meter, deadline } = self.engine.run(plan, deadline);
        watch.reads(meter, kept.is_some());
        let frames = if let Some(kept) = kept {
            let kept = query::timely(kept, deadline);
            let frames = call::drive(kept, |frame| frame.rows, deadline, watch);
            let frames = self.running.watched(asked.call, frames);
            frames.map_err(|error| status::status(&error)).boxed()
        } else {
            let rows = |batch: &RecordBatch| batch.num_rows() as u64;
            let schema = whole.clone().unwrap_or(schema);
            let batches = call::drive(batches, rows, deadline, watch);
            let batches = batches.map(move |batch| match &whole {
                Some(whole) => airport::padded(&batch?, whole),
                None => batch,
            });
            let batches = self.running.watched(asked.call, batches);
            let batches = call::spoken(schema.clone(), batches);
            let mut progress = expected.map(airport::progress);
            let said =
                move |batch: &RecordBatch| progress.as_mut().map_or_else(Vec::new, |it| it(batch));
            let frames = encode::frames(schema, batches, said).boxed();
            match key {
                Some(key) => self.cache.keep(key, frames),
                None => frames,
            }
        };
        let mut response = Response::new(frames.map_ok(|frame| frame.bytes).boxed() as Messages);
        response.extensions_mut().insert(told);
        response
    }
}

#[tonic::async_trait]
impl FlightService for Service {
    type HandshakeStream = Answers<HandshakeResponse>;
    type ListFlightsStream = Answers<FlightInfo>;
    type DoGetStream = Answers<FlightData>;
    type DoPutStream = Answers<PutResult>;
    type DoActionStream = Answers<ActionResult>;
    type ListActionsStream = Answers<ActionType>;
    type DoExchangeStream = Answers<FlightData>;

    async fn handshake(
        &self,
        request: Request<Streaming<HandshakeRequest>>,
    ) -> Result<Response<Self::HandshakeStream>, Status> {
        let bearer = caller::greet(request.metadata()).map_err(|error| status::status(&error))?;
        // The stream is not read: C++ and Go clients close it at once, Java sends one message.
        let mut response = Response::new(stream::iter([Ok(HandshakeResponse::default())]).boxed());
        response.metadata_mut().insert("authorization", bearer);
        Ok(response)
    }

    async fn list_flights(
        &self,
        request: Request<Criteria>,
    ) -> Result<Response<Self::ListFlightsStream>, Status> {
        self.admit(&request)?;
        let expression = request.into_inner().expression;
        let pattern = std::str::from_utf8(&expression).map_err(|_| {
            Status::invalid_argument("the criteria are a name or a pattern in UTF-8")
        })?;
        Ok(Response::new(self.flights(if pattern.is_empty() { "*" } else { pattern })))
    }

    async fn get_flight_info(
        &self,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        let caller = self.admit(&request)?;
        let deadline = call::deadline(request.metadata());
        let info = self.flight_info(&caller, request.into_inner(), deadline).await;
        info.map(Response::new).map_err(|error| status::status(&error))
    }

    async fn poll_flight_info(
        &self,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<PollInfo>, Status> {
        let caller = self.admit(&request)?;
        let deadline = call::deadline(request.metadata());
        // Planning takes no time, so the first poll is also the last: no descriptor to go on with.
        let info = self.flight_info(&caller, request.into_inner(), deadline).await;
        let info = info.map_err(|error| status::status(&error))?;
        let poll = PollInfo::new().with_info(info).try_with_progress(1.0);
        poll.map(Response::new).map_err(|error| status::status(&Error::Encode(error)))
    }

    async fn get_schema(
        &self,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<SchemaResult>, Status> {
        let caller = self.admit(&request)?;
        let deadline = call::deadline(request.metadata());
        let schema = self.schema(&caller, request.into_inner(), deadline).await;
        schema.map(Response::new).map_err(|error| status::status(&error))
    }

    async fn do_get(
        &self,
        request: Request<Ticket>,
    ) -> Result<Response<Self::DoGetStream>, Status> {
        Ok(self.messages(request).await?.map(uncopied::frames))
    }

    async fn do_put(
        &self,
        request: Request<Streaming<FlightData>>,
    ) -> Result<Response<Self::DoPutStream>, Status> {
        self.admit(&request)?;
        let deadline = call::deadline(request.metadata());
        let bound = put::bind(&self.engine, request.into_inner(), deadline).await;
        let result = bound.map_err(|error| status::status(&error))?;
        Ok(Response::new(stream::iter([Ok(result)]).boxed()))
    }

    async fn do_exchange(
        &self,
        request: Request<Streaming<FlightData>>,
    ) -> Result<Response<Self::DoExchangeStream>, Status> {
        self.admit(&request)?;
        let error = match airport::written(request.metadata()) {
            Some(operation) => Error::Writes { operation: operation.to_owned() },
            None => Error::NotServed {
                method: "do_exchange".to_owned(),
                instead: "use get_flight_info and do_get",
            },
        };
        Err(status::status(&error))
    }

    async fn do_action(
        &self,
        request: Request<Action>,
    ) -> Result<Response<Self::DoActionStream>, Status> {
        let cookie = self.admit(&request)?.cookie;
        let deadline = call::deadline(request.metadata());
        let action = request.get_ref();
        let (engine, sessions, running) = (&self.engine, &self.sessions, &self.running);
        let caller = sql::actions::Caller { engine, sessions, running, cookie, deadline };
        let done = sql::actions::run(&caller, &action.r#type, &action.body).await;
        if let Some(done) = done.map_err(|error| status::status(&error))? {
            let results = stream::iter(done.body.map(|body| Ok(ActionResult::new(body))));
            let mut response = Response::new(results.boxed() as Self::DoActionStream);
            if let Some(cookie) = done.cookie.and_then(|cookie| cookie.parse().ok()) {
                response.metadata_mut().insert("set-cookie", cookie);
            }
            return Ok(response);
        }
        let transaction = airport::transaction(request.metadata());
        let found = airport::run(&self.engine, &action.r#type, &action.body, transaction).await;
        if let Some(body) = found.map_err(|error| status::status(&error))? {
            return Ok(Response::new(stream::iter([Ok(ActionResult::new(body))]).boxed()));
        }
        let lines = actions::run(&self.engine, action, deadline).await;
        let lines = lines.map_err(|error| status::status(&error))?;
        let results = lines.map(|line| match line {
            Ok(line) => Ok(ActionResult::new(line.to_string())),
            Err(error) => Err(status::status(&error)),
        });
        Ok(Response::new(results.boxed()))
    }

    async fn list_actions(
        &self,
        request: Request<Empty>,
    ) -> Result<Response<Self::ListActionsStream>, Status> {
        self.admit(&request)?;
        Ok(Response::new(stream::iter(actions::types().map(Ok)).boxed()))
    }
}

#[tonic::async_trait]
impl DoGet for Service {
    async fn messages(&self, request: Request<Ticket>) -> Result<Response<Messages>, Status> {
        let caller = self.admit(&request)?;
        let deadline = call::deadline(request.metadata());
        let answer = self.answer(&caller, request.into_inner(), deadline).await;
        answer.map_err(|error| status::status(&error))
    }
}
