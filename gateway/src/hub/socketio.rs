//! What clients of Socket.IO say. It becomes commands of the native protocol, and the session sees no difference.

use serde_json::json;
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
        match packet.kind {
            Kind::Connect(_) if packet.namespace != "/" => {
                self.tell(key, &socketio::no_namespace(packet.namespace));
            }
            // It is in that one, and no other.
            Kind::Connect(_) => self.close(key, CloseReason::ProtocolError, None),
            _ if packet.namespace != "/" => {}
            Kind::Disconnect => self.leave_namespace(key),
            Kind::Event { .. } if packet.attachments > 0 => {
                let problem = Problem::new(Code::ValidationFailed, "Nothing here takes binary");
                self.tell(key, &socketio::refusal(packet.id, &problem));
            }
            Kind::Event { name, arguments } => {
                match socketio::translate(&name, arguments, packet.id) {
                    Ok(said) => self.on_event_said(key, said, packet.id),
                    Err(problem) => self.tell(key, &socketio::refusal(packet.id, &problem)),
                }
            }
            // Nothing of ours asks for one.
            Kind::Ack(_) => {}
        }
    }

    fn on_event_said(&mut self, key: Key, said: Said, id: Option<u64>) {
        match said {
            Said::Command(frame) => self.input(key, |session, now, effects| {
                session.on_text(frame, now, effects);
            }),
            Said::Join(room) => {
                let who = self.get(key).and_then(|c| c.session.who());
                let own = who.map(|who| who.user_id.to_string());
                match (own, id) {
                    (Some(own), _) if room.as_ref().is_some_and(|room| *room != own) => {
                        let problem = Problem::new(Code::Forbidden, "Only one's own room");
                        self.tell(key, &socketio::refusal(id, &problem));
                    }
                    (Some(own), Some(id)) => {
                        self.tell(key, &socketio::ack(id, &json!({ "userId": own })));
                    }
                    _ => {}
                }
            }
        }
    }

    fn tell(&mut self, key: Key, frame: &Frame) {
        self.queue(key, frame.bytes().clone());
    }

    fn socketio(&mut self, key: Key) -> Option<&mut SocketIo> {
        match &mut self.get(key)?.outlet {
            Outlet::SocketIo(socket) => Some(socket),
            _ => None,
        }
    }
}
