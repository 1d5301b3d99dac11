//! What clients of Socket.IO say. It becomes commands of the native protocol, and the session sees no difference.

use serde_json::{Value, json};
use shared::wire::{CloseReason, Code, Problem};

use super::{entries::Key, state::State};
use crate::{
    codec::{
        Frame,
        socketio::{self, Engine, Kind, Packet, Said},
    },
    transport::{Outlet, SocketIo},
};

impl State {
    /// A text of Engine.IO. Only an answer to our ping is a sign of life: the client waits for pings, whatever else is said.
    pub(super) fn on_engine_text(&mut self, key: Key, text: &str) {
        match Engine::parse(text) {
            Ok(Engine::Pong) => self.input(key, |session, now, _| session.on_heard(now)),
            Ok(Engine::Close) => self.close(key, CloseReason::Normal, None),
            Ok(Engine::Message(text)) => match Packet::parse(text) {
                Ok(packet) => self.on_packet(key, packet),
                Err(_) => self.close(key, CloseReason::ProtocolError, None),
            },
            Ok(Engine::Noop) => {}
            Ok(Engine::Ping(_) | Engine::Upgrade) | Err(_) => {
                self.close(key, CloseReason::ProtocolError, None);
            }
        }
    }

    /// A binary message is an attachment, or nothing that belongs here.
    pub(super) fn on_attachment(&mut self, key: Key) {
        let belongs = self.socketio(key).is_some_and(SocketIo::take_attachment);
        if !belongs {
            self.close(key, CloseReason::ProtocolError, None);
        }
    }

    fn on_packet(&mut self, key: Key, packet: Packet<'_>) {
        let Some(socket) = self.socketio(key) else {
            return;
        };
        if socket.awaits_attachments() {
            return self.close(key, CloseReason::ProtocolError, None);
        }
        socket.expect_attachments(packet.attachments);
        let (namespace, id) = (packet.namespace, packet.id);
        let said = match packet.kind {
            Kind::Connect(_) if namespace != "/" => {
                let answer = socketio::no_namespace(namespace);
                return self.answer_here(key, Some(answer), |problem| {
                    socketio::refused(namespace, problem)
                });
            }
            // It is in that one, and in no other.
            Kind::Connect(_) => return self.close(key, CloseReason::ProtocolError, None),
            _ if namespace != "/" => return self.close(key, CloseReason::ProtocolError, None),
            Kind::Disconnect => return self.leave_namespace(key),
            // Nothing of ours asks for one.
            Kind::Ack => {
                return self.answer_here(key, None, |problem| socketio::refusal(None, problem));
            }
            Kind::Event { .. } if packet.attachments > 0 => {
                Err(refused(Code::ValidationFailed, "Nothing here takes binary"))
            }
            Kind::Event { name, arguments } => socketio::translate(&name, arguments, id),
            Kind::Illegible => Err(refused(
                Code::InvalidJson,
                "Half a character, or too large a number",
            )),
        };
        self.on_event_said(key, said, id);
    }

    fn on_event_said(&mut self, key: Key, said: Result<Said, Box<Problem>>, id: Option<u64>) {
        let answer = match said {
            Ok(Said::Command(frame)) => {
                return self.input(key, |session, now, effects| {
                    session.on_text(frame, now, effects);
                });
            }
            Ok(Said::Join(room)) => self.join_room(key, room.as_deref()),
            Err(problem) => Err(problem),
        };
        let answer = match answer {
            Ok(data) => id.map(|id| socketio::ack(id, &data)),
            Err(problem) => Some(socketio::refusal(id, &problem)),
        };
        self.answer_here(key, answer, |problem| socketio::refusal(id, problem));
    }

    /// One's own room is no other than the connection itself.
    fn join_room(&mut self, key: Key, room: Option<&str>) -> Result<Value, Box<Problem>> {
        let who = self.get(key).and_then(|c| c.session.who());
        let own = who.map(|who| who.user_id.to_string());
        if room.is_some() && room != own.as_deref() {
            return Err(refused(Code::Forbidden, "Only one's own room"));
        }
        Ok(json!({ "userId": own }))
    }

    /// Answers what the session need not know of, but counts as it counts commands.
    fn answer_here(
        &mut self,
        key: Key,
        answer: Option<Frame>,
        over_limit: impl FnOnce(&Problem) -> Frame,
    ) {
        let mut allowed = Err(None);
        self.input(key, |session, now, effects| {
            allowed = session.allow(now, effects);
        });
        let answer = match allowed {
            Ok(()) => answer,
            Err(problem) => problem.map(|problem| over_limit(&problem)),
        };
        if let Some(frame) = answer {
            self.queue(key, frame.bytes().clone());
        }
    }

    fn socketio(&mut self, key: Key) -> Option<&mut SocketIo> {
        match &mut self.get(key)?.outlet {
            Outlet::SocketIo(socket) => Some(socket),
            _ => None,
        }
    }
}

fn refused(code: Code, detail: &str) -> Box<Problem> {
    Box::new(Problem::new(code, detail))
}
