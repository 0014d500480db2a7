//! The Flight service.

use std::pin::Pin;

use arrow_flight::flight_service_server::FlightService;
use arrow_flight::{
    Action, ActionType, Criteria, Empty, FlightData, FlightDescriptor, FlightInfo,
    HandshakeRequest, HandshakeResponse, PollInfo, PutResult, Result as ActionResult, SchemaAsIpc,
    SchemaResult, Ticket,
};
use futures::stream::{self, Stream, StreamExt as _};
use tonic::{Request, Response, Status, Streaming};

use super::ticket::{self, Asked};
use super::uncopied::{self, DoGet, Messages};
use super::{Error, actions, call, encode, info, status};
use crate::limits;
use crate::query::{self, Command, Engine};

/// Plain Flight over an [`Engine`]: discovery, schemas, reads and actions; nothing is written.
#[derive(Clone, Debug)]
pub struct Plain {
    engine: Engine,
}

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send + 'static>>;

impl Plain {
    /// Serves what `engine` can answer.
    pub fn new(engine: Engine) -> Self {
        Plain { engine }
    }

    async fn flight_info(&self, descriptor: FlightDescriptor) -> Result<FlightInfo, Error> {
        let asked = ticket::describe(&descriptor)?;
        self.info(asked, descriptor).await
    }

    async fn info(&self, asked: Asked, descriptor: FlightDescriptor) -> Result<FlightInfo, Error> {
        let plan = self.engine.plan(asked.command.clone()).await?;
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
            async move { this.info(asked, descriptor).await }
        });
        let infos = infos.buffered(limits::flight::LOOKUPS);
        infos.map(|info| info.map_err(|error| status::status(&error))).boxed()
    }

    async fn schema(&self, descriptor: FlightDescriptor) -> Result<SchemaResult, Error> {
        let plan = self.engine.plan(ticket::describe(&descriptor)?.command).await?;
        let options = arrow::ipc::writer::IpcWriteOptions::default();
        SchemaAsIpc::new(&plan.schema(), &options).try_into().map_err(Error::Encode)
    }
}

#[tonic::async_trait]
impl FlightService for Plain {
    type HandshakeStream = Answers<HandshakeResponse>;
    type ListFlightsStream = Answers<FlightInfo>;
    type DoGetStream = Answers<FlightData>;
    type DoPutStream = Answers<PutResult>;
    type DoActionStream = Answers<ActionResult>;
    type ListActionsStream = Answers<ActionType>;
    type DoExchangeStream = Answers<FlightData>;

    async fn handshake(
        &self,
        _: Request<Streaming<HandshakeRequest>>,
    ) -> Result<Response<Self::HandshakeStream>, Status> {
        // The stream is not read: C++ and Go clients close it at once, Java sends one message.
        Ok(Response::new(stream::iter([Ok(HandshakeResponse::default())]).boxed()))
    }

    async fn list_flights(
        &self,
        request: Request<Criteria>,
    ) -> Result<Response<Self::ListFlightsStream>, Status> {
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
        let info = self.flight_info(request.into_inner()).await;
        info.map(Response::new).map_err(|error| status::status(&error))
    }

    async fn poll_flight_info(
        &self,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<PollInfo>, Status> {
        // Planning takes no time, so the first poll is also the last: no descriptor to go on with.
        let info = self.flight_info(request.into_inner()).await;
        let info = info.map_err(|error| status::status(&error))?;
        let poll = PollInfo::new().with_info(info).try_with_progress(1.0);
        poll.map(Response::new).map_err(|error| status::status(&Error::Encode(error)))
    }

    async fn get_schema(
        &self,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<SchemaResult>, Status> {
        let schema = self.schema(request.into_inner()).await;
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
        _: Request<Streaming<FlightData>>,
    ) -> Result<Response<Self::DoPutStream>, Status> {
        Err(status::status(&Error::ReadOnly { method: "do_put" }))
    }

    async fn do_exchange(
        &self,
        _: Request<Streaming<FlightData>>,
    ) -> Result<Response<Self::DoExchangeStream>, Status> {
        let instead = "use get_flight_info and do_get";
        Err(status::status(&Error::NotServed { method: "do_exchange", instead }))
    }

    async fn do_action(
        &self,
        request: Request<Action>,
    ) -> Result<Response<Self::DoActionStream>, Status> {
        let deadline = call::deadline(request.metadata());
        let lines = actions::run(&self.engine, request.get_ref(), deadline).await;
        let lines = lines.map_err(|error| status::status(&error))?;
        let results = lines.map(|line| match line {
            Ok(line) => Ok(ActionResult::new(line.to_string())),
            Err(error) => Err(status::status(&error)),
        });
        Ok(Response::new(results.boxed()))
    }

    async fn list_actions(
        &self,
        _: Request<Empty>,
    ) -> Result<Response<Self::ListActionsStream>, Status> {
        Ok(Response::new(stream::iter(actions::types().map(Ok)).boxed()))
    }
}

#[tonic::async_trait]
impl DoGet for Plain {
    async fn messages(&self, request: Request<Ticket>) -> Result<Response<Messages>, Status> {
        let deadline = call::deadline(request.metadata());
        let asked = ticket::read(&request.get_ref().ticket).map_err(Error::from);
        let asked = asked.map_err(|error| status::status(&error))?;
        let plan = self.engine.plan(asked.command).await.map_err(Error::from);
        let plan = plan.map_err(|error| status::status(&error))?;
        let watch = call::Watch::new(&plan);
        let answer = self.engine.run(plan, deadline);
        let schema = answer.schema.clone();
        let messages = encode::messages(schema, call::drive(answer, watch));
        Ok(Response::new(messages.boxed()))
    }
}
